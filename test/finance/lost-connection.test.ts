import { afterEach, beforeEach, expect, test } from "vitest";
import { type FaultyNetwork, openFaultyNetwork } from "../faults/network.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, fundsOf, openAccount, openFunded, postingToMove, verdictOf } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let database: TestDatabase;
let network: FaultyNetwork;
let service: TestService;
let from: string;
let to: string;

beforeEach(async () => {
  database = await createTestDatabase();
  const through = new URL(database.url);
  // A socket's directory would win over the proxy's address.
  through.searchParams.delete("host");
  network = await openFaultyNetwork({ host: through.hostname, port: Number(through.port || 5432) });
  through.hostname = "127.0.0.1";
  through.port = `${network.port}`;
  service = await startTestService({}, { database, laneUrl: through.href, sweepIntervalMs: 3_600_000 });
  from = await openFunded(service, "alice", 100);
  to = await openAccount(service, "bob");
});
afterEach(async () => {
  await service.close();
  await network.close();
  await database.drop();
});

const transfer = (change: object = {}) =>
  service.call("CreateTransfer", { debit_account_id: from, credit_account_id: to, amount: 10, ...change });

async function transfersOf(account: string): Promise<number> {
  return (await service.call("ListTransfers", { account_id: account })).body.transfers.length;
}

test("a commit whose answer was lost happens once for a request with a key", async () => {
  network.cutInsteadOf("COMMIT");
  const reply = await transfer({ idempotency_key: "lost" });
  expect(reply.status).toBe(200);
  expect(reply.body).toMatchObject({ debit_account_balance: "90", credit_account_balance: "10" });
  const again = await transfer({ idempotency_key: "lost" });
  expect(again.body).toEqual(reply.body);
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect([await fundsOf(service, from), await transfersOf(to)]).toEqual(["90/90", 1]);
  expect(await findingsOf(database.pool)).toEqual([]);
});

test("a request without a key is not sent again: its caller learns that the outcome is unknown, and it happened once", async () => {
  network.cutInsteadOf("COMMIT");
  const { status, body, headers } = await transfer();
  expect([status, body.code, headers.get("retry-after")]).toEqual([503, "unavailable", "1"]);
  expect(body.msg).toContain("idempotency_key");
  expect([await fundsOf(service, from), await transfersOf(to)]).toEqual(["90/90", 1]);
});

test("in one batch, requests with keys learn their outcomes, those without do not, and each happened once", async () => {
  const { queue } = service.ledger;
  // While this one is in flight, the others are queued.
  const first = queue.post(postingToMove(from, to, "first"));
  const keys = ["a", undefined, "b", undefined, "c"];
  const gathered = keys.map((key) => queue.post(postingToMove(from, to, "", key)));
  await first;
  network.cutInsteadOf("COMMIT");
  const settled = await Promise.allSettled(gathered);
  const outcomes = settled.map((each) =>
    each.status === "fulfilled" ? each.value.map(({ replayed }) => ({ replayed })) : each.reason.name,
  );
  const known = [{ replayed: true }];
  expect(outcomes).toEqual([known, "CommitUnknownError", known, "CommitUnknownError", known]);
  expect([await fundsOf(service, from), await transfersOf(to)]).toEqual(["94/94", 6]);
  expect(await findingsOf(database.pool)).toEqual([]);
});

test("a connection lost before the commit left nothing behind, so that even a request without a key is sent again", async () => {
  network.cutInsteadOf("BEGIN");
  expect((await transfer()).body).toMatchObject({ debit_account_balance: "90" });
  expect([await fundsOf(service, from), await transfersOf(to)]).toEqual(["90/90", 1]);
});

test("a refusal whose answer was lost is the same when the request is repeated", async () => {
  network.cutInsteadOf("COMMIT");
  const refused = await transfer({ amount: 101, idempotency_key: "too-much" });
  expect(verdictOf(refused)).toBe("insufficient_funds");
  expect(refused.body.meta.account_id).toBe(from);
  expect((await transfer({ amount: 101, idempotency_key: "too-much" })).body).toEqual(refused.body);
});

test("a capture and a reversal whose answers were lost happen once", async () => {
  const { body: held } = await transfer({ pending: true });
  network.cutInsteadOf("COMMIT");
  const captured = await service.call("CaptureTransfer", { id: held.id, amount: 4, idempotency_key: "capture" });
  expect(captured.body).toMatchObject({ state: "TRANSFER_STATE_CAPTURED", captured_amount: "4" });
  network.cutInsteadOf("COMMIT");
  const reversed = await service.call("ReverseTransfer", { id: held.id, idempotency_key: "reverse" });
  expect(reversed.body).toMatchObject({ reverses_transfer_id: held.id, amount: "4" });
  expect(await fundsOf(service, from)).toBe("100/100");
  expect(await findingsOf(database.pool)).toEqual([]);
});
