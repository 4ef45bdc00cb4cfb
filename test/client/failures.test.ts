/** Failures of the transport: which error each becomes, and which are repeated. */
import axios, { AxiosError, AxiosHeaders, type AxiosResponse, CanceledError } from "axios";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type ClientOptions, createFinanceClient, FinanceError } from "../../packages/client/src/index.ts";
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

type Options = Partial<ClientOptions>;

/** A call's error, and how often it was sent. */
async function fail(options: Options) {
  const finance = createFinanceClient({ baseUrl: server.url, ...options });
  const error: unknown = await finance.getAccount({ id: 4n }).catch((reason: unknown) => reason);
  if (!(error instanceof FinanceError)) throw new Error("it did not fail with a FinanceError", { cause: error });
  return error;
}

describe.each(ways)("$way", ({ transport, format }) => {
  const options = { transport, format };
  const type = { "content-type": `application/${format}` };

  test("nothing listens: a network failure, which is repeated", async () => {
    const baseUrl = `http://127.0.0.1:${await freePort()}`;
    const asked: string[] = [];
    const token = () => `t${asked.push("once")}`;
    expect(await fail({ ...options, baseUrl, token, maxRetries: 1 })).toMatchObject({
      code: "unavailable",
      status: 0,
      reason: "network",
    });
    expect(asked).toHaveLength(2);
  });

  test("a connection that ends without a reply is a network failure too", async () => {
    server.reply({ fault: "drop" });
    expect(await fail({ ...options, maxRetries: 1 })).toMatchObject({ code: "unavailable", reason: "network" });
    expect(server.seen).toHaveLength(2);
  });

  test.each<[what: string, reply: ScriptedReply]>([
    ["a body that breaks off", { fault: "cut" }],
    ["a body whose connection is reset", { fault: "reset" }],
    ["a body that is no gzip", { headers: { ...type, "content-encoding": "gzip" }, body: "plain" }],
  ])("%s is an unreadable reply, and no reason to try again", async (_, reply) => {
    server.reply(reply);
    expect(await fail(options)).toMatchObject({ code: "internal", status: 200, reason: "invalid_reply" });
    expect(server.seen).toHaveLength(1);
  });

  test("a page on another origin gets no hint about CORS for a reply that it could read", async () => {
    vi.stubGlobal("location", { href: "http://page.example/" });
    server.reply({ fault: "cut" });
    expect(await fail(options)).toMatchObject({ reason: "invalid_reply" });
    server.reply({ headers: { "content-type": "text/html" } });
    expect(await fail(options)).toMatchObject({ reason: "invalid_reply" });
  });
});

/** Ways in which an application can change a transport. */
const interceptors: readonly [what: string, options: () => Options, error: object, sent: number][] = [
  [
    "a request interceptor that throws",
    () => {
      const instance = axios.create();
      instance.interceptors.request.use(() => {
        throw new Error("no session");
      });
      return { transport: instance };
    },
    { code: "unknown", reason: "transport_failed", message: expect.stringContaining("no session") },
    0,
  ],
  [
    "a request interceptor that cancels",
    () => {
      const instance = axios.create();
      instance.interceptors.request.use(() => {
        throw new CanceledError("leaving");
      });
      return { transport: instance };
    },
    { code: "canceled", reason: "canceled", cause: expect.objectContaining({ message: "leaving" }) },
    0,
  ],
  [
    "a response interceptor that throws for a status",
    () => {
      const instance = axios.create();
      instance.interceptors.response.use(undefined, (error: AxiosError) => {
        throw new Error(`HTTP ${error.response?.status}`);
      });
      return { transport: instance };
    },
    { code: "unknown", reason: "transport_failed", message: expect.stringContaining("HTTP 404") },
    1,
  ],
  [
    "a response interceptor that gives nothing",
    () => {
      const instance = axios.create();
      instance.interceptors.response.use(undefined, () => undefined);
      return { transport: instance };
    },
    { code: "unknown", reason: "transport_failed" },
    1,
  ],
  [
    "an error interceptor whose own call fails",
    () => {
      const instance = axios.create();
      instance.interceptors.response.use(undefined, async () => {
        throw new AxiosError("no session", AxiosError.ERR_BAD_RESPONSE, {
          url: "/session",
          headers: new AxiosHeaders(),
        });
      });
      return { transport: instance };
    },
    { code: "unknown", reason: "transport_failed", message: expect.stringContaining("no session") },
    1,
  ],
  [
    "an error interceptor that passes the error on",
    () => {
      const instance = axios.create();
      instance.interceptors.response.use(undefined, (error: AxiosError) => Promise.reject(error));
      return { transport: instance };
    },
    { code: "not_found", status: 404, message: "no account 4" },
    1,
  ],
  [
    "an instance that takes every status for a success",
    () => ({ transport: axios.create({ validateStatus: () => true }) }),
    { code: "not_found", status: 404, message: "no account 4" },
    1,
  ],
  [
    "a reply that is larger than the instance allows",
    () => ({ transport: axios.create({ maxContentLength: 10 }) }),
    { code: "internal", reason: "invalid_reply" },
    1,
  ],
  [
    "a request that is larger than the instance allows",
    () => ({ transport: axios.create({ maxBodyLength: 1 }) }),
    { code: "unknown", reason: "transport_failed" },
    0,
  ],
  [
    "a wrapper of fetch with a mistake",
    () => ({ transport: async () => Reflect.get(JSON.parse("null"), "session") }),
    { code: "unknown", reason: "transport_failed", cause: expect.any(TypeError) },
    0,
  ],
  [
    "a wrapper of fetch that gives nothing",
    () => ({ transport: async () => JSON.parse("null") }),
    { code: "unknown", reason: "transport_failed" },
    0,
  ],
  [
    "a wrapper of fetch whose own signal aborts",
    () => ({ transport: (url, init) => fetch(url, { ...init, signal: AbortSignal.abort() }) }),
    { code: "canceled", reason: "canceled" },
    0,
  ],
  [
    "a wrapper of fetch whose own time is up",
    () => ({ transport: () => Promise.reject(new DOMException("too slow", "TimeoutError")) }),
    { code: "deadline_exceeded", reason: "timed_out" },
    0,
  ],
  [
    "a wrapper of fetch whose own signal aborts while the body comes",
    () => ({
      transport: async () => {
        const reason = new DOMException("left", "AbortError");
        return new Response(new ReadableStream({ start: (body) => body.error(reason) }));
      },
    }),
    { code: "canceled", reason: "canceled" },
    0,
  ],
  [
    "an axios adapter that writes the names of headers as it likes",
    () => ({
      transport: axios.create({
        adapter: async (config) => ({
          status: 200,
          statusText: "",
          headers: { "Content-Type": "application/json", "X-Request-ID": "r-9" },
          data: new TextEncoder().encode("[]"),
          config,
        }),
      }),
    }),
    { code: "internal", reason: "invalid_reply", requestId: "r-9", message: expect.stringContaining("not a list") },
    0,
  ],
  ...[
    Symbol("mine"),
    Object.create(null),
    { code: Symbol("mine"), message: null },
    { toString: null },
    "mine",
    null,
    undefined,
    7,
    [],
  ].map((thrown: unknown): (typeof interceptors)[number] => [
    `a transport that throws ${typeof thrown}`,
    () => ({ transport: { send: () => Promise.reject(thrown) } }),
    { code: "unknown", reason: "transport_failed", cause: thrown },
    0,
  ]),
  [
    "a transport that throws at once",
    () => ({
      transport: {
        send() {
          throw new RangeError("mine");
        },
      },
    }),
    { code: "unknown", reason: "transport_failed", cause: expect.any(RangeError) },
    0,
  ],
  [
    "a transport that gives no reply",
    () => ({ transport: { send: async () => JSON.parse("{}") } }),
    { code: "unknown", reason: "transport_failed" },
    0,
  ],
  [
    "a transport with a FinanceError",
    () => ({ transport: { send: () => Promise.reject(new FinanceError("aborted", "mine")) } }),
    { code: "aborted", message: "mine" },
    0,
  ],
];

test.each(interceptors)("%s: keeps its cause and is not repeated", async (_, options, error, sent) => {
  server.reply(refusalReply(404, { code: "not_found", msg: "no account 4" }));
  for (const page of [undefined, { href: "http://page.example/" }]) {
    vi.stubGlobal("location", page);
    server.reply(refusalReply(404, { code: "not_found", msg: "no account 4" }));
    expect(await fail(options())).toMatchObject(error);
    expect(server.seen).toHaveLength(sent);
  }
});

describe("errors that look like the network's are repeated over every transport", () => {
  const tries: [what: string, failure: () => unknown][] = [
    ...["Failed to fetch", "NetworkError when attempting to fetch resource.", "Load failed", "fetch failed"].map(
      (message): [string, () => unknown] => [`fetch's "${message}"`, () => new TypeError(message)],
    ),
    [
      "a TypeError over a system error",
      () => new TypeError("?", { cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) }),
    ],
    ["axios's ERR_NETWORK", () => new AxiosError("Network Error", AxiosError.ERR_NETWORK)],
    ["axios's timeout", () => new AxiosError("timeout", AxiosError.ECONNABORTED)],
    ["a certificate", () => Object.assign(new Error("x"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" })],
    ["ENOTFOUND", () => Object.assign(new Error("x"), { code: "ENOTFOUND" })],
    ["a transport's own ERR_NETWORK", () => ({ code: "ERR_NETWORK" })],
  ];

  test.each(tries)("%s", async (_, failure) => {
    for (const [page, reason] of [
      [undefined, "network"],
      [{ href: "http://page.example/" }, "cors_or_network"],
    ] as const) {
      vi.stubGlobal("location", page);
      let sent = 0;
      const send = () => {
        sent += 1;
        return Promise.reject(failure());
      };
      expect(await fail({ transport: { send }, maxRetries: 1 })).toMatchObject({ code: "unavailable", reason });
      expect(sent).toBe(2);
    }
  });

  test("fetch's own error in an unexpected language", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Die Verbindung wurde unterbrochen.")));
    expect(await fail({ maxRetries: 0 })).toMatchObject({ reason: "network" });
  });

  test("but not other TypeErrors, and not errors of the file system", async () => {
    for (const failure of [new TypeError("x is not a function"), Object.assign(new Error("x"), { code: "ENOENT" })])
      expect(await fail({ transport: { send: () => Promise.reject(failure) } })).toMatchObject({
        reason: "transport_failed",
      });
  });
});

test.each<[what: string, failure: () => unknown]>([
  ["undici's word for it", () => new TypeError("terminated")],
  ["Chromium's word for it", () => new TypeError("network error")],
  ["Firefox's word for it", () => new TypeError("Error in body stream")],
  [
    "axios's network error with a response",
    () => new AxiosError("x", "ECONNRESET", undefined, undefined, { status: 200 } as AxiosResponse),
  ],
  [
    "an error of Node with the response of its request",
    () => Object.assign(new Error("x"), { code: "HPE_INVALID_CHUNK_SIZE", request: { res: { statusCode: 200 } } }),
  ],
])("a body that broke off is not a network failure, over every transport: %s", async (_, failure) => {
  expect(await fail({ transport: { send: () => Promise.reject(failure()) } })).toMatchObject({
    code: "internal",
    reason: "invalid_reply",
  });
});

test.each(["cut", "reset"] as const)("axios's adapter over fetch: a body that is %s", async (fault) => {
  server.reply({ fault });
  const transport = axios.create({ adapter: "fetch" });
  expect(await fail({ transport })).toMatchObject({ code: "internal", reason: "invalid_reply" });
  expect(server.seen).toHaveLength(1);
});

test("an error interceptor of axios may sign in again and repeat the call", async () => {
  server.reply(
    refusalReply(401, { code: "unauthenticated", msg: "", meta: { reason: "token_expired" } }),
    jsonReply({ id: "4" }),
  );
  const instance = axios.create();
  instance.interceptors.response.use(undefined, async (error: AxiosError) => {
    if (error.response?.status !== 401 || error.config === undefined) throw error;
    error.config.headers.set("authorization", "Bearer fresh");
    return await instance.request(error.config);
  });
  const finance = createFinanceClient({ baseUrl: server.url, transport: instance, token: "old" });
  expect(await finance.getAccount({ id: 4n })).toMatchObject({ id: 4n });
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer old", "Bearer fresh"]);
});
