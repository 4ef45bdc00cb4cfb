/** Reports on the comparison with an expectations file. */

import type { Diagnosis } from "./diagnosis.ts";
import type { ExpectedCase } from "./expectations.ts";
import type { JunitCase } from "./junit.ts";
import { createPaint, printable, printFailure, renderVerdict, type TextOptions } from "./reports.ts";

/** A case and what came of it. */
export interface CaseResult {
  readonly expected: ExpectedCase;
  readonly diagnosis: Diagnosis;
  /** Empty if the outcome is as expected. */
  readonly differences: readonly string[];
  readonly seconds: number;
}

/** For machines, in the form of docs/doctor.md. */
export function renderResultsJson(results: readonly CaseResult[]): string {
  const cases = results.map(({ expected, diagnosis, differences }) => ({
    path: expected.path,
    name: expected.name,
    expect: expected.expect,
    allowed: diagnosis.allowed,
    differences,
    failure: printFailure(diagnosis),
    reply: diagnosis.reply,
  }));
  return JSON.stringify({ version: 1, asExpected: results.every(isAsExpected), cases }, null, 2);
}

export function isAsExpected({ differences }: CaseResult): boolean {
  return differences.length === 0;
}

/** For people; without a line feed at the end. */
export function renderResults(results: readonly CaseResult[], { colours, frameworks = null }: TextOptions): string {
  const paint = createPaint(colours);
  const lines = results.flatMap((result) => {
    const { expected, diagnosis, differences } = result;
    const isRight = isAsExpected(result);
    const outcome = diagnosis.failure === null ? "allowed" : `refused, ${diagnosis.failure.code}`;
    const head = `${isRight ? paint("green", "✓") : paint("red", "✗")} ${printable(expected.name)}`;
    if (isRight) return [`${head} ${paint("dim", `(${outcome})`)}`];
    const told = differences.map((difference) => `    ${expected.path}: ${printable(difference)}`);
    const isUnexpected = diagnosis.failure !== null && expected.expect === "allowed";
    const why = isUnexpected ? renderVerdict(diagnosis, frameworks, paint).map((line) => `    ${line}`) : [];
    return [head, ...told, ...why];
  });
  const wrong = results.filter((result) => !isAsExpected(result)).length;
  const sum = `${results.length - wrong} of ${results.length} cases are as expected`;
  return [...lines, "", wrong === 0 ? paint("green", sum) : paint("red", sum)].join("\n");
}

/** The results as test cases. */
export function resultCases(results: readonly CaseResult[]): JunitCase[] {
  return results.map(({ expected, diagnosis, differences, seconds }): JunitCase => {
    const text = [...differences, "", ...renderVerdict(diagnosis, null, createPaint(false))].join("\n");
    const type = diagnosis.failure?.code ?? "allowed";
    const failure = differences.length === 0 ? null : { type, message: differences.join("; "), text };
    return { name: expected.name, seconds, failure, skipped: null };
  });
}
