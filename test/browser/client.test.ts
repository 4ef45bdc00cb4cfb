/** The built client in a real browser, on a page of another origin, over fetch and axios in both formats. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as client from "../../packages/client/src/index.ts";
import {
  jsonReply,
  refusalReply,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from "../client/scripted-server.ts";
import { openFaultyNetwork } from "../faults/network.ts";
import { launchChromium } from "../setup/chromium.ts";
import { openFunded } from "../setup/ledger.ts";
import { freePort } from "../setup/process.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const PAGE_SCRIPT = `
  import axios from "axios";
  import * as client from "finance-service/client";
  const transports = { fetch, axios, "own axios": client.axiosTransport() };
  Object.assign(globalThis, { axios, client, transports });`;

const WAYS = ["fetch", "axios", "own axios"].flatMap((transport) =>
  (["json", "protobuf"] as const).map((format) => ({ transport, format })),
);

let browser: Browser;
let service: TestService;
let proxy: ScriptedServer;
let pages: Server;
let pagesPort: number;
let token: string;
let accountId: string;

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: PAGE_SCRIPT, resolveDir: process.cwd() },
    bundle: true,
    format: "iife",
    platform: "browser",
    write: false,
  });
  const script = outputFiles[0]?.text ?? "";
  pages = createServer((request, response) => {
    if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
    else response.setHeader("content-type", "text/html").end("<!doctype html><script src='/page.js'></script>");
  });
  await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
  pagesPort = (pages.address() as AddressInfo).port;
  service = await startTestService({ CORS_ALLOWED_ORIGINS: "http://localhost:*" });
  proxy = await startScriptedServer();
  token = await service.token("alice");
  const wallet = { name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" };
  accountId = (await service.call("CreateAccount", wallet, token)).body.id;
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await service?.close();
  await proxy?.close();
  pages?.closeAllConnections();
  await new Promise((resolve) => pages.close(resolve));
});

interface Visit {
  readonly host?: "localhost" | "127.0.0.1";
  readonly transport?: string;
  readonly format?: client.Format;
  readonly options?: Partial<
    Pick<client.ClientOptions, "baseUrl" | "token" | "timeoutMs" | "sendTimeout" | "maxRetries">
  >;
}

/** Runs a script with `finance` and `client` in a page and returns its result, or the members of its FinanceError. */
async function inPage<T>(
  script: string,
  { host = "localhost", transport = "fetch", format = "json", options }: Visit = {},
) {
  const context = await browser.newContext();
  try {
    const page: Page = await context.newPage();
    await page.goto(`http://${host}:${pagesPort}/`);
    const call = { baseUrl: service.url, token, format, maxRetries: 0, ...options };
    // Bigints and errors can't be passed from page to test, but their texts and members can.
    const source = `(async () => {
      const finance = client.createFinanceClient({ ...${JSON.stringify(call)}, transport: transports[${JSON.stringify(transport)}] });
      const plain = (key, value) => typeof value === "bigint" ? String(value) : value;
      try { return JSON.stringify(await (async () => { ${script} })() ?? null, plain); }
      catch (error) {
        if (!(error instanceof client.FinanceError)) throw error;
        return JSON.stringify({ message: error.message, cause: String(error.cause), ...error });
      }
    })()`;
    return JSON.parse(await page.evaluate<string>(source)) as T;
  } finally {
    await context.close();
  }
}

const GET = () => `return await finance.getAccount({ id: ${accountId}n });`;
const CORS = { "access-control-allow-origin": "*", "access-control-allow-headers": "authorization, content-type" };

describe.each(WAYS)("$format over $transport", (way) => {
  test("a call with bigints and times needs only the default allowed headers", async () => {
    const account = await inPage(
      `${GET().replace("return", "const account =")}
      return { ...account, kinds: [typeof account.id, typeof account.createdAt] };`,
      way,
    );
    expect(account).toMatchObject({ id: accountId, name: "Wallet", owner: "alice", kinds: ["bigint", "string"] });
  });

  test("writes are sent with a key, even if the body is empty", async () => {
    const outcome = await inPage<object>(
      `const seen = [];
      const onReply = (reply) => seen.push(reply);
      const request = { type: 2, currency: "USD", name: "another" };
      const idempotencyKey = client.newIdempotencyKey();
      const one = await finance.createAccount({ ...request, idempotencyKey }, { onReply });
      const two = await finance.createAccount({ ...request, idempotencyKey }, { onReply });
      const three = await finance.createAccount(request);
      const { accounts } = await finance.listAccounts({});
      return { ids: new Set([one.id, two.id, three.id]).size, replays: seen.map((r) => r.isReplay), some: accounts.length > 1 };`,
      way,
    );
    expect(outcome).toEqual({ ids: 2, replays: [false, true], some: true });
  });

  test("an expired token and a missing account are different errors, with the request's id", async () => {
    const expired = await service.token("alice", "finance.read", -60);
    expect(await inPage(GET(), { ...way, options: { token: expired } })).toMatchObject({
      code: "unauthenticated",
      status: 401,
      reason: "token_expired",
      requestId: expect.stringMatching(/./),
    });
    expect(await inPage("return await finance.getAccount({ id: 999n });", way)).toMatchObject({
      code: "not_found",
      status: 404,
    });
  });

  test("a denied origin is blocked by CORS or network", async () => {
    expect(await inPage(GET(), { ...way, host: "127.0.0.1" })).toMatchObject({
      code: "unavailable",
      status: 0,
      reason: "cors_or_network",
      message: expect.stringMatching(/^blocked by CORS or network/),
    });
  });

  test("to a page, a port where nothing listens looks the same", async () => {
    const baseUrl = `http://127.0.0.1:${await freePort()}`;
    expect(await inPage(GET(), { ...way, options: { baseUrl } })).toMatchObject({ reason: "cors_or_network" });
  });

  test("the caller cancels", async () => {
    const script = `const controller = new AbortController();
      const call = finance.getAccount({ id: 1n }, { signal: controller.signal });
      controller.abort();
      return await call;`;
    expect(await inPage(script, way)).toMatchObject({ code: "canceled", reason: "canceled" });
  });

  test("the feed of events continues after replies that break off", async () => {
    const payee = await openFunded(service, "alice", 1);
    const { port } = new URL(service.url);
    const network = await openFaultyNetwork({ host: "127.0.0.1", port: Number(port) });
    try {
      // The preflight comes through, most replies do not.
      network.cutAfter([600, 700, 800, 900, 1000, 1100]);
      const script = `const types = [];
        const states = [];
        const onState = (state) => states.push(state);
        for await (const event of finance.events({ accountId: ${payee}n, onState })) {
          types.push(client.EventType[event.type]);
          if (types.length === 2) break;
        }
        return { types, states };`;
      const options = { baseUrl: `http://127.0.0.1:${network.port}` };
      expect(await inPage(script, { ...way, options })).toEqual({
        types: ["EVENT_TYPE_ACCOUNT_CREATED", "EVENT_TYPE_TRANSFER_POSTED"],
        states: ["reconnecting", "live"],
      });
      expect(network.broken).toBeGreaterThan(1);
    } finally {
      await network.close();
    }
  });

  test("the service is too slow", async () => {
    proxy.reply({ fault: "hang" });
    const options = { baseUrl: proxy.url, timeoutMs: 50 };
    expect(await inPage(GET(), { ...way, options })).toMatchObject({ code: "deadline_exceeded", reason: "timed_out" });
  });

  test.each<[what: string, reply: ScriptedReply, error: object]>([
    [
      "HTML with 502",
      { status: 502, headers: CORS, body: "<html>" },
      { code: "unavailable", status: 502, meta: { http_error_from_intermediary: "true", body: "<html>" } },
    ],
    ["nothing with 504", { status: 504, headers: CORS }, { code: "unavailable", status: 504 }],
    ["413", { status: 413, headers: CORS, body: "too large" }, { code: "unknown", status: 413 }],
    ["502 without CORS headers", { status: 502 }, { code: "unavailable", status: 0, reason: "cors_or_network" }],
    [
      "200 with HTML",
      { headers: { ...CORS, "content-type": "text/html" } },
      { code: "internal", reason: "invalid_reply" },
    ],
  ])("a proxy's %s", async (_, reply, error) => {
    proxy.reply({ status: 204, headers: CORS }, reply);
    expect(await inPage(GET(), { ...way, options: { baseUrl: proxy.url } })).toMatchObject(error);
  });
});

describe("failures of neither CORS nor the network keep their cause and are not repeated", () => {
  /** A call over a transport of the page, to a server whose replies the page may always read. */
  const over = (transport: string) =>
    `const custom = client.createFinanceClient({ baseUrl: ${JSON.stringify(proxy.url)}, transport: ${transport} });
    return await custom.getAccount({ id: 4n });`;
  const posts = () => proxy.seen.filter(({ method }) => method === "POST").length;
  const preflight = { status: 204, headers: CORS };
  const notFound = refusalReply(404, { code: "not_found", msg: "no account 4" }, CORS);

  test.each<[what: string, transport: string, error: object, sent: number]>([
    [
      "a response interceptor that throws for a status",
      `(() => {
        const instance = axios.create();
        instance.interceptors.response.use(undefined, (error) => { throw new Error("HTTP " + error.response.status); });
        return instance;
      })()`,
      { code: "unknown", reason: "transport_failed", cause: "Error: HTTP 404" },
      1,
    ],
    [
      "a request interceptor that throws",
      `(() => {
        const instance = axios.create();
        instance.interceptors.request.use(() => { throw new Error("no session"); });
        return instance;
      })()`,
      { code: "unknown", reason: "transport_failed", cause: "Error: no session" },
      0,
    ],
    [
      "a request interceptor that cancels",
      `(() => {
        const instance = axios.create();
        instance.interceptors.request.use(() => { throw new axios.CanceledError(); });
        return instance;
      })()`,
      { code: "canceled", reason: "canceled" },
      0,
    ],
    ["an instance as it comes", "axios.create()", { code: "not_found", message: "no account 4" }, 1],
    [
      "a wrapper of fetch with a mistake",
      "(url, init) => fetch(url, init).then((response) => response.nothing.there)",
      { code: "unknown", reason: "transport_failed" },
      1,
    ],
    [
      "a wrapper of fetch whose own signal aborts",
      "(url, init) => fetch(url, { ...init, signal: AbortSignal.abort() })",
      { code: "canceled", reason: "canceled" },
      0,
    ],
  ])("%s", async (_, transport, error, sent) => {
    proxy.reply(preflight, notFound);
    expect(await inPage(over(transport))).toMatchObject(error);
    expect(posts()).toBe(sent);
  });

  test.each<[what: string, reply: ScriptedReply]>([
    ["breaks off", { fault: "cut", headers: CORS }],
    ["is no gzip", { ...jsonReply({ id: "4" }, { ...CORS, "content-encoding": "gzip" }) }],
  ])("a body that %s", async (_, reply) => {
    proxy.reply(preflight, reply);
    expect(await inPage(over("fetch"))).toMatchObject({ code: "internal", status: 200, reason: "invalid_reply" });
    expect(posts()).toBe(1);
  });

  test("a blocked wrapper of fetch counts as CORS or network, and is repeated", async () => {
    proxy.reply({ status: 204 });
    expect(await inPage(over("(url, init) => fetch(url, init)"))).toMatchObject({ reason: "cors_or_network" });
    expect(proxy.seen.map(({ method }) => method)).toEqual(["OPTIONS", "OPTIONS", "OPTIONS"]);
  });
});

test.each(WAYS)("a refused token is renewed once for all calls: $format over $transport", async (way) => {
  const expired = await service.token("alice", "finance.read", -60);
  const outcome = await inPage(
    `const asked = [];
    let current = ${JSON.stringify(expired)};
    const renewing = client.createFinanceClient({
      baseUrl: ${JSON.stringify(service.url)},
      format: ${JSON.stringify(way.format)},
      transport: transports[${JSON.stringify(way.transport)}],
      token: async ({ refused }) => {
        if (refused) {
          asked.push(refused);
          current = ${JSON.stringify(token)};
        }
        return current;
      },
    });
    const accounts = await Promise.all([1, 2, 3].map(() => renewing.getAccount({ id: ${accountId}n })));
    return { names: accounts.map(({ name }) => name), asked };`,
    way,
  );
  expect(outcome).toEqual({ names: ["Wallet", "Wallet", "Wallet"], asked: ["token_expired"] });
});

test("keys work on plain http, where browsers have no crypto.randomUUID", async () => {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.route("http://shop.test/**", async (route) => {
      const { pathname } = new URL(route.request().url());
      await route.fulfill({ response: await route.fetch({ url: `http://127.0.0.1:${pagesPort}${pathname}` }) });
    });
    await page.goto("http://shop.test/");
    const outcome = await page.evaluate<unknown>(`(async () => {
      const keys = [];
      const send = async ({ body }) => {
        keys.push(JSON.parse(body).idempotencyKey);
        return { status: 200, header: () => "application/json", body: new TextEncoder().encode("{}") };
      };
      const finance = client.createFinanceClient({ baseUrl: "http://api.test", transport: { send } });
      await finance.createTransfer({ amount: 1n });
      await finance.createTransfer({ amount: 1n, idempotencyKey: client.newIdempotencyKey() });
      return { isSecureContext, uuid: typeof crypto.randomUUID, keys: keys.map((key) => /^[0-9a-f]{32}$/.test(key)) };
    })()`);
    expect(outcome).toEqual({ isSecureContext: false, uuid: "undefined", keys: [true, true] });
  } finally {
    await context.close();
  }
});

test("a redirect that the browser hides", async () => {
  proxy.reply({ status: 204, headers: CORS }, { status: 307, headers: { ...CORS, location: "/elsewhere" } });
  expect(await inPage(GET(), { options: { baseUrl: proxy.url } })).toMatchObject({
    code: "internal",
    status: 0,
    meta: { http_error_from_intermediary: "true", location: "" },
  });
});

test("retries need no preflight after the first try", async () => {
  const reply = jsonReply({ id: "4" }, CORS);
  const ask = { status: 204, headers: { ...CORS, "access-control-max-age": "60" } };
  proxy.reply(ask, { status: 503, headers: CORS }, reply);
  expect(await inPage(GET(), { options: { baseUrl: proxy.url, maxRetries: 1 } })).toMatchObject({ id: "4" });
  expect(proxy.seen.map(({ method }) => method)).toEqual(["OPTIONS", "POST", "POST"]);
});

test("the timeout's header is blocked by the default list of headers, and allowed if the list has it", async () => {
  const options = { sendTimeout: true };
  expect(await inPage(GET(), { options })).toMatchObject({ reason: "cors_or_network" });
  const CORS_ALLOWED_HEADERS = "authorization,content-type,twirp-timeout-ms";
  const open = await startTestService({ CORS_ALLOWED_ORIGINS: "http://localhost:*", CORS_ALLOWED_HEADERS });
  try {
    const baseUrl = open.url;
    expect(await inPage(GET(), { options: { ...options, baseUrl } })).toMatchObject({ code: "not_found", status: 404 });
  } finally {
    await open.close();
  }
});

test("money is written and read in the browser's locale", async () => {
  const script = `const usd = { currency: "USD", minorUnitDigits: 2 };
    const written = client.formatMoney(9223372036854775807n, usd);
    return { written, read: client.parseMoney(written, usd) };`;
  expect(await inPage(script)).toEqual({
    written: "$92,233,720,368,547,758.07",
    read: { ok: true, minor: "9223372036854775807" },
  });
});
