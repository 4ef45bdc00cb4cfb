import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { limitPipelining } from "../../src/plugins/index.ts";
import { lockAccount, openAccount, openFunded, untilWaitingForLock } from "../setup/ledger.ts";
import { readSeries } from "../setup/metrics.ts";
import { call, closing, rawSocket, start, TIME } from "../setup/overload.ts";
import type { TestService } from "../setup/service.ts";

const UNANSWERED_MAX = 16;
const inFlight = (service: TestService) => readSeries(service.url, "http_requests_in_flight");

/** As many transfers of 1 as are asked, each with its number as the description, in the bytes of one connection. */
async function transfersOf(service: TestService, from: string, to: string, count: number): Promise<string> {
  const token = await service.token("alice");
  const requests = Array.from({ length: count }, (_, index) => {
    const body = JSON.stringify({ debit_account_id: from, credit_account_id: to, amount: 1, description: `${index}` });
    const { target } = call("", {}, "CreateTransfer");
    const lines = [`POST ${target} HTTP/1.1`, "host: localhost", "content-type: application/json"];
    lines.push(`authorization: Bearer ${token}`, `content-length: ${body.length}`);
    return `${lines.join("\r\n")}\r\n\r\n${body}`;
  });
  return requests.join("");
}

test("a few requests of a connection are worked on at a time, it is not read further, and all are answered in order", async () => {
  const service = await start();
  const from = await openFunded(service, "alice", 1_000_000);
  const to = await openAccount(service, "bob");
  const lock = await lockAccount(service.pool, from);
  let accepted: Socket | undefined;
  service.app.server.once("connection", (socket) => {
    accepted = socket;
  });
  const { socket, received } = rawSocket(service);
  const count = 2000;
  const bytes = await transfersOf(service, from, to, count);
  socket.write(bytes);
  await untilWaitingForLock(service.pool, 1);
  await vi.waitFor(async () => expect(await inFlight(service)).toBe(UNANSWERED_MAX + 1), { timeout: TIME });
  // By the time all of these are answered, a server that reads on would have read it all.
  for (let round = 0; round < 30; round += 1) {
    expect((await service.call("GetAccount", { id: to })).status).toBe(200);
  }
  expect(await inFlight(service)).toBe(UNANSWERED_MAX + 1);
  expect(accepted?.bytesRead).toBeLessThan(bytes.length / 2);
  await lock.release();

  const descriptions = () => [...received().matchAll(/"description":"(\d+)"/g)].map(([, number]) => Number(number));
  await vi.waitFor(() => expect(descriptions()).toHaveLength(count), { timeout: 6 * TIME, interval: 100 });
  expect(descriptions()).toEqual(Array.from({ length: count }, (_, index) => index));
  expect((await service.call("GetAccount", { id: to })).body.balance).toBe(`${count}`);
}, 90_000);

test("thousands of pipelined scrapes are answered, a few at a time", async () => {
  const service = await start();
  const { socket, received } = rawSocket(service);
  const count = 3000;
  socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(count));
  const answers = () => received().split("HTTP/1.1 200 OK").length - 1;
  const seen: number[] = [];
  while (answers() < count) seen.push(await inFlight(service));
  expect(Math.max(...seen)).toBeLessThanOrEqual(UNANSWERED_MAX + 1);
}, 60_000);

test("a connection is closed when more of its requests would wait than may be in flight in all", async () => {
  const service = await start({ MAX_REQUESTS_IN_FLIGHT: "50" });
  const { socket, ended } = rawSocket(service);
  socket.write("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1000));
  await ended;
  expect(await readSeries(service.url, 'overload_refusals_total{reason="pipelined"}')).toBe(1);
  await vi.waitFor(async () => expect(await inFlight(service)).toBe(1), { timeout: TIME });
});

test("waiting requests are dropped with their connection, and others get their place", async () => {
  const held: ServerResponse[] = [];
  const server = createServer((_request, response) => void held.push(response));
  const cut = vi.fn();
  const waiting = limitPipelining(server, { unansweredMax: 3, waitingMax: 10, onCut: cut });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  const open = (requests: number) => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => undefined);
    closing.push(() => socket.destroy());
    socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(requests));
    return socket;
  };
  const accepted: Socket[] = [];
  server.on("connection", (socket) => accepted.push(socket));
  open(13);
  await vi.waitFor(() => expect([held.length, waiting()]).toEqual([3, 10]), { timeout: TIME });
  const surplus = open(4);
  await once(surplus, "close");
  expect(cut).toHaveBeenCalledTimes(1);
  accepted[0]?.destroy();
  await vi.waitFor(() => expect(waiting()).toBe(0), { timeout: TIME });
  open(13);
  await vi.waitFor(() => expect(waiting()).toBe(10), { timeout: TIME });
  for (const response of held.splice(0)) response.end();
  await vi.waitFor(() => expect([held.length, waiting()]).toEqual([3, 7]), { timeout: TIME });
  expect(cut).toHaveBeenCalledTimes(1);
});
