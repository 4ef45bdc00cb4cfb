import { once } from "node:events";
import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { type CallContext, type TwirpOptions, twirp, twirpClientErrors } from "../../packages/twirp/src/index.ts";
import { WireConnection, type WireResponse } from "../conformance/twirp-http.ts";
import { type Hats, hatService, recordingHooks } from "./service.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const echo: Hats = { Make: async (_context, hat) => hat };
const TIME = 5000;

async function listen(hats: Hats, options: Partial<TwirpOptions> = {}, replies: unknown[] = []) {
  const app: FastifyInstance = Fastify({ clientErrorHandler: twirpClientErrors });
  app.addHook("onSend", async (_request, _reply, payload) => {
    replies.push(payload);
  });
  await app.register(twirp, { services: [hatService(hats)], ...options });
  await app.listen({ host: "127.0.0.1", port: 0 });
  closing.push(() => app.close());
  // A TCP server, so an address with a port.
  const { port } = app.server.address() as AddressInfo;
  const connection = new WireConnection(port);
  closing.push(() => connection.destroy());
  return connection;
}

function post(body: string, headers: Record<string, string> = {}) {
  return {
    method: "POST",
    target: "/twirp/hats.HatService/Make",
    headers: { "Content-Type": "application/json", ...headers },
    body: Buffer.from(body),
  };
}

function bodyOf(response: WireResponse | undefined): { code?: string; msg?: string; name?: string } {
  return JSON.parse(response?.body.toString() ?? "{}");
}

describe("a body over the limit", () => {
  test("is refused by its declared length, before it arrives", async () => {
    const connection = await listen(echo, { bodyLimit: 10 });
    await connection.write(post("{", { "Content-Length": "11" }));
    const response = await connection.read("POST", TIME);
    expect(response?.status).toBe(400);
    expect(bodyOf(response)).toEqual({
      code: "malformed",
      msg: "request body is larger than 10 bytes: 11 are declared",
    });
  });

  test("is refused by the bytes that arrived, without a declared length", async () => {
    const connection = await listen(echo, { bodyLimit: 10 });
    await connection.write(post('{"name":"much too long"}', { "Transfer-Encoding": "chunked" }));
    const response = await connection.read("POST", TIME);
    expect(bodyOf(response)).toEqual({
      code: "malformed",
      msg: "request body is larger than 10 bytes: 24 came so far",
    });
  });

  test("does not break the next request of the connection", async () => {
    const connection = await listen(echo, { bodyLimit: 100_000 });
    await connection.write(post(`{"name":"${"x".repeat(2_000_000)}"}`));
    expect((await connection.read("POST", TIME))?.status).toBe(400);
    await connection.write(post('{"name":"cap"}'));
    expect(bodyOf(await connection.read("POST", TIME)).name).toBe("cap");
  });

  test("of exactly the limit is accepted", async () => {
    const connection = await listen(echo, { bodyLimit: 14 });
    await connection.write(post('{"name":"cap"}'));
    expect(bodyOf(await connection.read("POST", TIME)).name).toBe("cap");
  });
});

test("a body that does not arrive in time ends the call and the connection", async () => {
  const connection = await listen(echo, { readTimeout: 50 });
  await connection.write(post('{"na', { "Content-Length": "100" }));
  const response = await connection.read("POST", TIME);
  expect(response?.status).toBe(408);
  expect(response?.headers.get("connection")).toEqual(["close"]);
  expect(bodyOf(response)).toEqual({ code: "deadline_exceeded", msg: "failed to read request: deadline exceeded" });
  expect(await connection.read("POST", TIME)).toBeUndefined();
});

test("a client that never stops sending a refused body is disconnected", async () => {
  const connection = await listen(echo, { bodyLimit: 10, readTimeout: 50 });
  await connection.write(post("{", { "Content-Length": "1000" }));
  expect((await connection.read("POST", TIME))?.status).toBe(400);
  expect(await connection.read("POST", TIME)).toBeUndefined();
});

test("a client that disconnects in the middle of its body cancels the call", async () => {
  const events: string[] = [];
  const connection = await listen(echo, { hooks: [recordingHooks(events)] });
  await connection.write(post('{"na', { "Content-Length": "100" }));
  await expect.poll(() => events).toContain("routed Make");
  connection.destroy();
  await expect.poll(() => events).toEqual(["received ", "routed Make", "error canceled 408", "sent 408"]);
});

describe("a client that goes while the method works", () => {
  const outcomes: [what: string, finish: (context: CallContext) => unknown, last: string[]][] = [
    ["passes the signal's reason on", ({ signal }) => signal.throwIfAborted(), ["error canceled 408", "sent 408"]],
    [
      "fails with an AbortError",
      () => {
        throw new DOMException("stopped", "AbortError");
      },
      ["error canceled 408", "sent 408"],
    ],
    ["finishes all the same", () => ({ size: 1n, name: "", tags: [] }), ["prepared 200", "sent 200"]],
  ];

  test.each(outcomes)("aborts its signal, and handles a method that %s", async (_what, finish, last) => {
    const events: string[] = [];
    const replies: unknown[] = [];
    let working: CallContext | undefined;
    const Make: Hats["Make"] = async (context) => {
      working = context;
      await once(context.signal, "abort");
      return finish(context);
    };
    const connection = await listen({ Make }, { hooks: [recordingHooks(events)] }, replies);
    await connection.write(post("{}"));
    await expect.poll(() => working !== undefined).toBe(true);
    expect(working?.signal.aborted).toBe(false);
    connection.destroy();
    await expect.poll(() => events).toEqual(["received ", "routed Make", ...last]);
    expect(working?.signal.reason).toMatchObject({ code: "canceled", msg: "context canceled" });
    expect(replies).toEqual([]);
  });
});

test("a signal does not abort after the reply was sent", async () => {
  let context: CallContext | undefined;
  const Make: Hats["Make"] = (own, hat) => {
    context = own;
    expect(own.signal.aborted).toBe(false);
    return hat;
  };
  const connection = await listen({ Make });
  await connection.write(post("{}"));
  expect((await connection.read("POST", TIME))?.status).toBe(200);
  connection.destroy();
  await expect.poll(() => context?.res.closed).toBe(true);
  expect(context?.signal.aborted).toBe(false);
});

test("requests in a row on one connection are answered in their order", async () => {
  const connection = await listen(echo);
  await Promise.all(["{", '{"name":"b"}', '{"name":"c"}'].map((body) => connection.write(post(body))));
  const replies = [
    await connection.read("POST", TIME),
    await connection.read("POST", TIME),
    await connection.read("POST", TIME),
  ];
  expect(replies.map((reply) => bodyOf(reply).name ?? bodyOf(reply).code)).toEqual(["malformed", "b", "c"]);
});

test.each([
  ["FOO", 404, "bad_route", 'unsupported method "FOO" (only POST is allowed)'],
  ["garbage in", 400, "malformed", "failed to read request: it is not valid HTTP"],
])("what Node cannot read (%s) is answered in Twirp's form", async (method, status, code, msg) => {
  const connection = await listen(echo);
  await connection.write({ ...post(""), method, headers: {} });
  const response = await connection.read("POST", TIME);
  expect(response?.status).toBe(status);
  expect(bodyOf(response)).toMatchObject({ code, msg });
});
