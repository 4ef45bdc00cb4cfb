/**
 * The order of the feed when transactions interleave in the worst way. Two processes post to and seal one database, whose
 * settings are as careless as PostgreSQL allows.
 */
import type { PoolClient } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, lockAccount, openAccount, untilWaitingForLock } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

/** A transfer with this description waits for the advisory lock of the same number after it has drawn the id of its feed row. */
const SLOW = 4711;

// biome-ignore lint/suspicious/noExplicitAny: tests read the fields that they expect in an event.
type Event = any;

let database: TestDatabase;
let service: TestService;
let other: TestService;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(`
do $$ begin
  execute format('alter database %I set default_transaction_isolation = serializable', current_database());
  execute format('alter database %I set synchronous_commit = off', current_database());
end $$;
create function wait_if_slow() returns trigger language plpgsql as $$
begin
  if exists (select from transfer where id = any(new.subjects) and description = '${SLOW}') then
    perform pg_advisory_xact_lock_shared(${SLOW});
  end if;
  return null;
end $$;
create trigger wait_if_slow after insert on feed for each row execute function wait_if_slow();
create function refuse_unsafe_seal() returns trigger language plpgsql as $$
begin
  if current_setting('synchronous_commit') = 'off' then
    raise 'the seal may be lost';
  end if;
  return null;
end $$;
create trigger refuse_unsafe_seal after update on feed for each statement execute function refuse_unsafe_seal()`);
  service = await startTestService({}, { database });
  other = await startTestService({}, { database });
});
afterAll(async () => {
  expect(await findingsOf(database.pool)).toEqual([]);
  await service.close();
  await other.close();
  await database.drop();
});

async function openAccounts(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let opened = 0; opened < count; opened += 1) {
    ids.push(await openAccount(service, "alice", { unlimited_overdraft: true }));
  }
  return ids;
}

function transfer(debit: string | undefined, credit: string | undefined, change: object = {}) {
  return { debit_account_id: debit, credit_account_id: credit, amount: 1, ...change };
}

async function list(cursor: string): Promise<{ events: Event[]; cursor: string }> {
  const { status, body } = await service.call("ListEvents", { cursor, page_size: 1000 });
  expect(status).toBe(200);
  return body;
}

async function end(): Promise<string> {
  return (await service.call("ListEvents", { from_end: true })).body.cursor;
}

/** Holds an advisory lock. */
async function hold(lock: string): Promise<{ release(): Promise<void> }> {
  const client: PoolClient = await database.pool.connect();
  await client.query(`begin; select pg_advisory_xact_lock(${lock})`);
  return {
    release: async () => {
      await client.query("commit");
      client.release();
    },
  };
}

/** The account's sequences in the order of the events. */
function sequencesOf(events: readonly Event[], account: string | undefined): string[] {
  return events.flatMap(({ entries }) =>
    entries.filter((entry: Event) => entry.account_id === account).map((entry: Event) => entry.sequence),
  );
}

test("an event whose transaction commits late comes after events with a higher feed id, once", async () => {
  const [a, b, c, d] = await openAccounts(4);
  const start = await end();
  const slow = await hold(`${SLOW}`);
  const late = service.call("CreateTransfer", transfer(a, b, { description: `${SLOW}` }));
  await untilWaitingForLock(database.pool, 1);
  await other.call("CreateTransfer", transfer(c, d));
  const early = await list(start);
  expect(early.events).toMatchObject([{ transfer: { debit_account_id: c } }]);
  await slow.release();
  expect((await late).status).toBe(200);

  const after = await list(early.cursor);
  expect(after.events).toMatchObject([{ transfer: { debit_account_id: a } }]);
  expect(BigInt(after.events[0].id)).toBe(BigInt(early.events[0].id) + 1n);
  expect((await list(start)).events).toEqual([...early.events, ...after.events]);
});

test("a transaction that waits for its last account comes after those that used the account before it", async () => {
  const [a, b, shared, d] = await openAccounts(4);
  const start = await end();
  const lock = await lockAccount(database.pool, b ?? "");
  // It locks in id order: it has a, waits for b, and does not have the shared account yet.
  const batch = { transfers: [transfer(a, shared), transfer(b, shared)] };
  const waiting = service.call("BatchCreateTransfers", batch);
  await untilWaitingForLock(database.pool, 1);
  const seals = await hold("9707, 2");
  expect((await other.call("CreateTransfer", transfer(d, shared))).status).toBe(200);
  await lock.release();
  expect((await waiting).status).toBe(200);
  // One seal numbers both.
  await seals.release();

  const { events } = await list(start);
  expect(sequencesOf(events, shared)).toEqual(["1", "2", "3"]);
});

test("two processes that seal at once never fail, and leave no gap", async () => {
  const [a, b, c, d] = await openAccounts(4);
  const start = await end();
  const seals: Promise<unknown>[] = [];
  for (let round = 0; round < 30; round += 1) {
    const posted = [service.call("CreateTransfer", transfer(a, b)), other.call("CreateTransfer", transfer(c, d))];
    seals.push(service.ledger.feed.refresh(), other.ledger.feed.refresh());
    await Promise.all(posted);
  }
  await Promise.all(seals);
  const { events } = await list(start);
  const first = BigInt(events[0].id);
  expect(events.map(({ id }) => BigInt(id))).toEqual(Array.from({ length: 60 }, (_, index) => first + BigInt(index)));
});
