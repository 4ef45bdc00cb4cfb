/** The client's errors for refusals, proxies, broken replies and cancellation. */
import axios from "axios";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  axiosTransport,
  type ClientOptions,
  createFinanceClient,
  FinanceError,
} from "../../packages/client/src/index.ts";
import { freePort } from "../setup/process.ts";
import {
  jsonReply,
  refusalReply,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";
import { ways } from "./transports.ts";

let server: ScriptedServer;

beforeAll(async () => {
  server = await startScriptedServer();
});
afterAll(() => server.close());
afterEach(() => vi.unstubAllGlobals());

function clientOf(options: Partial<ClientOptions> = {}) {
  return createFinanceClient({ baseUrl: server.url, maxRetries: 0, ...options });
}

async function failureOf(work: Promise<unknown>): Promise<FinanceError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof FinanceError)) throw new Error("it did not fail with a FinanceError", { cause: error });
  return error;
}

const PROXY = { http_error_from_intermediary: "true" };
const html = "<html><h1>502 Bad Gateway</h1></html>";

describe.each(ways)("$way", ({ transport, format }) => {
  test.each<[what: string, reply: ScriptedReply, error: object]>([
    ...["data_loss", "dataloss"].map((code): [string, ScriptedReply, object] => [
      `the code ${code}, which the specification misprints`,
      refusalReply(500, { code, msg: "m" }),
      { code: "data_loss", message: "m", status: 500 },
    ]),
    [
      "a refusal of the service",
      refusalReply(412, {
        code: "failed_precondition",
        msg: "no",
        meta: { reason: "account_not_open", account_id: "4" },
      }),
      {
        code: "failed_precondition",
        status: 412,
        message: "no",
        reason: "account_not_open",
        meta: { account_id: "4" },
      },
    ],
    [
      "a refusal without msg and meta",
      refusalReply(404, { code: "not_found" }),
      { code: "not_found", message: "", meta: {} },
    ],
    [
      "an internal error, findable by its id",
      refusalReply(500, { code: "internal", msg: "internal error", meta: { request_id: "r-1" } }),
      { code: "internal", requestId: "r-1" },
    ],
    [
      "the id in the header",
      refusalReply(404, { code: "not_found", msg: "" }, { "x-request-id": "r-2" }),
      { code: "not_found", requestId: "r-2" },
    ],
    [
      "a code that Twirp has not",
      refusalReply(500, { code: "teapot", msg: "" }),
      { code: "internal", status: 500, meta: { body: '{"code":"teapot","msg":""}' } },
    ],
    [
      "HTML with 502",
      { status: 502, body: html },
      { code: "unavailable", meta: { ...PROXY, status_code: "502", body: html } },
    ],
    ["nothing with 503", { status: 503 }, { code: "unavailable", meta: { ...PROXY, status_code: "503", body: "" } }],
    ["nothing with 504", { status: 504 }, { code: "unavailable", meta: { ...PROXY, status_code: "504", body: "" } }],
    ["413 of a proxy", { status: 413, body: "too large" }, { code: "unknown", meta: { ...PROXY, body: "too large" } }],
    ["500 of a proxy", { status: 500, body: "oops" }, { code: "unknown", meta: { ...PROXY, status_code: "500" } }],
    ["418", { status: 418 }, { code: "unknown", meta: { ...PROXY, status_code: "418" } }],
    ["400 of a proxy", { status: 400 }, { code: "internal", meta: PROXY }],
    ["401 of a proxy", { status: 401 }, { code: "unauthenticated", status: 401, meta: PROXY }],
    ["403 of a proxy", { status: 403 }, { code: "permission_denied", status: 403, meta: PROXY }],
    ["404 of a proxy", { status: 404 }, { code: "bad_route", status: 404, meta: PROXY }],
    ["429 of a proxy", { status: 429 }, { code: "resource_exhausted", status: 429, meta: PROXY }],
    [
      "201 with a reply",
      { ...jsonReply({ id: "4" }), status: 201 },
      { code: "unknown", meta: { ...PROXY, status_code: "201" } },
    ],
    [
      "a redirect, which is not followed",
      { status: 307, headers: { location: "https://elsewhere.example/login" }, body: "moved" },
      {
        code: "internal",
        status: 307,
        meta: { ...PROXY, status_code: "307", location: "https://elsewhere.example/login" },
      },
    ],
    [
      "JSON that is no object",
      { status: 502, body: "null" },
      { code: "unavailable", meta: { ...PROXY, body: "null" } },
    ],
    ["JSON without a code", { status: 502, body: '{"msg":"x"}' }, { code: "unavailable", meta: PROXY }],
    [
      "JSON with a member that Twirp has not",
      refusalReply(502, { code: "internal", msg: "", path: "/" }),
      { code: "unavailable" },
    ],
    ["a code that is no text", refusalReply(502, { code: 13, msg: "" }), { code: "unavailable", meta: PROXY }],
    ["meta that is no text", refusalReply(502, { code: "internal", msg: "", meta: { a: 1 } }), { code: "unavailable" }],
    [
      "meta that is null",
      refusalReply(404, { code: "not_found", msg: "", meta: null }),
      { code: "not_found", meta: {} },
    ],
    [
      "meta that is a text",
      refusalReply(502, { code: "internal", msg: "", meta: "x" }),
      { code: "unavailable", meta: PROXY },
    ],
    ["meta that is a list", refusalReply(502, { code: "internal", msg: "", meta: ["x"] }), { code: "unavailable" }],
    [
      "retry-after in seconds",
      refusalReply(429, { code: "resource_exhausted", msg: "" }, { "retry-after": "2" }),
      { retryAfterMs: 2000 },
    ],
    [
      "retry_after_ms before retry-after",
      refusalReply(
        429,
        { code: "resource_exhausted", msg: "", meta: { retry_after_ms: "40" } },
        { "retry-after": "1" },
      ),
      { retryAfterMs: 40 },
    ],
    [
      "a date long gone",
      { status: 503, headers: { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" } },
      { retryAfterMs: 0 },
    ],
    ...["soon", "soon 5", "5, 5", "-5", "0x10", "Infinity"].map((text): [string, ScriptedReply, object] => [
      `retry-after "${text}", which is neither`,
      { status: 503, headers: { "retry-after": text } },
      { retryAfterMs: undefined },
    ]),
    [
      "retry-after where retry_after_ms is no number",
      refusalReply(429, { code: "resource_exhausted", meta: { retry_after_ms: "soon" } }, { "retry-after": "2" }),
      { retryAfterMs: 2000 },
    ],
    [
      "200 with HTML",
      { headers: { "content-type": "text/html" }, body: html },
      { code: "internal", status: 200, reason: "invalid_reply" },
    ],
    ["200 with nothing", { headers: {} }, { code: "internal", status: 200, reason: "invalid_reply" }],
  ])("%s", async (_, reply, expected) => {
    server.reply(reply);
    const error = await failureOf(clientOf({ transport, format }).getAccount({ id: 4n }));
    expect(error).toMatchObject(expected);
    expect(server.seen).toHaveLength(1);
  });

  test("nothing listens on the port", async () => {
    const baseUrl = `http://127.0.0.1:${await freePort()}`;
    const error = await failureOf(clientOf({ transport, format, baseUrl }).getAccount({ id: 4n }));
    expect(error).toMatchObject({ code: "unavailable", status: 0, reason: "network" });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("the caller cancels, before and during the call", async () => {
    server.reply({ fault: "hang" });
    const controller = new AbortController();
    const finance = clientOf({ transport, format });
    const call = failureOf(finance.getAccount({ id: 4n }, { signal: controller.signal }));
    await server.received(1);
    controller.abort(new Error("left the page"));
    expect(await call).toMatchObject({
      code: "canceled",
      status: 0,
      reason: "canceled",
      cause: new Error("left the page"),
    });
    const late = await failureOf(finance.getAccount({ id: 4n }, { signal: controller.signal }));
    expect(late).toMatchObject({ code: "canceled" });
    expect(server.seen).toHaveLength(1);
  });

  test("the service takes longer than the timeout", async () => {
    server.reply({ fault: "hang" });
    const error = await failureOf(clientOf({ transport, format }).getAccount({ id: 4n }, { timeoutMs: 250 }));
    expect(error).toMatchObject({ code: "deadline_exceeded", status: 0, reason: "timed_out" });
    expect(Number(server.seen[0]?.headers["twirp-timeout-ms"])).toBeGreaterThan(0);
    expect(Number(server.seen[0]?.headers["twirp-timeout-ms"])).toBeLessThanOrEqual(250);
  });

  test.each<[what: string, request: object]>([
    ["an amount beyond int64", { amount: 2n ** 63n }],
    ["an amount that is no integer", { amount: 1.5 }],
    ["no time", { effectiveAt: new Date(Number.NaN) }],
  ])("a request with %s, which is not sent", async (_, request) => {
    server.reply(jsonReply({}));
    const error = await failureOf(clientOf({ transport, format }).createTransfer(request));
    expect(error).toMatchObject({ code: "invalid_argument", reason: "invalid_request", status: 0 });
    expect(server.seen).toHaveLength(0);
  });

  test("headers that can't be sent", async () => {
    server.reply(jsonReply({}));
    const error = await failureOf(clientOf({ transport, format, token: "two\nlines" }).getAccount({ id: 4n }));
    expect(error).toMatchObject({ code: "invalid_argument", reason: "invalid_request" });
    expect(server.seen).toHaveLength(0);
  });

  test("the token function fails", async () => {
    const token = () => Promise.reject(new Error("signed out"));
    const error = await failureOf(clientOf({ transport, format, token }).getAccount({ id: 4n }));
    expect(error).toMatchObject({
      code: "unauthenticated",
      status: 0,
      reason: "token_unavailable",
      cause: new Error("signed out"),
    });
  });

  test("the token function never returns, and the caller cancels", async () => {
    const token = () => new Promise<string>(() => undefined);
    const error = await failureOf(clientOf({ transport, format, token }).getAccount({ id: 4n }, { timeoutMs: 5 }));
    expect(error).toMatchObject({ code: "deadline_exceeded" });
  });
});

test.each<[what: string, body: string | Uint8Array]>([
  ["no JSON", "{"],
  ["a text", '"ok"'],
  ["no UTF-8", Buffer.from('{"name":"\xff"}', "latin1")],
  ["a list", "[]"],
  ["a member of another type", '{"id":"four"}'],
])("JSON: a reply that is %s", async (_, body) => {
  server.reply({ headers: { "content-type": "application/json", "x-request-id": "r-3" }, body });
  const error = await failureOf(clientOf().getAccount({ id: 4n }));
  expect(error).toMatchObject({ code: "internal", status: 200, reason: "invalid_reply", requestId: "r-3" });
  expect(error.cause).toBeInstanceOf(Error);
});

test.each<[what: string, bytes: readonly number[]]>([
  ["cut off within a varint", [0x08, 0x80]],
  ["cut off within a text", [0x12, 0x05, 0x41]],
  ["HTML, whose first byte ends a group", [...Buffer.from("<html>")]],
  ["followed by zeros", [0x08, 0x04, 0x00, 0x00]],
])("protobuf: a reply that is %s", async (_, bytes) => {
  server.reply({ headers: { "content-type": "application/protobuf" }, body: Uint8Array.from(bytes) });
  const error = await failureOf(clientOf({ format: "protobuf" }).getAccount({ id: 4n }));
  expect(error).toMatchObject({ code: "internal", status: 200, reason: "invalid_reply" });
});

test("a failed call from another origin may be CORS, from the same origin it is not", async () => {
  const baseUrl = `http://127.0.0.1:${await freePort()}`;
  vi.stubGlobal("location", { href: "http://localhost:3000/accounts/4" });
  const across = await failureOf(clientOf({ baseUrl }).getAccount({ id: 4n }));
  expect(across).toMatchObject({ code: "unavailable", status: 0, reason: "cors_or_network" });
  expect(across.message).toMatch(/^blocked by CORS or network: /);
  vi.stubGlobal("location", { href: `${baseUrl}/accounts/4` });
  for (const same of [baseUrl, "/", ""]) {
    const error = await failureOf(clientOf({ baseUrl: same }).getAccount({ id: 4n }));
    expect(error).toMatchObject({ code: "unavailable", reason: "network" });
  }
});

describe("what is sent", () => {
  const GET_ACCOUNT = "/twirp/finance.v1.FinanceService/GetAccount";

  test.each<[path: string, prefix: string | undefined, url: string]>([
    ["", undefined, GET_ACCOUNT],
    ["/", undefined, GET_ACCOUNT],
    ["/api", undefined, `/api${GET_ACCOUNT}`],
    ["/api/", "", "/api/finance.v1.FinanceService/GetAccount"],
    ["", "/rpc", "/rpc/finance.v1.FinanceService/GetAccount"],
    ["/api/?from=console#top", undefined, `/api${GET_ACCOUNT}`],
  ])("base path %j with prefix %j: %s", async (path, prefix, url) => {
    server.reply(jsonReply({}));
    await clientOf({ baseUrl: `${server.url}${path}`, prefix }).getAccount({ id: 4n });
    expect(server.seen).toMatchObject([{ method: "POST", url }]);
  });

  test.each(["api.example.com", "/", ""])("outside of a page, base URL %j is refused", (baseUrl) => {
    expect(() => createFinanceClient({ baseUrl })).toThrow(TypeError);
  });

  test.each(ways)("$way: the headers of client and call; those of the call win", async ({ transport, format }) => {
    server.reply({ headers: { "content-type": `application/${format}` }, body: format === "json" ? "{}" : "" });
    const headers = { "X-Tenant": "blue", "x-trace": "1" };
    const finance = clientOf({ transport, format, headers, token: "t", timeoutMs: 5000, sendTimeout: false });
    await finance.getAccount({ id: 4n }, { headers: { "X-Trace": "2", authorization: "Basic x" } });
    expect(server.seen[0]?.headers).toMatchObject({
      "content-type": `application/${format}`,
      authorization: "Bearer t",
      "x-tenant": "blue",
      "x-trace": "2",
    });
    expect(server.seen[0]?.headers).not.toHaveProperty("twirp-timeout-ms");
    expect(server.seen[0]?.body).toEqual(format === "json" ? Buffer.from('{"id":"4"}') : Buffer.from([0x08, 0x04]));
  });

  test.each<[what: string, href: string | undefined, sendTimeout: boolean | undefined, isSent: boolean]>([
    ["outside of pages", undefined, undefined, true],
    ["outside of pages, unless it is turned off", undefined, false, false],
    ["to the page's own origin", "same", undefined, true],
    ["not from a page elsewhere, whose calls it would block", "http://localhost:3000/", undefined, false],
    ["from a page elsewhere when it is turned on", "http://localhost:3000/", true, true],
  ])("the timeout: %s", async (_, href, sendTimeout, isSent) => {
    if (href !== undefined) vi.stubGlobal("location", { href: href === "same" ? `${server.url}/index.html` : href });
    server.reply(jsonReply({}));
    await clientOf({ sendTimeout }).getAccount({ id: 4n });
    expect("twirp-timeout-ms" in (server.seen[0]?.headers ?? {})).toBe(isSent);
  });

  test.each([Number.POSITIVE_INFINITY, 2 ** 40])(
    "no timeout when it is %d ms, which no header holds",
    async (timeoutMs) => {
      server.reply(jsonReply({}));
      await clientOf({ timeoutMs }).getAccount({ id: 4n });
      expect(server.seen[0]?.headers).not.toHaveProperty("twirp-timeout-ms");
    },
  );

  test("the timeout in whole milliseconds", async () => {
    server.reply(jsonReply({}));
    await clientOf({ timeoutMs: 9999.5 }).getAccount({ id: 4n });
    expect(server.seen[0]?.headers["twirp-timeout-ms"]).toMatch(/^\d+$/);
  });

  test("the function for the token is asked for each call", async () => {
    server.reply(jsonReply({}));
    const tokens = ["t1", "t2"];
    const finance = clientOf({ token: () => tokens.shift() ?? "" });
    await finance.getAccount({ id: 4n });
    await finance.getAccount({ id: 4n });
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t2"]);
  });
});

test("an axios interceptor that changes the response is not taken for the network", async () => {
  server.reply(jsonReply({ id: "4" }));
  const instance = axios.create();
  instance.interceptors.response.use(({ data }) => data);
  const error = await failureOf(clientOf({ transport: instance }).getAccount({ id: 4n }));
  expect(error).toMatchObject({ code: "unknown", reason: "transport_failed" });
});

test("interceptors of an axios instance see the calls", async () => {
  server.reply(jsonReply({ id: "4" }));
  const instance = axios.create();
  instance.interceptors.request.use((config) => {
    config.headers.set("x-tenant", "blue");
    return config;
  });
  await clientOf({ transport: axiosTransport(instance) }).getAccount({ id: 4n });
  expect(server.seen[0]?.headers).toMatchObject({ "x-tenant": "blue" });
});

test("a caller that gave up before is not even asked for a token", async () => {
  server.reply(jsonReply({}));
  const asked: string[] = [];
  const finance = clientOf({ token: () => `t${asked.push("token")}` });
  const call = finance.getAccount({ id: 4n }, { signal: AbortSignal.abort() });
  expect(await failureOf(call)).toMatchObject({ code: "canceled" });
  expect([asked, server.seen]).toEqual([[], []]);
});

test("a list whose page token repeats is an error, not an endless loop", async () => {
  server.reply(jsonReply({ next_page_token: "again" }));
  const each = clientOf().listEntries.each({ accountId: 4n });
  expect(await failureOf(each.next())).toMatchObject({ code: "internal", reason: "invalid_reply" });
  expect(server.seen).toHaveLength(2);
});
