import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  consoleLines,
  curesFor,
  type Diagnosis,
  explanations,
  type Failure,
  type FailureCode,
  type WireRequest,
} from "../../../src/cors/doctor/index.ts";
import { reasons } from "../../../src/cors/reasons.ts";

/** A diagnosis that ends with these failures of one response. */
function failed(codes: readonly [FailureCode, ...FailureCode[]], change: Partial<Failure> = {}): Diagnosis {
  const findings = codes.map((code) => ({ code, value: "VALUE", hint: null, refused: ["x-a", "x-b"], chrome: null }));
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
      chrome: null,
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

/** The same, of a preflight that was answered with these headers. */
function answered(diagnosis: Diagnosis, headers: readonly (readonly [string, string])[]): Diagnosis {
  const { page } = diagnosis;
  const request: WireRequest = {
    ...{ kind: "preflight", url: page.url, method: "OPTIONS", headers: [], body: null, origin: page.origin },
    ...{ pageOrigin: page.origin, redirectedFrom: [], sendsReferrer: true, revalidates: false },
  };
  const exchange = { request, response: { status: 404, headers } };
  return { ...diagnosis, steps: [{ name: "preflight_sent", result: "passed", text: "", rule: "", exchange }] };
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
    "invalid_header",
    "method_not_allowed",
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
  const diagnosis = failed(["allow_origin_missing", "preflight_status", "header_not_allowed"]);
  const cures = curesFor(answered(diagnosis, [["Access-Control-Allow-Methods", "POST"]]));
  expect(cures?.nginx).toHaveLength(3);
  expect(cures?.financeService).toEqual([
    expect.stringContaining("add http://localhost:5173 to CORS_ALLOWED_ORIGINS; the variable replaces"),
  ]);
});

test("where no CORS header comes at all the origin is the one cause, and nginx must answer OPTIONS too", () => {
  const diagnosis = failed(["allow_origin_missing", "preflight_status", "header_not_allowed"]);
  const cures = curesFor(answered(diagnosis, [["Server", "x"]]));
  expect(cures).toMatchObject({ financeService: [{}], expressCors: [{}], rsCors: [{}] });
  expect(cures?.nginx).toEqual([expect.stringContaining("Allow-Origin"), expect.stringContaining("OPTIONS")]);
});

test("a page that sends a header of responses is told to leave it out", () => {
  const refusing = (refused: readonly [string, ...string[]]) => {
    const finding = { code: "header_not_allowed", value: refused[0], hint: null, refused, chrome: null } as const;
    return curesFor(failed(["header_not_allowed"], { ...finding, findings: [finding] }));
  };
  expect(refusing(["access-control-allow-origin", "timing-allow-origin"])?.rsCors).toEqual([
    "remove access-control-allow-origin, timing-allow-origin from the call: a server sends it, never a page",
  ]);
  expect(refusing(["access-control-max-age", "x-a"])?.financeService).toEqual([
    expect.stringMatching(/^remove access-control-max-age from the call/),
    expect.stringMatching(/^add x-a to CORS_ALLOWED_HEADERS/),
  ]);
});

test.each([400, 401, 413, 500, 502])("behind a preflight that passed, the page of a %d is the trouble", (status) => {
  const diagnosis = failed(["allow_origin_missing"], { stage: "request", status });
  const preflightCache = { maxAge: null, chromium: 5, firefox: 5, webkit: 5 };
  for (const cures of Object.values(curesFor({ ...diagnosis, preflightCache }) ?? {})) {
    expect(cures).toEqual([expect.stringContaining(`the ${status}`)]);
    expect(cures.join()).not.toContain("CORS_ALLOWED_ORIGINS");
  }
  expect(curesFor(diagnosis)?.financeService).toEqual([expect.stringContaining("CORS_ALLOWED_ORIGINS")]);
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
