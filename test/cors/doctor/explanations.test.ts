import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type Cause, frameworkIds, frameworks } from "../../../packages/cors/src/doctor/fixes/index.ts";
import {
  consoleLines,
  type Diagnosis,
  explanations,
  type Failure,
  type FailureCode,
  fixesFor,
  type WireRequest,
} from "../../../packages/cors/src/doctor/index.ts";
import { compile } from "../../../packages/cors/src/policy.ts";
import { reasons } from "../../../packages/cors/src/reasons.ts";

const codes = Object.keys(explanations) as FailureCode[];

/** A diagnosis that ends with these failures of one response. */
function failed(codes: readonly [FailureCode, ...FailureCode[]], change: Partial<Failure> = {}): Diagnosis {
  const rest = { value: "VALUE", hint: null, cause: null, refused: ["x-a", "x-b"], chrome: null };
  const findings = codes.map((code) => ({ code, ...rest }));
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
      ...rest,
      preflighted: false,
      stage: "preflight",
      url: "http://localhost:9707/rpc",
      sentOrigin: "http://localhost:5173",
      status: 404,
      findings,
      ...change,
    },
    preflightCache: null,
    reply: null,
    place: { space: "public", why: "by its name" },
    permissions: [],
    cookies: [],
  };
}

/** The same, for a preflight that was answered with these headers. */
function answered(diagnosis: Diagnosis, headers: readonly (readonly [string, string])[]): Diagnosis {
  const { page } = diagnosis;
  const request: WireRequest = {
    ...{ kind: "preflight", url: page.url, method: "OPTIONS", headers: [], body: null, origin: page.origin },
    ...{ pageOrigin: page.origin, redirectedFrom: [], sendsReferrer: true, revalidates: false },
    blockedSpaces: [],
  };
  const exchange = { request, response: { status: 404, headers } };
  return { ...diagnosis, steps: [{ name: "preflight_sent", result: "passed", text: "", rule: "", exchange }] };
}

test("the documentation lists every failure with its meaning, in this order", async () => {
  const document = await readFile(new URL("../../../docs/doctor.md", import.meta.url), "utf8");
  const [, chapter = ""] = document.split("\n## Failures\n");
  const rows = [...chapter.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, code, meaning]) => ({ code, meaning }));
  const expected = Object.entries(explanations).map(([code, { meaning }]) => ({ code, meaning }));
  expect(rows.slice(0, expected.length)).toEqual(expected);
});

test("the documentation lists every framework, and the versions with which its fixes were tried", async () => {
  const document = await readFile(new URL("../../../docs/doctor.md", import.meta.url), "utf8");
  const [, chapter = ""] = document.split("\n## Frameworks\n");
  const rows = [...chapter.matchAll(/^\| `(\S+)` \| `(\w+)` \| (.+) \|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(frameworkIds.map((id) => [frameworks[id].names[0], id, frameworks[id].tried ?? "not run"]));
});

test.each(codes)("%s fills in all placeholders, for every server and browser", (code) => {
  const diagnosis = failed([code]);
  const texts = [...Object.values(consoleLines(diagnosis) ?? {}), ...Object.values(fixesFor(diagnosis) ?? {}).flat()];
  expect(texts).toHaveLength(3 + frameworkIds.length);
  for (const text of texts) expect(text ?? "").not.toMatch(/\{(?:[a-z_]+|if \w+)\}/);
});

test("a situation has the same code as in the reasons of the policy", () => {
  const policyCodes: ReadonlySet<string> = new Set(reasons.map(({ code }) => code));
  const shared = codes.filter((code) => policyCodes.has(code));
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

test("Safari names the status of a preflight first, Chrome and Firefox the origin", () => {
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

test("Firefox checks the origin before it notices that the preflight is redirected", () => {
  const lines = consoleLines(failed(["preflight_redirect", "allow_origin_missing"], { status: 302 }));
  expect(lines?.firefox).toContain("CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 302.");
  expect(lines?.chrome).toContain("Redirect is not allowed for a preflight request.");
  const withOrigin = consoleLines(failed(["preflight_redirect"], { status: 302 }));
  expect(withOrigin?.firefox).toContain("(Reason: CORS request external redirect not allowed).");
});

test("a redirected preflight has one fix, because it does not show what the API would allow", () => {
  const fixes = fixesFor(failed(["preflight_redirect", "allow_origin_missing"], { status: 302 }));
  for (const texts of Object.values(fixes ?? {})) expect(texts).toHaveLength(1);
});

test("after a redirect Chrome names both URLs", () => {
  const lines = consoleLines(failed(["allow_origin_missing"], { stage: "request", url: "http://third.test/" }));
  expect(lines?.chrome).toContain("at 'http://third.test/' (redirected from 'http://localhost:9707/rpc') from origin");
});

test("the fix for a refused header names all of them", () => {
  expect(fixesFor(failed(["header_not_allowed"]))?.financeService).toEqual([
    expect.stringContaining("add x-a, x-b to CORS_ALLOWED_HEADERS"),
  ]);
});

test("one text allows all that the page asks", () => {
  const diagnosis = failed(["allow_origin_missing", "preflight_status", "method_not_allowed", "header_not_allowed"]);
  const fixes = fixesFor(answered(diagnosis, [["Access-Control-Allow-Methods", "POST"]]));
  expect(fixes?.expressCors).toEqual([
    `app.use(cors({ origin: ["http://localhost:5173"], methods: ["GET", "HEAD", "POST", "PUT"], allowedHeaders: ["x-a"] }));
// before every route and every login check; keep the origins that you have`,
  ]);
  expect(fixes?.nginx).toHaveLength(1);
  expect(fixes?.financeService).toEqual([
    expect.stringContaining("add http://localhost:5173 to CORS_ALLOWED_ORIGINS; the variable replaces"),
  ]);
});

test.each(frameworkIds)("no fix for %s allows any origin or method", (id) => {
  for (const code of codes) {
    for (const credentials of ["include", "same-origin"] as const) {
      const diagnosis = failed([code]);
      const texts = fixesFor({ ...diagnosis, page: { ...diagnosis.page, credentials } })?.[id] ?? [];
      expect(texts.join("\n")).not.toMatch(
        /origins?"?\W*(?:true|\*)|any_?(?:origin|method|header)|all_?origins|\$http_origin always/i,
      );
    }
  }
});

test.each(frameworkIds)(
  "the fix for an unknown origin names it, and cookies only for a page that sends them: %s",
  (id) => {
    const diagnosis = failed(["allow_origin_missing"]);
    const fixFor = (credentials: "include" | "same-origin") =>
      fixesFor({ ...diagnosis, page: { ...diagnosis.page, credentials } })?.[id].join("\n") ?? "";
    expect(fixFor("same-origin")).toContain("http://localhost:5173");
    expect(fixFor("same-origin")).not.toMatch(/credentials/i);
    if (id !== "financeService") expect(fixFor("include")).toMatch(/credentials/i);
  },
);

test("a text that is part of another is left out", () => {
  const fixes = fixesFor(failed(["allow_origin_repeated", "method_not_allowed"]));
  expect(fixes?.haproxy).toHaveLength(1);
  expect(fixes?.hono).toEqual([expect.stringContaining("remove every other line that sets Access-Control-*")]);
});

test("without any CORS header the origin is the only cause, and what a framework allows by default is not said", () => {
  const diagnosis = failed(["allow_origin_missing", "preflight_status", "header_not_allowed"]);
  const fixes = fixesFor(answered(diagnosis, [["Server", "x"]]));
  expect(fixes?.expressCors).toEqual([expect.stringMatching(/^app\.use\(cors\(\{ origin: \["http:\S+"\] \}\)\);\n/)]);
  for (const texts of Object.values(fixes ?? {})) expect(texts).toHaveLength(1);
});

test.each([
  { method: "A`id`" },
  { origin: 'http://a.test"; return 204' },
  { headers: [["x-$id", "1"]] as const },
  { headers: [["x'|id|'", "1"]] as const },
])("%j does not get into code", (change) => {
  const diagnosis = failed(["allow_origin_missing"]);
  const { financeService, ...rest } = fixesFor({ ...diagnosis, page: { ...diagnosis.page, ...change } }) ?? {};
  expect(financeService).toHaveLength(1);
  for (const texts of Object.values(rest)) expect(texts).toEqual([expect.stringMatching(/^no code is suggested/)]);
});

test("the fix for a response header in a request is to remove it", () => {
  const refusing = (refused: readonly [string, ...string[]]) => {
    const diagnosis = failed(["header_not_allowed"]);
    const findings = (diagnosis.failure?.findings ?? []).map((finding) => ({ ...finding, refused }));
    return fixesFor(failed(["header_not_allowed"], { findings }));
  };
  expect(refusing(["access-control-allow-origin", "timing-allow-origin"])?.rsCors).toEqual([
    "remove access-control-allow-origin, timing-allow-origin from the call: it belongs in responses, not in requests",
  ]);
  expect(refusing(["access-control-max-age", "x-a"])?.financeService).toEqual([
    expect.stringMatching(/^remove access-control-max-age from the call/),
    expect.stringMatching(/^add x-a to CORS_ALLOWED_HEADERS/),
  ]);
});

/** The fixes for each server when this is the cause of a missing Allow-Origin in the reply. */
function fixesBehind(cause: Cause, preflighted: boolean, status = 200) {
  const { failure } = failed(["allow_origin_missing"]);
  const findings = (failure?.findings ?? []).map((finding) => ({ ...finding, cause }));
  const stage = cause === "login_before_preflight" ? "preflight" : "request";
  return Object.values(fixesFor(failed(["allow_origin_missing"], { stage, status, preflighted, findings })) ?? {});
}

test.each([400, 401, 413, 500, 502])("after a preflight that passed, the problem is the %d", (status) => {
  for (const fixes of fixesBehind("error", true, status))
    expect(fixes).toEqual([expect.stringContaining(`the ${status}`)]);
  const [ours] = fixesBehind("error", false, status);
  expect(ours).toEqual([expect.stringContaining(`the ${status}`), expect.stringContaining("CORS_ALLOWED_ORIGINS")]);
});

test("a redirect without the header is one of two causes, unless a preflight passed", () => {
  for (const fixes of fixesBehind("redirect", true)) expect(fixes).toHaveLength(1);
  expect(fixesBehind("redirect", false)[0]).toEqual([
    expect.stringContaining("call the redirect's target"),
    expect.stringContaining("CORS_ALLOWED_ORIGINS"),
  ]);
});

test.each(["login", "login_before_preflight", "preflight_elsewhere"] as const)(
  "no list of origins fixes a %s",
  (cause) => {
    for (const preflighted of [true, false]) {
      const fixes = fixesBehind(cause, preflighted);
      for (const texts of fixes) expect(texts).toHaveLength(1);
      expect(fixes[0]?.join()).not.toContain("CORS_ALLOWED_ORIGINS");
    }
  },
);

describe("this server starts with the settings that the doctor suggests", () => {
  const origins = ["http://localhost:5173", "http://app.test", "https://app.test", "http://[::1]:8080"];
  const pages = [...origins, "capacitor://localhost", "file://", "null"];
  const names = ["x-a", "access-control-allow-origin", "access-control-request-other", "vary", "etag", "server"];
  const cases = codes.flatMap((code) => pages.map((page) => [code, page] as const));
  test.each(cases)("%s for a page on %s", (code, page) => {
    const { failure, ...diagnosis } = failed([code], { sentOrigin: page });
    if (failure === null) throw new Error("nothing failed");
    const findings = failure.findings.map((finding) => ({ ...finding, refused: names }));
    const wholePage = { ...diagnosis.page, origin: page, credentials: "include" } as const;
    const fixes = fixesFor({ ...diagnosis, page: wholePage, failure: { ...failure, findings } });
    for (const fix of fixes?.financeService ?? []) {
      const allowedOrigins = /add (\S+) to CORS_ALLOWED_ORIGINS|CORS_ALLOWED_ORIGINS=(\S+)/.exec(fix)?.slice(1);
      const allowedHeaders = /add (.+) to CORS_ALLOWED_HEADERS/.exec(fix)?.[1]?.split(", ") ?? [];
      const credentials = fix.includes("CORS_ALLOW_CREDENTIALS=true");
      const origin =
        allowedOrigins?.find((each) => each !== undefined) ?? (page === "null" ? "https://app.test" : page);
      const isSaid = allowedOrigins !== undefined || credentials || allowedHeaders.length > 0;
      if (isSaid)
        expect(compile({ allowedOrigins: [origin], allowedHeaders, credentials })).toMatchObject({ ok: true });
    }
  });
});

test("no fix allows the origin null", () => {
  const fixes = (page: string) => {
    const diagnosis = failed(["origin_not_allowed"], { sentOrigin: "null", url: "http://third.test/" });
    return fixesFor({ ...diagnosis, page: { ...diagnosis.page, origin: page } });
  };
  expect(fixes("null")?.financeService).toEqual([expect.stringMatching(/^serve the page from a real origin/)]);
  expect(fixes("http://localhost:5173")?.nginx).toEqual([
    expect.stringMatching(/^call http:\/\/third\.test\/ directly/),
  ]);
});
