import { styleText } from "node:util";
import { consoleLines, curesFor } from "./consoles.ts";
import type { Diagnosis, Exchange, Failure, Step } from "./diagnosis.ts";
import { explainFailure } from "./explanations.ts";
import type { Header } from "./header-list.ts";
import { printable } from "./printable.ts";

/** How the report looks. */
export interface TextOptions {
  readonly colours: boolean;
}

type Paint = (style: "bold" | "dim" | "green" | "red" | "yellow" | "cyan", text: string) => string;

/** What of a response has to do with CORS. */
const shownHeaders = /^(access-control-.*|vary|location|www-authenticate)$/i;

/** Headers that no page wants to read, or none may. */
const uninteresting = /^(access-control-.*|connection|keep-alive|transfer-encoding|vary|set-cookie2?)$/;

const signs = { passed: "✓", failed: "✗", note: "!" } as const;
const signColours = { passed: "green", failed: "red", note: "yellow" } as const;

/** The diagnosis for a person in front of a terminal; ends without a line feed. */
export function renderText(diagnosis: Diagnosis, notes: readonly string[], options: TextOptions): string {
  const paint: Paint = (style, text) => (options.colours ? styleText(style, text, { validateStream: false }) : text);
  const lines = [
    ...renderHeading(diagnosis, paint),
    "",
    ...diagnosis.steps.flatMap((step) => renderStep(step, paint)),
    ...notes.map((note) => `${paint("yellow", signs.note)} ${printable(note)}`),
    "",
    ...renderVerdict(diagnosis, paint),
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

function renderVerdict(diagnosis: Diagnosis, paint: Paint): string[] {
  const { failure, crossOrigin, reply, preflightCache } = diagnosis;
  if (failure === null) {
    const verdict = crossOrigin ? "ALLOWED: the browser lets the page go on." : "ALLOWED: CORS has no say here.";
    const lines = [paint("green", paint("bold", verdict))];
    if (reply !== null && reply.status >= 400) {
      lines.push(`The page reads the reply, which is the error ${reply.status}: that is no matter of CORS.`);
    }
    if (reply === null && preflightCache !== null) lines.push("The actual request was not sent.");
    const worthNaming = (reply?.hidden ?? []).filter((name) => !uninteresting.test(name));
    if (worthNaming.length > 0) {
      const hidden = printable(worthNaming.join(", "));
      lines.push(paint("dim", `Hidden from the page, unless Access-Control-Expose-Headers names them: ${hidden}`));
    }
    return lines;
  }
  const verdict = verdictOf(failure);
  return [
    paint("red", paint("bold", verdict)),
    explainFailure(failure.code).meaning,
    ...(failure.hint === null ? [] : [`Hint: ${printable(failure.hint)}.`]),
    ...renderConsoles(diagnosis, paint),
    ...renderCures(diagnosis, paint),
  ];
}

function verdictOf({ code, stage, status }: Failure): string {
  if (code === "mixed_content" || code === "blocked_port") return `BLOCKED before it is sent: ${code}`;
  if (code === "invalid_response") return `BLOCKED by the ${stage}: ${code}`;
  return status === null ? `NO ANSWER: ${code}` : `BLOCKED by the ${stage}: ${code}`;
}

function renderConsoles(diagnosis: Diagnosis, paint: Paint): string[] {
  const lines = consoleLines(diagnosis);
  if (lines === null) return [];
  const nothing = "(nothing: it lets this pass for now)";
  return [
    "",
    paint("bold", "The console says"),
    ...renderPair("Chrome", lines.chrome ?? nothing, paint),
    ...renderPair("Firefox", lines.firefox, paint),
    ...renderPair("Safari", lines.safari ?? nothing, paint),
  ];
}

function renderCures(diagnosis: Diagnosis, paint: Paint): string[] {
  const cures = curesFor(diagnosis);
  if (cures === null) return [];
  const servers = [
    ["finance-service", cures.financeService],
    ["Express cors", cures.expressCors],
    ["rs/cors (Go)", cures.rsCors],
    ["nginx", cures.nginx],
  ] as const;
  const [ours = "", express = "", ...others] = servers.map(([, lines]) => lines.join("\n"));
  const othersAgree = others.every((text) => text === express);
  if (othersAgree && ours === express) return ["", `${paint("bold", "How to fix it")}: ${printable(ours)}`];
  const pairs = othersAgree
    ? [...renderPair("finance-service", ours, paint), ...renderPair("other servers", express, paint)]
    : servers.flatMap(([name, lines]) => renderPair(name, lines.join("\n"), paint));
  return ["", paint("bold", "How to fix it"), ...pairs];
}

function renderPair(name: string, text: string, paint: Paint): string[] {
  const [first = "", ...rest] = text.split("\n").map(printable);
  const indent = " ".repeat(18);
  return [`  ${paint("cyan", name.padEnd(16))}${first}`, ...rest.map((line) => `${indent}${line}`)];
}

/** Whether to colour: a terminal that can, and nobody against it (https://no-color.org). */
export function wantsColours(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): boolean {
  const { NO_COLOR: noColor = "", TERM: term } = environment;
  return isTerminal && noColor === "" && term !== "dumb";
}
