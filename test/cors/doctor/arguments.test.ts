import { describe, expect, test } from "vitest";
import { findFramework, frameworkIds, frameworkNames } from "../../../packages/cors/src/doctor/fixes/index.ts";
import { commandName, readArguments, UsageError, usage } from "../../../packages/cors/src/doctor/index.ts";
import { compile } from "../../../packages/cors/src/index.ts";

const url = "http://localhost:9707/rpc";
const page = ["--origin", "http://localhost:5173"];

test("defaults to the call of an API client: POST with authorization and JSON", () => {
  expect(readArguments([url, ...page])).toEqual({
    kind: "check",
    url: new URL(url),
    page: {
      origin: "http://localhost:5173",
      method: "POST",
      headers: [
        ["authorization", "Bearer cors-doctor"],
        ["content-type", "application/json"],
      ],
      body: "{}",
      credentials: "same-origin",
    },
    fromConfig: false,
    strict: false,
    preflightOnly: false,
    notes: [],
    frameworks: null,
    json: false,
    timeoutMs: 10_000,
    userAgent: expect.stringContaining("Chrome/"),
    pageAddressSpace: undefined,
    permission: "prompt",
  });
});

test.each<[what: string, args: string[], expected: object]>([
  [
    "a GET sends no content-type",
    ["--method", "get"],
    { method: "GET", headers: [["authorization", expect.anything()]], body: null },
  ],
  [
    "a DELETE neither",
    ["--method", "DELETE"],
    { method: "DELETE", headers: [["authorization", expect.anything()]], body: null },
  ],
  ["PATCH in lower case stays so", ["--method", "patch"], { method: "patch" }],
  ["--header replaces the default", ["--header", "x-a"], { headers: [["x-a", "cors-doctor"]], body: null }],
  [
    "-H, with a value, in any case",
    ["-H", "X-A:  1 ", "-H", "x-b:2"],
    {
      headers: [
        ["x-a", "1"],
        ["x-b", "2"],
      ],
    },
  ],
  [
    "several headers after one --header",
    ["--header", "x-a", "x-b: 2"],
    {
      headers: [
        ["x-a", "cors-doctor"],
        ["x-b", "2"],
      ],
    },
  ],
  ["a header twice is joined", ["-H", "x-a: 1", "-H", "X-A: 2"], { headers: [["x-a", "1, 2"]] }],
  ["an empty value", ["-H", "x-a:"], { headers: [["x-a", ""]] }],
  ["--no-headers", ["--no-headers"], { headers: [], body: null }],
  [
    "a body without a type gets the browser's",
    ["--no-headers", "--data", "x"],
    { headers: [["content-type", "text/plain;charset=UTF-8"]], body: "x" },
  ],
  ["--data", ["--data", '{"id":4}'], { body: '{"id":4}' }],
  ["--credentials", ["--credentials"], { credentials: "include" }],
  ["the origin null", ["--origin", "null"], { origin: "null" }],
  ["--target-address-space", ["--target-address-space", "local"], { targetAddressSpace: "local" }],
])("%s", (_, args, expected) => {
  expect(readArguments([url, ...page, ...args])).toMatchObject({ page: expected });
});

test.each([
  "capacitor://localhost",
  "ionic://localhost",
  "tauri://localhost",
  "https://tauri.localhost",
  "app://obsidian.md",
  "app://-",
  "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
  "moz-extension://7f2c2ed5-6f6d-4d6a-9f5f-0e9c9dcb7d5a",
  "safari-web-extension://7F2C2ED5-6F6D-4D6A-9F5F-0E9C9DCB7D5A",
  "vscode-webview://0k2l3m",
  "file://",
  "null",
  "http://[::1]:5173",
])("the origin %s is asked for, and a policy can allow it but for null", (origin) => {
  expect(readArguments([url, "--origin", origin])).toMatchObject({ page: { origin } });
  expect(compile({ allowedOrigins: [origin] }).ok).toBe(origin !== "null");
});

test.each([
  ["/repo/dist/cli/doctor.js", {}, "npm run doctor --"],
  ["/repo/dist/cli/doctor.js", { npm_lifecycle_event: "doctor" }, "npm run doctor --"],
  ["/app/node_modules/.bin/cors-doctor", { npm_lifecycle_event: "npx" }, "cors-doctor"],
  ["/usr/local/bin/cors-doctor", {}, "cors-doctor"],
  ["C:\\app\\node_modules\\finance-service\\dist\\cli\\doctor.js", {}, "cors-doctor"],
])("started as %s with %j it calls itself %s", (path, environment, expected) => {
  expect(commandName(path, environment)).toBe(expected);
  expect(usage(expected)).toMatch(new RegExp(`^usage: ${expected} URL`));
});

test("the page's place and the user's answer can be given", () => {
  expect(readArguments([url, ...page, "--page-address-space", "public", "--permission", "denied"])).toMatchObject({
    pageAddressSpace: "public",
    permission: "denied",
  });
});

test("the fragment of the URL is not sent", () => {
  expect(readArguments([`${url}#top`, ...page])).toMatchObject({ url: new URL(url) });
});

test("--from-config needs no URL but accepts one", () => {
  expect(readArguments(["--from-config", ...page])).toMatchObject({ fromConfig: true, url: undefined });
  expect(readArguments(["--from-config", url, ...page])).toMatchObject({ fromConfig: true, url: new URL(url) });
});

test.each([
  [["--framework", "express"], ["expressCors"]],
  [
    ["--framework", "asp.net-core", "--framework", "Spring Boot"],
    ["aspNetCore", "spring"],
  ],
  [
    ["--framework", "rsCors", "--framework", "awsApiGateway"],
    ["rsCors", "awsApiGateway"],
  ],
  [["--framework", "nginx", "--framework", "all"], frameworkIds],
])("%j asks for the fixes of %j", (args, frameworks) => {
  expect(readArguments([url, ...page, ...args])).toMatchObject({ frameworks });
});

test("every framework has a name of its own, which the usage lists", () => {
  expect(frameworkNames.map(findFramework)).toEqual(frameworkIds);
  for (const name of frameworkNames) expect(usage("cors-doctor")).toContain(name);
});

test("--help takes precedence over everything", () => {
  expect(readArguments(["--help"])).toEqual({ kind: "help" });
});

test("the usage names every option", () => {
  for (const option of [
    "origin",
    "method",
    "header",
    "no-headers",
    "data",
    "credentials",
    "strict",
    "page-address-space",
    "target-address-space",
    "permission",
    "preflight-only",
    "framework",
  ]) {
    expect(usage("cors-doctor")).toContain(`--${option}`);
  }
});

describe("bad usage is reported with its reason", () => {
  test.each<[args: string[], message: RegExp]>([
    [page, /^a URL is required$/],
    [[url], /^--origin is required/],
    [[url, "http://b.test", ...page], /^only one URL is allowed; remove http:\/\/b\.test$/],
    [["localhost:9707", ...page], /not an http or https URL/],
    [["/rpc", ...page], /not an http or https URL/],
    [["http://user:secret@localhost/", ...page], /user name or a password/],
    [[url, "--origin", "http://localhost:5173/"], /did you mean http:\/\/localhost:5173\?$/],
    [[url, "--origin", "HTTP://LOCALHOST:80"], /did you mean http:\/\/localhost\?$/],
    [[url, "--origin", "localhost:5173"], /is not an origin: the scheme is missing: http:\/\/localhost:5173$/],
    [[url, "--origin", "*"], /is a pattern, not an origin/],
    [[url, "--origin", "http://localhost:*"], /is a pattern, not an origin/],
    [[url, "--origin", "capacitor://localhost/"], /drop the trailing slash: capacitor:\/\/localhost$/],
    [[url, "--origin", "file:///index.html"], /file:\/\/ without a path/],
    [[url, "--origin", '"http://localhost:5173"'], /drop the quotes: http:\/\/localhost:5173$/],
    [[url, ...page, "--method", "TRACE"], /no page can send TRACE/],
    [[url, ...page, "--method", "P OST"], /is not a method/],
    [[url, ...page, "--method", ""], /is not a method/],
    [[url, ...page, "--method", "GET", "--data", "x"], /body with GET/],
    [[url, ...page, "-H", "cookie: a=1"], /no page can set cookie.*--credentials/],
    [[url, ...page, "-H", "Origin: http://a.test"], /no page can set origin/],
    [[url, ...page, "-H", "accept-encoding"], /no page can set accept-encoding/],
    [[url, ...page, "-H", "x a: 1"], /is not a header/],
    [[url, ...page, "-H", ""], /is not a header/],
    [[url, ...page, "-H", "x-http-method-override: trace"], /no page can set x-http-method-override to trace/],
    [[url, ...page, "-H", "x-a: a\nb"], /the value of x-a has a character/],
    [[url, ...page, "-H", "x-a: \u20ac"], /the value of x-a has a character/],
    [[url, ...page, "-H", "x-a", "--no-headers"], /exclude each other/],
    [[url, ...page, "--timeout", "0"], /^--timeout must be/],
    [[url, ...page, "--timeout", "soon"], /^--timeout must be/],
    [[url, ...page, "--timeout", "601"], /^--timeout must be/],
    [[url, ...page, "--page-address-space", "private"], /^--page-address-space must be public, local, loopback$/],
    [[url, ...page, "--target-address-space", ""], /^--target-address-space must be public, local, loopback$/],
    [[url, ...page, "--permission", "ask"], /^--permission must be granted, prompt, denied$/],
    [["--from-config", ...page, "--permission", "granted"], /connects to no server/],
    [["--from-config", ...page, "--page-address-space", "local"], /connects to no server/],
    [[url, ...page, "--user-agent", "a\nb"], /the value of user-agent/],
    [[url, ...page, "--framework", "expres"], /^there is no framework "expres"; did you mean express\?$/],
    [[url, ...page, "--framework", "rails"], /^there is no framework "rails"; there are finance-service, .* and all$/],
    [[url, "--orgin", "http://localhost:5173"], /did you mean --origin\?$/],
    [[url, ...page, "--verbose"], /^there is no option --verbose$/],
    [[url, ...page, "--json=yes"], /--json/],
    [[url, "--origin"], /^--origin needs a value$/],
  ])("%j", (args, message) => {
    expect(() => readArguments(args)).toThrow(UsageError);
    expect(() => readArguments(args)).toThrow(message);
  });
});

describe("--curl", () => {
  const command = `curl '${url}' -X PUT -H 'Origin: http://localhost:5173' -H 'x-a: b' -H 'User-Agent: c' -d '{}' -b a=b`;

  test("takes the call and the origin of the page from the command", () => {
    expect(readArguments(["--curl", command])).toMatchObject({
      url: new URL(url),
      page: {
        ...{ origin: "http://localhost:5173", method: "PUT", body: "{}", credentials: "include" },
        headers: [
          ["x-a", "b"],
          ["content-type", "application/x-www-form-urlencoded"],
        ],
      },
      notes: [expect.stringContaining("cookies"), expect.stringContaining("user-agent")],
    });
  });

  test("gives way to other options", () => {
    const args = [
      "--origin",
      "https://app.test",
      "--method",
      "POST",
      "--data",
      "x",
      "--header",
      "x-c",
      "--preflight-only",
    ];
    expect(readArguments(["--curl", command, ...args])).toMatchObject({
      page: {
        origin: "https://app.test",
        method: "POST",
        body: "x",
        headers: [
          ["x-a", "b"],
          ["content-type", "application/x-www-form-urlencoded"],
          ["x-c", "cors-doctor"],
        ],
      },
      preflightOnly: true,
    });
  });

  test("reads standard input for -", () => {
    expect(readArguments(["--curl", "-"], () => command)).toMatchObject({ page: { method: "PUT" } });
  });

  test.each<[args: string[], message: string]>([
    [["--curl", "wget http://a.test"], '--curl: the command must begin with curl, and begins with "wget"'],
    [["--curl", "curl http://a.test"], "--origin is required"],
    [["--curl", "curl http://a.test -X TRACE", ...page], "no page can send TRACE"],
    [["--curl", command, "--from-config"], "--curl and --from-config exclude each other"],
  ])("%j is refused", (args, message) => {
    expect(() => readArguments(args)).toThrow(UsageError);
    expect(() => readArguments(args)).toThrow(message);
  });
});

describe("what asks no server takes only the options that have a meaning there", () => {
  test("--har, --explain and --expect", () => {
    expect(readArguments(["--har", "a.har", "--json", "--strict"])).toMatchObject({
      kind: "har",
      file: "a.har",
      json: true,
      strict: true,
    });
    expect(readArguments(["--explain", "-"], () => "a line")).toMatchObject({ kind: "explain", text: "a line" });
    expect(readArguments(["--expect", "a.json", url, "--junit", "a.xml"])).toMatchObject({
      ...{ kind: "expect", file: "a.json", url: new URL(url), junit: "a.xml", timeoutMs: 10_000 },
    });
  });

  test.each<[args: string[], message: string]>([
    [["--har", "a.har", ...page], "--har and --origin exclude each other"],
    [["--har", "a.har", url], `--har takes no "${url}"; quote a value that has spaces`],
    [["--har", "a.har", "--explain", "x"], "--har and --explain exclude each other"],
    [["--explain", "Access", "to"], '--explain takes no "to"; quote'],
    [["--expect", "a.json", "--method", "GET"], "--expect and --method exclude each other"],
    [["--expect", "a.json", url, url], "--expect takes no"],
    [["--expect", "a.json", "/path"], "is not an http or https URL"],
    [[url, ...page, "--junit", "a.xml"], "--junit needs --har or --expect"],
  ])("%j is refused", (args, message) => {
    expect(() => readArguments(args)).toThrow(UsageError);
    expect(() => readArguments(args)).toThrow(message);
  });
});
