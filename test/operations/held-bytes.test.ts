import { describe, expect, test, vi } from "vitest";
import {
  BatchCreateTransfersRequest,
  CreateTransferRequest,
  ListTransfersRequest,
} from "../../generated/server/finance/v1/transfer.ts";
import type { WireResponse } from "../conformance/twirp-http.ts";
import { createTestDatabase } from "../setup/database.ts";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { readSeries } from "../setup/metrics.ts";
import { call, closing, connection, REFUSED, rawSocket, seen, start, TIME } from "../setup/overload.ts";
import type { TestService } from "../setup/service.ts";

/** About 27 kB. */
const METADATA = Object.fromEntries(
  Array.from({ length: 50 }, (_, index) => [`key ${index}`.padEnd(40, "_"), "x".repeat(500)]),
);
const held = (service: TestService) => readSeries(service.url, "http_held_bytes");
const refusals = (service: TestService) => readSeries(service.url, 'overload_refusals_total{reason="held_bytes"}');
/** Nobody gives way while a test runs. */
const patient = { limits: { patienceMs: 3_600_000 } };

describe("bodies that never arrive completely", () => {
  const SIZE = 200_000;

  async function stall(service: TestService, clients: number): Promise<(WireResponse | undefined)[]> {
    const headers = {
      "Content-Length": `${SIZE}`,
      Authorization: `Bearer ${await service.token("mallory")}`,
    };
    const replies: (WireResponse | undefined)[] = [];
    for (let index = 0; index < clients; index += 1) {
      const client = connection(service);
      await client.write(call(" ".repeat(SIZE / 2), headers));
      void client.read("POST", 20 * TIME).then(
        (reply) => replies.push(reply),
        () => undefined,
      );
    }
    return replies;
  }

  test("are held up to the limit, further ones are refused readably, and small calls continue", async () => {
    const limit = 1_000_000;
    const service = await start({ OVERLOAD_HELD_BYTES: `${limit}` }, patient);
    const account = await openAccount(service, "alice");
    const clients = 20;
    const refused = await stall(service, clients);
    await vi.waitFor(() => expect(refused.length).toBeGreaterThanOrEqual(clients - limit / SIZE), { timeout: TIME });
    expect(seen(refused[0])).toEqual({ ...REFUSED, retryAfterMs: "1000" });
    expect(await held(service)).toBeLessThanOrEqual(limit);
    expect(await held(service)).toBeGreaterThan(limit / 2);
    expect(await refusals(service)).toBe(refused.length);
    expect((await service.call("GetAccount", { id: account })).status).toBe(200);
    expect((await service.call("ListAccounts", {})).status).toBe(200);
    // Beside them there is no room for another large one.
    expect((await service.call("ListAccounts", { page_size: 1000 })).status).toBe(429);
  });

  test("are released when their clients disconnect", async () => {
    const service = await start({ OVERLOAD_HELD_BYTES: "1000000" }, patient);
    const { socket } = rawSocket(service);
    const authorization = `authorization: Bearer ${await service.token("mallory")}`;
    const head = [`POST ${call().target} HTTP/1.1`, "host: localhost", "content-type: application/json", authorization];
    socket.write(`${head.join("\r\n")}\r\ncontent-length: ${SIZE}\r\n\r\n${" ".repeat(SIZE / 2)}`);
    await vi.waitFor(async () => expect(await held(service)).toBeGreaterThan(SIZE / 2), { timeout: TIME });
    socket.destroy();
    await vi.waitFor(async () => expect(await held(service)).toBe(0), { timeout: TIME });
  });

  test("give way to others after a long time without progress", async () => {
    const service = await start({ OVERLOAD_HELD_BYTES: "1000000" }, { limits: { patienceMs: 100 } });
    const refused = await stall(service, 5);
    // The body of 80,000 bytes needs five times as much while it is worked on: two of the stalled ones.
    const body = `{"id":"1"${" ".repeat(80_000)}}`;
    await vi.waitFor(async () => expect((await service.call("GetAccount", body)).status).toBe(404), { timeout: TIME });
    await vi.waitFor(() => expect(refused.length).toBeGreaterThan(0), { timeout: TIME });
    expect(seen(refused.at(-1))).toEqual({ ...REFUSED, retryAfterMs: "1000" });
  });

  test("count no more when they arrive in very small pieces", async () => {
    const service = await start({}, patient);
    const { socket, received } = rawSocket(service);
    const authorization = `authorization: Bearer ${await service.token("mallory")}`;
    const head = [`POST ${call().target} HTTP/1.1`, "host: localhost", "content-type: application/json", authorization];
    const pieces = 100_000;
    socket.write(`${head.join("\r\n")}\r\ntransfer-encoding: chunked\r\n\r\n${"1\r\n \r\n".repeat(pieces)}`);
    await vi.waitFor(async () => expect(await held(service)).toBeGreaterThanOrEqual(pieces), { timeout: TIME });
    expect(await held(service)).toBeLessThanOrEqual(2 * pieces);
    socket.write('a\r\n{"id":"12"\r\n1\r\n}\r\n0\r\n\r\n');
    await vi.waitFor(() => expect(received()).toContain("there is no account 12"), { timeout: TIME });
  });
});

describe("past the limit", () => {
  let service: TestService;
  let unbounded: TestService;
  let account: string;
  let other: string;
  let large: string;

  /** Room for calls of 75 kB, and of 100 kB for smaller ones. */
  async function startBounded(): Promise<void> {
    const database = await createTestDatabase();
    closing.push(() => database.drop());
    unbounded = await start({}, { database });
    service = await start({ OVERLOAD_HELD_BYTES: "100000" }, { database, ...patient });
    account = await openFunded(unbounded, "alice", 1000);
    other = await openAccount(unbounded, "bob");
    const request = { ...move(), pending: true, metadata: METADATA };
    large = (await unbounded.call("CreateTransfer", request)).body.id;
  }
  const move = () => ({ debit_account_id: account, credit_account_id: other, amount: 1 });
  const balanceOf = async () => (await unbounded.call("GetAccount", { id: account })).body.available_balance;

  test.each<[what: string, method: string, request: () => object]>([
    ["a page of accounts", "ListAccounts", () => ({ page_size: 1000 })],
    ["a page of transfers", "ListTransfers", () => ({ page_size: 1000 })],
    ["a page of few transfers with much metadata", "ListTransfers", () => ({ metadata: METADATA })],
    ["a page of entries", "ListEntries", () => ({ account_id: account, page_size: 1000 })],
    [
      "a long history",
      "GetBalanceHistory",
      () => ({
        account_id: account,
        start: new Date(Date.now() - 30 * 86_400_000).toISOString(),
        interval: "INTERVAL_HOUR",
      }),
    ],
    ["a batch with a large reply", "BatchCreateTransfers", () => ({ transfers: Array.from({ length: 100 }, move) })],
    ["a large request", "CreateTransfer", () => ({ ...move(), metadata: METADATA })],
  ])("%s is refused before anything is done", async (_, method, request) => {
    await startBounded();
    const before = await balanceOf();
    const { status, headers, body } = await service.call(method, request());
    expect({ status, code: body.code, meta: body.meta }).toEqual({
      status: 429,
      code: "resource_exhausted",
      meta: { retry_after_ms: "1000" },
    });
    expect(headers.get("retry-after")).toBe("1");
    expect(await refusals(service)).toBe(1);
    expect(await held(service)).toBe(0);
    expect(await balanceOf()).toBe(before);
    expect((await unbounded.call(method, request())).status).toBe(200);
    expect((await service.call("ListAccounts", { page_size: 10 })).status).toBe(200);
  });

  test("protobuf counts as JSON does", async () => {
    await startBounded();
    const ask = async (type: string, body: Uint8Array) => {
      const response = await fetch(`${service.url}/twirp/finance.v1.FinanceService/${type}`, {
        method: "POST",
        headers: {
          "content-type": "application/protobuf",
          authorization: `Bearer ${await service.token("root", "finance.admin")}`,
        },
        body,
      });
      return response.status;
    };
    const transfer = {
      ...CreateTransferRequest.create(),
      debitAccountId: BigInt(account),
      creditAccountId: BigInt(other),
      amount: 1n,
    };
    const list = ListTransfersRequest.create();
    const transfers = Array.from({ length: 100 }, () => transfer);
    expect(await ask("CreateTransfer", CreateTransferRequest.toBinary({ ...transfer, metadata: METADATA }))).toBe(429);
    expect(await ask("BatchCreateTransfers", BatchCreateTransfersRequest.toBinary({ transfers, atomic: false }))).toBe(
      429,
    );
    expect(await ask("ListTransfers", ListTransfersRequest.toBinary({ ...list, metadata: METADATA }))).toBe(429);
    expect(await ask("CreateTransfer", CreateTransferRequest.toBinary(transfer))).toBe(200);
  });

  test("an error for a reply without room says that the call was carried out", async () => {
    await startBounded();
    // Takes the room that a reply of 27 kB needs, and never ends.
    const client = connection(service);
    const headers = { "Content-Length": "70000", Authorization: `Bearer ${await service.token("mallory")}` };
    await client.write(call(" ".repeat(60_000), headers));
    await vi.waitFor(async () => expect(await held(service)).toBeGreaterThan(50_000), { timeout: TIME });
    const voided = await service.call("VoidTransfer", { id: large });
    expect({ status: voided.status, code: voided.body.code }).toEqual({ status: 503, code: "unavailable" });
    expect(voided.headers.get("retry-after")).toBe("1");
    const { body } = await unbounded.call("GetTransfer", { id: large });
    expect(body.state).toBe("TRANSFER_STATE_VOIDED");
  });
});

test("replies that nobody reads are held up to the limit, and others are answered", async () => {
  const limit = 20_000_000;
  const service = await start({ OVERLOAD_HELD_BYTES: `${limit}` });
  const account = await openFunded(service, "alice", 1000);
  const move = { debit_account_id: account, credit_account_id: await openAccount(service, "bob"), amount: 1 };
  const transfers = Array.from({ length: 30 }, () => ({ ...move, metadata: METADATA }));
  for (const _ of [1, 2, 3]) expect((await service.call("BatchCreateTransfers", { transfers })).status).toBe(200);
  const ask = call('{"page_size":1000}', { Authorization: `Bearer ${await service.token("alice")}` }, "ListTransfers");
  const head = [...Object.entries(ask.headers), ["Content-Length", `${ask.body.length}`], ["Host", "localhost"]];
  const request = `POST ${ask.target} HTTP/1.1\r\n${head.map((line) => `${line.join(": ")}\r\n`).join("")}\r\n${ask.body}`;
  // Ten replies of 2 MB are more than the kernel keeps for a client.
  const clients = Array.from({ length: 6 }, () => rawSocket(service));
  for (const { socket } of clients) socket.pause().write(request.repeat(10));
  await vi.waitFor(
    async () => {
      expect(await held(service)).toBeLessThanOrEqual(limit);
      expect(await refusals(service)).toBeGreaterThan(0);
    },
    { timeout: 4 * TIME },
  );
  expect((await service.call("GetAccount", { id: account })).status).toBe(200);
  expect((await service.call("CreateTransfer", move)).status).toBe(200);
  // Those who do not read give way to one who does.
  await vi.waitFor(
    async () => {
      const { status, body } = await service.call("ListTransfers", { page_size: 1000 });
      expect([status, body.transfers?.length > 50]).toEqual([200, true]);
    },
    { timeout: 4 * TIME },
  );
  for (const { socket } of clients) socket.destroy();
  await vi.waitFor(async () => expect(await held(service)).toBe(0), { timeout: TIME });
}, 90_000);
