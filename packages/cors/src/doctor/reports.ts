import { type FixLines, fixesFor, frameworksOf } from "./advice.ts";
import type { Header } from "./checks.ts";
import { consoleLines } from "./consoles.ts";
import type { Diagnosis, Exchange, Failure, Step } from "./diagnosis.ts";
import { explainFailure, type FailureCode } from "./explanations.ts";
import { type FrameworkId, frameworks, titleOf } from "./fixes/index.ts";

/** Longer texts from servers are cut. */
const lengthMax = 400;

/** Makes text from a server harmless to a terminal, and short. */
export function printable(text: string): string {
  const visible = escapeControls(text);
  return visible.length <= lengthMax ? visible : `${visible.slice(0, lengthMax)}... (${visible.length} characters)`;
}

function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those drive a terminal; the rest of them reorder or break lines
  return text.replace(/[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, "0")}`;
  });
}

/** The same for a message of several lines. */
export function printableLines(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}

/** Such as x-api-key, x-csrf-token and x-amz-security-token. */
const secretHeader =
  /(?:^|-)(?:token|secret|password|session|csrf|xsrf|signature|auth|cookie2?)(?:-|$)|api-?key|csrftoken/i;

/** Removes secrets, because reports are pasted into tickets. Only the scheme of a token stays. */
export function withoutSecrets(headers: readonly Header[]): Header[] {
  return headers.map(([name, value]): Header => {
    // Some clients send the token alone, without a scheme.
    const scheme = /^[\w-]+(?=\s)/.exec(value)?.[0];
    if (/^(?:proxy-)?authorization$/i.test(name)) return [name, scheme === undefined ? "..." : `${scheme} ...`];
    return [name, secretHeader.test(name) ? "..." : value];
  });
}

/** The diagnosis for machines, in the form of docs/doctor.md. */
export function renderJson(diagnosis: Diagnosis, notes: readonly string[]): string {
  const { page, allowed, crossOrigin, preflightCache, reply, permissions, cookies } = diagnosis;
  const document = {
    version: 1,
    allowed,
    crossOrigin,
    request: {
      url: page.url.href,
      origin: page.origin,
      method: page.method,
      headers: withoutSecrets(page.headers),
      credentials: page.credentials,
      ...(page.targetAddressSpace !== undefined && { targetAddressSpace: page.targetAddressSpace }),
    },
    pageAddressSpace: diagnosis.place.space,
    permissions,
    cookies: cookies.map(({ name, problems, thirdParty, partitioned, expires }) => {
      const isKept = problems.length === 0;
      return { name, stored: isKept && !expires, deleted: isKept && expires, problems, thirdParty, partitioned };
    }),
    steps: diagnosis.steps.map(printStep),
    failure: printFailure(diagnosis),
    preflightCache,
    reply,
    notes,
  };
  return JSON.stringify(document, null, 2);
}

/** The mistakes of an environment in which the server would not start, for machines. */
export function renderMistakes(mistakes: readonly string[]): string {
  return JSON.stringify({ version: 1, allowed: false, mistakes }, null, 2);
}

function printStep({ name, result, text, rule, exchange }: Step) {
  return { name, result, text, rule, ...(exchange !== null && printExchange(exchange)) };
}

function printExchange({ request, response }: Exchange) {
  const { method, url, origin } = request;
  const headers = withoutSecrets(request.headers);
  if (origin !== null) headers.push(["origin", origin]);
  return {
    request: { method, url: url.href, headers },
    response: response === null ? null : { status: response.status, headers: withoutSecrets(response.headers) },
  };
}

export function printFailure(diagnosis: Diagnosis) {
  const { failure } = diagnosis;
  if (failure === null) return null;
  const { code, stage, url, status, value, hint } = failure;
  return {
    code,
    stage,
    url,
    status,
    value,
    hint,
    meaning: explainFailure(code).meaning,
    alsoWrong: failure.findings.slice(1).map((finding) => finding.code),
    consoles: consoleLines(diagnosis),
    fixes: fixesFor(diagnosis),
  };
}

/** How to begin and to end a style in a terminal: https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters */
const styles = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  red: [31, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Paint = (style: keyof typeof styles, text: string) => string;

export function createPaint(colours: boolean): Paint {
  return (style, text) => {
    const [begin, end] = styles[style];
    return colours ? `\x1b[${begin}m${text}\x1b[${end}m` : text;
  };
}

/** The response headers that matter to CORS. */
export const shownHeaders = /^(access-control-.*|vary|location|www-authenticate)$/i;

/** Headers that no page needs to read, or none may read. */
const uninteresting = /^(access-control-.*|connection|keep-alive|transfer-encoding|vary|set-cookie2?)$/;

const signs = { passed: "✓", failed: "✗", note: "!" } as const;
const signColours = { passed: "green", failed: "red", note: "yellow" } as const;

/** How to print a diagnosis for people. */
export interface TextOptions {
  readonly colours: boolean;
  /** Whose fixes to print. Default: those of the server that answered, as far as its headers name it. */
  readonly frameworks?: readonly FrameworkId[] | null;
}

/** The diagnosis for people, in a terminal; without a line feed at the end. */
export function renderText(
  diagnosis: Diagnosis,
  notes: readonly string[],
  { colours, frameworks = null }: TextOptions,
): string {
  const paint = createPaint(colours);
  const lines = [
    ...renderHeading(diagnosis, paint),
    "",
    ...diagnosis.steps.flatMap((step) => renderStep(step, paint)),
    ...notes.map((note) => `${paint("yellow", signs.note)} ${printable(note)}`),
    "",
    ...renderVerdict(diagnosis, frameworks, paint),
  ];
  return lines.join("\n");
}

function renderHeading({ page }: Diagnosis, paint: Paint): string[] {
  const names = page.headers.map(([name]) => name).join(", ");
  const credentials = page.credentials === "include" ? ", credentials included" : "";
  return [
    `${paint("bold", `${page.method} ${page.url.href}`)}`,
    `from a page on ${paint("bold", page.origin)}, ${names === "" ? "no headers" : `headers ${names}`}${credentials}`,
  ];
}

function renderStep({ result, text, exchange }: Step, paint: Paint): string[] {
  const line = `${paint(signColours[result], signs[result])} ${printable(text)}`;
  return exchange === null ? [line] : ["", line, ...renderExchange(exchange, paint)];
}

function renderExchange({ request, response }: Exchange, paint: Paint): string[] {
  const asked: Header[] = request.origin === null ? [] : [["origin", request.origin]];
  if (request.kind === "preflight") asked.push(...request.headers);
  const answered = (response?.headers ?? []).filter(([name]) => shownHeaders.test(name));
  const print = (arrow: string, headers: readonly Header[]): string[] =>
    headers.map(([name, value]) => paint("dim", `    ${arrow} ${printable(`${name.toLowerCase()}: ${value}`)}`));
  return [...print(">", asked), ...print("<", answered)];
}
export function renderVerdict(diagnosis: Diagnosis, asked: readonly FrameworkId[] | null, paint: Paint): string[] {
  const { failure, reply, preflightCache, cookies } = diagnosis;
  const verdict = paint("bold", verdictOf(diagnosis));
  if (failure === null) {
    const lines = [paint(awaitedPermissions(diagnosis).length === 0 ? "green" : "yellow", verdict)];
    if (reply !== null && reply.status >= 400) {
      lines.push(`The page reads the reply, which is the error ${reply.status}: that is not a CORS problem.`);
    }
    const lost = cookies.filter(({ problems, expires }) => problems.length > 0 && !expires).map(({ name }) => name);
    if (lost.length > 0) lines.push(`Not stored, so the page's next calls lack them: ${printable(lost.join(", "))}.`);
    if (reply === null && preflightCache !== null) lines.push("The actual request was not sent.");
    const worthNaming = (reply?.hidden ?? []).filter((name) => !uninteresting.test(name));
    if (worthNaming.length > 0) {
      const hidden = printable(worthNaming.join(", "));
      lines.push(paint("dim", `Hidden from the page, unless Access-Control-Expose-Headers lists them: ${hidden}`));
    }
    return lines;
  }
  return [
    paint("red", verdict),
    explainFailure(failure.code).meaning,
    ...(failure.hint === null ? [] : [`Hint: ${printable(failure.hint)}.`]),
    ...renderConsoles(diagnosis, paint),
    ...renderFixes(diagnosis, asked, paint),
  ];
}

/** The failures for which the browser sends nothing. */
const neverSent: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "mixed_content",
  "blocked_port",
  "local_network_insecure_page",
  "local_network_denied",
  "address_space_mismatch",
]);

/** One line. */
export function verdictOf(diagnosis: Diagnosis): string {
  const { failure, crossOrigin } = diagnosis;
  if (failure !== null) return verdictOfFailure(failure);
  const awaited = awaitedPermissions(diagnosis);
  if (awaited.length > 0) return `ALLOWED IF THE USER AGREES: Chrome asks for ${awaited.join(" and ")}.`;
  return crossOrigin ? "ALLOWED: the browser lets the page continue." : "ALLOWED: CORS does not apply here.";
}

function awaitedPermissions({ permissions }: Diagnosis): string[] {
  return permissions.filter(({ state }) => state === "prompt").map(({ name }) => name);
}

function verdictOfFailure({ code, stage, status }: Failure): string {
  if (neverSent.has(code)) return `BLOCKED before it is sent: ${code}`;
  if (code === "invalid_response") return `BLOCKED by the ${stage}: ${code}`;
  return status === null ? `NO ANSWER: ${code}` : `BLOCKED by the ${stage}: ${code}`;
}

function renderConsoles(diagnosis: Diagnosis, paint: Paint): string[] {
  const lines = consoleLines(diagnosis);
  if (lines === null) return [];
  const nothing = "(nothing: it still accepts this)";
  return [
    "",
    paint("bold", "The console says"),
    ...renderPair("Chrome", lines.chrome ?? nothing, paint),
    ...renderPair("Firefox", lines.firefox, paint),
    ...renderPair("Safari", lines.safari ?? nothing, paint),
  ];
}

export function renderFixes(diagnosis: Diagnosis, asked: readonly FrameworkId[] | null, paint: Paint): string[] {
  const fixes = fixesFor(diagnosis);
  if (fixes === null) return [];
  const { ids, recognised } = asked === null ? frameworksOf(diagnosis) : { ids: asked, recognised: false };
  const groups = groupByText(ids, fixes);
  const [first] = groups;
  if (first !== undefined && groups.length === 1 && first.ids.length > 1 && !first.text.includes("\n")) {
    return ["", `${paint("bold", "How to fix it")}: ${escapeControls(first.text)}`];
  }
  const blocks = groups.flatMap((group) => [
    `  ${paint("cyan", headingOf(group.ids, groups.length))}`,
    ...group.text.split("\n").map((line) => `    ${escapeControls(line)}`),
  ]);
  return ["", paint("bold", "How to fix it"), ...blocks, ...hintAtFrameworks(asked, recognised, groups, paint)];
}

/** Only where the framework makes a difference. */
function hintAtFrameworks(
  asked: readonly FrameworkId[] | null,
  recognised: boolean,
  groups: readonly FixGroup[],
  paint: Paint,
): string[] {
  if (asked !== null || groups.some(({ ids }) => ids.length > 1)) return [];
  const hint = recognised
    ? "The headers of the reply name what answered; --framework NAME prints the fix for something else."
    : "--framework NAME prints the fix for another one, such as fastify, spring, django or caddy.";
  return [paint("dim", `  ${hint}`)];
}

interface FixGroup {
  readonly ids: readonly FrameworkId[];
  readonly text: string;
}

/** Frameworks with the same fix, in the order of the first of each. */
function groupByText(ids: readonly FrameworkId[], fixes: FixLines): FixGroup[] {
  const groups = new Map<string, FrameworkId[]>();
  for (const id of new Set(ids)) {
    const text = fixes[id].join("\n");
    groups.set(text, [...(groups.get(text) ?? []), id]);
  }
  return [...groups].map(([text, members]) => ({ text, ids: members }));
}

function headingOf(ids: readonly FrameworkId[], groupCount: number): string {
  const [id] = ids;
  // Our own service alone has words of its own.
  if (id === undefined || (ids.length > 1 && groupCount === 2)) return "other servers";
  if (ids.length > 1) return ids.map((each) => frameworks[each].name).join(", ");
  return titleOf(id);
}

function renderPair(name: string, text: string, paint: Paint): string[] {
  const [first = "", ...rest] = text.split("\n").map(printable);
  const indent = " ".repeat(18);
  return [`  ${paint("cyan", name.padEnd(16))}${first}`, ...rest.map((line) => `${indent}${line}`)];
}

/** Whether to print colours: on a terminal that has them, unless NO_COLOR is set (https://no-color.org). */
export function wantsColours(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): boolean {
  const { NO_COLOR: noColor = "", TERM: term } = environment;
  return isTerminal && noColor === "" && term !== "dumb";
}
