/** Which side closes a connection that idles, and what becomes of a request that comes at that moment. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { WireConnection } from "../conformance/twirp-http.ts";
import { startTestService, type TestService, type TestServiceOptions } from "../setup/service.ts";

const TIME = 8000;
const LONG_TURN_MS = 30;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(environment: Record<string, string> = {}, options: TestServiceOptions = {}): Promise<TestService> {
  const service = await startTestService(environment, options);
  closing.push(() => service.close());
  return service;
}

/** A connection, and the server's end of it. */
async function connectTo(service: TestService): Promise<{ client: WireConnection; socket: Socket }> {
  const accepted = once(service.app.server, "connection");
  const client = new WireConnection(Number(new URL(service.url).port));
  closing.push(() => client.destroy());
  const [socket] = await accepted;
  return { client, socket };
}

/** Sends the bytes of a request to the server's machine before it returns. */
function send(client: WireConnection): void {
  void client.write({
    method: "POST",
    target: "/twirp/finance.v1.FinanceService/GetAccount",
    headers: { "Content-Type": "application/json" },
    body: Buffer.from("{}"),
  });
}

/** The keep-alive header of the reply to a call without a token. */
async function keepAliveOf(client: WireConnection): Promise<string | undefined> {
  send(client);
  const reply = await client.read("POST", TIME);
  expect(reply?.status).toBe(401);
  return reply?.headers.get("keep-alive")?.[0];
}

function holdUpEventLoop(): void {
  const until = performance.now() + LONG_TURN_MS;
  while (performance.now() < until);
}

test("a request that arrived before the timeout is answered, even if it was not read yet", async () => {
  const service = await start();
  const { client, socket } = await connectTo(service);
  await keepAliveOf(client);
  const timeUp = once(socket, "timeout");
  socket.setTimeout(1);
  send(client);
  holdUpEventLoop();
  await timeUp;
  expect((await client.read("POST", TIME))?.status).toBe(401);
});

test("so is one that arrives while the server is busy after the timeout", async () => {
  const service = await start();
  const { client, socket } = await connectTo(service);
  await keepAliveOf(client);
  // Each of these immediates runs before the server's own, at the end of a turn; so the second is too late to be read in its turn.
  socket.prependOnceListener("timeout", () =>
    setImmediate(() =>
      setImmediate(() => {
        send(client);
        holdUpEventLoop();
      }),
    ),
  );
  socket.setTimeout(1);
  expect((await client.read("POST", TIME))?.status).toBe(401);
  expect(await keepAliveOf(client)).toBe("timeout=620");
});

test("a connection that sent nothing by then is closed", async () => {
  const service = await start();
  const { client, socket } = await connectTo(service);
  await keepAliveOf(client);
  socket.setTimeout(1);
  expect(await client.read("POST", TIME)).toBeUndefined();
});

test("a request that arrived before the server closes is answered, even if it was not read yet", async () => {
  const service = await start();
  const { client } = await connectTo(service);
  await keepAliveOf(client);
  send(client);
  const closed = service.app.close();
  expect((await client.read("POST", TIME))?.status).toBe(401);
  await closed;
});

test("a connection may idle longer than one that has never said anything", async () => {
  const service = await start({}, { limits: { silenceTimeoutMs: 500 } });
  const used = await connectTo(service);
  await keepAliveOf(used.client);
  const silent = await connectTo(service);
  expect(await silent.client.read("POST", TIME)).toBeUndefined();
  expect(await keepAliveOf(used.client)).toBe("timeout=620");
});

test("connections may idle for a shorter time while more than half of them are taken", async () => {
  const service = await start({ MAX_CONNECTIONS: "4" });
  const { client } = await connectTo(service);
  const others = [await connectTo(service)];
  expect(await keepAliveOf(client)).toBe("timeout=620");
  others.push(await connectTo(service));
  expect(await keepAliveOf(client)).toBe("timeout=72");
  for (const other of others) other.client.destroy();
  await vi.waitFor(async () => expect(await keepAliveOf(client)).toBe("timeout=620"), { timeout: TIME });
});
