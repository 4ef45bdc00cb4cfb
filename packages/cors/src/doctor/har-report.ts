/** Reports on the calls of a recording. */

import type { FrameworkId } from "./fixes/index.ts";
import type { Har } from "./har.ts";
import type { JunitCase } from "./junit.ts";
import type { HarReport, JudgedCall } from "./recorded-calls.ts";
import { createPaint, type Paint, printable, printFailure, renderVerdict, type TextOptions } from "./reports.ts";

/** For machines, in the form of docs/doctor.md. */
export function renderHarJson(har: Har, { calls, failures, othersCount }: HarReport): string {
  const numbers = new Map(failures.flatMap((group, index) => group.map((call) => [call, index] as const)));
  const document = {
    version: 1,
    creator: har.creator,
    entries: har.entryCount,
    others: othersCount,
    calls: calls.map((call) => {
      const { verdict, entries, method, url, origin, status, remarks } = call;
      const failure = numbers.get(call) ?? null;
      return { verdict, entries, method, url, origin, status, code: codeOf(call), failure, remarks };
    }),
    failures: failures.flatMap(([first]) => (first?.diagnosis == null ? [] : [printFailure(first.diagnosis)])),
  };
  return JSON.stringify(document, null, 2);
}

function codeOf({ diagnosis }: JudgedCall): string | null {
  return diagnosis?.failure?.code ?? null;
}

const marks = { allowed: ["green", "✓"], blocked: ["red", "✗"], unknown: ["yellow", "?"] } as const;

/** For people, in a terminal; without a line feed at the end. */
export function renderHarText(har: Har, report: HarReport, { colours, frameworks = null }: TextOptions): string {
  const paint = createPaint(colours);
  const { calls, failures, othersCount } = report;
  const numbers = new Map(failures.flatMap((group, index) => group.map((call) => [call, index + 1] as const)));
  const lines = [
    paint("bold", `${count(calls.length, "call")} between origins in ${count(har.entryCount, "request")}`),
    printable(
      `recorded by ${har.creator}; not judged, because they need no permission: ${count(othersCount, "request")}`,
    ),
    "",
    ...calls.flatMap((call) => renderCall(call, numbers.get(call), paint)),
    ...failures.flatMap((group, index) => renderFailure(group, index + 1, frameworks, paint)),
    "",
    renderSum(calls, paint),
  ];
  return lines.join("\n");
}

function renderCall(call: JudgedCall, failure: number | undefined, paint: Paint): string[] {
  const [colour, mark] = marks[call.verdict];
  const status = call.status === null ? "" : ` ${call.status}`;
  const page = call.origin === null ? "an unknown page" : call.origin;
  const code = failure === undefined ? "" : `: ${codeOf(call)}, failure ${failure}`;
  const line = `${call.verdict} ${call.method} ${call.url}${status} from ${page}${code}`;
  const place = paint("dim", ` (${call.entries.length === 1 ? "entry" : "entries"} ${call.entries.join(", ")})`);
  const remarks = call.remarks.map((remark) => paint("dim", `    ${printable(remark)}`));
  return [`${paint(colour, mark)} ${printable(line)}${place}`, ...remarks];
}

function renderFailure(
  [first, ...more]: readonly JudgedCall[],
  number: number,
  frameworks: readonly FrameworkId[] | null,
  paint: Paint,
): string[] {
  if (first?.diagnosis == null) return [];
  const { method, url } = first;
  const others = more.length === 0 ? "" : ` and ${count(more.length, "other call")}`;
  const heading = paint("bold", printable(`Failure ${number}: ${method} ${url}${others}`));
  return ["", heading, ...renderVerdict(first.diagnosis, frameworks, paint)];
}

function renderSum(calls: readonly JudgedCall[], paint: Paint): string {
  const parts = (["allowed", "blocked", "unknown"] as const).map((verdict) => {
    const number = calls.filter((call) => call.verdict === verdict).length;
    return number === 0 ? `${number} ${verdict}` : paint(marks[verdict][0], `${number} ${verdict}`);
  });
  return parts.join(", ");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** The results as test cases. */
export function harCases({ calls }: HarReport): JunitCase[] {
  return calls.map((call): JunitCase => {
    const { verdict, method, url, origin, entries, diagnosis, remarks } = call;
    const name = `${method} ${url} from ${origin ?? "an unknown page"} (entry ${entries[0]})`;
    const code = codeOf(call);
    const text = diagnosis === null ? "" : renderVerdict(diagnosis, null, createPaint(false)).join("\n");
    const failure = code === null ? null : { type: code, message: `blocked: ${code}`, text };
    return { name, seconds: 0, failure, skipped: verdict === "unknown" ? remarks.join(" ") : null };
  });
}
