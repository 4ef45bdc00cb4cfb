import { describe, expect, test } from "vitest";
import { type BrowserName, explainLine } from "../../../packages/cors/src/doctor/console-text.ts";
import {
  consoleLines,
  type Diagnosis,
  explanations,
  type FailureCode,
} from "../../../packages/cors/src/doctor/index.ts";

const codes = Object.keys(explanations) as FailureCode[];
const url = "http://localhost:9707/rpc?a=b";
const origin = "http://localhost:5173";

/** A diagnosis that ends with this failure. */
function failed(code: FailureCode, stage: "preflight" | "request", value: string): Diagnosis {
  const finding = { code, value, hint: null, cause: null, refused: [value], chrome: null };
  const failure = { ...finding, stage, url, preflighted: false, sentOrigin: origin, status: 404, findings: [finding] };
  const call = { url: new URL(url), origin, method: "PUT", headers: [], body: null, credentials: "include" } as const;
  const page = { ...call, targetAddressSpace: "local" } as const;
  const fixed = { allowed: false, crossOrigin: true, steps: [], preflightCache: null, reply: null };
  return { page, failure, ...fixed, place: { space: "public", why: "" }, permissions: [], cookies: [] };
}

const browsers = ["chrome", "firefox", "safari"] as const;
const values = ["http://other.test", "x-a", "PUT", "https://a.test, https://b.test"];

/** Every line that the doctor itself prints. */
const lines = codes.flatMap((code) =>
  (["preflight", "request"] as const).flatMap((stage) =>
    values.flatMap((value) =>
      browsers.flatMap((browser) => {
        const line = consoleLines(failed(code, stage, value))?.[browser] ?? null;
        return line === null ? [] : [{ code, browser, line, stage }];
      }),
    ),
  ),
);

/** What chats, terminals and people do to a line. */
const manglings: readonly (readonly [name: string, mangle: (line: string) => string])[] = [
  ["as it is", (line) => line],
  ["with a source location", (line) => `app.js:12 ${line}`],
  ["in lower case", (line) => line.toLowerCase()],
  ["with other quotes", (line) => line.replaceAll("'", "’").replaceAll("‘", '"').replaceAll("`", "'")],
  ["without quotes", (line) => line.replace(/['‘’“”`]/g, "")],
  ["with breaks at its spaces", (line) => line.replaceAll(" ", "\n  ")],
  ["after another line", (line) => `[Log] hello (app.js, line 3)\n${line}\nUncaught (in promise) TypeError`],
  ["with HTML entities", (line) => line.replaceAll("'", "&#39;")],
];

test.each(manglings)("recognises every line that the doctor prints, %s", (_, mangle) => {
  const wrong = lines.filter(({ code, browser, line }) => {
    const messages = explainLine(mangle(line));
    return (
      messages.length !== 1 ||
      messages[0]?.browser !== browser ||
      !messages[0].causes.some((cause) => cause.code === code)
    );
  });
  expect(wrong).toEqual([]);
  expect(lines.length).toBeGreaterThan(500);
});

test("reads the call and the value from Chrome's line", () => {
  const [message] = explainLine(
    `app.js:12 Access to XMLHttpRequest at '${url}' (redirected from 'http://localhost:9707/old') from origin '${origin}' has been blocked by CORS policy: The 'Access-Control-Allow-Origin' header has a value 'http://localhost:5174' that is not equal to the supplied origin. Have the server send the header with a valid value, or, if an opaque response serves your needs, set the request's mode to 'no-cors' to fetch the resource with CORS disabled.`,
  );
  expect(message).toMatchObject({
    browser: "chrome",
    facts: {
      ...{ url, origin, redirectedFrom: "http://localhost:9707/old", resource: "XMLHttpRequest", preflight: false },
      value: "http://localhost:5174",
    },
    causes: [{ code: "origin_not_allowed", diagnosis: { failure: { hint: "it differs by port" } } }],
    check: ["http://localhost:9707/old", "--origin", origin, "--no-headers", "--method", "GET"],
  });
});

const access = `Access to fetch at '${url}' from origin '${origin}' has been blocked by CORS policy:`;
const preflight = "Response to preflight request doesn't pass access control check:";

interface Case {
  readonly line: string;
  readonly code: FailureCode;
  readonly facts?: object;
}

const wordings: readonly (readonly [name: string, browser: BrowserName, found: Case])[] = [
  ...[
    "XMLHttpRequest",
    "font",
    "script",
    "image",
    "CSS stylesheet",
    "manifest",
    "internal resource",
    "the resource",
  ].map(
    (resource) =>
      [
        `Chrome, Access to ${resource}`,
        "chrome",
        {
          line: `Access to ${resource} at '${url}' from origin 'null' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.`,
          code: "allow_origin_missing",
          facts: { url, origin: "null" },
        },
      ] as const,
  ),
  [
    "Chrome until 2018",
    "chrome",
    {
      line: `Failed to load ${url}: ${preflight} No 'Access-Control-Allow-Origin' header is present on the requested resource. Origin '${origin}' is therefore not allowed access. The response had HTTP status code 404. If an opaque response serves your needs, set the request's mode to 'no-cors' to fetch the resource with CORS disabled.`,
      code: "allow_origin_missing",
      facts: { url, origin, preflight: true, status: 404 },
    },
  ],
  [
    "Chrome until 2017",
    "chrome",
    {
      line: `XMLHttpRequest cannot load ${url}. Response for preflight has invalid HTTP status code 405`,
      code: "preflight_status",
      facts: { url, preflight: true, status: 405 },
    },
  ],
  [
    "Chrome until 2016, with credentials",
    "chrome",
    {
      line: `XMLHttpRequest cannot load ${url}. A wildcard '*' cannot be used in the 'Access-Control-Allow-Origin' header when the credentials flag is true. Origin '${origin}' is therefore not allowed access.`,
      code: "wildcard_origin_with_credentials",
      facts: { url, origin },
    },
  ],
  [
    "Chrome until 2013",
    "chrome",
    {
      line: `XMLHttpRequest cannot load ${url}. Origin ${origin} is not allowed by Access-Control-Allow-Origin.`,
      code: "allow_origin_missing",
      facts: { url, origin },
    },
  ],
  [
    "Chrome, a refused header",
    "chrome",
    {
      line: `${access} Request header field x-api-key is not allowed by Access-Control-Allow-Headers in preflight response.`,
      code: "header_not_allowed",
      facts: { value: "x-api-key" },
    },
  ],
  [
    "Chrome, a font until 2016",
    "chrome",
    {
      line: `Font from origin 'https://cdn.test' has been blocked from loading by Cross-Origin Resource Sharing policy: No 'Access-Control-Allow-Origin' header is present on the requested resource. Origin '${origin}' is therefore not allowed access.`,
      code: "allow_origin_missing",
      facts: { url: "https://cdn.test", origin },
    },
  ],
  [
    "Chrome, a redirect",
    "chrome",
    {
      line: `Redirect from '${url}' to 'https://login.test/' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.`,
      code: "allow_origin_missing",
      facts: { url },
    },
  ],
  [
    "Chrome, credentials without a value",
    "chrome",
    {
      line: `${access} The value of the 'Access-Control-Allow-Credentials' header in the response is '' which must be 'true' when the request's credentials mode is 'include'. The credentials mode of requests initiated by the XMLHttpRequest is controlled by the withCredentials attribute.`,
      code: "credentials_not_allowed",
      facts: { value: "" },
    },
  ],
  [
    "Chrome, nobody listens",
    "chrome",
    { line: `POST ${url} net::ERR_CONNECTION_REFUSED`, code: "connection_refused", facts: { method: "POST", url } },
  ],
  [
    "Firefox without a status",
    "firefox",
    {
      line: `Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at ${url}. (Reason: CORS header ‘Access-Control-Allow-Origin’ missing).`,
      code: "allow_origin_missing",
      facts: { url },
    },
  ],
  [
    "Firefox until 2019",
    "firefox",
    {
      line: `Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at ${url}. (Reason: missing token ‘x-a’ in CORS header ‘Access-Control-Allow-Headers’ from CORS preflight channel).`,
      code: "header_not_allowed",
      facts: { url, value: "x-a" },
    },
  ],
  [
    "Safari without a status",
    "safari",
    {
      line: `[Error] Origin ${origin} is not allowed by Access-Control-Allow-Origin.\n[Error] XMLHttpRequest cannot load ${url} due to access control checks. (app.js, line 12)`,
      code: "allow_origin_missing",
      facts: { url, origin, resource: "XMLHttpRequest" },
    },
  ],
];

test.each(wordings)("knows the wording of %s", (_, browser, { line, code, facts = {} }) => {
  const messages = explainLine(line);
  expect(messages.map(({ browser }) => browser)).toEqual([browser]);
  expect(messages[0]?.facts).toMatchObject(facts);
  expect(messages[0]?.causes[0]?.code).toBe(code);
});

test("finds each of several messages, and says that Chrome's second line has no reason", () => {
  const messages = explainLine(
    `app.js:3 ${access} It does not have HTTP ok status.\napp.js:3 GET ${url} net::ERR_FAILED\nUncaught TypeError: Failed to fetch`,
  );
  expect(messages.map(({ causes }) => causes.map(({ code }) => code))).toEqual([["preflight_status"], [], []]);
  expect(messages[1]?.note).toContain("the line that says why");
});

test("orders the causes of one line by what the value shows", () => {
  const firefox = (value: string) =>
    explainLine(`(Reason: CORS header ‘Access-Control-Allow-Origin’ does not match ‘${value}’).`)[0]?.causes[0]?.code;
  expect(firefox("https://other.test")).toBe("origin_not_allowed");
  expect(firefox("https://a.test,https://b.test")).toBe("allow_origin_list");
  expect(firefox("a.test")).toBe("invalid_origin");
  const chrome = (value: string) =>
    explainLine(
      `${access} The 'Access-Control-Allow-Origin' header contains multiple values '${value}', but only one is allowed.`,
    )[0];
  expect(chrome("*, *")?.causes[0]?.code).toBe("allow_origin_repeated");
  expect(chrome("https://a.test, https://b.test")?.causes[0]?.code).toBe("allow_origin_list");
});

describe("a text that is not known", () => {
  test.each(["", "hello", "Access to fetch", "net::", "TypeError: x is undefined"])("%j gives nothing", (text) => {
    expect(explainLine(text)).toEqual([]);
  });

  test("gives the facts of the line if only its reason is unknown", () => {
    const [message] = explainLine(`${access} Something that a later version says.`);
    expect(message).toMatchObject({ facts: { url, origin }, causes: [] });
    expect(message?.note).toContain("not known");
  });

  test("is read in time in proportion to its length", () => {
    for (const text of ["Access to ", "'", "Method ", "Request header field ", " ", "Origin ", "redirection URL "]) {
      expect(explainLine(text.repeat(20_000))).toEqual([]);
    }
  });
});
