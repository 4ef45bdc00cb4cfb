/** Reads what a server is expected to allow and to refuse, and compares it with what it does. */

import { didYouMean, nearestNames } from "../command-line.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { explanations, type FailureCode } from "./explanations.ts";
import { JsonError, readJson } from "./json-text.ts";
import { type PageRequest, PageRequestError, readOriginOfPage, readPage, readUrl } from "./page-request.ts";

/** One call and its expected outcome. */
export interface ExpectedCase {
  /** Where it stands in the file, such as `cases[2]`. */
  readonly path: string;
  /** For people: from the file, or made of the call. */
  readonly name: string;
  readonly page: PageRequest;
  /** Whether only the preflight is sent. */
  readonly preflightOnly: boolean;
  readonly expect: "allowed" | "refused";
  /** The code of the refusal; null for any by which the server answers. */
  readonly failure: FailureCode | null;
  /** The status that the page reads; null for any. */
  readonly status: number | null;
  /** The headers that the page must be able to read. */
  readonly readable: readonly string[];
  /** The value of Access-Control-Max-Age; null for any. */
  readonly maxAge: number | null;
}

/** A file with mistakes, all of which the message lists with their JSON paths. */
export class ExpectationsError extends Error {
  override readonly name = "ExpectationsError";
}

const fileMembers = ["$schema", "url", "cases"];
const caseMembers = [
  ...["name", "url", "origin", "method", "headers", "body", "credentials", "preflightOnly"],
  ...["expect", "failure", "status", "readable", "maxAge"],
];

const casesMax = 10_000;

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads an expectations file; a case with several origins becomes several.
 *
 * @param base the URL of the command line, which takes the place of that of the file.
 * @throws ExpectationsError
 */
export function readExpectations(text: string, base: URL | null): ExpectedCase[] {
  const reader = new Reader();
  const document = parse(text);
  reader.checkMembers("", document, fileMembers);
  const fileUrl = reader.text(document, "", "url");
  const ownBase = fileUrl === null ? null : reader.attempt("url", () => readUrl(fileUrl));
  const cases = reader.list(document, "", "cases") ?? [];
  if (document["cases"] === undefined) reader.mistake("cases", "is missing: list at least one case");
  else if (cases.length === 0) reader.mistake("cases", "must have at least one case");
  const read =
    cases.length > casesMax
      ? []
      : cases.flatMap((each, index) => readCase(reader, each, `cases[${index}]`, base ?? ownBase));
  if (cases.length > casesMax)
    reader.mistake("cases", `has ${cases.length} cases, and at most ${casesMax} are allowed`);
  reader.finish();
  return read;
}

function parse(text: string): Members {
  try {
    const document = readJson(text);
    if (isObject(document)) return document;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new ExpectationsError(`the file is not JSON: ${error.message}`);
  }
  throw new ExpectationsError('the file must hold an object: {"url": "...", "cases": [...]}');
}

function readCase(reader: Reader, value: unknown, path: string, base: URL | null): ExpectedCase[] {
  if (!isObject(value)) {
    reader.mistake(path, "must be an object with origin and expect");
    return [];
  }
  reader.checkMembers(path, value, caseMembers);
  const url = readCaseUrl(reader, value, path, base);
  const origins = typeof value["origin"] === "string" ? [value["origin"]] : reader.texts(value, path, "origin");
  if (value["origin"] === undefined)
    reader.mistake(`${path}.origin`, "is missing: write the origin of the page, or a list");
  const expect = value["expect"];
  if (expect !== "allowed" && expect !== "refused") reader.mistake(`${path}.expect`, 'must be "allowed" or "refused"');
  const failure = readFailure(reader, value, path);
  const [status, maxAge] = [reader.count(value, path, "status"), reader.count(value, path, "maxAge")];
  const readable = reader.texts(value, path, "readable") ?? [];
  if (failure !== null && expect === "allowed") reader.mistake(`${path}.failure`, 'needs "expect": "refused"');
  if (expect === "refused") {
    for (const name of ["status", "readable", "maxAge"]) {
      if (value[name] !== undefined) reader.mistake(`${path}.${name}`, 'needs "expect": "allowed"');
    }
  }
  const preflightOnly = reader.flag(value, path, "preflightOnly");
  if (preflightOnly) {
    for (const name of ["status", "readable"]) {
      if (value[name] !== undefined)
        reader.mistake(`${path}.${name}`, "needs the reply to the call: leave out preflightOnly");
    }
  }
  const [method, body] = [reader.text(value, path, "method"), reader.text(value, path, "body")];
  const headers = reader.texts(value, path, "headers");
  const credentials = reader.flag(value, path, "credentials");
  const name = reader.text(value, path, "name");
  return (origins ?? []).flatMap((text): ExpectedCase[] => {
    const origin = reader.attempt(`${path}.origin`, () => readOriginOfPage(text));
    const rest = reader.attempt(path, () => readPage({ method: method ?? "POST", headers, body, credentials }));
    if (origin === null || rest === null || url === null || (expect !== "allowed" && expect !== "refused")) return [];
    const page = { ...rest, url, origin };
    const own = name === null || (origins ?? []).length > 1 ? [`${page.method} ${url.href} from ${origin}`] : [];
    return [
      {
        path,
        name: [...(name === null ? [] : [name]), ...own].join(": "),
        page,
        preflightOnly,
        expect,
        failure,
        status,
        readable: readable.map((each) => each.toLowerCase()),
        maxAge,
      },
    ];
  });
}

/** A case can have a path, which is appended to the origin of the base. */
function readCaseUrl(reader: Reader, value: Members, path: string, base: URL | null): URL | null {
  const text = reader.text(value, path, "url");
  if (text === null) {
    if (base === null && value["url"] === undefined)
      reader.mistake(`${path}.url`, "is missing, and neither the file nor the command line has a url");
    return base;
  }
  // Two slashes would begin another host.
  const absolute = base !== null && /^\/(?![/\\])/.test(text) ? new URL(text, base).href : text;
  return reader.attempt(`${path}.url`, () => readUrl(absolute));
}

function readFailure(reader: Reader, value: Members, path: string): FailureCode | null {
  const text = reader.text(value, path, "failure");
  if (text === null || isCode(text)) return text;
  const near = didYouMean(nearestNames(text, Object.keys(explanations)));
  reader.mistake(
    `${path}.failure`,
    `is ${JSON.stringify(text)}, which is no code of a failure${near || "; docs/doctor.md lists them"}`,
  );
  return null;
}

function isCode(text: string): text is FailureCode {
  return Object.hasOwn(explanations, text);
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Collects all mistakes of a file. */
class Reader {
  readonly #mistakes: string[] = [];

  mistake(path: string, text: string): void {
    const line = `${path} ${text}`;
    if (!this.#mistakes.includes(line)) this.#mistakes.push(line);
  }

  /** @throws ExpectationsError if there are mistakes. */
  finish(): void {
    const [first, ...more] = this.#mistakes;
    if (first !== undefined) throw new ExpectationsError([first, ...more].slice(0, 20).join("\n"));
  }

  checkMembers(path: string, value: Members, known: readonly string[]): void {
    for (const name of Object.keys(value)) {
      if (!known.includes(name)) {
        const near = didYouMean(nearestNames(name, known)) || `; there are ${known.join(", ")}`;
        this.mistake(join(path, name), `is not known${near}`);
      }
    }
  }

  attempt<Result>(path: string, read: () => Result): Result | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof PageRequestError)) throw error;
      this.mistake(path, `is not possible: ${error.message}`);
      return null;
    }
  }

  text(value: Members, path: string, name: string): string | null {
    const found = value[name];
    if (typeof found === "string") return found;
    if (found !== undefined) this.mistake(join(path, name), "must be a string");
    return null;
  }

  flag(value: Members, path: string, name: string): boolean {
    const found = value[name];
    if (found !== undefined && typeof found !== "boolean") this.mistake(join(path, name), "must be true or false");
    return found === true;
  }

  count(value: Members, path: string, name: string): number | null {
    const found = value[name];
    if (Number.isSafeInteger(found) && Number(found) >= 0) return Number(found);
    if (found !== undefined) this.mistake(join(path, name), "must be a whole number, 0 or more");
    return null;
  }

  list(value: Members, path: string, name: string): readonly unknown[] | null {
    const found = value[name];
    if (Array.isArray(found)) return found;
    if (found !== undefined) this.mistake(join(path, name), "must be an array");
    return null;
  }

  texts(value: Members, path: string, name: string): string[] | null {
    const found = this.list(value, path, name);
    if (found === null) return null;
    const texts = found.filter((each) => typeof each === "string");
    if (texts.length < found.length) this.mistake(join(path, name), "must be an array of strings");
    if (name === "origin" && found.length === 0) this.mistake(join(path, name), "must name at least one origin");
    return texts;
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** The failures that say nothing of the server's policy: it was not asked, or did not answer. */
const withoutAnswer: ReadonlySet<FailureCode> = new Set<FailureCode>([
  ...(["mixed_content", "blocked_port"] as const),
  ...(["local_network_insecure_page", "local_network_denied", "address_space_mismatch"] as const),
  ...(["host_not_found", "connection_refused", "tls_failed", "timed_out"] as const),
  ...(["not_http", "empty_response", "connection_failed"] as const),
]);

/** Says in what the outcome differs from what is expected; empty if in nothing. */
export function compareWith(expected: ExpectedCase, diagnosis: Diagnosis): string[] {
  const { failure, reply, preflightCache } = diagnosis;
  if (failure !== null) {
    if (expected.failure !== null)
      return failure.code === expected.failure ? [] : [`expected ${expected.failure}, but it is ${failure.code}`];
    // Otherwise every refusal would be as expected while the server is down.
    if (withoutAnswer.has(failure.code))
      return [`expected an answer of the server, but there is none: ${failure.code}`];
    return expected.expect === "refused" ? [] : [`expected allowed, but it is refused: ${failure.code}`];
  }
  if (expected.expect === "refused") return [`expected ${expected.failure ?? "refused"}, but it is allowed`];
  const differences: string[] = [];
  if (expected.status !== null && reply !== null && reply.status !== expected.status) {
    differences.push(`expected the status ${expected.status}, but it is ${reply.status}`);
  }
  const missing = reply === null ? [] : expected.readable.filter((name) => !reply.readable.includes(name));
  for (const name of missing) {
    const why = reply?.hidden.includes(name)
      ? "Access-Control-Expose-Headers does not list it"
      : "the reply does not have it";
    differences.push(`expected that the page reads ${name}, but ${why}`);
  }
  if (expected.maxAge !== null && preflightCache?.maxAge !== String(expected.maxAge)) {
    const seen = preflightCache === null ? "there is no preflight" : `it is ${preflightCache.maxAge ?? "missing"}`;
    differences.push(`expected Access-Control-Max-Age ${expected.maxAge}, but ${seen}`);
  }
  return differences;
}
