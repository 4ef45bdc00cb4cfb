import { getEventListeners } from "node:events";
import { createConnection } from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { type CallContext, type TwirpOptions, twirp } from "../../packages/twirp/src/index.ts";
import { WireConnection, type WireResponse } from "../conformance/twirp-http.ts";
import { listenOn } from "./serve.ts";
import { type Hats, hatService, recordingHooks } from "./service.ts";

const TIME = 5000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A service whose calls wait for `release`; `working` are the contexts of those that came so far. */
function waitingHats() {
  const working: CallContext[] = [];
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const Make: Hats["Make"] = async (context, hat) => {
    working.push(context);
    await released;
    return hat;
  };
  closing.push(() => release());
  return { hats: { Make, Try_on: (_context: CallContext, hat: unknown) => hat }, working, release };
}

async function listen(
  hats: Hats,
  options: Partial<TwirpOptions> = {},
  prepare: (app: FastifyInstance) => void = () => undefined,
) {
  const app = Fastify({ return503OnClosing: false });
  prepare(app);
  await app.register(twirp, { services: [hatService(hats)], ...options });
  const port = await listenOn(app);
  closing.push(() => app.close());
  const connect = () => {
    const connection = new WireConnection(port);
    closing.push(() => connection.destroy());
    return connection;
  };
  return { app, connect, port };
}

function post(method: "Make" | "Try_on", name = "cap") {
  return {
    method: "POST",
    target: `/twirp/hats.HatService/${method}`,
    headers: { "Content-Type": "application/json" },
    body: Buffer.from(JSON.stringify({ name })),
  };
}

function summary(response: WireResponse | undefined) {
  const { code, name }: { code?: string; name?: string } = JSON.parse(response?.body.toString() ?? "{}");
  const header = (of: string) => response?.headers.get(of)?.join();
  return { status: response?.status, connection: header("connection"), retryAfter: header("retry-after"), code, name };
}

const FINISHED = { status: 200, connection: "close", retryAfter: undefined, code: undefined, name: "cap" };
const UNAVAILABLE = { status: 503, connection: "close", retryAfter: "1", code: "unavailable", name: undefined };

describe("a server that closes", () => {
  test("finishes the calls in flight, and closes their connections", async () => {
    const { hats, working, release } = waitingHats();
    const { app, connect } = await listen(hats);
    const [first, second] = [connect(), connect()];
    await first.write(post("Make"));
    await second.write(post("Make"));
    await expect.poll(() => working.length).toBe(2);

    const closed = app.close();
    await expect.poll(() => app.server.listening).toBe(false);
    release();
    expect(summary(await first.read("POST", TIME))).toEqual(FINISHED);
    expect(summary(await second.read("POST", TIME))).toEqual(FINISHED);
    await closed;
    expect(working.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  });

  test("refuses a call whose first bytes came earlier", async () => {
    const { hats, working, release } = waitingHats();
    const { app, connect, port } = await listen(hats);
    const busy = connect();
    await busy.write(post("Make"));
    const socket = createConnection({ host: "127.0.0.1", port });
    closing.push(() => socket.destroy());
    socket.write("POST /twirp/hats.HatService/Try_on HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
    const connections = () => new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count)));
    await expect.poll(() => working.length).toBe(1);
    await expect.poll(connections).toBe(2);
    const closed = app.close();
    await expect.poll(() => app.server.listening).toBe(false);
    socket.write("Content-Length: 2\r\n\r\n{}");
    const reply = (await socket.toArray()).join("");
    expect(reply).toMatch(/^HTTP\/1\.1 503 /);
    expect(reply).toMatch(/^connection: close\r$/im);
    expect(reply).toContain('"code":"unavailable"');
    release();
    await closed;
  });

  test("answers calls that outlive the grace period, aborts their signals, and closes", async () => {
    const events: string[] = [];
    const { hats, working } = waitingHats();
    const { app, connect } = await listen(hats, { gracePeriod: 30, hooks: [recordingHooks(events)] });
    const connection = connect();
    await connection.write(post("Make"));
    await expect.poll(() => working.length).toBe(1);
    await app.close();
    expect(summary(await connection.read("POST", TIME))).toEqual(UNAVAILABLE);
    expect(working[0]?.signal.reason).toMatchObject({ code: "unavailable" });
    await expect.poll(() => events).toEqual(["received ", "routed Make", "error unavailable 503", "sent 503"]);
  });

  test("answers a call whose body never arrives", async () => {
    const routed: string[] = [];
    const { app, connect } = await listen({}, { gracePeriod: 30, hooks: [recordingHooks(routed)] });
    const connection = connect();
    await connection.write({ ...post("Make"), headers: { ...post("Make").headers, "Content-Length": "1000" } });
    await expect.poll(() => routed).toContain("routed Make");
    await app.close();
    expect(summary(await connection.read("POST", TIME))).toEqual(UNAVAILABLE);
  });
});

describe("a server that drains before it closes", () => {
  test("refuses new calls on new and on kept-alive connections, and finishes those in flight", async () => {
    const { hats, working, release } = waitingHats();
    const draining = new AbortController();
    const extended: string[] = [];
    const { connect } = await listen(hats, {
      draining: draining.signal,
      extendContext: ({ methodName }) => {
        extended.push(methodName);
        return {};
      },
    });
    const [busy, idle] = [connect(), connect()];
    await busy.write(post("Make"));
    await idle.write(post("Try_on"));
    expect(summary(await idle.read("POST", TIME))).toEqual({ ...FINISHED, connection: "keep-alive" });
    await expect.poll(() => working.length).toBe(1);

    draining.abort();
    await idle.write(post("Try_on"));
    expect(summary(await idle.read("POST", TIME))).toEqual(UNAVAILABLE);
    expect(await idle.read("POST", TIME)).toBeUndefined();
    const late = connect();
    await late.write(post("Try_on"));
    expect(summary(await late.read("POST", TIME))).toEqual(UNAVAILABLE);
    expect(extended.sort()).toEqual(["Make", "Try_on"]);

    release();
    expect(summary(await busy.read("POST", TIME))).toEqual(FINISHED);
  });

  test("ends calls that outlive the grace period, also when another plugin delays them", async () => {
    const { hats, working } = waitingHats();
    const draining = new AbortController();
    let held = 0;
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const { connect } = await listen(hats, { draining: draining.signal, gracePeriod: 20 }, (app) => {
      app.addHook("preHandler", async (request) => {
        if (request.url.endsWith("Try_on")) {
          held += 1;
          await gate;
        }
      });
    });
    const [stuck, heldUp] = [connect(), connect()];
    await stuck.write(post("Make"));
    await heldUp.write(post("Try_on"));
    await expect.poll(() => [working.length, held]).toEqual([1, 1]);
    draining.abort();
    expect(summary(await stuck.read("POST", TIME))).toEqual(UNAVAILABLE);
    letGo();
    expect(summary(await heldUp.read("POST", TIME))).toEqual(UNAVAILABLE);
  });

  test("may be draining from its start", async () => {
    const { connect } = await listen({ Make: (_context, hat) => hat }, { draining: AbortSignal.abort() });
    const connection = connect();
    await connection.write(post("Make"));
    expect(summary(await connection.read("POST", TIME))).toEqual(UNAVAILABLE);
  });
});

test("an app that never listened finishes injected calls before it closes what they use", async () => {
  const { hats, working, release } = waitingHats();
  const order: string[] = [];
  const app = Fastify();
  app.addHook("onClose", async () => void order.push("closed what calls use"));
  await app.register(twirp, { services: [hatService(hats)] });
  const reply = app
    .inject({ method: "POST", url: post("Make").target, headers: post("Make").headers, payload: "{}" })
    .then(({ statusCode }) => order.push(`answered ${statusCode}`));
  await expect.poll(() => working.length).toBe(1);
  const closed = app.close();
  release();
  await Promise.all([closed, reply]);
  expect(order).toEqual(["answered 200", "closed what calls use"]);
});

test("a closed app no longer listens to the signal it was given", async () => {
  const draining = new AbortController();
  const app = Fastify();
  await app.register(twirp, { services: [hatService({})], draining: draining.signal });
  expect(getEventListeners(draining.signal, "abort")).toHaveLength(1);
  await app.close();
  expect(getEventListeners(draining.signal, "abort")).toHaveLength(0);
});
