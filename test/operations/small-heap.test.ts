import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { readSeries } from "../setup/metrics.ts";
import { type Instance, startInstance } from "../setup/process.ts";

/** What a client may have the service hold is many times this heap. */
const HEAP_MB = 64;

let database: TestDatabase;
let instance: Instance;
let accounts: string[];
const sockets: Socket[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  instance = await startInstance(database.url, {
    NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
  });
  const wallet = { name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", unlimited_overdraft: true };
  accounts = [];
  for (const _ of [1, 2]) accounts.push((await instance.call("CreateAccount", wallet)).body.id);
}, 60_000);
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  instance.process.child.kill("SIGKILL");
  await instance.process.ended;
  await database.drop();
});

const move = () => ({ debit_account_id: accounts[0], credit_account_id: accounts[1], amount: 1 });

/** A client that sends this much of a call and reads nothing. */
function send(method: string, body: string, length = body.length): void {
  const lines = [
    `POST /twirp/finance.v1.FinanceService/${method} HTTP/1.1`,
    "host: localhost",
    "content-type: application/json",
    `authorization: Bearer ${instance.token}`,
    `content-length: ${length}`,
  ];
  const socket = connect(instance.port, "127.0.0.1").pause();
  socket.on("error", () => undefined);
  socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`.repeat(length === body.length ? 20 : 1));
  sockets.push(socket);
}

async function othersAreAnswered(): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    expect((await instance.call("GetAccount", { id: accounts[0] })).status).toBe(200);
    expect((await instance.call("CreateTransfer", move())).status).toBe(200);
  }
  // A list of what others hold as well comes once they have given way.
  await vi.waitFor(async () => expect((await instance.call("ListAccounts", {})).status).toBe(200), { timeout: 20_000 });
}

test("a small heap survives clients that ask for much and don't read", async () => {
  const metadata = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [`key ${index}`.padEnd(40, "_"), "x".repeat(500)]),
  );
  const transfers = Array.from({ length: 30 }, () => ({ ...move(), metadata }));
  for (let batch = 0; batch < 4; batch += 1) {
    expect((await instance.call("BatchCreateTransfers", { transfers })).status).toBe(200);
  }
  for (let client = 0; client < 12; client += 1) send("ListTransfers", '{"page_size":1000}');
  await othersAreAnswered();
}, 60_000);

test("a small heap survives clients that never finish their bodies", async () => {
  for (let client = 0; client < 400; client += 1) send("BatchCreateTransfers", " ".repeat(1_000_000), 1_048_576);
  await othersAreAnswered();
  // Bodies lie beside the heap: 400 MB of them more than what there was.
  const resident = await readSeries(`http://127.0.0.1:${instance.port}`, "process_resident_memory_bytes");
  expect(resident).toBeLessThan(350_000_000);
}, 60_000);
