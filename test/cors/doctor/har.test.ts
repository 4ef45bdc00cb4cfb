import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HarError, readHar } from "../../../packages/cors/src/doctor/har.ts";
import { judgeHar } from "../../../packages/cors/src/doctor/recorded-calls.ts";

type Pairs = Readonly<Record<string, string>>;

interface Part {
  readonly method?: string;
  readonly url?: string;
  readonly asked?: Pairs;
  readonly status?: number;
  readonly answered?: Pairs;
  /** Seconds after the start. */
  readonly at?: number;
  readonly error?: string | null;
  readonly text?: string;
  readonly type?: string;
  readonly pageref?: string;
  readonly address?: string;
}

const origin = "https://app.test";
const url = "https://api.test/rpc";
const list = (pairs: Pairs) => Object.entries(pairs).map(([name, value]) => ({ name, value }));

function entry(part: Part) {
  const { method = "GET", asked = { origin }, status = 200, answered = {}, at = 0, error, text } = part;
  return {
    startedDateTime: new Date(at * 1000).toJSON(),
    time: 100,
    request: { method, url: part.url ?? url, headers: list(asked) },
    response: {
      status,
      headers: list(answered),
      content: text === undefined ? {} : { text },
      ...(error !== undefined && { _error: error }),
    },
    ...(part.type !== undefined && { _resourceType: part.type }),
    ...(part.pageref !== undefined && { pageref: part.pageref }),
    ...(part.address !== undefined && { serverIPAddress: part.address }),
  };
}

const preflight = (part: Part): Part => ({
  method: "OPTIONS",
  ...part,
  asked: { origin, "access-control-request-method": "POST", ...part.asked },
});

function harOf(parts: readonly Part[], creator = "Firefox", pages: unknown[] = []): string {
  return JSON.stringify({
    log: { version: "1.2", creator: { name: creator, version: "1" }, pages, entries: parts.map(entry) },
  });
}

const judge = (parts: readonly Part[], creator?: string, pages?: unknown[]) =>
  judgeHar(readHar(harOf(parts, creator, pages)));
const verdicts = (parts: readonly Part[], creator?: string) =>
  judge(parts, creator).calls.map(({ verdict, diagnosis }) => diagnosis?.failure?.code ?? verdict);

describe("a file that is no recording is refused with the place and what would be right", () => {
  const valid = JSON.parse(harOf([{}, {}]));
  const changed = (change: (log: typeof valid.log) => unknown) => {
    const document = structuredClone(valid);
    change(document.log);
    return JSON.stringify(document);
  };
  test.each([
    ["", "This is not JSON, and a HAR is JSON: it is empty"],
    ["<html>", "This is not JSON"],
    [gzipSync("{}").toString("utf8"), "a HAR is JSON: it is compressed, or not in UTF-8: unpack it"],
    ["[]", "This is not a HAR: log is missing, but must be an object with entries"],
    ['{"log":[]}', "This is not a HAR: log is an array, but must be an object"],
    ['{"log":{}}', "This is not a HAR: log.entries is missing, but must be an array"],
    [changed((log) => (log.entries[1] = 3)), "Entry 1 is malformed: log.entries[1] is 3, but must be an object."],
    [changed((log) => delete log.entries[1].request), "log.entries[1].request is missing, but must be an object."],
    [
      changed((log) => delete log.entries[1].request.url),
      "log.entries[1].request.url is missing, but must be an absolute URL.",
    ],
    [changed((log) => (log.entries[0].request.url = "/rpc")), 'log.entries[0].request.url is "/rpc", but must be'],
    [changed((log) => (log.entries[0].request.method = 1)), "log.entries[0].request.method is 1, but must be a method"],
    [changed((log) => delete log.entries[0].response), "log.entries[0].response is missing, but must be an object."],
    [changed((log) => (log.entries[0].response.status = "200")), 'response.status is "200", but must be a number'],
    [changed((log) => (log.entries[0].request.headers = {})), "request.headers is an object, but must be an array"],
    [
      changed((log) => (log.entries[0].request.headers = [{ name: 1 }])),
      "request.headers[0].name is 1, but must be a string",
    ],
    [
      changed((log) => (log.entries[0].response.headers = [{ name: "a" }])),
      "response.headers[0].value is missing, but must be",
    ],
    [changed((log) => (log.entries[0].startedDateTime = "now")), 'startedDateTime is "now", but must be a time'],
  ])("%s", (text, message) => {
    expect(() => readHar(text)).toThrow(HarError);
    expect(() => readHar(text)).toThrow(message);
  });

  test("and the first of many mistakes", () => {
    const text = JSON.stringify({ log: { entries: Array.from({ length: 1000 }, () => ({})) } });
    expect(() => readHar(text)).toThrow(/^(Entry \d .*\n){5}995 more entries are malformed\.$/);
  });
});

test("requests of other schemes and a byte order mark are allowed", () => {
  const har = readHar(`\ufeff${harOf([{ url: "data:,a" }, { url: "wss://api.test/" }, {}])}`);
  expect(har).toMatchObject({ creator: "Firefox 1", entryCount: 3, entries: [{ index: 2 }] });
});

test("names that no header can have do not count as headers of the page", () => {
  const passing = { "access-control-allow-origin": origin, "access-control-allow-credentials": "true" };
  const asked = { origin, "": "x", ":authority": "api.test", "a b": "x" };
  expect(verdicts([{ asked, answered: passing }])).toEqual(["allowed"]);
});

test("a 304 without CORS headers is not judged if the browser asked for its cache", () => {
  const cached = { status: 304, asked: { origin, "if-none-match": "x" } };
  expect(verdicts([{ ...cached, answered: {} }])).toEqual(["unknown"]);
  const passing = { "access-control-allow-origin": "https://other.test" };
  expect(verdicts([{ ...cached, answered: passing }])).toEqual(["origin_not_allowed"]);
  expect(verdicts([{ ...cached, asked: { origin }, answered: {} }])).toEqual(["allow_origin_missing"]);
});

test("a WebSocket is no call, with any scheme", () => {
  expect(verdicts([{ status: 101, asked: { origin, upgrade: "websocket" }, answered: {} }], "Charles")).toEqual([]);
});

describe("preflights", () => {
  const allowed = { "access-control-allow-origin": origin, "access-control-allow-headers": "authorization" };
  const post: Part = { method: "POST", asked: { origin, authorization: "Bearer x" }, answered: allowed, error: null };
  const asks = { "access-control-request-headers": "authorization" };

  test("belong to the call that asks for the same, before or after it in the file", () => {
    expect(verdicts([preflight({ asked: asks, answered: allowed }), post])).toEqual(["allowed"]);
    expect(verdicts([post, preflight({ asked: asks, answered: {}, at: 0.05 })])).toEqual(["allow_origin_missing"]);
  });

  test("that the browser cached are deduced from the call that it sent", () => {
    const report = judge([preflight({ asked: asks, answered: allowed }), post, { ...post, at: 60 }]);
    expect(report.calls.map(({ verdict }) => verdict)).toEqual(["allowed", "allowed"]);
    expect(report.calls[1]?.remarks).toEqual([expect.stringContaining("The preflight is not recorded. It passed")]);
    expect(report.calls[1]?.diagnosis?.steps.map(({ name }) => name)).toEqual([
      ...[
        "origin_compared",
        "preflight_decided",
        "preflight_sent",
        "request_sent",
        "allow_origin",
        "vary",
        "exposed_headers",
      ],
    ]);
  });

  test("of a later call do not belong to one before it", () => {
    const later = { ...post, at: 60 };
    const report = judge([post, preflight({ asked: asks, answered: allowed, at: 60 }), later]);
    expect(report.calls.map(({ entries }) => entries)).toEqual([[0], [2, 1]]);
  });

  test("are not deduced from the recording of a proxy", () => {
    expect(judge([post], "mitmproxy").calls).toMatchObject([{ verdict: "unknown" }]);
  });

  test("without their call are judged alone", () => {
    expect(verdicts([preflight({ asked: asks, status: 405 })])).toEqual(["allow_origin_missing"]);
    const [passing] = judge([preflight({ asked: asks, answered: allowed })]).calls;
    expect(passing).toMatchObject({
      verdict: "unknown",
      method: "POST",
      remarks: [expect.stringContaining("not recorded")],
    });
  });

  test("tell which headers the page set, when Chrome leaves out the token", () => {
    const bare = { ...post, asked: { origin, "cache-control": "no-cache", "user-agent": "x" }, error: null };
    const [call] = judge([bare, preflight({ asked: asks, answered: allowed })], "WebInspector").calls;
    expect(call?.diagnosis?.page.headers.map(([name]) => name)).toEqual(["authorization"]);
    expect(call?.verdict).toBe("allowed");
  });
});

describe("the page of a call", () => {
  const silent = { type: "fetch", status: 0, error: "net::ERR_CONNECTION_REFUSED" };
  test.each([
    ["its Origin header", { asked: { Origin: origin } }, origin],
    ["the origin null", { asked: { origin: "null" } }, "null"],
    ["its Referer header", { ...silent, asked: { referer: "https://app.test/page?a" } }, origin],
    ["its page", { ...silent, asked: {}, pageref: "page_1" }, origin],
    ["nothing", { ...silent, asked: {} }, null],
  ] as const)("is read from %s", (_, part, expected) => {
    const pages = [{ id: "page_1", title: "https://app.test/start" }];
    expect(judge([part], "WebInspector", pages).calls.map(({ origin }) => origin)).toEqual([expected]);
  });
});

describe("a server in the local network", () => {
  const answered = { "access-control-allow-origin": "*" };
  const call = {
    url: "http://api.test/rpc",
    asked: { origin: "http://app.test" },
    answered,
    error: null,
    address: "10.0.0.5",
  };
  const document = { url: "http://app.test/", asked: { "sec-fetch-mode": "navigate" } };

  test.each([
    ["on the internet", [{ ...document, address: "8.8.8.8" }, call], "local_network_insecure_page"],
    ["in the local network", [{ ...document, address: "10.0.0.4" }, call], "allowed"],
    ["at an unknown place", [document, call], "allowed"],
  ])("is called by a page %s", (_, parts, verdict) => {
    expect(verdicts(parts)).toEqual([verdict]);
  });
});

describe("credentials", () => {
  const any = { answered: { "access-control-allow-origin": "*" } };
  test.each([
    ["sent, as the cookie shows", { ...any, asked: { origin, cookie: "a=b" } }, "wildcard_origin_with_credentials"],
    ["not sent, as the success shows", { ...any, error: null }, "allowed"],
    ["sent, as the failure shows", { ...any, error: "net::ERR_FAILED" }, "wildcard_origin_with_credentials"],
    ["unknown, also with a body", { ...any, text: "x" }, "unknown"],
    ["without importance", { answered: {} }, "allow_origin_missing"],
  ])("are %s", (_, part, end) => {
    expect(verdicts([part])).toEqual([end]);
  });
});

describe("what a browser does not call CORS", () => {
  test.each([
    ["a call within an origin", { url: "https://app.test/rpc" }],
    ["a navigation", { asked: { "sec-fetch-mode": "navigate" } }],
    ["an image", { asked: { "sec-fetch-mode": "no-cors" }, type: "image" }],
    ["an image over plain http", { asked: { referer: `${origin}/` }, type: "image" }],
    ["a form", { method: "POST", asked: { origin, accept: "text/html,*/*" } }],
    ["a request without any mark", { asked: {} }],
  ])("is not judged: %s", (_, part) => {
    expect(judge([part])).toMatchObject({ calls: [], othersCount: 1 });
  });

  test("a fetch with the mode no-cors cannot be judged", () => {
    const report = judge([{ asked: { "sec-fetch-mode": "no-cors", referer: `${origin}/` }, type: "fetch" }]);
    expect(report.calls).toMatchObject([{ verdict: "unknown", remarks: [expect.stringContaining("no-cors")] }]);
  });
});

test("a preflight that would have stopped a call with credentials shows that there were none", () => {
  const answered = { "access-control-allow-origin": origin, "access-control-allow-headers": "authorization" };
  const sent = { method: "POST", asked: { origin, authorization: "x" }, answered };
  const parts = [preflight({ asked: { "access-control-request-headers": "authorization" }, answered }), sent];
  expect(verdicts(parts)).toEqual(["allowed"]);
  expect(verdicts(parts, "mitmproxy")).toEqual(["unknown"]);
});

test("a reply that CORS allows does not explain a failure", () => {
  const part = { answered: { "access-control-allow-origin": origin, "access-control-allow-credentials": "true" } };
  const [call] = judge([{ ...part, error: "net::ERR_BLOCKED_BY_CLIENT" }]).calls;
  expect(call).toMatchObject({ verdict: "unknown", remarks: [expect.stringContaining("an extension blocked it")] });
});

test("equal failures are one group, however many calls there are", () => {
  const parts = Array.from({ length: 20_000 }, (_, index) => ({ url: `${url}/${index % 100}`, at: index }));
  const report = judge([...parts, { url: "https://other.test/" }]);
  expect(report.failures.map(({ length }) => length)).toEqual([20_000, 1]);
});

/**
 * Firefox 153 exported this recording itself (devtools.netmonitor.har.enableAutoExportToFile); bodies are shortened and unused
 * members left out. The page noted whether each call succeeded.
 */
test("a recording of Firefox has the verdicts of its page, or none where it lacks the credentials mode or the response", async () => {
  const report = judgeHar(readHar(await readFile(new URL("fixtures/firefox-153.har", import.meta.url), "utf8")));
  const ends = report.calls.map(({ method, url, entries, verdict, diagnosis }) => {
    return `${method} ${new URL(url).pathname} ${entries.join()} ${diagnosis?.failure?.code ?? verdict}`;
  });
  expect(ends).toEqual([
    "GET /ok 2 unknown", // allowed: without credentials
    "GET /ok 3 unknown", // blocked: with credentials
    "GET /star 4 unknown", // allowed
    "GET /star 5 unknown", // blocked
    "GET /none 6 allow_origin_missing",
    "POST /pre 7,8 allowed",
    "PUT /pre 9,10 method_not_allowed",
    "GET /star 11,12 header_not_allowed",
    "GET /none 13,14 allow_origin_missing",
    "GET /redirect 17,18 unknown", // allowed
    "GET /twice 19 allow_origin_repeated",
    "GET / 15 blocked_port",
    "GET /x 16 blocked_port",
    "GET /refused 20 unknown", // nobody listens
  ]);
});

describe("any file is judged or refused with a HarError", () => {
  const text = fc.oneof(
    fc.constantFrom(
      origin,
      "null",
      "https://api.test",
      "*",
      "OPTIONS",
      "GET",
      "https://api.test/a",
      "ftp://a",
      "::",
      "\0",
      "",
    ),
    fc.string(),
  );
  const name = fc.constantFrom(
    "origin",
    "access-control-request-method",
    "access-control-allow-origin",
    "location",
    "sec-fetch-mode",
  );
  const headers = fc.array(fc.record({ name: fc.oneof(name, text), value: text }), { maxLength: 4 });
  const any = fc.record({
    startedDateTime: fc.constantFrom("2026-01-31T12:00:00Z", "2026-01-31T12:00:01Z"),
    time: fc.oneof(fc.integer(), fc.double()),
    request: fc.record({ method: text, url: text, headers, cookies: fc.anything() }),
    response: fc.record({
      status: fc.constantFrom(0, 200, 204, 302, 404, -1, 1e9),
      headers,
      content: fc.anything(),
      _error: fc.oneof(text, fc.constant(null)),
    }),
    serverIPAddress: text,
    pageref: text,
    _resourceType: fc.constantFrom("fetch", "xhr", "document", "image", "other"),
  });
  const log = fc.record({ creator: fc.anything(), pages: fc.anything(), entries: fc.array(any, { maxLength: 6 }) });

  test("with plausible members", () => {
    fc.assert(
      fc.property(log, (log) => {
        const har = orNull(() => readHar(JSON.stringify({ log })));
        if (har === null) return;
        const { calls, othersCount } = judgeHar(har);
        const indexes = calls.flatMap(({ entries }) => entries);
        // Each entry belongs to one call at most.
        expect(new Set(indexes).size).toBe(indexes.length);
        expect(othersCount).toBe(har.entryCount - indexes.length);
      }),
      { numRuns: 2000 },
    );
  });

  test("with any JSON", () => {
    fc.assert(fc.property(fc.json(), (text) => void orNull(() => judgeHar(readHar(text)))));
  });
});

function orNull<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof HarError) return null;
    throw error;
  }
}
