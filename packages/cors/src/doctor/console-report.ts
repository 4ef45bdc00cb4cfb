/** Reports on a pasted text of a console. */

import { fixesFor } from "./advice.ts";
import type { ConsoleMessage } from "./console-text.ts";
import { explainFailure } from "./explanations.ts";
import { createPaint, type Paint, printable, printableLines, renderFixes, type TextOptions } from "./reports.ts";

const browserNames = { chrome: "Chrome", firefox: "Firefox", safari: "Safari" } as const;

const knownForms = [
  "Chrome:  Access to fetch at '...' from origin '...' has been blocked by CORS policy: ...",
  "Firefox: Cross-Origin Request Blocked: The Same Origin Policy disallows reading ... (Reason: ...).",
  "Safari:  Origin ... is not allowed by Access-Control-Allow-Origin. Status code: ...",
  "         Fetch API cannot load ... due to access control checks.",
  "and      GET https://... net::ERR_...",
];

/** For machines, in the form of docs/doctor.md. */
export function renderMessagesJson(messages: readonly ConsoleMessage[]): string {
  const printed = messages.map(({ browser, text, facts, causes, note, check }) => ({
    browser,
    text,
    facts,
    causes: causes.map(({ code, diagnosis }) => ({
      code,
      meaning: explainFailure(code).meaning,
      hint: diagnosis.failure?.hint ?? null,
      fixes: fixesFor(diagnosis),
    })),
    note,
    check,
  }));
  return JSON.stringify({ version: 1, messages: printed }, null, 2);
}

/** For people; without a line feed at the end. `command` is how people call the doctor. */
export function renderMessages(
  messages: readonly ConsoleMessage[],
  command: string,
  { colours, frameworks = null }: TextOptions,
): string {
  if (messages.length === 0) {
    return [
      "No line of a browser's console is recognised in this text. The known forms are",
      ...knownForms.map((form) => `  ${form}`),
    ].join("\n");
  }
  const paint = createPaint(colours);
  return messages.map((message) => renderMessage(message, command, frameworks, paint).join("\n")).join("\n\n");
}

function renderMessage(
  message: ConsoleMessage,
  command: string,
  frameworks: TextOptions["frameworks"],
  paint: Paint,
): string[] {
  const { browser, text, causes, note, check } = message;
  const [first, ...others] = causes;
  const lines = [paint("bold", `${browserNames[browser]} says: ${printable(text)}`), ...renderFacts(message)];
  if (first !== undefined) {
    const { hint } = first.diagnosis.failure ?? { hint: null };
    lines.push("", `${paint("red", first.code)}: ${explainFailure(first.code).meaning}`);
    if (hint !== null) lines.push(`Hint: ${printable(hint)}.`);
  }
  if (note !== null) lines.push("", note);
  if (others.length > 0) {
    lines.push("", "It prints the same line for");
    lines.push(...others.map(({ code }) => `  ${code}: ${explainFailure(code).meaning}`));
  }
  if (first !== undefined) lines.push(...renderFixes(first.diagnosis, frameworks ?? null, paint));
  if (check !== null)
    lines.push(
      "",
      paint("bold", "To check it live"),
      `  ${command} ${printableLines(check.map(quoteForShell).join(" "))}`,
    );
  return lines;
}

function renderFacts({ facts }: ConsoleMessage): string[] {
  const { url, origin, redirectedFrom, resource, preflight, method, status, value } = facts;
  const known = [
    ["URL", url],
    ["redirected from", redirectedFrom],
    ["origin of the page", origin],
    ["asked by", resource],
    ["method", method],
    ["status", status === null ? null : String(status)],
    ["value", value],
    ["refused", preflight ? "the preflight" : null],
  ] as const;
  const lines = known.flatMap(([name, text]) =>
    text === null ? [] : [`  ${name}: ${printable(text === "" ? "empty" : text)}`],
  );
  const unsaid = [...(url === null ? ["the URL"] : []), ...(origin === null ? ["the origin of the page"] : [])];
  return unsaid.length === 0
    ? lines
    : [...lines, `  It does not say ${unsaid.join(" or ")}: examples stand for it below.`];
}

/** For POSIX shells. */
function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
