/** Reads the XML with the parser of Chromium. */

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JunitCase, renderJunit } from "../../../packages/cors/src/doctor/junit.ts";
import { launchChromium } from "../../setup/chromium.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

const passed = { name: "a", seconds: 0.25, failure: null, skipped: null };

interface Read {
  readonly errors: number;
  readonly texts: readonly string[];
}

const readSource = `(xml) => {
  const parsed = new DOMParser().parseFromString(xml, "application/xml");
  const failures = [...parsed.querySelectorAll("testsuites > testsuite > testcase > failure")];
  return { errors: parsed.querySelectorAll("parsererror").length, texts: failures.map((failure) => failure.textContent) };
}`;

test("any text gives well-formed XML that says the same", async () => {
  const texts = [
    "plain",
    `<a href="x">&amp; ]]> 'b'</a>`,
    "control \0 \x1b[31m \x08 \x7f",
    "surrogates \ud800 and \udc00",
    "not characters \ufffe \uffff, and one: \u{1f600}",
    "a tab \t and \n lines \r\n",
    "--> <![CDATA[ <?xml ?> <!DOCTYPE a [<!ENTITY b 'c'>]> &b;",
  ];
  const cases = texts.map(
    (text): JunitCase => ({ name: text, seconds: 1, failure: { type: text, message: text, text }, skipped: null }),
  );
  const page = await browser.newPage();
  const xml = renderJunit("suite", cases);
  const read: Read = await page.evaluate(`(${readSource})(${JSON.stringify(xml)})`);
  await page.close();
  expect(read.errors).toBe(0);
  const allowed = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
  expect(read.texts).toEqual(texts.map((text) => text.replace(allowed, "\ufffd").replace(/\r\n?/g, "\n")));
});

test("counts the cases", () => {
  const failed = { ...passed, failure: { type: "t", message: "m", text: "x" } };
  const xml = renderJunit("suite", [passed, failed, { ...passed, skipped: "why" }]);
  expect(xml).toContain('<testsuite name="suite" tests="3" failures="1" errors="0" skipped="1" time="0.750">');
  expect(xml).toContain('<testcase classname="suite" name="a" time="0.250"/>');
  expect(xml).toContain('<skipped message="why"/>');
});
