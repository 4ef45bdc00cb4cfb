import { describe, expect, test } from "vitest";
import type { CorsConfig, CorsHeaders, CorsRequest, Policy, RequestReason } from "../../packages/cors/src/index.ts";
import { compile, decide, reasons } from "../../packages/cors/src/index.ts";

const app = "https://app.example.com";
const evil = "https://evil.example";
const V = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/** The short names of the table below; a header that a case does not name must be absent. */
const fullNames = {
  vary: "vary",
  origin: "access-control-allow-origin",
  creds: "access-control-allow-credentials",
  expose: "access-control-expose-headers",
  methods: "access-control-allow-methods",
  headers: "access-control-allow-headers",
  age: "access-control-max-age",
  network: "access-control-allow-private-network",
} as const satisfies Record<string, keyof CorsHeaders>;

type Short = Partial<Record<keyof typeof fullNames, string>>;
type Case = [reason: RequestReason, status: number, request: CorsRequest, headers: Short, refused?: string[]];

const post = (origin?: string): CorsRequest => ({ method: "POST", origin });
const options = (origin?: string): CorsRequest => ({ method: "OPTIONS", origin });
const preflight = (origin: string, requestMethod = "POST", requestHeaders?: string): CorsRequest => ({
  method: "OPTIONS",
  origin,
  requestMethod,
  requestHeaders,
});

const lists: Short = { vary: V, origin: app, methods: "POST", headers: "authorization, content-type" };

/** Preflights of the first table that pass have all lists and the age. */
function granted(...requests: CorsRequest[]): Case[] {
  return requests.map((request) => ["allowed", 204, request, { ...lists, age: "600" }]);
}

/** Those that are refused for method or headers have the real lists and no age. */
function refused(reason: RequestReason, ...requests: CorsRequest[]): Case[] {
  return requests.map((request) => [reason, 204, request, { ...lists }]);
}

const tables: [name: string, config: CorsConfig, cases: Case[]][] = [
  [
    "one origin, as a Twirp server is configured",
    {
      allowedOrigins: [app],
      allowedMethods: ["POST"],
      allowedHeaders: ["authorization", "content-type"],
      exposedHeaders: ["retry-after"],
      maxAge: 600,
    },
    [
      ["not_cors", 0, post(), { vary: "Origin" }],
      ["not_cors", 0, options(), { vary: "Origin" }],
      ["not_cors", 0, { method: "OPTIONS", origin: undefined, requestMethod: "POST" }, { vary: "Origin" }],
      ["allowed", 0, post(app), { vary: "Origin", origin: app, expose: "retry-after" }],
      ["allowed", 0, options(app), { vary: "Origin", origin: app, expose: "retry-after" }],
      ["allowed", 0, { ...post(app), requestMethod: "POST" }, { vary: "Origin", origin: app, expose: "retry-after" }],
      ["origin_not_allowed", 0, post(evil), { vary: "Origin" }],
      ["origin_not_allowed", 0, post("null"), { vary: "Origin" }],
      ["origin_not_allowed", 403, preflight(evil), { vary: V }],
      ["origin_not_allowed", 403, preflight(""), { vary: V }],
      ["origin_not_allowed", 403, preflight(`${app}, ${evil}`), { vary: V }],
      ["origin_not_allowed", 403, preflight(evil, "bad method", "bad header;"), { vary: V }],
      ...granted(
        preflight(app),
        preflight(app, "POST", ""),
        preflight(app, "GET"),
        preflight(app, "POST", "authorization,content-type"),
        preflight(app, "POST", "Content-Type ,\tAUTHORIZATION,,"),
        preflight(app, "POST", ",".repeat(15)),
      ),
      ...refused("method_not_allowed", preflight(app, "PUT"), preflight(app, "post"), preflight(app, "get")),
      ...refused("method_not_allowed", preflight(app, "PUT", "x-unknown"), preflight(app, "PUT", "bad;")),
      ...refused("malformed_request_method", preflight(app, ""), preflight(app, "POST, POST")),
      ...refused("malformed_request_headers", preflight(app, "POST", "x-a;evil=1"), preflight(app, "POST", "é")),
      ...refused("malformed_request_headers", preflight(app, "POST", "a b"), preflight(app, "POST", ",".repeat(16))),
      ...refused("header_not_allowed", preflight(app, "POST", "authorization,x-trace,cookie")).map(
        (row): Case => [row[0], row[1], row[2], row[3], ["x-trace", "cookie"]],
      ),
    ],
  ],
  [
    "* without credentials is the same for everyone",
    { allowedOrigins: "*", allowedMethods: ["*"], allowedHeaders: ["*"], exposedHeaders: ["*"], maxAge: "disable" },
    [
      ["not_cors", 0, post(), { origin: "*", expose: "*" }],
      ["allowed", 0, post(evil), { origin: "*", expose: "*" }],
      ["allowed", 0, post("null"), { origin: "*", expose: "*" }],
      [
        "allowed",
        204,
        preflight("null", "PURGE", "x-a"),
        { vary: V, origin: "*", methods: "*", headers: "*", age: "0" },
      ],
      ["method_not_allowed", 204, preflight(evil, "TRACE"), { vary: V, origin: "*", methods: "*", headers: "*" }],
      [
        "header_not_allowed",
        204,
        preflight(evil, "POST", "authorization"),
        { vary: V, origin: "*", methods: "*", headers: "*" },
        ["authorization"],
      ],
    ],
  ],
  [
    "any method and header with credentials is answered with what was asked",
    {
      allowedOrigins: [app],
      allowedMethods: ["*", "PUT"],
      allowedHeaders: ["*", "x-named"],
      credentials: true,
      preflightStatus: 200,
    },
    [
      ["allowed", 0, post(app), { vary: "Origin", origin: app, creds: "true" }],
      ["not_cors", 0, post(), { vary: "Origin" }],
      ["origin_not_allowed", 0, post(evil), { vary: "Origin" }],
      ["origin_not_allowed", 403, preflight(evil), { vary: V }],
      [
        "allowed",
        200,
        preflight(app, "PURGE", "foo,X-Bar,foo"),
        { vary: V, origin: app, creds: "true", methods: "PUT, PURGE", headers: "x-named, foo, x-bar" },
      ],
      [
        "allowed",
        200,
        preflight(app, "PUT"),
        { vary: V, origin: app, creds: "true", methods: "PUT", headers: "x-named" },
      ],
      [
        "malformed_request_headers",
        200,
        preflight(app, "POST", "x-a;evil=1"),
        { vary: V, origin: app, creds: "true", methods: "PUT, POST", headers: "x-named" },
      ],
      [
        "malformed_request_method",
        200,
        preflight(app, "A B"),
        { vary: V, origin: app, creds: "true", methods: "PUT", headers: "x-named" },
      ],
      [
        "header_not_allowed",
        200,
        preflight(app, "PUT", "authorization,foo"),
        { vary: V, origin: app, creds: "true", methods: "PUT", headers: "x-named, foo" },
        ["authorization"],
      ],
    ],
  ],
  [
    "nothing listed but an origin",
    { allowedOrigins: [app] },
    [
      ["allowed", 204, preflight(app), { vary: V, origin: app }],
      ["method_not_allowed", 204, preflight(app, "PUT"), { vary: V, origin: app }],
      ["header_not_allowed", 204, preflight(app, "POST", "x-a"), { vary: V, origin: app }, ["x-a"]],
    ],
  ],
  [
    "none allows no browser",
    { allowedOrigins: "none", allowedMethods: ["POST"] },
    [
      ["not_cors", 0, post(), { vary: "Origin" }],
      ["origin_not_allowed", 0, post(app), { vary: "Origin" }],
      ["origin_not_allowed", 403, preflight("none"), { vary: V }],
    ],
  ],
  [
    "private network access",
    { allowedOrigins: [app], privateNetwork: true },
    [
      [
        "allowed",
        204,
        { ...preflight(app), requestPrivateNetwork: "true" },
        { vary: `${V}, Access-Control-Request-Private-Network`, origin: app, network: "true" },
      ],
      [
        "allowed",
        204,
        { ...preflight(app), requestPrivateNetwork: "1" },
        { vary: `${V}, Access-Control-Request-Private-Network`, origin: app },
      ],
      [
        "origin_not_allowed",
        403,
        { ...preflight(evil), requestPrivateNetwork: "true" },
        { vary: `${V}, Access-Control-Request-Private-Network` },
      ],
    ],
  ],
];

describe.each(tables)("%s", (_name, config, cases) => {
  const policy = compiled(config);
  test.each(cases)("%s, status %i: %j", (reason, status, request, headers, refusedHeaders = []) => {
    const named = Object.entries(fullNames).flatMap(([short, name]) => {
      const value = (headers as Record<string, string>)[short];
      return value === undefined ? [] : [[name, value]];
    });
    expect(decide(policy, request)).toEqual({
      preflight: status !== 0,
      reason,
      status,
      headers: Object.fromEntries(named),
      refusedHeaders,
    });
  });
});

test("every reason about a request is decided by some case above", () => {
  const listed = reasons.filter((reason) => reason.about !== "configuration").map((reason) => reason.code);
  expect(new Set(tables.flatMap(([, , cases]) => cases.map(([reason]) => reason)))).toEqual(new Set(listed));
});

const origins: [allowed: string, matching: string[], strangers: string[]][] = [
  [
    app,
    [app],
    [
      "http://app.example.com",
      `${app}:443`,
      `${app}:8443`,
      `${app}/`,
      `${app}.evil.com`,
      `${app}.`,
      "https://APP.example.com",
      "https://evilapp.example.com",
      "https://appxexample.com",
      "https://user@app.example.com",
    ],
  ],
  [
    "https://*.example.com",
    ["https://a.example.com", "https://b.a.example.com", "https://pr-42.example.com", "https://a_b.example.com"],
    [
      "https://example.com",
      "https://.example.com",
      "https://a..example.com",
      "https://*.example.com",
      "https://A.example.com",
      "https://a.example.com.",
      "https://a.example.com:443",
      "https://a.example.com:8443",
      "https://evilexample.com",
      "https://a.example.com.evil.com",
      "https://evil.com/.example.com",
      "https://evil.com?.example.com",
      "https://evil.com#.example.com",
      "https://evil.com\\.example.com",
      "https://evil.com .example.com",
      "https://evil.com:1.example.com",
      "https://u@a.example.com",
      "http://a.example.com",
      "https:a.example.com",
      `https://${"a".repeat(64)}.example.com`,
      `https://${"a.".repeat(122)}example.com`,
    ],
  ],
  [
    "http://localhost:*",
    ["http://localhost", "http://localhost:1", "http://localhost:65535"],
    [
      "http://localhost:",
      "http://localhost:0",
      "http://localhost:80",
      "http://localhost:080",
      "http://localhost:65536",
      "http://localhost:123456",
      "http://localhost:*",
      "http://localhost:80.evil.com",
      "http://localhost.evil.com",
      "http://localhost:1/",
      "https://localhost:1",
      "http://127.0.0.1:1",
    ],
  ],
  [
    "https://*.example.com:*",
    ["https://a.example.com", "https://a.example.com:8443"],
    ["https://example.com:8443", "https://a.example.com:443", "https://a.example.com:x"],
  ],
  [
    "https://*.example.com:8443",
    ["https://a.example.com:8443"],
    ["https://a.example.com", "https://a.example.com:844"],
  ],
  ["http://[::1]:*", ["http://[::1]", "http://[::1]:9090"], ["http://[::1]:80", "http://[::2]:9090", "http://[::1"]],
  ["chrome-extension://abc", ["chrome-extension://abc"], ["chrome-extension://abd", "chrome-extension://abc:1"]],
];

describe.each(origins)("the allowed origin %s", (allowed, matching, strangers) => {
  const policy = compiled({ allowedOrigins: [allowed] });
  test.each(matching)("covers %s", (origin) => {
    expect(decide(policy, post(origin)).headers["access-control-allow-origin"]).toBe(origin);
  });
  test.each(strangers)("does not cover %s", (origin) => {
    expect(decide(policy, post(origin))).toMatchObject({ reason: "origin_not_allowed", headers: { vary: "Origin" } });
    expect(decide(policy, post(origin)).headers).toEqual({ vary: "Origin" });
  });
});

function compiled(config: CorsConfig): Policy {
  const compilation = compile(config);
  if (!compilation.ok) throw new Error(compilation.mistakes.map((mistake) => mistake.message).join("\n"));
  return compilation.policy;
}
