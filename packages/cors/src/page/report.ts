/** Shows verdicts: what is wrong, how to fix it, what the consoles print, and each step of a browser. */

import { fixesFor, frameworksOf } from "../doctor/advice.ts";
import type { Header } from "../doctor/checks.ts";
import type { ConsoleMessage } from "../doctor/console-text.ts";
import { consoleLines } from "../doctor/consoles.ts";
import type { Diagnosis, Step } from "../doctor/diagnosis.ts";
import { explainFailure } from "../doctor/explanations.ts";
import { type FrameworkId, frameworkIds, frameworks, titleOf } from "../doctor/fixes/index.ts";
import type { HarReport, JudgedCall } from "../doctor/recorded-calls.ts";
import { printable, shownHeaders, verdictOf, withoutSecrets } from "../doctor/reports.ts";
import { copyable, element } from "./elements.ts";
import type { PastedVerdict } from "./pasted-call.ts";

/** The frameworks to choose from. */
export const frameworkNames: readonly (readonly [id: FrameworkId, name: string])[] = frameworkIds.map((id) => [
  id,
  frameworks[id].name,
]);

/** More would only make the page slow. */
const shownMax = 100;

/** The verdict on pasted heads. */
export function showPasted({ diagnosis, missing }: PastedVerdict, framework: FrameworkId | null): HTMLElement[] {
  const more =
    missing === null
      ? []
      : [element("article", { class: "note" }, element("p", {}, missing.what), copyable(missing.command))];
  return diagnosis === null ? more : [showDiagnosis(diagnosis, framework, null, missing !== null), ...more];
}

const browsers = { chrome: "Chrome", firefox: "Firefox", safari: "Safari" } as const;

/** What lines of a console mean. */
export function showMessages(messages: readonly ConsoleMessage[], framework: FrameworkId | null): HTMLElement[] {
  return messages
    .slice(0, shownMax)
    .map(({ browser, text, causes, note }) =>
      element(
        "article",
        { class: causes.length > 0 ? "wrong" : "note" },
        element(
          "h2",
          {},
          causes.length > 1 ? `${browsers[browser]} says this in one of several cases` : `${browsers[browser]} says`,
        ),
        element("blockquote", {}, printable(text)),
        note === null ? null : element("p", {}, note),
        ...causes.flatMap(({ code, diagnosis }) => [
          element("p", {}, element("strong", {}, code), ` ${explainFailure(code).meaning}`),
          hintOf(diagnosis),
          ...showFix(diagnosis, framework),
        ]),
      ),
    );
}

function hintOf({ failure }: Diagnosis): HTMLElement | null {
  return failure?.hint == null ? null : element("p", {}, `Hint: ${printable(failure.hint)}.`);
}

/** The verdicts on a recorded session, the failures first. */
export function showHar({ calls, failures, othersCount }: HarReport, framework: FrameworkId | null): HTMLElement[] {
  const of = (verdict: JudgedCall["verdict"]) => calls.filter((call) => call.verdict === verdict);
  const counts = [
    [of("blocked").length, "blocked"],
    [of("unknown").length, "unknown"],
    [of("allowed").length, "allowed"],
    [othersCount, "that need no permission"],
  ] as const;
  const summary = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [
    element("p", { class: "summary" }, `Calls in this recording: ${summary.join(", ") || "none"}.`),
    ...failures.slice(0, shownMax).flatMap((group) => {
      const [first] = group;
      return first?.diagnosis == null ? [] : [showDiagnosis(first.diagnosis, framework, group, false)];
    }),
    ...showList("Unknown", of("unknown"), true),
    ...showList("Allowed", of("allowed"), false),
  ];
}

function showList(title: string, calls: readonly JudgedCall[], isOpen: boolean): HTMLElement[] {
  if (calls.length === 0) return [];
  const items = calls.slice(0, shownMax).map((call) => {
    return element("li", {}, element("code", {}, callOf(call)), ` ${call.remarks.map(printable).join(" ")}`);
  });
  const list = element("ul", { class: "calls" }, ...items, leftOut(calls.length));
  return [element("details", isOpen ? { open: "" } : {}, element("summary", {}, `${title}: ${calls.length}`), list)];
}

function leftOut(count: number): HTMLElement | null {
  return count <= shownMax ? null : element("li", {}, `and ${count - shownMax} more`);
}

function callOf({ method, url, status }: JudgedCall): string {
  return printable(`${method} ${url}${status === null ? "" : ` → ${status}`}`);
}

function showDiagnosis(
  diagnosis: Diagnosis,
  framework: FrameworkId | null,
  group: readonly JudgedCall[] | null,
  isPartial: boolean,
): HTMLElement {
  const { failure, page } = diagnosis;
  const calls =
    group === null || group.length < 2
      ? [
          element(
            "p",
            {},
            element("code", {}, printable(`${page.method} ${page.url.href}`)),
            ` from ${printable(page.origin)}`,
          ),
        ]
      : showList("Calls that fail in this way", group, false);
  const remarks = group?.[0]?.remarks ?? [];
  if (failure === null) {
    const verdict = isPartial ? "✓ Passed so far" : `✓ ${verdictOf(diagnosis)}`;
    return element("article", { class: "good" }, element("h2", {}, verdict), ...calls, showSteps(diagnosis));
  }
  return element(
    "article",
    { class: "wrong" },
    element("h2", {}, `✗ ${verdictOf(diagnosis)}`),
    ...calls,
    element("p", {}, explainFailure(failure.code).meaning),
    hintOf(diagnosis),
    ...remarks.map((remark) => element("p", { class: "muted" }, printable(remark))),
    ...showFix(diagnosis, framework),
    showConsoles(diagnosis),
    showSteps(diagnosis),
  );
}

/**
 * One fix for each framework, open if it is surely the right one.
 *
 * @param framework null: the server that answered, or else the usual ones.
 */
function showFix(diagnosis: Diagnosis, framework: FrameworkId | null): HTMLElement[] {
  const fixes = fixesFor(diagnosis);
  const { ids, recognised } = framework === null ? frameworksOf(diagnosis) : { ids: [framework], recognised: true };
  return ids.flatMap((id) => {
    const lines = fixes?.[id] ?? [];
    if (lines.length === 0) return [];
    const heading = element("summary", {}, element("h3", {}, `How to fix it: ${titleOf(id)}`));
    return [element("details", recognised ? { open: "" } : {}, heading, copyable(lines.join("\n")))];
  });
}

function showConsoles(diagnosis: Diagnosis): HTMLElement | null {
  const lines = consoleLines(diagnosis);
  if (lines === null) return null;
  const nothing = "(nothing: it still accepts this)";
  const pairs = [
    ["Chrome", lines.chrome ?? nothing],
    ["Firefox", lines.firefox],
    ["Safari", lines.safari ?? nothing],
  ] as const;
  const list = pairs.flatMap(([browser, text]) => [element("dt", {}, browser), element("dd", {}, text)]);
  return element("details", {}, element("summary", {}, "What the consoles print"), element("dl", {}, ...list));
}

const signs = { passed: "✓", failed: "✗", note: "!" } as const;
const words = { passed: "Passed: ", failed: "Failed: ", note: "Note: " } as const;

function showSteps({ steps }: Diagnosis): HTMLElement {
  const items = steps.map((step) =>
    element(
      "li",
      { class: step.result },
      element("span", { class: "mark", "aria-hidden": "true" }, signs[step.result]),
      element("span", { class: "unseen" }, words[step.result]),
      element("div", {}, printable(step.text), showExchange(step)),
    ),
  );
  return element("details", {}, element("summary", {}, "Every step of the browser"), element("ol", {}, ...items));
}

function showExchange({ exchange }: Step): HTMLElement | null {
  if (exchange === null) return null;
  const { request, response } = exchange;
  const asked: Header[] = request.origin === null ? [] : [["origin", request.origin]];
  if (request.kind === "preflight") asked.push(...request.headers);
  const answered = (response?.headers ?? []).filter(([name]) => shownHeaders.test(name));
  const print = (arrow: string, headers: readonly Header[]) =>
    withoutSecrets(headers).map(([name, value]) => printable(`${arrow} ${name.toLowerCase()}: ${value}`));
  return element("pre", {}, element("code", {}, [...print(">", asked), ...print("<", answered)].join("\n")));
}
