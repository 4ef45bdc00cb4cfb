import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import {
  findingsOf,
  fundsOf,
  lockAccount,
  microsOf,
  openAccount,
  openFunded,
  untilWaitingForLock,
  verdictOf,
} from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

/** Two servers on one database, each with its own queue and connections. */
let database: TestDatabase;
let one: TestService;
let other: TestService;

beforeEach(async () => {
  database = await createTestDatabase();
  one = await startTestService({}, { database });
  other = await startTestService({}, { database });
});
afterEach(async () => {
  await one.close();
  await other.close();
  await database.drop();
});

const serverOf = (index: number) => (index % 2 === 0 ? one : other);

/** Makes calls at both servers in turn, all at once. */
function atOnce(count: number, call: (server: TestService, index: number) => Promise<Reply>): Promise<Reply[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(serverOf(index), index)));
}

describe("two servers on one database", () => {
  test("post crossing transfers on few accounts to the exact result, without a deadlock", async () => {
    const funds = 1000n;
    const ids: string[] = [];
    for (let index = 0; index < 4; index += 1) ids.push(await openFunded(one, "alice", funds));
    const expected = ids.map(() => funds);
    const moves = Array.from({ length: 160 }, (_, index) => {
      const debit = index % 4;
      const credit = (debit + 1 + (index % 3)) % 4;
      const amount = BigInt(1 + (index % 5));
      expected[debit] = (expected[debit] ?? 0n) - amount;
      expected[credit] = (expected[credit] ?? 0n) + amount;
      return { debit_account_id: ids[debit], credit_account_id: ids[credit], amount: `${amount}` };
    });
    const replies = await atOnce(moves.length, (server, index) => server.call("CreateTransfer", moves[index] ?? {}));
    expect(replies.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([]);
    expect(await Promise.all(ids.map((id) => fundsOf(one, id)))).toEqual(expected.map((sum) => `${sum}/${sum}`));
    const { rows } = await database.pool.query(
      "select deadlocks from pg_stat_database where datname = current_database()",
    );
    expect(rows).toEqual([{ deadlocks: 0n }]);
    expect(await findingsOf(database.pool)).toEqual([]);
  });

  test("let 100 racing debits of 1 on a balance of 30 post exactly 30", async () => {
    const from = await openFunded(one, "alice", 30);
    const to = await openAccount(one, "bob");
    const replies = await atOnce(100, (server) =>
      server.call("CreateTransfer", { debit_account_id: from, credit_account_id: to, amount: 1 }),
    );
    const verdicts = replies.map(verdictOf);
    expect(verdicts.filter((verdict) => verdict === "200")).toHaveLength(30);
    expect(verdicts.filter((verdict) => verdict === "insufficient_funds")).toHaveLength(70);
    expect([await fundsOf(one, from), await fundsOf(other, to)]).toEqual(["0/0", "30/30"]);
  });

  test("asked at once with one key post once and give all callers the same answer", async () => {
    const from = await openFunded(one, "alice", 100);
    const to = await openAccount(one, "bob");
    const request = { debit_account_id: from, credit_account_id: to, amount: 7, idempotency_key: "shared" };
    const replies = await atOnce(20, (server) => server.call("CreateTransfer", request));
    expect(new Set(replies.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(replies.filter(({ headers }) => headers.get("idempotent-replayed") === null)).toHaveLength(1);
    expect(await fundsOf(one, from)).toBe("93/93");
  });

  test("asked at once with one key for what is refused remember one refusal", async () => {
    const from = await openFunded(one, "alice", 5);
    const to = await openAccount(one, "bob");
    const request = { debit_account_id: from, credit_account_id: to, amount: 6, idempotency_key: "refused" };
    const replies = await atOnce(10, (server) => server.call("CreateTransfer", request));
    expect(replies.map(verdictOf)).toEqual(Array(10).fill("insufficient_funds"));
    expect(new Set(replies.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(replies.filter(({ headers }) => headers.get("idempotent-replayed") === null)).toHaveLength(1);
  });

  test("claim the keys of crossing batches without a deadlock", async () => {
    const ids = [await openFunded(one, "alice", 1000), await openFunded(one, "alice", 1000)];
    const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
    const members = keys.map((key, index) => ({
      debit_account_id: ids[index % 2],
      credit_account_id: ids[(index + 1) % 2],
      amount: 1 + index,
      idempotency_key: key,
    }));
    const replies = await atOnce(16, (server, index) =>
      server.call("BatchCreateTransfers", { transfers: index % 4 < 2 ? members : members.toReversed() }),
    );
    interface Result {
      readonly transfer: object;
      readonly replayed: boolean;
    }
    const answers: Result[][] = replies.map(({ body }, index) =>
      index % 4 < 2 ? body.results : body.results.toReversed(),
    );
    const transfers = answers.map((answer) => answer.map(({ transfer }) => transfer));
    for (const each of transfers) expect(each).toEqual(transfers[0]);
    for (const key of keys.keys()) {
      expect(answers.filter((answer) => answer[key]?.replayed === false)).toHaveLength(1);
    }
    const { rows } = await database.pool.query(
      "select count(*) as posted from transfer where idempotency_key like 'key-%'",
    );
    expect(rows).toEqual([{ posted: 12n }]);
    expect(await findingsOf(database.pool)).toEqual([]);
  });

  test("asked at once with the same keys for other accounts post each key once and refuse the rest", async () => {
    const pairs: [string, string][] = [];
    for (const server of [one, other]) {
      pairs.push([await openFunded(server, "alice", 1000), await openAccount(server, "bob")]);
    }
    // No lock on an account keeps these apart: they meet at their keys.
    const membersOf = (index: number) => {
      const [debit_account_id, credit_account_id] = pairs[index % 2] ?? [];
      const members = Array.from({ length: 12 }, (_, key) => ({
        debit_account_id,
        credit_account_id,
        amount: 1,
        idempotency_key: `elsewhere-${key}`,
      }));
      return index % 4 < 2 ? members : members.toReversed();
    };
    const replies = await atOnce(16, (server, index) =>
      server.call("BatchCreateTransfers", { transfers: membersOf(index) }),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(16).fill(200));
    const { rows } = await database.pool.query<{ debit_account_id: bigint; posted: bigint }>(
      `select debit_account_id, count(*) as posted
         from transfer
        where idempotency_key like 'elsewhere-%'
        group by debit_account_id`,
    );
    expect(rows.reduce((sum, { posted }) => sum + posted, 0n)).toBe(12n);
    const winners = new Map(rows.map((row) => [`${row.debit_account_id}`, row.posted]));
    for (const [index, { body }] of replies.entries()) {
      const posted = body.results.filter(({ transfer }: { transfer?: object }) => transfer).length;
      expect(BigInt(posted)).toBe(winners.get(pairs[index % 2]?.[0] ?? "") ?? 0n);
      for (const { error } of body.results)
        expect(error?.meta.reason ?? "posted").toMatch(/^(posted|idempotency_key_reused)$/);
    }
    expect(await findingsOf(database.pool)).toEqual([]);
  });

  test("asked at once to reverse one transfer reverse it once", async () => {
    const from = await openFunded(one, "alice", 100);
    const to = await openAccount(one, "bob");
    const move = { debit_account_id: from, credit_account_id: to, amount: 30 };
    const { body: paid } = await one.call("CreateTransfer", move);
    const replies = await atOnce(10, (server) => server.call("ReverseTransfer", { id: paid.id }));
    expect(replies.map(verdictOf).sort()).toEqual(["200", ...Array(9).fill("already_reversed")]);
    expect([await fundsOf(one, from), await fundsOf(other, to)]).toEqual(["100/100", "0/0"]);
  });

  test("asked at once to capture and to void one hold let one win", async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      const from = await openFunded(one, "alice", 100);
      const to = await openAccount(one, "bob");
      const hold = { debit_account_id: from, credit_account_id: to, amount: 60, pending: true };
      const { body: held } = await one.call("CreateTransfer", hold);
      const replies = await atOnce(8, (server, index) =>
        server.call((index + round) % 3 === 0 ? "VoidTransfer" : "CaptureTransfer", { id: held.id }),
      );
      const verdicts = replies.map(verdictOf);
      expect(verdicts.toSorted()).toEqual(["200", ...Array(7).fill("transfer_not_pending")]);
      const { body } = await other.call("GetTransfer", { id: held.id });
      outcomes.add(body.state);
      const captured = body.state === "TRANSFER_STATE_CAPTURED";
      expect(await fundsOf(one, from)).toBe(captured ? "40/40" : "100/100");
      expect(await fundsOf(other, to)).toBe(captured ? "60/60" : "0/0");
    }
    expect([...outcomes].every((state) => /CAPTURED|VOIDED/.test(state))).toBe(true);
    expect(await findingsOf(database.pool)).toEqual([]);
  });
});

describe("a hold that expires", () => {
  const expired = async (id: string) => {
    const { rows } = await database.pool.query<{ expired: boolean }>(
      "select expires_at < clock_timestamp() as expired from hold where transfer_id = $1",
      [id],
    );
    expect(rows).toEqual([{ expired: true }]);
  };

  test("while its capture and its void wait for the account is lost to both, and frees its money once", async () => {
    const from = await openFunded(one, "alice", 100);
    const to = await openAccount(one, "bob");
    const expires_at = new Date(Date.now() + 2500).toISOString();
    const hold = { debit_account_id: from, credit_account_id: to, amount: 60, pending: true, expires_at };
    const { body: held } = await one.call("CreateTransfer", hold);
    const lock = await lockAccount(database.pool, from);
    // Both were asked for in time, and are decided too late.
    const capture = one.call("CaptureTransfer", { id: held.id });
    const cancel = other.call("VoidTransfer", { id: held.id });
    await untilWaitingForLock(database.pool, 2);
    await vi.waitFor(() => expired(held.id), { timeout: 10_000, interval: 10 });
    await lock.release();
    expect([verdictOf(await capture), verdictOf(await cancel)]).toEqual(["transfer_expired", "transfer_expired"]);
    const { body } = await one.call("GetTransfer", { id: held.id });
    expect(body).toMatchObject({ state: "TRANSFER_STATE_EXPIRED", captured_amount: "0" });
    const swept = async () => {
      const { rows } = await database.pool.query("select state from hold where transfer_id = $1", [held.id]);
      expect(rows).toEqual([{ state: 5 }]);
    };
    await vi.waitFor(swept, { timeout: 10_000, interval: 10 });
    expect([await fundsOf(one, from), await fundsOf(other, to)]).toEqual(["100/100", "0/0"]);
    expect(await findingsOf(database.pool)).toEqual([]);
  });

  test("after its capture was decided stays captured, whatever both sweepers do", async () => {
    const from = await openFunded(one, "alice", 100);
    const to = await openAccount(one, "bob");
    const holds = Array.from({ length: 8 }, async () => {
      const expires_at = new Date(Date.now() + 2000).toISOString();
      const hold = { debit_account_id: from, credit_account_id: to, amount: 10, pending: true, expires_at };
      return (await one.call("CreateTransfer", hold)).body.id;
    });
    const ids: string[] = await Promise.all(holds);
    const verdicts = (
      await atOnce(ids.length, (server, index) => server.call("CaptureTransfer", { id: ids[index] }))
    ).map(verdictOf);
    for (const id of ids) await vi.waitFor(() => expired(id), { timeout: 10_000, interval: 10 });
    const captured = verdicts.filter((verdict) => verdict === "200").length;
    expect(verdicts.filter((verdict) => verdict === "transfer_expired")).toHaveLength(ids.length - captured);
    await vi.waitFor(
      async () => {
        const { rows } = await database.pool.query("select count(*) as open from hold where state = 2");
        expect(rows).toEqual([{ open: 0n }]);
      },
      { timeout: 10_000, interval: 10 },
    );
    expect(await fundsOf(one, to)).toBe(`${captured * 10}/${captured * 10}`);
    expect(await findingsOf(database.pool)).toEqual([]);
  });
});

describe("balances in time", () => {
  test("are right at every moment when a posting began first and posted second", async () => {
    const blocked = await openFunded(one, "alice", 100);
    const shared = await openFunded(one, "alice", 100);
    const target = await openAccount(one, "bob");
    const lock = await lockAccount(database.pool, blocked);
    // Begins first, and gets to the shared account second.
    const slow = one.call("CreateTransfer", { debit_account_id: blocked, credit_account_id: shared, amount: 50 });
    await untilWaitingForLock(database.pool, 1);
    const { body: quick } = await other.call("CreateTransfer", {
      debit_account_id: shared,
      credit_account_id: target,
      amount: 30,
    });
    const { body: between } = await other.call("GetBalance", { account_id: shared });
    await lock.release();
    const { body: late } = await slow;

    expect(between).toMatchObject({ balance: "70", sequence: "2" });
    expect(microsOf(late.created_at)).toBeGreaterThan(microsOf(between.as_of));
    expect(microsOf(between.as_of)).toBeGreaterThanOrEqual(microsOf(quick.created_at));
    const at = async (as_of: string) => (await one.call("GetBalance", { account_id: shared, as_of })).body.balance;
    expect([await at(quick.created_at), await at(between.as_of), await at(late.created_at)]).toEqual([
      "70",
      "70",
      "120",
    ]);
    const { body } = await one.call("ListEntries", { account_id: shared });
    expect(body.entries.map((entry: { transfer_id: string }) => entry.transfer_id).slice(1)).toEqual([
      quick.id,
      late.id,
    ]);
  });

  test("at every entry's time are the sum of the entries up to it, with both servers posting", async () => {
    const ids = [await openFunded(one, "alice", 1000), await openFunded(one, "alice", 1000)];
    await atOnce(60, (server, index) =>
      server.call("CreateTransfer", {
        debit_account_id: ids[index % 2],
        credit_account_id: ids[(index + 1) % 2],
        amount: 1 + index,
      }),
    );
    for (const id of ids) {
      const { body } = await one.call("ListEntries", { account_id: id, page_size: 1000 });
      const entries: { created_at: string; amount: string; sequence: string }[] = body.entries;
      expect(entries).toHaveLength(61);
      for (const { created_at } of entries) {
        const until = entries.filter((entry) => microsOf(entry.created_at) <= microsOf(created_at));
        const { body: balance } = await other.call("GetBalance", { account_id: id, as_of: created_at });
        expect(balance).toMatchObject({
          balance: `${until.reduce((sum, { amount }) => sum + BigInt(amount), 0n)}`,
          sequence: until.at(-1)?.sequence,
        });
      }
    }
  });
});
