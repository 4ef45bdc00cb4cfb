import { describe, expect, test } from "vitest";
import { frameworkIds } from "../../../packages/cors/src/doctor/fixes/index.ts";
import {
  type Diagnosis,
  type FetchOptions,
  fetchAlgorithm,
  type PageRequest,
  renderJson,
  renderText,
  type WireOutcome,
  wantsColours,
} from "../../../packages/cors/src/doctor/index.ts";

const plain = { colours: false };
const page: PageRequest = {
  url: new URL("http://localhost:9707/rpc"),
  origin: "http://localhost:5173",
  method: "POST",
  headers: [["authorization", "Bearer secret"]],
  body: "{}",
  credentials: "same-origin",
};

function diagnosisOf(
  outcomes: readonly WireOutcome[],
  change: Partial<PageRequest> = {},
  options: FetchOptions = {},
): Diagnosis {
  const conversation = fetchAlgorithm({ ...page, ...change }, options);
  let turn = conversation.next();
  for (const outcome of outcomes) if (!turn.done) turn = conversation.next(outcome);
  if (!turn.done) throw new Error("the fetch wants more responses");
  return turn.value;
}

const response = (status: number, headers: readonly (readonly [string, string])[]): WireOutcome => ({
  response: { status, headers },
});
const passing = [
  response(204, [
    ["Access-Control-Allow-Origin", "*"],
    ["Access-Control-Allow-Headers", "authorization"],
    ["Access-Control-Max-Age", "600"],
  ]),
  response(200, [
    ["Access-Control-Allow-Origin", "*"],
    ["Set-Cookie", "session=secret"],
    ["ETag", "1"],
    ["Content-Type", "application/json"],
  ]),
];
/** The names of the frameworks with a fix. */
function headingsOf(text: string): string[] {
  const [, fixes = ""] = text.split("\nHow to fix it\n");
  return [...fixes.matchAll(/^ {2}(\S.*?)$/gm)]
    .map(([, heading = ""]) => heading)
    .filter((line) => !/--framework/.test(line));
}

const failing = [response(403, [["Vary", "Origin"]])];

describe("the text", () => {
  test("of a call that passes", () => {
    expect(renderText(diagnosisOf(passing), [], plain)).toMatchInlineSnapshot(`
      "POST http://localhost:9707/rpc
      from a page on http://localhost:5173, headers authorization

      ✓ The page is on http://localhost:5173 and the URL on http://localhost:9707: CORS applies.
      ✓ A preflight comes first: authorization is not a safelisted header.

      ✓ OPTIONS http://localhost:9707/rpc is answered with 204.
          > origin: http://localhost:5173
          > access-control-request-method: POST
          > access-control-request-headers: authorization
          < access-control-allow-origin: *
          < access-control-allow-headers: authorization
          < access-control-max-age: 600
      ✓ Access-Control-Allow-Origin is *; it must be http://localhost:5173 or *.
      ✓ The status is 204; it must be 200 to 299.
      ✓ Access-Control-Allow-Methods is missing; POST needs no permission.
      ✓ Access-Control-Allow-Headers is authorization; it must contain authorization.
      ✓ Access-Control-Max-Age is 600: Chrome keeps the answer for 600 s, Firefox for 600 s, Safari for 600 s.

      ✓ POST http://localhost:9707/rpc is answered with 200.
          > origin: http://localhost:5173
          < access-control-allow-origin: *
      ✓ Access-Control-Allow-Origin is *; it must be http://localhost:5173 or *.
      ! The browser ignores the cookies of this reply, because the page sends no credentials (credentials: "include").
      ✓ The page reads the status 200, the body and the headers content-type.

      ALLOWED: the browser lets the page continue.
      Hidden from the page, unless Access-Control-Expose-Headers lists them: etag"
    `);
  });

  test("of a call that is blocked", () => {
    expect(renderText(diagnosisOf(failing), ["A note."], plain)).toMatchInlineSnapshot(`
      "POST http://localhost:9707/rpc
      from a page on http://localhost:5173, headers authorization

      ✓ The page is on http://localhost:5173 and the URL on http://localhost:9707: CORS applies.
      ✓ A preflight comes first: authorization is not a safelisted header.

      ✓ OPTIONS http://localhost:9707/rpc is answered with 403.
          > origin: http://localhost:5173
          > access-control-request-method: POST
          > access-control-request-headers: authorization
          < vary: Origin
      ✗ Access-Control-Allow-Origin is missing; it must be http://localhost:5173 or *.
      ! The status is 403; it must be 200 to 299 (the server refuses the origin, or requires a permission before CORS is answered).
      ✓ Access-Control-Allow-Methods is missing; POST needs no permission.
      ! Access-Control-Allow-Headers is missing; it must contain authorization.
      ! A note.

      BLOCKED by the preflight: allow_origin_missing
      The response does not say that a page of another origin may read it.

      The console says
        Chrome          Access to fetch at 'http://localhost:9707/rpc' from origin 'http://localhost:5173' has been blocked by CORS policy: Response to preflight request doesn't pass access control check: No 'Access-Control-Allow-Origin' header is present on the requested resource.
        Firefox         Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at http://localhost:9707/rpc. (Reason: CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 403.
        Safari          Preflight response is not successful. Status code: 403
                        Fetch API cannot load http://localhost:9707/rpc due to access control checks.

      How to fix it
        finance-service
          add http://localhost:5173 to CORS_ALLOWED_ORIGINS; the variable replaces the default list: repeat the origins that you keep (https://*.example.com and http://localhost:* work too)
        Express cors (tried with Express 5.3.0, cors 2.8.6)
          app.use(cors({ origin: ["http://localhost:5173"] }));
          // before every route and every login check; keep the origins that you have
        rs/cors (Go) (tried with rs/cors 1.7.0, Go 1.19)
          handler := cors.New(cors.Options{AllowedOrigins: []string{"http://localhost:5173"}, AllowedHeaders: []string{"authorization"}}).Handler(mux)
          // serve this handler; mux is everything else, logins and redirects too; keep the origins, methods and headers that you have
        nginx (tried with nginx 1.22.1)
          set $cors_origin "";
          if ($http_origin = "http://localhost:5173") { set $cors_origin $http_origin; } # a line for each origin
          if ($request_method = OPTIONS) { return 204; }
          add_header Access-Control-Allow-Origin $cors_origin always;
          add_header Vary Origin always;
          add_header Access-Control-Allow-Headers "authorization" always;
          # at the top of the location, in place of other CORS lines; its add_header lines hide those of the server block
          # "always" covers errors too
        --framework NAME prints the fix for another one, such as fastify, spring, django or caddy."
    `);
  });

  test("of a server that does not answer", () => {
    const noResponse = {
      noResponse: { code: "connection_refused", detail: "nothing listens on localhost:9707" },
    } as const;
    const text = renderText(diagnosisOf([noResponse]), [], plain);
    expect(text).toContain("NO ANSWER: connection_refused");
    expect(text).toMatch(
      /How to fix it\n {2}finance-service\n {4}npm start.*\n {2}other servers\n {4}start the server.*$/,
    );
  });

  test("names one fix if all servers have the same", () => {
    const noResponse = { noResponse: { code: "host_not_found", detail: "the name cannot be resolved" } } as const;
    const text = renderText(diagnosisOf([noResponse]), [], plain);
    expect(text).toMatch(/\n\nHow to fix it: correct the host name in the page's URL, or its DNS entry$/);
  });

  test.each<[what: string, header: readonly [string, string], headings: readonly RegExp[]]>([
    ["nginx", ["Server", "nginx/1.22.1"], [/^nginx \(/]],
    ["Express or NestJS", ["X-Powered-By", "Express"], [/^Express cors \(/, /^NestJS \(/]],
    ["Apache", ["server", "Apache/2.4.71 (Debian)"], [/^Apache \(/]],
    ["ASP.NET Core", ["Server", "Kestrel"], [/^ASP\.NET Core \(not run\)$/]],
    ["API Gateway", ["apigw-requestid", "JKJaXmPLvHcESHA="], [/^AWS API Gateway \(not run\)$/]],
    ["Caddy behind a proxy", ["Via", "1.1 Caddy"], [/^Caddy \(/]],
    ["FastAPI", ["server", "uvicorn"], [/^FastAPI \(/]],
    ["Django", ["server", "WSGIServer/0.2 CPython/3.11.2"], [/^Django \(/]],
    ["nobody", ["Server", "Apache-Coyote/1.1"], [/^finance-service$/, /^Express/, /^rs\/cors/, /^nginx/]],
  ])("prints the fixes for the server that the reply names: %s", (_, header, headings) => {
    const text = renderText(diagnosisOf([response(404, [header])]), [], plain);
    expect(headingsOf(text)).toEqual(headings.map((heading) => expect.stringMatching(heading)));
  });

  test("prints the fixes for the frameworks that were asked for, each once", () => {
    const text = renderText(diagnosisOf(failing), [], { ...plain, frameworks: ["spring", "hono", "spring"] });
    expect(headingsOf(text)).toEqual([expect.stringMatching(/^Spring/), expect.stringMatching(/^Hono/)]);
    expect(text).not.toContain("--framework");
  });

  test("of a request that the browser never sends", () => {
    const mixed = diagnosisOf([], { origin: "https://app.test", url: new URL("http://api.test/") });
    expect(renderText(mixed, [], plain)).toContain("BLOCKED before it is sent: mixed_content");
    const port = diagnosisOf([], { url: new URL("http://localhost:6000/") });
    expect(renderText(port, [], plain)).toContain("BLOCKED before it is sent: blocked_port");
  });

  test("of an error that the page can read", () => {
    const missing = response(404, [["Access-Control-Allow-Origin", "*"]]);
    const text = renderText(diagnosisOf([...passing.slice(0, 1), missing]), [], plain);
    expect(text).toMatch(/ALLOWED.*\nThe page reads the reply, which is the error 404/);
  });

  test("has colours only on request, and otherwise the same text", () => {
    const coloured = renderText(diagnosisOf(passing), [], { colours: true });
    expect(coloured).toContain("\x1b[32m✓\x1b[39m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(coloured.replace(/\x1b\[\d+m/g, "")).toBe(renderText(diagnosisOf(passing), [], plain));
  });

  test("escapes control characters from the server, and cuts long values", () => {
    const hostile = [response(204, [["Access-Control-Allow-Origin", `\x1b[2J\x07${"a".repeat(1_000)}`]])];
    const text = renderText(diagnosisOf(hostile), [], plain);
    expect(text).toContain("\\x1b[2J\\x07aaa");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not come through
    expect(text).not.toMatch(/[\0-\x09\x0b-\x1f\x7f]/);
    for (const line of text.split("\n")) expect(line.length).toBeLessThan(500);
  });
});

describe("a permission", () => {
  const asking = passing.map((outcome) => ({ ...outcome, address: "127.0.0.1" }));
  const online = { origin: "https://app.test" };

  test("that the user has not given yet is part of the verdict", () => {
    const diagnosis = diagnosisOf(asking, online);
    expect(renderText(diagnosis, [], plain)).toContain(
      "\nALLOWED IF THE USER AGREES: Chrome asks for loopback-network.",
    );
    expect(JSON.parse(renderJson(diagnosis, []))).toMatchObject({
      allowed: true,
      pageAddressSpace: "public",
      permissions: [{ name: "loopback-network", state: "prompt" }],
    });
  });

  test("that the user has given is not", () => {
    const text = renderText(diagnosisOf(asking, online, { permission: "granted" }), [], plain);
    expect(text).toContain("\nALLOWED: the browser lets the page continue.");
    expect(text).toContain("✓ localhost:9707 is in the loopback address space");
  });

  test("that the user has denied blocks the call before it is sent", () => {
    const text = renderText(diagnosisOf(asking.slice(0, 1), online, { permission: "denied" }), [], plain);
    expect(text).toContain("\nBLOCKED before it is sent: local_network_denied");
    expect(text).toContain("Permission was denied for this request to access the `loopback` address space.");
  });
});

test("cookies that are not stored are named at the end, and their values nowhere", () => {
  const cookies = ["session=SECRET", "theme=SECRET; SameSite=None; Secure", "old=; SameSite=None; Secure; Max-Age=0"];
  const lines = cookies.map((cookie) => ["set-cookie", cookie] as const);
  const origin = "https://app.example.test";
  const allowed = [
    ["access-control-allow-origin", origin],
    ["access-control-allow-credentials", "true"],
    ["access-control-allow-headers", "authorization"],
  ] as const;
  const credentials = { origin, url: new URL("https://api.other.test/"), credentials: "include" } as const;
  const diagnosis = diagnosisOf([response(204, allowed), response(200, [...allowed, ...lines])], credentials);
  const text = renderText(diagnosis, [], plain);
  expect(text).toContain(
    "\nALLOWED: the browser lets the page continue.\nNot stored, so the page's next calls lack them: session.",
  );
  const json = renderJson(diagnosis, []);
  expect(JSON.parse(json).cookies).toEqual([
    {
      name: "session",
      stored: false,
      deleted: false,
      problems: ["same_site_missing"],
      thirdParty: true,
      partitioned: false,
    },
    { name: "theme", stored: true, deleted: false, problems: [], thirdParty: true, partitioned: false },
    { name: "old", stored: false, deleted: true, problems: [], thirdParty: true, partitioned: false },
  ]);
  expect(text + json).not.toContain("SECRET");
});

describe("the JSON", () => {
  test("of a call that passes", () => {
    const { steps, ...rest } = JSON.parse(renderJson(diagnosisOf(passing), ["A note."]));
    expect(rest).toEqual({
      version: 1,
      allowed: true,
      crossOrigin: true,
      request: {
        url: "http://localhost:9707/rpc",
        origin: "http://localhost:5173",
        method: "POST",
        headers: [["authorization", "Bearer ..."]],
        credentials: "same-origin",
      },
      pageAddressSpace: "loopback",
      permissions: [],
      cookies: [],
      failure: null,
      preflightCache: { maxAge: "600", chromium: 600, firefox: 600, webkit: 600 },
      reply: {
        status: 200,
        readable: ["content-type"],
        hidden: ["access-control-allow-origin", "etag", "set-cookie"],
      },
      notes: ["A note."],
    });
    expect(steps[2]).toEqual({
      name: "preflight_sent",
      result: "passed",
      text: "OPTIONS http://localhost:9707/rpc is answered with 204.",
      rule: "https://fetch.spec.whatwg.org/#cors-preflight-fetch",
      request: {
        method: "OPTIONS",
        url: "http://localhost:9707/rpc",
        headers: [
          ["access-control-request-method", "POST"],
          ["access-control-request-headers", "authorization"],
          ["origin", "http://localhost:5173"],
        ],
      },
      response: {
        status: 204,
        headers: [
          ["Access-Control-Allow-Origin", "*"],
          ["Access-Control-Allow-Headers", "authorization"],
          ["Access-Control-Max-Age", "600"],
        ],
      },
    });
  });

  test("of a call that is blocked", () => {
    const { allowed, failure, reply } = JSON.parse(renderJson(diagnosisOf(failing), []));
    expect({ allowed, reply }).toEqual({ allowed: false, reply: null });
    expect(failure).toEqual({
      code: "allow_origin_missing",
      stage: "preflight",
      url: "http://localhost:9707/rpc",
      status: 403,
      value: "",
      hint: null,
      meaning: "The response does not say that a page of another origin may read it.",
      alsoWrong: ["preflight_status", "header_not_allowed"],
      consoles: { chrome: expect.any(String), firefox: expect.any(String), safari: expect.any(String) },
      fixes: {
        ...Object.fromEntries(frameworkIds.map((id) => [id, [expect.any(String)]])),
        financeService: [expect.stringContaining("add http://localhost:5173 to CORS_ALLOWED_ORIGINS")],
      },
    });
  });

  test("contains no secret, and neither does the text", () => {
    expect(renderJson(diagnosisOf(passing), [])).not.toContain("secret");
    expect(renderText(diagnosisOf(passing), [], plain)).not.toContain("secret");
  });

  test.each([
    ["authorization", "secret"],
    ["authorization", "Bearer\tsecret"],
    ["x-api-key", "secret"],
    ["x-csrf-token", "secret"],
    ["x-amz-security-token", "secret"],
  ])("contains no secret of %s: %j", (name, value) => {
    const outcomes = [...passing.slice(0, 1), response(200, [[name, value]])];
    const diagnosis = diagnosisOf(outcomes, { headers: [[name, value]] }, { strict: false });
    expect(renderJson(diagnosis, [])).not.toContain("secret");
    expect(renderText(diagnosis, [], plain)).not.toContain("secret");
  });
});

test.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: "1" }, false],
  [true, { NO_COLOR: "" }, true],
  [true, { TERM: "dumb" }, false],
])("terminal %s in %j: colours %s", (isTerminal, environment, expected) => {
  expect(wantsColours(isTerminal, environment)).toBe(expected);
});
