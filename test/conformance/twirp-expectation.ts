import { isUtf8 } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import type { WireResponse } from "./twirp-http.ts";

/** The outcome of a case. */
export interface Outcome {
  readonly response: WireResponse | undefined;
  /** `received`, `routed`, `prepared`, `sent` and `error:code`, as the hooks were called. */
  readonly hooks: readonly string[];
  /** The errors that the error hook saw. */
  readonly hookError:
    | { readonly code: string; readonly msg: string; readonly meta: Readonly<Record<string, string>> }
    | undefined;
}

type Check = (expected: unknown, outcome: Outcome, expectation: Expectation) => string | undefined;
type Expectation = Readonly<Record<string, unknown>>;

// Members that only explain.
const PROSE = new Set(["notes", "status_note"]);

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["status", (expected, { response }) => differ("status", expected, response?.status)],
  [
    "content_type",
    (expected, { response }) => differ("content-type", [expected], response?.headers.get("content-type")),
  ],
  ["body_includes", (expected, outcome) => includes("body", expected, jsonOf(outcome))],
  ["body_absent_keys", (expected, outcome) => absent("body", expected, jsonOf(outcome))],
  ["body_exact_keys", sameKeys],
  ["body_hex", (expected, { response }) => differ("body", expected, response?.body.toString("hex"))],
  ["body_empty", (_expected, { response }) => differ("body length", 0, response?.body.length)],
  ["body_text_contains", (expected, { response }) => contains("body", response?.body.toString(), expected)],
  ["body_valid_utf8_json", validJson],
  ["error", (expected, outcome) => errorDiffers(expected, outcome)],
  ["error_msg_length", (expected, outcome) => differ("msg length", expected, String(errorOf(outcome)["msg"]).length)],
  ["headers_present", (expected, { response }) => headersPresent(expected, response, true)],
  ["headers_absent", (expected, { response }) => headersPresent(expected, response, false)],
  ["headers_exact", (expected, { response }) => headersEqual(expected, response)],
  ["headers_multi", (expected, { response }) => headersEqual(expected, response)],
  ["hook_sequence", (expected, { hooks }) => differ("hooks", expected, hooks)],
  ["any_of", anyOf],
]);

/** Members of an expectation that no check here knows. */
export function unknownMembers(expectation: Expectation): readonly string[] {
  return Object.keys(expectation).filter((key) => !PROSE.has(key) && !CHECKS.has(key));
}

/** Whether an expectation has anything that can be checked. */
export function isCheckable(expectation: Expectation): boolean {
  return Object.keys(expectation).some((key) => CHECKS.has(key));
}

/** The differences between an outcome and its expectation. */
export function mismatches(expectation: Expectation, outcome: Outcome): readonly string[] {
  return Object.entries(expectation).flatMap(([key, expected]) => {
    const mismatch = CHECKS.get(key)?.(expected, outcome, expectation);
    return mismatch === undefined ? [] : [mismatch];
  });
}

function anyOf(alternatives: unknown, outcome: Outcome): string | undefined {
  const found = listOf(alternatives).map((alternative) => mismatches(recordOf(alternative), outcome));
  return found.some((list) => list.length === 0)
    ? undefined
    : `none of: ${found.map((list) => list.join("; ")).join(" | ")}`;
}

function errorDiffers(expected: unknown, outcome: Outcome): string | undefined {
  const error = errorOf(outcome);
  const found: (string | undefined)[] = [];
  for (const [key, value] of Object.entries(recordOf(expected))) {
    if (key === "code" || key === "msg") found.push(differ(key, value, error[key]));
    else if (key === "msg_contains") found.push(contains("msg", error["msg"], value));
    else if (key === "msg_not_contains") {
      if (String(error["msg"]).includes(String(value))) found.push(`msg contains ${JSON.stringify(value)}`);
    } else if (key === "meta") found.push(differ("meta", value, error["meta"]));
    else if (key === "meta_absent") found.push(value === true ? differ("meta", undefined, error["meta"]) : undefined);
    else if (key === "meta_keys") found.push(differ("meta keys", [...listOf(value)].sort(), keysOf(error["meta"])));
    else if (!PROSE.has(key)) found.push(`cannot check error.${key}`);
  }
  const mismatch = found.filter((text) => text !== undefined);
  return mismatch.length === 0 ? undefined : mismatch.join("; ");
}

// Once the client is gone, only the error hook sees the error.
function errorOf(outcome: Outcome): Expectation {
  return outcome.response === undefined ? { ...outcome.hookError } : recordOf(jsonOf(outcome));
}

function jsonOf({ response }: Outcome): unknown {
  try {
    return JSON.parse(response?.body.toString() ?? "");
  } catch {
    return undefined;
  }
}

function validJson(_expected: unknown, outcome: Outcome): string | undefined {
  const { response } = outcome;
  return response && isUtf8(response.body) && jsonOf(outcome) !== undefined ? undefined : "body is not JSON in UTF-8";
}

function includes(what: string, expected: unknown, actual: unknown): string | undefined {
  const found = recordOf(actual);
  if (actual !== found) return `${what}: expected an object, got ${show(actual)}`;
  const wrong = Object.entries(recordOf(expected)).filter(([key, value]) => !isDeepStrictEqual(found[key], value));
  if (wrong.length === 0) return undefined;
  return wrong.map(([key, value]) => `${what}.${key}: expected ${show(value)}, got ${show(found[key])}`).join("; ");
}

function absent(what: string, keys: unknown, actual: unknown): string | undefined {
  const present = listOf(keys).filter((key) => Object.hasOwn(recordOf(actual), String(key)));
  return present.length === 0 ? undefined : `${what} has ${present.join(", ")}`;
}

function sameKeys(_expected: unknown, outcome: Outcome, expectation: Expectation): string | undefined {
  return differ("keys", keysOf(expectation["body_includes"]), keysOf(jsonOf(outcome)));
}

function headersPresent(names: unknown, response: WireResponse | undefined, wanted: boolean): string | undefined {
  const wrong = listOf(names).filter((name) => response?.headers.has(String(name).toLowerCase()) !== wanted);
  return wrong.length === 0 ? undefined : `headers ${wanted ? "missing" : "present"}: ${wrong.join(", ")}`;
}

function headersEqual(expected: unknown, response: WireResponse | undefined): string | undefined {
  const wrong = Object.entries(recordOf(expected)).map(([name, lines]) =>
    differ(name, typeof lines === "string" ? [lines] : lines, response?.headers.get(name.toLowerCase())),
  );
  return wrong.find((mismatch) => mismatch !== undefined);
}

function contains(what: string, actual: unknown, part: unknown): string | undefined {
  return String(actual).includes(String(part))
    ? undefined
    : `${what}: expected ${show(part)} in it, got ${show(actual)}`;
}

function differ(what: string, expected: unknown, actual: unknown): string | undefined {
  return isDeepStrictEqual(actual, expected) ? undefined : `${what}: expected ${show(expected)}, got ${show(actual)}`;
}

function keysOf(value: unknown): readonly string[] {
  return Object.keys(recordOf(value)).sort();
}

function recordOf(value: unknown): Expectation {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Expectation {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
