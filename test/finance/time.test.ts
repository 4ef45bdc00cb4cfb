/** Two times: the clock says what has expired, the recorded time orders the books. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { shadowClock, shadowClockOf, type TestClock } from "../setup/clock.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, fundsOf, microsOf, openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const HOUR_MS = 3_600_000;
const UNSWEPT = { sweepIntervalMs: HOUR_MS };

let database: TestDatabase;
let service: TestService;
let clock: TestClock;

async function start(): Promise<void> {
  database = await createTestDatabase();
  clock = await shadowClock(database);
  service = await startTestService({ LOG_LEVEL: "silent" }, { database, ...UNSWEPT });
}
afterEach(async () => {
  await clock.set(0);
  expect(await findingsOf(database.pool)).toEqual([]);
  await service.close();
  await database.drop();
});

const move = (debit: string, credit: string, amount: number, change: object = {}) => ({
  debit_account_id: debit,
  credit_account_id: credit,
  amount,
  ...change,
});
const transfer = (debit: string, credit: string, amount: number, change: object = {}) =>
  service.call("CreateTransfer", move(debit, credit, amount, change));
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const timesOf = async (id: string): Promise<bigint[]> => {
  const { body } = await service.call("ListEntries", { account_id: id });
  return body.entries.map(({ created_at }: { created_at: string }) => microsOf(created_at));
};
const nowMicros = () => BigInt(Date.now()) * 1000n;
const balanceOf = async (account_id: string, as_of?: string) =>
  (await service.call("GetBalance", { account_id, as_of })).body.balance;

describe("a clock that was ahead for one posting", () => {
  let a: string;
  let b: string;
  let ahead: { created_at: string };

  beforeEach(async () => {
    await start();
    a = await openFunded(service, "alice", 1000);
    b = await openAccount(service, "bob");
    await clock.set(HOUR_MS);
    ahead = (await transfer(a, b, 100)).body;
    await clock.set(0);
  });

  test("keeps balances and accounts consistent, and answers up to the last recorded time", async () => {
    expect(microsOf(ahead.created_at)).toBeGreaterThan(nowMicros() + 3_500_000_000n);
    expect([await balanceOf(a), await fundsOf(service, a)]).toEqual(["900", "900/900"]);
    expect([await balanceOf(a, ahead.created_at), await balanceOf(b, ahead.created_at)]).toEqual(["900", "100"]);
    expect(await balanceOf(a, inMs(0))).toBe("1000");
    const { body } = await service.call("GetBalance", { account_id: a, as_of: inMs(2 * HOUR_MS) });
    expect(body).toMatchObject({ code: "invalid_argument", meta: { argument: "as_of" } });
  });

  test("lifts the two accounts of that transfer, but no account that shares a batch with them", async () => {
    const others = await Promise.all(Array.from({ length: 6 }, () => openFunded(service, "carol", 10)));
    const postings = [transfer(a, b, 1), transfer(b, a, 1)];
    for (const [index, id] of others.entries()) postings.push(transfer(id, others[(index + 1) % 6] ?? "", 1));
    const replies = await Promise.all(postings);
    expect(replies.map(verdictOf)).toEqual(replies.map(() => "200"));
    for (const id of others) {
      for (const time of await timesOf(id)) expect(time).toBeLessThan(nowMicros());
      expect(await balanceOf(id)).toBe("10");
    }
  });

  test("does not decide what has expired: pending holds stay, and new ones can be placed", async () => {
    const d = await openFunded(service, "dave", 1000);
    const e = await openAccount(service, "erin");
    const held = await transfer(d, e, 800, { pending: true, expires_at: inMs(HOUR_MS / 2) });
    const both = await service.call("BatchCreateTransfers", { transfers: [move(a, b, 1), move(d, e, 900)] });
    expect(both.body.results[1].error).toMatchObject({ meta: { reason: "insufficient_funds" } });
    const placed = await transfer(a, b, 1, { pending: true, expires_at: inMs(60_000) });
    expect(verdictOf(await service.call("CaptureTransfer", { id: placed.body.id }))).toBe("200");
    expect(verdictOf(await service.call("CaptureTransfer", { id: held.body.id }))).toBe("200");
    expect(verdictOf(await service.call("UpdateAccount", { id: a, name: "renamed" }))).toBe("200");
  });

  test("is followed by times that rise strictly along each account", async () => {
    await service.call("BatchCreateTransfers", { transfers: [move(a, b, 1), move(b, a, 1), move(a, b, 1)] });
    const times = await timesOf(a);
    expect(times.length).toBe(5);
    for (const [index, time] of times.entries()) if (index > 0) expect(time).toBeGreaterThan(times[index - 1] ?? 0n);
  });
});

describe("with a clock that steps", () => {
  beforeEach(start);

  test("an atomic group has one time, the latest of its members", async () => {
    const [a, b, c] = [
      await openFunded(service, "alice", 9),
      await openAccount(service, "bob"),
      await openFunded(service, "carol", 9),
    ];
    await clock.set(HOUR_MS);
    await transfer(a, b, 1);
    await clock.set(0);
    const d = await openAccount(service, "dave");
    const transfers = [move(c, d, 1), move(b, a, 1), move(c, d, 2)];
    const { body } = await service.call("BatchCreateTransfers", { transfers, atomic: true });
    const times = new Set(
      body.results.map((result: { transfer: { created_at: string } }) => result.transfer.created_at),
    );
    expect(times.size).toBe(1);
    // Independent members keep their own.
    await clock.set(0);
    const e = await openFunded(service, "erin", 9);
    const alone = await service.call("BatchCreateTransfers", {
      transfers: [move(e, await openAccount(service, "fay"), 1), move(a, b, 1)],
    });
    const [own, lifted] = alone.body.results.map((result: { transfer: { created_at: string } }) =>
      microsOf(result.transfer.created_at),
    );
    expect(own).toBeLessThan(nowMicros());
    expect(lifted).toBeGreaterThan(nowMicros());
  });

  test("a hold expires by the clock on both paths, forward and back", async () => {
    const a = await openFunded(service, "alice", 100);
    const b = await openAccount(service, "bob");
    const { body: held } = await transfer(a, b, 60, { pending: true, expires_at: inMs(HOUR_MS) });
    const state = async () => (await service.call("GetTransfer", { id: held.id })).body.state;
    await clock.set(2 * HOUR_MS);
    expect([await state(), verdictOf(await service.call("CaptureTransfer", { id: held.id }))]).toEqual([
      "TRANSFER_STATE_EXPIRED",
      "transfer_expired",
    ]);
    expect(verdictOf(await transfer(a, b, 41))).toBe("insufficient_funds");
    await clock.set(0);
    expect(await state()).toBe("TRANSFER_STATE_PENDING");
    await clock.set(2 * HOUR_MS);
    await service.ledger.expiry.settle();
    await clock.set(0);
    expect([await state(), await fundsOf(service, a)]).toEqual(["TRANSFER_STATE_EXPIRED", "100/100"]);
    const { body } = await service.call("GetTransfer", { id: held.id });
    expect(microsOf(body.settled_at)).toBeGreaterThan(nowMicros() + 7_000_000_000n);
  });

  test("a settlement and its entries share one time; a capture and a reversal are recorded now, whatever the hold's business time", async () => {
    const a = await openFunded(service, "alice", 100);
    const b = await openAccount(service, "bob");
    const effective_at = "2026-01-31T12:00:00Z";
    const { body: held } = await transfer(a, b, 60, { pending: true, effective_at });
    const { body: captured } = await service.call("CaptureTransfer", { id: held.id });
    const { body: reversed } = await service.call("ReverseTransfer", { id: held.id });
    const { body } = await service.call("ListEntries", { account_id: b });
    expect(body.entries.map((entry: Record<string, unknown>) => [entry["created_at"], entry["effective_at"]])).toEqual([
      [captured.settled_at, captured.settled_at],
      [reversed.created_at, reversed.created_at],
    ]);
    expect(captured.effective_at).toBe(effective_at);
  });

  test("an account is opened after the closed time", async () => {
    await clock.set(HOUR_MS);
    const { body: report } = await service.call("GetTrialBalance", {});
    await clock.set(0);
    const { body: account } = await service.call("CreateAccount", {
      name: "A",
      type: "ACCOUNT_TYPE_ASSET",
      currency: "USD",
    });
    expect(microsOf(account.created_at)).toBe(microsOf(report.as_of) + 1n);
  });
});

describe("a time that is asked about", () => {
  beforeEach(start);

  test("may be up to a second ahead of the clock: the reader waits for it", async () => {
    const a = await openFunded(service, "alice", 5);
    for (const [method, request] of [
      ["GetBalance", { account_id: a }],
      ["GetTrialBalance", {}],
    ] as const) {
      const as_of = inMs(400);
      const reply = await service.call(method, { ...request, as_of });
      expect([reply.status, Date.now() >= Date.parse(as_of)]).toEqual([200, true]);
      const { body } = await service.call(method, { ...request, as_of: inMs(5000) });
      expect(body).toMatchObject({ code: "invalid_argument", meta: { argument: "as_of" } });
    }
  });

  test("defaults to the account's last recorded time, and gives the same answer again", async () => {
    const a = await openFunded(service, "alice", 5);
    const { body: first } = await service.call("GetBalance", { account_id: a });
    expect(first).toMatchObject({ balance: "5", sequence: "1" });
    const { body: again } = await service.call("GetBalance", { account_id: a, as_of: first.as_of });
    expect(again).toEqual(first);
  });
});

describe("a history", () => {
  beforeEach(start);
  const history = async (request: object) => (await service.call("GetBalanceHistory", request)).body;

  test("answers no interval that has not begun", async () => {
    const account_id = await openFunded(service, "alice", 5);
    const hours = { account_id, interval: "INTERVAL_HOUR" };
    const { points } = await history({ ...hours, start: inMs(-HOUR_MS), end: inMs(5 * HOUR_MS) });
    expect(points.length).toBe(2);
    expect(points[1].balance).toBe("5");
    expect((await history({ ...hours, start: inMs(2 * HOUR_MS) })).points).toEqual([]);
    expect((await history({ ...hours, start: inMs(2 * HOUR_MS), end: inMs(4 * HOUR_MS) })).points).toEqual([]);
  });

  test("counts up to its end in an interval that the end cuts", async () => {
    const account_id = await openFunded(service, "alice", 5);
    const { body } = await transfer(account_id, await openAccount(service, "bob"), 2);
    const day = { account_id, interval: "INTERVAL_DAY", start: inMs(0) };
    const { points: before } = await history({ ...day, start: "2026-01-01T00:00:00Z", end: body.created_at });
    expect(before.at(-1)).toMatchObject({ balance: "5", debits: "0", credits: "5" });
    const { points: after } = await history({ ...day, start: "2026-01-01T00:00:00Z" });
    expect(after.at(-1)).toMatchObject({ balance: "3", debits: "2", credits: "5" });
  });

  test.each([
    ["INTERVAL_MONTH", "1200-01-01T00:00:00Z", "2026-11-01T00:00:00Z", 9922],
    ["INTERVAL_MONTH", "1200-01-31T23:00:00Z", "2026-11-01T00:00:00.000001Z", 9923],
    ["INTERVAL_MONTH", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", 1],
    ["INTERVAL_WEEK", "2026-11-01T00:00:00Z", "2026-11-16T00:00:00Z", 3],
    ["INTERVAL_DAY", "2026-11-01T12:00:00Z", "2026-11-02T00:00:00.000001Z", 2],
    ["INTERVAL_HOUR", "2026-11-01T12:30:00Z", "2026-11-01T14:30:00Z", 3],
  ])("by %s from %s to %s has %i points", async (interval, start, end, count) => {
    const account_id = await openAccount(service, "alice");
    expect((await history({ account_id, interval, start, end })).points).toHaveLength(count);
  });

  test("refuses too many intervals with their number", async () => {
    const account_id = await openAccount(service, "alice");
    const { msg } = await history({
      account_id,
      interval: "INTERVAL_MONTH",
      start: "1000-01-01T00:00:00Z",
      end: "2026-11-01T00:00:00Z",
    });
    expect(msg).toMatch(/^start is 12322 intervals before the end/);
  });
});

test("a clock can be stepped for single connections: those of one server's postings are ahead of all others'", async () => {
  database = await createTestDatabase();
  const shadowed = await shadowClockOf(database);
  clock = shadowed.clock;
  service = await startTestService({ LOG_LEVEL: "silent" }, { database, laneUrl: shadowed.url, ...UNSWEPT });
  const a = await openFunded(service, "alice", 100);
  const b = await openAccount(service, "bob");
  await clock.set(HOUR_MS);
  const { body } = await transfer(a, b, 7);
  await clock.set(0);
  expect(microsOf(body.created_at)).toBeGreaterThan(nowMicros() + 3_500_000_000n);
  expect([await balanceOf(a), await balanceOf(b, body.created_at)]).toEqual(["93", "7"]);
  const { body: report } = await service.call("GetTrialBalance", {});
  expect(microsOf(report.as_of)).toBeLessThan(nowMicros() + 1_000_000n);
  expect(report.currencies[0]).toMatchObject({ balanced: true });
});
