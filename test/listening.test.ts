/** Servers on the several addresses of one name. */
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { apiPlace, checkFree } from "../src/server/listening.ts";
import { WireConnection, type WireResponse } from "./conformance/twirp-http.ts";
import { readSeries } from "./setup/metrics.ts";
import { startTestService, type TestService } from "./setup/service.ts";

/** Not ::1, which some machines lack. */
const ADDRESSES = ["127.0.0.1", "127.0.0.2"];
const TIME = 10_000;

vi.mock("node:dns/promises", () => ({
  lookup: async () => ADDRESSES.map((address) => ({ address, family: 4 })),
}));

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(environment: Record<string, string> = {}): Promise<TestService> {
  const service = await startTestService(environment, { host: "localhost" });
  closing.push(() => service.close());
  return service;
}

function connectTo({ url }: TestService, address: string): WireConnection {
  const connection = new WireConnection(Number(new URL(url).port), address);
  closing.push(() => connection.destroy());
  return connection;
}

async function ask(connection: WireConnection, bytes: string): Promise<WireResponse | undefined> {
  await connection.send(Buffer.from(bytes));
  return connection.read("GET", TIME);
}

const HEALTH = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

test.each([
  ["a request that is no HTTP", "GARBAGE\r\n\r\n", 400],
  ["no Host", "GET /healthz HTTP/1.1\r\n\r\n", 400],
  ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404],
  ["a header that is too large", `GET / HTTP/1.1\r\nHost: localhost\r\nA: ${"a".repeat(17_000)}\r\n\r\n`, 431],
])("%s is refused in the same way at every address", async (_name, bytes, status) => {
  const service = await start();
  for (const address of ADDRESSES) {
    const response = await ask(connectTo(service, address), bytes);
    expect(response?.status).toBe(status);
    expect(response?.headers.get("x-request-id")).toHaveLength(1);
    expect(response?.headers.get("vary")).toEqual(["Origin"]);
  }
});

test("connections at every address count, and are limited", async () => {
  const service = await start({ MAX_CONNECTIONS: "3", MAX_CONNECTIONS_PER_ADDRESS: "0" });
  for (let count = 0; count < 3; count += 1)
    expect((await ask(connectTo(service, "127.0.0.2"), HEALTH))?.status).toBe(200);
  const refused = await ask(connectTo(service, "127.0.0.2"), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(refused?.status).toBe(429);
  expect(await readSeries(service.url, "http_connections")).toBeGreaterThanOrEqual(4);
});

test("pipelined requests take turns at every address", async () => {
  const service = await start({ MAX_REQUESTS_IN_FLIGHT: "20" });
  const connection = connectTo(service, "127.0.0.2");
  await connection.send(Buffer.from("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000)));
  await expect
    .poll(async () => readSeries(service.url, 'overload_refusals_total{reason="pipelined"}'), { timeout: TIME })
    .toBe(1);
});

test("closing ends listening and connections at every address", async () => {
  const service = await startTestService({}, { host: "localhost" });
  const connection = connectTo(service, "127.0.0.2");
  expect((await ask(connection, HEALTH))?.status).toBe(200);
  const idle = connectTo(service, "127.0.0.2");
  await idle.send(Buffer.from("GET /heal"));
  await service.close();
  expect(await connection.read("GET", TIME)).toBeUndefined();
  const late = connectTo(service, "127.0.0.2");
  await expect(late.send(Buffer.from(HEALTH)).then(() => late.read("GET", TIME))).resolves.toBeUndefined();
});

test("a place is free only if all of its addresses are", async () => {
  const taken = createServer().listen(0, "127.0.0.2");
  await once(taken, "listening");
  closing.push(() => taken.close());
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await expect(checkFree(apiPlace({ host: "localhost" }, port))).rejects.toThrow(
    `port ${port}, for the API, is in use`,
  );
});
