/** https://github.com/testmoapp/junitxml: the form of test results that CI systems show. */

export interface JunitCase {
  readonly name: string;
  readonly seconds: number;
  /** Null if it passed. */
  readonly failure: { readonly type: string; readonly message: string; readonly text: string } | null;
  /** Why it could not be judged; null if it could. */
  readonly skipped: string | null;
}

/** The results as XML that is well-formed with any text. */
export function renderJunit(suite: string, cases: readonly JunitCase[]): string {
  const counts = {
    tests: cases.length,
    failures: cases.filter(({ failure }) => failure !== null).length,
    errors: 0,
    skipped: cases.filter(({ skipped }) => skipped !== null).length,
    time: cases.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(3),
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: "cors-doctor", ...counts })}>`,
    `  <testsuite${attributes({ name: suite, ...counts })}>`,
    ...cases.flatMap((each) => renderCase(suite, each)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function renderCase(suite: string, { name, seconds, failure, skipped }: JunitCase): string[] {
  const opening = `    <testcase${attributes({ classname: suite, name, time: seconds.toFixed(3) })}`;
  if (failure !== null) {
    const { type, message, text } = failure;
    return [
      `${opening}>`,
      `      <failure${attributes({ type, message })}>${escapeText(text)}</failure>`,
      "    </testcase>",
    ];
  }
  if (skipped === null) return [`${opening}/>`];
  return [`${opening}>`, `      <skipped${attributes({ message: skipped })}/>`, "    </testcase>"];
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeText(String(value)).replace(/[\t\n\r]/g, " ")}"`)
    .join("");
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** XML cannot hold the rest of the control characters and unpaired surrogates: https://www.w3.org/TR/xml/#charsets */
function escapeText(text: string): string {
  return text
    .replace(/[&<>"]/g, (character) => entities[character] ?? "")
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}
