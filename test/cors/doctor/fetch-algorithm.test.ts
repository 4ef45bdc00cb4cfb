import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Diagnosis,
  type FetchOptions,
  fetchAlgorithm,
  type PageRequest,
  type WireOutcome,
  type WireRequest,
} from "../../../packages/cors/src/doctor/index.ts";

const origin = "http://localhost:5173";
const article: PageRequest = {
  url: new URL("http://localhost:9707/rpc"),
  origin,
  method: "POST",
  headers: [
    ["authorization", "Bearer token"],
    ["content-type", "application/json"],
  ],
  body: "{}",
  credentials: "same-origin",
};
const simple: PageRequest = { ...article, method: "GET", headers: [], body: null };

function response(status: number, headers: Readonly<Record<string, string>> = {}): WireOutcome {
  return { response: { status, headers: Object.entries(headers) } };
}

const allowOrigin = { "access-control-allow-origin": origin, vary: "Origin" };
const open = response(204, { ...allowOrigin, "access-control-allow-headers": "authorization, content-type" });
const reply = response(200, allowOrigin);

/** Runs the algorithm on these responses; the last one is repeated. */
function run(page: PageRequest, outcomes: readonly WireOutcome[], options?: FetchOptions) {
  const requests: WireRequest[] = [];
  const conversation = fetchAlgorithm(page, options);
  let turn = conversation.next();
  while (!turn.done) {
    requests.push(turn.value);
    const outcome = outcomes[requests.length - 1] ?? outcomes.at(-1);
    if (outcome === undefined) throw new Error("the algorithm asks and the test has no answer");
    turn = conversation.next(outcome);
  }
  return { diagnosis: turn.value, requests };
}

function results({ steps }: Diagnosis): string[] {
  return steps.map(({ name, result }) => `${name} ${result}`);
}

test("the article's call has a preflight, whose headers are checked one by one, and is sent", () => {
  const { diagnosis, requests } = run(article, [open, reply]);
  expect(requests).toEqual([
    {
      kind: "preflight",
      url: article.url,
      method: "OPTIONS",
      headers: [
        ["access-control-request-method", "POST"],
        ["access-control-request-headers", "authorization,content-type"],
      ],
      body: null,
      origin,
      pageOrigin: origin,
      redirectedFrom: [],
      sendsReferrer: true,
      revalidates: false,
      blockedSpaces: [],
    },
    {
      kind: "request",
      url: article.url,
      method: "POST",
      headers: article.headers,
      body: "{}",
      origin,
      pageOrigin: origin,
      redirectedFrom: [],
      sendsReferrer: true,
      revalidates: false,
      blockedSpaces: [],
    },
  ]);
  expect(results(diagnosis)).toEqual([
    "origin_compared passed",
    "preflight_decided passed",
    "preflight_sent passed",
    "allow_origin passed",
    "preflight_status passed",
    "allow_methods passed",
    "allow_headers passed",
    "max_age passed",
    "request_sent passed",
    "allow_origin passed",
    "exposed_headers passed",
  ]);
  expect(diagnosis).toMatchObject({ allowed: true, crossOrigin: true, failure: null, reply: { status: 200 } });
});

test("every step names a section of the standard", () => {
  for (const { rule } of run(article, [open, reply]).diagnosis.steps) {
    expect(rule).toMatch(/^https:\/\/fetch\.spec\.whatwg\.org\/#[\w-]+$/);
  }
});

test("all mistakes of a preflight are reported together, in order of precedence", () => {
  const { diagnosis, requests } = run({ ...article, method: "PUT", credentials: "include" }, [response(404)]);
  expect(requests).toHaveLength(1);
  expect(diagnosis.allowed).toBe(false);
  expect(diagnosis.failure).toMatchObject({ code: "allow_origin_missing", stage: "preflight", status: 404 });
  expect(diagnosis.failure?.findings.map(({ code }) => code)).toEqual([
    "allow_origin_missing",
    "credentials_not_allowed",
    "preflight_status",
    "method_not_allowed",
    "header_not_allowed",
  ]);
  expect(diagnosis.failure?.findings.at(-1)?.refused).toEqual(["authorization", "content-type"]);
});

test("a failed connection is the failure, in the preflight and in the request", () => {
  const noResponse = { noResponse: { code: "timed_out", detail: "nothing came" } } as const;
  expect(run(article, [noResponse]).diagnosis.failure).toMatchObject({ code: "timed_out", stage: "preflight" });
  expect(run(article, [open, noResponse]).diagnosis.failure).toMatchObject({ code: "timed_out", stage: "request" });
});

test("with preflightOnly the request itself is not sent", () => {
  const { diagnosis, requests } = run(article, [open], { preflightOnly: true });
  expect(requests.map(({ kind }) => kind)).toEqual(["preflight"]);
  expect(diagnosis).toMatchObject({ allowed: true, reply: null });
});

test("authorization by the wildcard is noted, and refused only with strict", () => {
  const wildcard = response(204, { ...allowOrigin, "access-control-allow-headers": "*" });
  expect(results(run(article, [wildcard, reply]).diagnosis)).toContain("allow_headers note");
  expect(run(article, [wildcard, reply], { strict: true }).diagnosis.failure).toMatchObject({
    code: "wildcard_without_authorization",
  });
  const named = response(204, { ...allowOrigin, "access-control-allow-headers": "*, authorization" });
  expect(run(article, [named, reply], { strict: true }).diagnosis.allowed).toBe(true);
});

test.each([
  ["absent", allowOrigin, { vary: "" }, true],
  ["without Origin", allowOrigin, { vary: "Accept-Encoding" }, true],
  ["with origin among others", allowOrigin, { vary: "Accept-Encoding,\torigin" }, false],
  ["*", allowOrigin, { vary: "*" }, false],
  ["absent, for any origin", { "access-control-allow-origin": "*" }, {}, false],
])("Vary %s deserves a note: %#", (_, headers, vary, noted) => {
  const { diagnosis } = run(simple, [response(200, { ...headers, ...vary })]);
  expect(results(diagnosis).includes("vary note")).toBe(noted);
});

describe("a call within an origin", () => {
  const own = { ...simple, url: new URL(`${origin}/rpc`) };

  test("is not checked, and a GET has no Origin", () => {
    const { diagnosis, requests } = run(own, [response(200, { "x-own": "1" })]);
    expect(requests).toMatchObject([{ origin: null }]);
    expect(diagnosis).toMatchObject({ allowed: true, crossOrigin: false, reply: { readable: ["x-own"] } });
  });

  test("has an Origin and no preflight if it is a POST", () => {
    const { requests } = run({ ...article, url: own.url }, [response(200)]);
    expect(requests).toMatchObject([{ kind: "request", origin }]);
  });

  test("that is redirected to another origin is checked from then on, with the page's own origin", () => {
    const { diagnosis, requests } = run(own, [response(302, { location: "http://localhost:9707/" }), reply]);
    expect(requests).toMatchObject([{ origin: null }, { origin }]);
    expect(diagnosis).toMatchObject({ allowed: true, crossOrigin: true });
  });
});

describe("a redirect", () => {
  const to = (status: number, location: string) => response(status, { ...allowOrigin, location });

  test.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [302, "PUT", "PUT"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
  ])("with %d makes %s a %s", (status, method, next) => {
    const page = { ...simple, method };
    const allowed = response(204, { ...allowOrigin, "access-control-allow-methods": "PUT" });
    const needsPreflight = method === "PUT";
    const before = needsPreflight ? [allowed] : [];
    const after = next === "PUT" ? [allowed] : [];
    const { requests } = run(page, [...before, to(status, "/next"), ...after, reply]);
    expect(requests.at(-1)).toMatchObject({
      kind: "request",
      method: next,
      url: new URL("http://localhost:9707/next"),
    });
  });

  test("that becomes a GET drops the body and its headers, and keeps authorization within the origin", () => {
    const { requests } = run(article, [open, to(303, "/next"), open, reply]);
    expect(requests.at(-1)).toMatchObject({ headers: [["authorization", "Bearer token"]], body: null });
  });

  test("to a third origin drops authorization and makes the origin null from then on", () => {
    const anyOrigin = response(204, {
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "content-type",
    });
    const back = response(307, { "access-control-allow-origin": "*", location: "http://localhost:9707/back" });
    const { diagnosis, requests } = run(article, [
      open,
      to(307, "http://third.test/"),
      anyOrigin,
      back,
      anyOrigin,
      anyOrigin,
    ]);
    expect(requests.map((request) => request.origin)).toEqual([origin, origin, "null", "null", "null", "null"]);
    expect(requests.at(-1)?.headers).toEqual([["content-type", "application/json"]]);
    expect(diagnosis.allowed).toBe(true);
  });

  test("is followed at most twenty times", () => {
    const { diagnosis, requests } = run(simple, [to(302, "/again")]);
    expect(requests).toHaveLength(21);
    expect(diagnosis.failure).toMatchObject({ code: "redirect_count" });
  });
});

describe("requests that are never sent", () => {
  const page = { ...simple, origin: "https://app.test" };
  const at = (url: string) => run({ ...page, url: new URL(url) }, [reply]);

  test.each([
    ["http://api.test/", "mixed_content"],
    ["http://8.8.8.8/", "mixed_content"],
    ["http://api.test:6000/", "mixed_content"],
    ["https://api.test:6000/", "blocked_port"],
    ["http://localhost:6667/", "blocked_port"],
  ])("from an https page to %s: %s", (url, code) => {
    const { diagnosis, requests } = at(url);
    expect(requests).toEqual([]);
    expect(diagnosis).toMatchObject({ allowed: false, failure: { code, status: null } });
  });

  test.each(["http://localhost:9707/", "http://api.localhost./", "http://127.1.2.3/", "http://[::1]/"])(
    "%s is this machine, and no mixed content",
    (url) => expect(at(url).requests).toHaveLength(1),
  );

  test.each(["http://192.168.1.1/", "http://printer.local/"])("only Chrome calls %s", (url) => {
    expect(results(at(url).diagnosis)).toContain("mixed_content note");
  });

  test.each(["http://app.test", "capacitor://localhost", "null"])("a page on %s may call plain http", (origin) => {
    const { requests } = run({ ...page, origin, url: new URL("http://api.test/") }, [reply]);
    expect(requests).toHaveLength(1);
  });

  test.each(["4190", "6679"])("only Chrome calls the port %s", (port) => {
    const url = `https://api.test:${port}/`;
    expect(results(at(url).diagnosis)).toContain("blocked_port note");
    expect(at(url).requests).toHaveLength(1);
    const { diagnosis } = run({ ...page, url: new URL(url) }, [], { strict: true });
    expect(diagnosis.failure).toMatchObject({ code: "blocked_port", value: port });
  });

  test.each([
    ["http://api.test/", "mixed_content"],
    ["https://api.test:10080/", "blocked_port"],
  ])("where a redirect leads to %s: %s", (location, code) => {
    const first = response(307, { "access-control-allow-origin": "*", location });
    const { diagnosis, requests } = run({ ...page, url: new URL("https://api.test/") }, [first]);
    expect(requests).toHaveLength(1);
    expect(diagnosis.failure).toMatchObject({ code, url: location });
  });
});

describe("the local network", () => {
  const at = (address: string, outcome: WireOutcome = response(200, { "access-control-allow-origin": "*" })) => ({
    ...outcome,
    address,
  });
  const page = { ...simple, origin: "https://app.test", url: new URL("https://api.test/") };
  const loopbackStep = ({ steps }: Diagnosis) => steps.find(({ name }) => name === "local_network_access");

  test.each([
    ["https://app.test", "note", "which is assumed"],
    ["null", "note", "which is assumed"],
    ["https://8.8.8.8", "note", "by its host, 8.8.8.8"],
    ["http://8.8.8.8", "failed", "only a secure page"],
    ["http://app.test", "failed", "only a secure page"],
    ["https://localhost", undefined, ""],
    ["http://192.168.1.1", undefined, ""],
    ["https://app.local", undefined, ""],
    ["file://", undefined, ""],
    ["chrome-extension://abc", undefined, ""],
    ["capacitor://localhost", undefined, ""],
  ])("a page on %s that reaches a loopback address: %s", (origin, result, text) => {
    const { diagnosis } = run({ ...page, origin }, [at("127.0.0.1")]);
    expect(loopbackStep(diagnosis)?.result).toBe(result);
    expect(loopbackStep(diagnosis)?.text ?? "").toContain(text);
    expect(diagnosis.allowed).toBe(result !== "failed");
  });

  test("a page whose place is known is judged by that", () => {
    const place = { space: "public", why: "as the test says" } as const;
    const { diagnosis } = run({ ...page, origin: "https://localhost" }, [at("10.0.0.1")], { place });
    expect(loopbackStep(diagnosis)?.text).toBe(
      "api.test is in the local address space, and the page in the public one (as the test says): Chrome asks the user for the permission local-network.",
    );
    expect(diagnosis.place).toBe(place);
  });

  test("a permission is asked for once, and another for the other space", () => {
    const moved = at(
      "10.0.0.1",
      response(302, { "access-control-allow-origin": "*", location: "https://third.test/" }),
    );
    const { diagnosis } = run(page, [moved, at("::1")], { permission: "granted" });
    expect(diagnosis.permissions).toEqual([
      { name: "local-network", state: "granted" },
      { name: "loopback-network", state: "granted" },
    ]);
    const { steps } = run({ ...article, origin: page.origin }, [at("::1", open), at("::1", reply)]).diagnosis;
    expect(steps.filter(({ name }) => name === "local_network_access")).toHaveLength(1);
  });

  test("an unknown address is not judged", () => {
    const { diagnosis } = run({ ...page, url: new URL("http://localhost:9707/") }, [reply]);
    expect(loopbackStep(diagnosis)).toBeUndefined();
  });

  test("what happens before the server has an address comes first", () => {
    const refused = { noResponse: { code: "connection_refused", detail: "" } } as const;
    const { diagnosis } = run(page, [refused], { permission: "denied" });
    expect(diagnosis.failure).toMatchObject({ code: "connection_refused" });
    const silent = at("127.0.0.1", { noResponse: { code: "timed_out", detail: "" } });
    expect(run(page, [silent], { permission: "denied" }).diagnosis.failure).toMatchObject({
      code: "local_network_denied",
      value: "loopback",
    });
  });

  test("a refusal hides what the server would answer, and names no response", () => {
    const { diagnosis } = run(page, [at("10.0.0.1", response(500))], { permission: "denied" });
    expect(diagnosis.failure).toMatchObject({ code: "local_network_denied", status: null, findings: [{}] });
    expect(diagnosis.reply).toBeNull();
  });

  test.each(["Access-Control-Allow-Private-Network", "Private-Network-Access-Name", "Private-Network-Access-ID"])(
    "%s is reported once as obsolete",
    (name) => {
      const more = { [name]: "true", "access-control-allow-headers": "authorization, content-type" };
      const { diagnosis } = run(article, [response(204, { ...allowOrigin, ...more })]);
      const notes = diagnosis.steps.filter((step) => step.name === "local_network_access");
      expect(notes).toMatchObject([{ result: "note", text: expect.stringContaining("no effect") }]);
      expect(diagnosis.allowed).toBe(true);
    },
  );
});

describe("the cookies of a reply", () => {
  const page: PageRequest = {
    ...simple,
    origin: "https://app.example.test",
    url: new URL("https://api.example.test/"),
    credentials: "include",
  };
  const allowed = (origin: string, ...cookies: string[]): WireOutcome => ({
    response: {
      status: 200,
      headers: [
        ["access-control-allow-origin", origin],
        ["access-control-allow-credentials", "true"],
        ["vary", "Origin"],
        ...cookies.map((cookie) => ["Set-Cookie", cookie] as const),
      ],
    },
  });
  const cookieSteps = ({ steps }: Diagnosis) => steps.filter(({ name }) => name === "cookie");

  test("are judged one by one, and do not change the verdict", () => {
    const { diagnosis } = run(page, [allowed(page.origin, "a=secret", "b=secret; SameSite=None", "c=; Max-Age=0")]);
    expect(cookieSteps(diagnosis).map(({ result, text }) => `${result}: ${text}`)).toEqual([
      "passed: The cookie a is stored and sent with the page's next calls.",
      "note: The cookie b is not stored: SameSite=None needs Secure. Fix: SameSite=None; Secure.",
      "passed: The cookie c is deleted.",
    ]);
    expect(diagnosis.allowed).toBe(true);
    expect(diagnosis.cookies).toMatchObject([
      { name: "a", problems: [] },
      { name: "b", problems: ["none_without_secure"] },
      { name: "c", problems: [], expires: true },
    ]);
    expect(JSON.stringify(cookieSteps(diagnosis))).not.toContain("secret");
  });

  test("are a third party's on another site, which is said once, even if there are none", () => {
    const elsewhere = { ...page, url: new URL("https://api.other.test/") };
    const { diagnosis } = run(elsewhere, [allowed(page.origin, "a=1; SameSite=None; Secure; Partitioned", "b=1")]);
    expect(cookieSteps(diagnosis).map(({ result, text }) => `${result}: ${text}`)).toEqual([
      expect.stringMatching(/^note: Page and server are on different sites/),
      "passed: The cookie a is stored, apart for each site whose pages call, and sent with the page's next calls.",
      expect.stringMatching(/^note: The cookie b is not stored: without SameSite it is Lax/),
    ]);
    expect(cookieSteps(run(elsewhere, [allowed(page.origin)]).diagnosis)).toHaveLength(1);
  });

  test("of each hop of a redirect are judged by the URL that set them", () => {
    const moved = allowed(page.origin, "a=1");
    const headers = "response" in moved ? moved.response.headers : [];
    const redirect = {
      response: { status: 302, headers: [...headers, ["location", "https://www.other.test/"]] },
    } as const;
    const { diagnosis } = run(page, [redirect, allowed("null", "b=1")]);
    expect(diagnosis.cookies).toMatchObject([
      { name: "a", problems: [] },
      { name: "b", problems: ["same_site_missing"] },
    ]);
  });

  test("are ignored without credentials, unless page and server share an origin", () => {
    const { diagnosis } = run({ ...page, credentials: "same-origin" }, [allowed(page.origin, "a=1", "b=1")]);
    expect(cookieSteps(diagnosis)).toMatchObject([
      { result: "note", text: expect.stringContaining("ignores the cookies") },
    ]);
    expect(diagnosis.cookies).toEqual([]);
    const own = { ...page, credentials: "same-origin", url: new URL(`${page.origin}/`) } as const;
    expect(run(own, [allowed(page.origin, "a=1; SameSite=Strict")]).diagnosis.cookies).toMatchObject([
      { problems: [] },
    ]);
  });

  test("of a preflight are ignored", () => {
    const withCookie = {
      response: { status: 204, headers: [...Object.entries(allowOrigin), ["set-cookie", "a=1"]] },
    } as const;
    expect(run(article, [withCookie]).diagnosis.cookies).toEqual([]);
  });

  test("are judged by the public suffix list if it is given", () => {
    const sites = { ...page, origin: "https://one.co.test", url: new URL("https://two.co.test/") };
    const siteOf = (host: string) => host;
    expect(run(sites, [allowed(sites.origin, "a=1")]).diagnosis.cookies).toMatchObject([{ thirdParty: false }]);
    expect(run(sites, [allowed(sites.origin, "a=1")], { siteOf }).diagnosis.cookies).toMatchObject([
      { thirdParty: true },
    ]);
  });
});

describe("the hint", () => {
  const hintOf = (page: PageRequest, outcomes: readonly WireOutcome[]) => run(page, outcomes).diagnosis.failure?.hint;
  const api = (url: string): PageRequest => ({ ...article, url: new URL(url) });

  test.each([
    ["https://login.microsoftonline.com/common/oauth2/authorize?client_id=1", /login in front of the API/],
    ["https://accounts.google.com/o/oauth2/v2/auth?response_type=code", /login in front of the API/],
    ["/login?next=%2Frpc", /login in front of the API/],
    ["/users/sign_in", /login in front of the API/],
    ["/oauth2/start?rd=%2Frpc", /login in front of the API/],
    ["https://team.cloudflareaccess.com/cdn-cgi/access/login/api.test", /login in front of the API/],
    ["https://api.test/rpc", /^the server upgrades to https/],
    ["/rpc/", /^only the trailing slash differs/],
    ["https://elsewhere.test/v2", /^call the redirect's target$/],
    ["/blog/logins-explained", /^call the redirect's target$/],
  ])("for a preflight that is redirected to %s", (location, hint) => {
    expect(hintOf(api("http://api.test/rpc"), [response(302, { location })])).toMatch(hint);
  });

  test("for a redirect within an API of logins does not mention a login", () => {
    const moved = response(308, { location: "https://elsewhere.test/oauth/token" });
    expect(hintOf(api("http://api.test/oauth/token"), [moved])).toMatch(/^call the redirect/);
  });

  test("for an API that does not know that a proxy ends TLS", () => {
    const location = "http://api.test/rpc";
    expect(hintOf(api("https://api.test/rpc"), [response(307, { location })])).toMatch(/a proxy that ends TLS/);
  });

  test.each([400, 401, 404, 413, 500, 502])("for a %d without headers after a preflight that passed", (status) => {
    expect(hintOf(article, [open, response(status)])).toMatch(new RegExp(`preflight allowed.* ${status}, a reply`));
    expect(hintOf(simple, [response(status)])).toMatch(new RegExp(`error, ${status}`));
  });

  test("is none for a success without headers", () => {
    expect(hintOf(simple, [response(200)])).toBeNull();
  });

  test("for a success without headers after a preflight that passed", () => {
    expect(hintOf(article, [open, response(200)])).toMatch(/different programs/);
  });

  test("for an error after a redirect considers only the preflight of that request", () => {
    const moved = response(303, { ...allowOrigin, location: "/other" });
    const { failure } = run({ ...article, headers: [["content-type", "application/json"]] }, [
      open,
      moved,
      response(500),
    ]).diagnosis;
    expect(failure).toMatchObject({ cause: "error", preflighted: false });
  });

  test.each([
    ["https://team.cloudflareaccess.com/cdn-cgi/access/login/api.test?redirect_url=%2Frpc"],
    ["https://accounts.google.com/AccountChooser"],
    ["https://my.auth.us-east-1.amazoncognito.com/login?client_id=1"],
    ["https://sso.test/realms/x/protocol/openid-connect/auth?scope=openid"],
    ["https://company.okta.com/app/x/sso/saml"],
    ["https://auth.test/?rd=https%3A%2F%2Fapi.test%2Frpc"],
    ["https://tenant.ciamlogin.com/"],
    ["/.auth/login/aad?post_login_redirect_uri=%2Frpc"],
    ["/_gcp_iap/do_session_refresh"],
    ["/Account/Login?ReturnUrl=%2Frpc"],
    ["/wp-login.php"],
    ["/sessions/new"],
    ["/#/login"],
    ["login"],
    ["/app/go?to=1&next=%2Frpc"],
  ])("for %s, a login", (location) => {
    const redirect = response(302, { location });
    expect(run(article, [redirect]).diagnosis.failure).toMatchObject({
      code: "preflight_redirect",
      cause: "login_before_preflight",
    });
    expect(run(simple, [redirect]).diagnosis.failure).toMatchObject({ code: "allow_origin_missing", cause: "login" });
    const followed = response(302, { ...allowOrigin, location });
    const kept = response(307, { ...allowOrigin, location });
    expect(run(simple, [followed, response(200)]).diagnosis.failure?.cause ?? "login").toBe("login");
    expect(
      run({ ...article, headers: [["content-type", "application/json"]] }, [open, kept, response(405)]).diagnosis
        .failure,
    ).toMatchObject({
      stage: "preflight",
      cause: "login",
    });
  });

  test.each(["/list?next=2", "/v1/signing", "/plugin", "/authors", "/blog/how-to-login", "https://id.api.test/rpc"])(
    "for %s, no login",
    (location) => {
      const failureOf = (page: PageRequest) => run(page, [response(302, { location })]).diagnosis.failure;
      expect(failureOf(api("https://api.test/rpc"))?.cause).toBeNull();
      expect(failureOf({ ...simple, url: new URL("https://api.test/rpc") })).toMatchObject({
        cause: "redirect",
        hint: expect.stringMatching(/^a redirect needs the header too; /),
      });
    },
  );

  test("for a call that is redirected to a login page", () => {
    const location = "https://login.test/signin";
    expect(hintOf(simple, [response(302, { ...allowOrigin, location }), response(200)])).toMatch(/let it answer 401/);
  });

  test.each(["access-control-allow-origin", "access-control-expose-headers", "timing-allow-origin"])(
    "for a page that sends %s",
    (name) => {
      const page: PageRequest = { ...article, headers: [[name, "*"]] };
      expect(hintOf(page, [open])).toBe(`${name} is a header of responses: the page must not send it`);
    },
  );
});

test("only Chrome sends client hints without a preflight", () => {
  const page: PageRequest = { ...simple, headers: [["save-data", "on"]] };
  const chrome = run(page, [reply]);
  expect(chrome.requests).toMatchObject([{ kind: "request" }]);
  expect(results(chrome.diagnosis)).toContain("preflight_decided note");
  expect(run(page, [open], { strict: true }).diagnosis.failure).toMatchObject({ code: "header_not_allowed" });
});

test("for all answers, the fetch ends with a verdict that agrees with its steps", () => {
  const value = fc.oneof(
    fc.constantFrom(
      origin,
      "*",
      "null",
      "true",
      "GET, PUT",
      "authorization, content-type",
      "/",
      "http://third.test/",
      "",
    ),
    fc.string({ unit: "binary-ascii", maxLength: 12 }),
  );
  const name = fc.constantFrom(
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
    "location",
    "vary",
  );
  const status = fc.constantFrom(200, 204, 301, 302, 303, 307, 308, 404, 500);
  const outcome = fc.record({
    response: fc.record({ status, headers: fc.array(fc.tuple(name, value), { maxLength: 6 }) }),
  });
  const page = fc.record({
    method: fc.constantFrom("GET", "POST", "PUT"),
    credentials: fc.constantFrom("include", "same-origin"),
    headers: fc.constantFrom(article.headers, []),
  });
  fc.assert(
    fc.property(page, fc.array(outcome, { minLength: 1, maxLength: 5 }), (changes, outcomes) => {
      const { diagnosis } = run({ ...article, ...changes }, outcomes);
      expect(diagnosis.allowed).toBe(diagnosis.failure === null);
      expect(diagnosis.allowed).toBe(diagnosis.reply !== null);
      expect(diagnosis.steps.some(({ result }) => result === "failed")).toBe(!diagnosis.allowed);
    }),
  );
});
