/** The feed over RPC: what it tells, to whom, in which order, from where, and how long it waits. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, lockAccount, openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests read the fields that they expect in a reply.
type Json = any;

// A second process on the same database.
let database: TestDatabase;
let service: TestService;
let other: TestService;
let alice: string;
let bob: string;

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startTestService({}, { database });
  other = await startTestService({}, { database });
  alice = await service.token("alice");
  bob = await service.token("bob");
});
afterAll(async () => {
  expect(await findingsOf(database.pool)).toEqual([]);
  await service.close();
  await other.close();
  await database.drop();
});

async function list(request: object, token?: string, from = service): Promise<{ events: Json[]; cursor: string }> {
  const { status, body } = await from.call("ListEvents", request, token);
  expect(verdictOf({ status, body })).toBe("200");
  return body;
}

/** All events after a cursor, in pages of `size`. */
async function follow(cursor: string, size: number, token?: string, account = "0"): Promise<Json[]> {
  const found: Json[] = [];
  for (let place = cursor; ; ) {
    const page = await list({ cursor: place, page_size: size, account_id: account }, token);
    expect(page.events.length).toBeLessThanOrEqual(size);
    found.push(...page.events);
    if (page.cursor === place) return found;
    place = page.cursor;
  }
}

async function end(): Promise<string> {
  return (await list({ from_end: true })).cursor;
}

async function post(request: object, token?: string, from = service): Promise<string> {
  const { status, body } = await from.call("CreateTransfer", request, token);
  expect(verdictOf({ status, body })).toBe("200");
  return body.id;
}

const typesOf = (events: readonly Json[]) => events.map(({ type }) => type.replace("EVENT_TYPE_", ""));

describe("an event", () => {
  test("is told for every committed change, once, as things were after it", async () => {
    const start = await end();
    const from = await openFunded(service, "alice", 100);
    const to = await openAccount(service, "bob");
    const parties = { debit_account_id: from, credit_account_id: to };
    const posted = await post({ ...parties, amount: 10, description: "Tea" }, alice);
    const held = await post({ ...parties, amount: 20, pending: true });
    await service.call("CaptureTransfer", { id: held, amount: 15 });
    const voided = await post({ ...parties, amount: 5, pending: true });
    await service.call("VoidTransfer", { id: voided }, bob);
    const expired = await post({ ...parties, amount: 5, pending: true, expires_at: new Date(Date.now() + 300) });
    const expiry = await list({ cursor: await end(), wait_ms: 20_000 });
    await service.call("ReverseTransfer", { id: held }, bob);
    await service.call("UpdateAccount", { id: from, name: "Purse" }, alice);

    const events = await follow(start, 1000);
    expect(typesOf(events)).toEqual([
      ...[
        "ACCOUNT_CREATED",
        "ACCOUNT_CREATED",
        "TRANSFER_POSTED",
        "ACCOUNT_CREATED",
        "TRANSFER_POSTED",
        "TRANSFER_HELD",
      ],
      ...["TRANSFER_CAPTURED", "TRANSFER_HELD", "TRANSFER_VOIDED", "TRANSFER_HELD", "TRANSFER_EXPIRED"],
      ...["TRANSFER_POSTED", "ACCOUNT_UPDATED"],
    ]);
    expect(typesOf(expiry.events)).toEqual(["TRANSFER_EXPIRED"]);
    expect(events.slice(4)).toMatchObject([
      {
        transfer: { id: posted, description: "Tea", state: "TRANSFER_STATE_POSTED", debit_account_balance: "90" },
        entries: [
          { account_id: from, amount: "-10", balance_after: "90", counterparty_account_id: to, description: "Tea" },
          { account_id: to, sequence: "1", amount: "10", balance_after: "10" },
        ],
        account: null,
        actor: "alice",
      },
      { transfer: { id: held, state: "TRANSFER_STATE_PENDING", captured_amount: "0", settled_at: null }, entries: [] },
      {
        transfer: {
          id: held,
          state: "TRANSFER_STATE_CAPTURED",
          captured_amount: "15",
          settled_by: "root",
          // It was reversed later.
          reversed_by_transfer_id: "0",
        },
        entries: [{ amount: "-15" }, { amount: "15", balance_after: "25" }],
      },
      { transfer: { id: voided, state: "TRANSFER_STATE_PENDING", settled_by: "" } },
      { transfer: { id: voided, state: "TRANSFER_STATE_VOIDED", settled_by: "bob" }, entries: [], actor: "bob" },
      { transfer: { id: expired, state: "TRANSFER_STATE_PENDING" } },
      { transfer: { id: expired, state: "TRANSFER_STATE_EXPIRED", settled_by: "" }, entries: [], actor: "" },
      { transfer: { reverses_transfer_id: held, amount: "15" }, entries: [{ amount: "-15" }, { amount: "15" }] },
      {
        transfer: null,
        account: { id: from, name: "Purse", owner: "alice", balance: "0" },
        account_changes: [{ field: "name", before: "Wallet", after: "Purse", changed_by: "alice" }],
        entries: [],
        actor: "alice",
      },
    ]);
    for (const { transfer, account, created_at } of events) {
      expect(created_at).toBe(account?.updated_at ?? transfer.settled_at ?? transfer.created_at);
    }
  });

  test("has all the metadata of an account, whatever the keys", async () => {
    const id = await openAccount(service, "alice");
    const start = await end();
    const metadata = `{"__proto__":"1","constructor":"2","a.b":"3","q\\"":"4"}`;
    expect((await service.call("UpdateAccount", `{"id":"${id}","metadata":${metadata}}`, alice)).status).toBe(200);
    const [event] = await follow(start, 1000, alice);
    expect(event.account.metadata).toEqual(JSON.parse(metadata));
    expect(event.account_changes.map(({ field }: Json) => field)).toEqual(
      ["__proto__", "a.b", "constructor", 'q"'].map((key) => `metadata.${key}`),
    );
  });

  test("is not told for dry runs, refusals, replays and changes that change nothing", async () => {
    const from = await openFunded(service, "alice", 100);
    const to = await openAccount(service, "bob");
    const transfer = { debit_account_id: from, credit_account_id: to, amount: 10, idempotency_key: "events-once" };
    await post(transfer, alice);
    const start = await end();
    await post(transfer, alice);
    await post({ ...transfer, idempotency_key: "", dry_run: true }, alice);
    const refused = await service.call(
      "CreateTransfer",
      { ...transfer, amount: 999, idempotency_key: "events-x" },
      alice,
    );
    expect(verdictOf(refused)).toBe("insufficient_funds");
    const { status } = await service.call("UpdateAccount", { id: from, name: "Wallet", metadata: {} }, alice);
    expect(status).toBe(200);
    expect(await follow(start, 1000)).toEqual([]);
  });

  test("of a batch has a position of its own, in the batch's order", async () => {
    const from = await openFunded(service, "alice", 100);
    const to = await openAccount(service, "bob");
    const start = await end();
    const transfers = [3, 1, 2].map((amount) => ({ debit_account_id: from, credit_account_id: to, amount }));
    await service.call("BatchCreateTransfers", { transfers, atomic: true }, alice);
    const events = await follow(start, 1000);
    expect(events.map(({ transfer }) => transfer.amount)).toEqual(["3", "1", "2"]);
    const [first, second, third] = events.map(({ id }) => BigInt(id));
    expect([second, third]).toEqual([(first ?? 0n) + 1n, (first ?? 0n) + 2n]);
    // A follower may stop in the middle of a batch.
    expect((await follow(events[0].cursor, 1)).map(({ id }) => id)).toEqual([events[1].id, events[2].id]);
  });
});

describe("a follower", () => {
  test("gets the same events in pages of any size, numbered without gaps", async () => {
    const all = await follow("", 1000);
    expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => `${index + 1}`));
    for (const size of [1, 7]) expect(await follow("", size)).toEqual(all);
  });

  test("sees what was answered before, by whichever process", async () => {
    const from = await openFunded(service, "alice", 100);
    const to = await openAccount(service, "bob");
    for (const [writer, reader] of [
      [service, other],
      [other, service],
    ] as const) {
      const start = await end();
      const id = await post({ debit_account_id: from, credit_account_id: to, amount: 1 }, alice, writer);
      const { events } = await list({ cursor: start }, undefined, reader);
      expect(events.map(({ transfer }) => transfer.id)).toEqual([id]);
    }
  });

  test("never sees a later posting on an account before an earlier one", async () => {
    const from = await openFunded(service, "alice", 1000);
    const to = await openAccount(service, "bob");
    const start = await end();
    const transfer = { debit_account_id: from, credit_account_id: to, amount: 1 };
    const posting = Array.from({ length: 60 }, (_, index) => post(transfer, alice, index % 2 === 0 ? service : other));
    const sequences: bigint[] = [];
    for (let cursor = start; sequences.length < 60; ) {
      const page = await list({ cursor, page_size: 7, wait_ms: 25_000 }, alice);
      sequences.push(...page.events.map(({ entries }) => BigInt(entries[0].sequence)));
      cursor = page.cursor;
    }
    await Promise.all(posting);
    expect(sequences).toEqual(sequences.map((_, index) => (sequences[0] ?? 0n) + BigInt(index)));
  });
});

describe("a call that waits", () => {
  test.each([
    ["of the same process", () => service],
    ["of another process", () => other],
  ])("is answered by the first event %s", async (_, writer) => {
    const cursor = await end();
    const waiting = list({ cursor, wait_ms: 25_000 });
    await vi.waitFor(() => expect(service.ledger.feed.waiting).toBe(1));
    const account = await openAccount(writer(), "alice");
    expect((await waiting).events).toMatchObject([{ account: { id: account } }]);
  });

  test("goes on waiting through events of strangers, and then skips them", async () => {
    const cursor = await end();
    const waiting = list({ cursor, wait_ms: 25_000 }, alice);
    await vi.waitFor(() => expect(service.ledger.feed.waiting).toBe(1));
    await openAccount(service, "carol");
    const account = await openAccount(service, "alice");
    const { events, cursor: after } = await waiting;
    expect(events.map((event) => event.account.id)).toEqual([account]);
    expect(after).toBe(events[0].cursor);
  });

  test("answers without events when the time is over, with a cursor that goes on", async () => {
    const cursor = await end();
    expect(await list({ cursor, wait_ms: 1 })).toEqual({ events: [], cursor });
    await openAccount(service, "carol");
    const skipped = await list({ cursor, wait_ms: 1 }, alice);
    expect(skipped).toEqual({ events: [], cursor: await end() });
  });

  test("ends when its client goes", async () => {
    const going = new AbortController();
    const waiting = fetch(`${service.url}/twirp/finance.v1.FinanceService/ListEvents`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${alice}` },
      body: JSON.stringify({ from_end: true, wait_ms: 25_000 }),
      signal: going.signal,
    });
    await vi.waitFor(() => expect(service.ledger.feed.waiting).toBe(1));
    going.abort();
    await expect(waiting).rejects.toThrow();
    await vi.waitFor(() => expect(service.ledger.feed.waiting).toBe(0));
  });

  test("is refused when a failover undoes an event before its place, even after the feed has grown past it", async () => {
    await openAccount(service, "carol");
    const cursor = await end();
    const waiting = service.call("ListEvents", { cursor, wait_ms: 25_000 });
    await vi.waitFor(() => expect(service.ledger.feed.waiting).toBe(1));
    // A standby that lacked the last seal gives the position again, perhaps to another event.
    await database.pool.query(`
begin;
set local session_replication_role = replica;
update feed set position = null, seal = null where position = (select max(position) from feed);
commit`);
    await openAccount(service, "carol");
    expect(verdictOf(await waiting)).toBe("feed_diverged");
    expect(verdictOf(await service.call("ListEvents", { cursor }))).toBe("feed_diverged");
  });

  test("is answered when the server stops, so that it does not hold the server up", async () => {
    const stopping = await startTestService({}, { database });
    const waiting = stopping.call("ListEvents", { from_end: true, wait_ms: 25_000 });
    await vi.waitFor(() => expect(stopping.ledger.feed.waiting).toBe(1));
    await stopping.close();
    const { status, body } = await waiting;
    expect({ status, events: body.events }).toEqual({ status: 200, events: [] });
    expect(await list({ cursor: body.cursor })).toEqual({ events: [], cursor: body.cursor });
  });

  test("shares its queries with all others that wait", async () => {
    const cursor = await end();
    const waiting = Array.from({ length: 100 }, () => list({ cursor, wait_ms: 25_000 }));
    await vi.waitFor(() => expect(service.ledger.feed.waiting).toBe(100), { timeout: 10_000 });
    const query = vi.spyOn(service.pool, "query");
    await openAccount(other, "alice");
    for (const { events } of await Promise.all(waiting)) expect(events).toHaveLength(1);
    const names = query.mock.calls.map(([statement]: readonly unknown[]) => (statement as { name?: string }).name);
    expect(names.filter((name) => name === "read_feed")).toHaveLength(1);
    expect(query.mock.calls.length).toBeLessThan(10);
    query.mockRestore();
  });
});

describe("a caller without finance.admin", () => {
  test("gets the events of their own accounts, redacted as everywhere", async () => {
    const from = await openFunded(service, "alice", 100);
    const to = await openAccount(service, "bob");
    const strange = await openAccount(service, "carol");
    const start = await end();
    await post({ debit_account_id: from, credit_account_id: to, amount: 10, idempotency_key: "events-mine" }, alice);
    await service.call("UpdateAccount", { id: strange, name: "Secret" });
    await service.call("UpdateAccount", { id: to, status: "ACCOUNT_STATUS_FROZEN" });

    const seen = await follow(start, 10, bob);
    expect(seen).toMatchObject([
      {
        transfer: { debit_account_balance: "0", credit_account_balance: "10", created_by: "", idempotency_key: "" },
        entries: [{ account_id: to, balance_after: "10" }],
        actor: "",
      },
      {
        account: { id: to },
        account_changes: [{ field: "status", before: "ACCOUNT_STATUS_OPEN", changed_by: "", request_id: "" }],
        actor: "",
      },
    ]);
    expect(await follow(start, 10, await service.token("dave"))).toEqual([]);
    const refused = await service.call("ListEvents", { account_id: strange }, bob);
    expect(refused.body).toMatchObject({ code: "not_found", meta: { resource: "account", id: strange } });
  });

  test("can ask for one account only", async () => {
    const one = await openFunded(service, "alice", 100);
    const two = await openAccount(service, "alice");
    const start = await end();
    await post({ debit_account_id: one, credit_account_id: two, amount: 1 }, alice);
    await service.call("UpdateAccount", { id: one, name: "One" }, alice);
    await service.call("UpdateAccount", { id: two, name: "Two" }, alice);
    for (const token of [alice, undefined]) {
      const events = await follow(start, 10, token, two);
      expect(typesOf(events)).toEqual(["TRANSFER_POSTED", "ACCOUNT_UPDATED"]);
      expect(events[1].account.name).toBe("Two");
    }
  });

  test("gets an empty page whose cursor advances when thousands of events are none of theirs", async () => {
    const from = await openFunded(service, "carol", 1_000_000);
    const to = await openAccount(service, "bob");
    const start = await end();
    const transfers = Array.from({ length: 1000 }, () => ({
      debit_account_id: from,
      credit_account_id: to,
      amount: 1,
    }));
    for (let batch = 0; batch < 6; batch += 1) await service.call("BatchCreateTransfers", { transfers });
    const account = await openAccount(service, "alice");
    const first = await list({ cursor: start, wait_ms: 25_000 }, alice);
    expect(first.events).toEqual([]);
    const second = await list({ cursor: first.cursor, wait_ms: 25_000 }, alice);
    expect(second.events).toMatchObject([{ account: { id: account } }]);
  });
});

describe("a cursor", () => {
  test.each([
    ["a text that is no cursor", { cursor: "nonsense" }, "cursor"],
    ["a cursor with one letter more", async () => ({ cursor: `${await end()}A` }), "cursor"],
    ["from_end together with a cursor", async () => ({ cursor: await end(), from_end: true }), "from_end"],
    ["a negative time to wait", { wait_ms: -1 }, "wait_ms"],
    ["a time to wait above 25 seconds", { wait_ms: 25_001 }, "wait_ms"],
    ["a negative page size", { page_size: -1 }, "page_size"],
    ["a negative account", { account_id: -1 }, "account_id"],
  ])("is refused: %s", async (_, request, argument) => {
    const { body } = await service.call("ListEvents", typeof request === "function" ? await request() : request);
    expect(body).toMatchObject({ code: "invalid_argument", meta: { argument } });
  });

  test("of another ledger, of no event of this one, or of a position to come is refused", async () => {
    const cursor = Buffer.from(await end(), "base64url");
    const changed = (at: number) => {
      const bytes = Buffer.from(cursor);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes.toString("base64url");
    };
    // Its identity, its position (by 256 and by 1), and its seal.
    for (const at of [7, 14, 15, 23]) {
      const { body } = await service.call("ListEvents", { cursor: changed(at) });
      expect(body).toMatchObject({ code: "failed_precondition", meta: { reason: "feed_diverged" } });
    }
  });

  test("stays valid with another account and another caller", async () => {
    const { cursor } = await list({ page_size: 3 });
    expect((await list({ cursor, page_size: 1 }, alice)).events.length).toBeLessThanOrEqual(1);
  });
});

test("a page ends after 2 MiB of text", async () => {
  const from = await openFunded(service, "alice", 1000);
  const to = await openAccount(service, "bob");
  const start = await end();
  const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, "x".repeat(500)]));
  const transfer = { debit_account_id: from, credit_account_id: to, amount: 1, metadata };
  for (let batch = 0; batch < 6; batch += 1) {
    const transfers = Array.from({ length: 20 }, () => transfer);
    expect((await service.call("BatchCreateTransfers", { transfers }, alice)).status).toBe(200);
  }
  const { events } = await list({ cursor: start, page_size: 1000 });
  expect(events.length).toBeGreaterThan(60);
  expect(events.length).toBeLessThan(100);
  expect(await follow(start, 1000)).toHaveLength(120);
});

test("a transaction that is still open holds nobody up, and its events come when it commits", async () => {
  const blocked = await openFunded(service, "alice", 100);
  const free = await openFunded(service, "alice", 100);
  const to = await openAccount(service, "bob");
  const start = await end();
  const lock = await lockAccount(database.pool, blocked);
  const late = post({ debit_account_id: blocked, credit_account_id: to, amount: 1 }, alice, other);
  const early = await post({ debit_account_id: free, credit_account_id: await openAccount(service, "bob"), amount: 1 });
  const before = await follow(start, 10);
  expect(before.at(-1).transfer.id).toBe(early);
  await lock.release();
  const id = await late;
  expect((await follow(before.at(-1).cursor, 10)).map(({ transfer }) => transfer.id)).toEqual([id]);
});
