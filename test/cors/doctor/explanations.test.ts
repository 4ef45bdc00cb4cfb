import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  consoleLines,
  curesFor,
  type Diagnosis,
  explanations,
  type Failure,
  type FailureCode,
} from "../../../src/cors/doctor/index.ts";
import { reasons } from "../../../src/cors/reasons.ts";

/** A diagnosis that ends with these failures of one response. */
function failed(codes: readonly [FailureCode, ...FailureCode[]], change: Partial<Failure> = {}): Diagnosis {
  const findings = codes.map((code) => ({ code, value: "VALUE", hint: null, refused: ["x-a", "x-b"] }));
  return {
    page: {
      url: new URL("http://localhost:9707/rpc"),
      origin: "http://localhost:5173",
      method: "PUT",
      headers: [["x-a", "1"]],
      body: null,
      credentials: "same-origin",
    },
    allowed: false,
    crossOrigin: true,
    steps: [],
    failure: {
      code: codes[0],
      value: "VALUE",
      hint: null,
      refused: ["x-a", "x-b"],
      stage: "preflight",
      url: "http://localhost:9707/rpc",
      sentOrigin: "http://localhost:5173",
      status: 404,
      findings,
      ...change,
    },
    preflightCache: null,
    reply: null,
  };
}

test("the documentation lists every failure with its meaning, in this order", async () => {
  const document = await readFile(new URL("../../../docs/doctor.md", import.meta.url), "utf8");
  const [, chapter = ""] = document.split("\n## Failures\n");
  const rows = [...chapter.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, code, meaning]) => ({ code, meaning }));
  expect(rows.slice(0, explanations.length)).toEqual(explanations.map(({ code, meaning }) => ({ code, meaning })));
});

test("every failure is listed once", () => {
  const codes = explanations.map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});

test.each(explanations.map(({ code }) => code))(
  "%s leaves no placeholder unfilled, for no server and no browser",
  (code) => {
    const diagnosis = failed([code]);
    const texts = [...Object.values(consoleLines(diagnosis) ?? {}), ...Object.values(curesFor(diagnosis) ?? {}).flat()];
    expect(texts).toHaveLength(7);
    for (const text of texts) expect(text ?? "").not.toMatch(/\{\w+\}/);
  },
);

test("the same situation has the same name as in the reasons of the policy", () => {
  const policyCodes: ReadonlySet<string> = new Set(reasons.map(({ code }) => code));
  const shared = explanations.map(({ code }) => code).filter((code) => policyCodes.has(code));
  expect(shared).toEqual([
    "wildcard_origin_with_credentials",
    "invalid_origin",
    "origin_not_allowed",
    "invalid_method",
    "method_not_allowed",
    "invalid_header",
    "header_not_allowed",
  ]);
});

test("Safari names the status of a preflight before anything else, Chrome and Firefox the origin", () => {
  expect(consoleLines(failed(["allow_origin_missing", "preflight_status"]))).toEqual({
    chrome:
      "Access to fetch at 'http://localhost:9707/rpc' from origin 'http://localhost:5173' has been blocked by CORS policy: " +
      "Response to preflight request doesn't pass access control check: No 'Access-Control-Allow-Origin' header is present on the requested resource.",
    firefox:
      "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at http://localhost:9707/rpc. " +
      "(Reason: CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 404.",
    safari:
      "Preflight response is not successful. Status code: 404\n" +
      "Fetch API cannot load http://localhost:9707/rpc due to access control checks.",
  });
});

test("Firefox looks at the origin before it finds that the preflight is redirected", () => {
  const lines = consoleLines(failed(["preflight_redirect", "allow_origin_missing"], { status: 302 }));
  expect(lines?.firefox).toContain("CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 302.");
  expect(lines?.chrome).toContain("Redirect is not allowed for a preflight request.");
  const withOrigin = consoleLines(failed(["preflight_redirect"], { status: 302 }));
  expect(withOrigin?.firefox).toContain("(Reason: CORS request external redirect not allowed).");
});

test("after a redirect Chrome names both URLs", () => {
  const lines = consoleLines(failed(["allow_origin_missing"], { stage: "request", url: "http://third.test/" }));
  expect(lines?.chrome).toContain("at 'http://third.test/' (redirected from 'http://localhost:9707/rpc') from origin");
});

test("the cure for a refused header names all of them", () => {
  expect(curesFor(failed(["header_not_allowed"]))?.financeService).toEqual([
    expect.stringContaining("add x-a, x-b to CORS_ALLOWED_HEADERS"),
  ]);
});

test("there is a cure for everything that is wrong, but for this server one is enough when it knows no such origin", () => {
  const cures = curesFor(failed(["allow_origin_missing", "preflight_status", "header_not_allowed"]));
  expect(cures?.nginx).toHaveLength(3);
  expect(cures?.financeService).toEqual([expect.stringContaining("CORS_ALLOWED_ORIGINS=http://localhost:5173")]);
});

test("nobody is told to allow the origin null", () => {
  const cures = (page: string) => {
    const diagnosis = failed(["origin_not_allowed"], { sentOrigin: "null", url: "http://third.test/" });
    return curesFor({ ...diagnosis, page: { ...diagnosis.page, origin: page } });
  };
  expect(cures("null")?.financeService).toEqual([expect.stringMatching(/^serve the page from a real origin/)]);
  expect(cures("http://localhost:5173")?.nginx).toEqual([
    expect.stringMatching(/^call http:\/\/third\.test\/ at once/),
  ]);
});
