import type { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPool } from "../../src/database/index.ts";
import { EventReader, type FeedPlace, START } from "../../src/finance/feed/events.ts";
import { type FeedHead, seal } from "../../src/finance/feed/sealing.ts";
import { listAccountChanges } from "../../src/finance/records/account-changes.ts";
import { listAccounts } from "../../src/finance/records/accounts.ts";
import { loadBalanceHistory } from "../../src/finance/records/balances.ts";
import { listEntries } from "../../src/finance/records/entries.ts";
import { listTransfers } from "../../src/finance/records/transfer-list.ts";
import { LedgerWatch, Turns } from "../../src/finance/turns.ts";
import type { EntryFilter, Page, TransferFilter } from "../../src/finance/validation.ts";
import { accountId } from "../../src/finance/values.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

/** Transfers on the long statement, and holds on the other one. */
const LENGTH = 30_000;
const SIZE = 20;
/** Generous for a page of 20 with all that belongs to it, and far below what the lists have. */
const ROWS_MAX = 1500;

const long = accountId(1n);
const merchant = accountId(2n);
/** One of the many that pay the long account now and then. */
const few = accountId(1001n);
const start = BigInt(Date.UTC(2024, 0, 1)) * 1000n;
/** Transfer n was created this many minutes after the start. */
const minute = (n: number) => start + BigInt(n) * 60_000_000n;

let database: TestDatabase;
/** One connection, whose statistics are those of all that is measured. */
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ connectionString: database.url, max: 1 });
  await loadLedger();
}, 120_000);
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/**
 * Account 1: a long statement of direct postings. Account 2: a merchant's, of holds that were captured an hour later.
 * Accounts 3 and 4 are a small owner's, with a transfer between them now and then. Accounts from 1000 on are all others'.
 */
async function loadLedger(): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query(
      `insert into account (name, owner, type, currency, created_at)
       select 'Account ' || n,
              case n when 1 then 'long' when 2 then 'merchant' when 3 then 'small' when 4 then 'small' else 'other' || n end,
              2, 'USD', $1
         from generate_series(1, $2::int) as n`,
      [new Date(Number(start / 1000n)), LENGTH],
    );
    const at = (n: string) => `timestamptz '2024-01-01' + ${n} * interval '1 minute'`;
    const columns =
      "id, debit_account_id, credit_account_id, amount, debit_account_balance, credit_account_balance, created_at, pending, created_by, idempotency_key";
    await client.query(
      `insert into transfer (${columns})
       select n * 10, 1000 + n % 1000, 1, 1 + n % 100, 0, 0, ${at("n")}, false, 'caller' || n, 'key ' || n % 1000 from generate_series(1, ${LENGTH}) as n
       union all
       select n * 10 + 1, 2000 + n % 1000, 2, 5, 0, 0, ${at("n")}, true, 'other', 'key ' || n from generate_series(1, ${LENGTH}) as n
       union all
       select n * 10 + 2, 3, 4, 5, 0, 0, ${at("n")}, false, null, null from generate_series(1, ${LENGTH}, 1000) as n`,
    );
    await client.query(
      `insert into hold (transfer_id, debit_account_id, credit_account_id, state)
       select id, debit_account_id, credit_account_id, case when id % 1000 = 1 then 2 else 3 end
         from transfer
        where pending`,
    );
    await client.query(
      `insert into settlement (transfer_id, state, captured_amount, debit_account_balance, credit_account_balance, settled_at)
       select id, 3, 5, 0, 0, created_at + interval '1 hour'
         from transfer
        where pending
          and id % 1000 <> 1`,
    );
    await client.query(
      `insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at)
       select account_id, row_number() over (partition by account_id order by at, id), id, amount, 1, at
         from (select debit_account_id as account_id, id, -amount as amount, created_at as at from transfer where not pending
               union all
               select credit_account_id, id, amount, created_at from transfer where not pending
               union all
               select credit_account_id, id, 5, settled_at from transfer join settlement on transfer_id = id
               union all
               select debit_account_id, id, -5, settled_at from transfer join settlement on transfer_id = id) as posted`,
    );
    await client.query(
      `insert into account_change (account_id, sequence, name, status, overdraft_limit, unlimited_overdraft, metadata, changed_at)
       select 1, n, 'Name ' || n, 1, 0, true, '{}', ${at("n")} from generate_series(1, ${LENGTH}) as n`,
    );
    await client.query(
      `with happened as (
         select case when pending then 4 else 3 end as type, id, created_at as at from transfer
         union all
         select 5, transfer_id, settled_at from settlement
       ), event as (
         select row_number() over (order by h.at, h.id) as position, h.type, h.id,
                coalesce(d.sequence, 0) as sequence, coalesce(c.sequence, 0) as credit_sequence
           from happened h
           join transfer t on t.id = h.id
           left join entry d on d.transfer_id = h.id and d.account_id = t.debit_account_id and h.type <> 4
           left join entry c on c.transfer_id = h.id and c.account_id = t.credit_account_id and h.type <> 4
       )
       insert into feed (types, subjects, sequences, credit_sequences, position, seal)
       select array_agg(type order by position), array_agg(id order by position), array_agg(sequence order by position),
              array_agg(credit_sequence order by position), min(position), 1
         from event
        group by position / 7`,
    );
    await client.query(
      `insert into account_balance (account_id, debit_normal, unlimited_overdraft, last_sequence, updated_at)
       select id, false, true, coalesce((select max(sequence) from entry where account_id = id), 0), created_at from account`,
    );
    await client.query("commit");
    await client.query("analyze");
  } finally {
    client.release();
  }
}

/** How many rows of tables and indexes some work reads, by the server's own count. */
async function rowsOf(work: () => Promise<unknown>): Promise<number> {
  const before = await rowsRead();
  await work();
  return (await rowsRead()) - before;
}

async function rowsRead(): Promise<number> {
  await pool.query("select pg_stat_force_next_flush()");
  const { rows } = await pool.query<{ read: string }>(
    `select (select sum(seq_tup_read) from pg_stat_user_tables) + (select sum(idx_tup_read) from pg_stat_user_indexes) as read`,
  );
  return Number(rows[0]?.read);
}

type List = (page: Page) => Promise<{ items: readonly unknown[]; nextPageToken: string }>;

/** The page after `pages` others. */
async function deepPage(list: List, pages: number): Promise<Page> {
  let token = "";
  for (let page = 0; page < pages; page += 1) token = (await list({ size: SIZE, token })).nextPageToken;
  return { size: SIZE, token };
}

const admin = { subject: "root", admin: true };
const owner = (subject: string) => ({ subject, admin: false });
const anyTransfer = {
  accountId: undefined,
  state: 0,
  createdAfter: undefined,
  createdBefore: undefined,
  minAmount: 0n,
  maxAmount: 0n,
  settledAfter: undefined,
  settledBefore: undefined,
  metadata: {},
  counterpartyAccountId: undefined,
  idempotencyKey: undefined,
};
const anyEntry = {
  accountId: long,
  after: undefined,
  before: undefined,
  newestFirst: false,
  counterpartyAccountId: undefined,
  minAmount: 0n,
  maxAmount: 0n,
  metadata: {},
};
const anyAccount = { owner: "", type: 0, currency: "", status: 0, namePrefix: "" };
const middle = minute(LENGTH / 2);

const transfersOf =
  (actor: typeof admin, filter: Partial<TransferFilter>): List =>
  (page) =>
    listTransfers(pool, actor, { ...anyTransfer, ...filter }, page);
const entriesOf =
  (filter: Partial<EntryFilter>): List =>
  (page) =>
    listEntries(pool, { ...anyEntry, ...filter }, page);

const lists: [what: string, list: List][] = [
  ["transfers of an account", transfersOf(admin, { accountId: long })],
  ["transfers of the caller's own account", transfersOf(owner("long"), { accountId: long })],
  ["transfers of an account before a time", transfersOf(admin, { accountId: long, createdBefore: middle })],
  [
    "transfers of an account within times",
    transfersOf(admin, { accountId: long, createdAfter: middle, createdBefore: minute(LENGTH / 2 + 500) }),
  ],
  ["transfers of an account by half of the amounts", transfersOf(admin, { accountId: long, minAmount: 50n })],
  ["transfers of an account that are POSTED", transfersOf(admin, { accountId: long, state: 1 })],
  ["transfers of an account in a state that it has none of", transfersOf(admin, { accountId: long, state: 3 })],
  ["transfers of a merchant of captures", transfersOf(admin, { accountId: merchant })],
  ["transfers of a merchant that are PENDING", transfersOf(admin, { accountId: merchant, state: 2 })],
  ["transfers of a merchant that are CAPTURED", transfersOf(admin, { accountId: merchant, state: 3 })],
  ["transfers of a merchant settled after a time", transfersOf(admin, { accountId: merchant, settledAfter: middle })],
  [
    "transfers between a long account and one of few",
    transfersOf(admin, { accountId: long, counterpartyAccountId: few }),
  ],
  [
    "transfers between a long account and the caller's of few",
    transfersOf(owner(`other${few}`), { accountId: long, counterpartyAccountId: few }),
  ],
  ["transfers with a key that thirty callers used", transfersOf(admin, { idempotencyKey: "key 7" })],
  ["transfers with a key that nobody used", transfersOf(admin, { idempotencyKey: "never" })],
  ["transfers with a key of the caller's own", transfersOf(owner("caller7"), { idempotencyKey: "key 7" })],
  ["settled transfers of an account without any", transfersOf(admin, { accountId: long, settledAfter: middle })],
  ["all transfers of an owner of few", transfersOf(owner("small"), {})],
  ["transfers of another's long account for an owner of few", transfersOf(owner("small"), { accountId: long })],
  ["all transfers of an owner of none", transfersOf(owner("nobody"), {})],
  ["all transfers", transfersOf(admin, {})],
  ["all transfers that are PENDING", transfersOf(admin, { state: 2 })],
  ["all transfers that are CAPTURED", transfersOf(admin, { state: 3 })],
  ["all transfers settled after a time", transfersOf(admin, { settledAfter: middle })],
  ["entries", entriesOf({})],
  ["entries, newest first", entriesOf({ newestFirst: true })],
  ["entries after a time", entriesOf({ after: middle })],
  ["entries before a time, newest first", entriesOf({ before: middle, newestFirst: true })],
  ["entries by half of the amounts", entriesOf({ minAmount: 50n })],
  ["entries by half of the amounts, newest first", entriesOf({ minAmount: 50n, newestFirst: true })],
  ["entries with a counterparty of few", entriesOf({ accountId: few, counterpartyAccountId: long })],
  ["changes of an account", (page) => listAccountChanges(pool, long, false, page)],
  ["changes of an account, newest first", (page) => listAccountChanges(pool, long, true, page)],
  ["accounts", (page) => listAccounts(pool, admin, anyAccount, page)],
  ["accounts of an owner", (page) => listAccounts(pool, owner("small"), anyAccount, page)],
  ["accounts of an owner for an admin", (page) => listAccounts(pool, admin, { ...anyAccount, owner: "small" }, page)],
];

describe.each(lists)("a page of %s reads no more than the page needs", (_, list) => {
  test.each([0, 40])("after %i others", async (pages) => {
    const page = await deepPage(list, pages);
    expect(await rowsOf(() => list(page))).toBeLessThan(ROWS_MAX);
  });

  test("however often it was prepared", async () => {
    for (let run = 0; run < 8; run += 1) {
      expect(await rowsOf(() => list({ size: SIZE, token: "" }))).toBeLessThan(ROWS_MAX);
    }
  });
});

test.each([
  ["oldest first", false],
  ["newest first", true],
])(
  "a search of a statement that finds nothing, %s, reads a bounded part of it in each call",
  async (_, newestFirst) => {
    const SEARCHED_MAX = 10_000;
    const list = entriesOf({ metadata: { nobody: "has" }, newestFirst });
    let page: Page = { size: SIZE, token: "" };
    for (let call = 1; call <= LENGTH / SEARCHED_MAX; call += 1) {
      const { items, nextPageToken } = await list(page);
      expect([items, nextPageToken === ""]).toEqual([[], call === LENGTH / SEARCHED_MAX]);
      expect(await rowsOf(() => list(page))).toBeLessThan(2 * SEARCHED_MAX + ROWS_MAX);
      page = { size: SIZE, token: nextPageToken };
    }
  },
);

test("a history of one day of a long statement reads that day", async () => {
  const span = { accountId: long, start: middle, end: middle + 86_400_000_000n, interval: "hour" } as const;
  const history = () => loadBalanceHistory(pool, false, span);
  expect(await history()).toHaveLength(24);
  expect(await rowsOf(history)).toBeLessThan(ROWS_MAX);
});

test("a history of many intervals reads its statement once", async () => {
  const span = { accountId: long, start, end: minute(LENGTH), interval: "hour" } as const;
  const history = () => loadBalanceHistory(pool, false, span);
  const points = await history();
  expect(points).toHaveLength(LENGTH / 60);
  expect(await rowsOf(history)).toBeLessThan(LENGTH + points.length + ROWS_MAX);
});

describe("following the feed", () => {
  /** Of an event: its transfer and settlement, both accounts and entries, for finding it and for loading it. */
  const ROWS_OF_EVENT = 20;
  /** Of finding the place of a page, however many rows the feed has. */
  const ROWS_BESIDES = 100;
  /** Positions that one call looks through. */
  const SCANNED_MAX = 5000;

  let head: FeedHead;
  let reader: EventReader;
  let places: [where: string, place: FeedPlace][];

  beforeAll(async () => {
    ({ head } = await seal(pool));
    reader = new EventReader(pool, new Turns({ room: "reads", watch: new LedgerWatch(), slots: 1 }));
    places = [
      ["from the first event", START],
      ["from the middle", { position: head.position / 2n, seal: 1n }],
      ["near the end", { position: head.position - 1500n, seal: 1n }],
    ];
  });

  test.each([1, 20, 500])("a page of %i events reads as many rows wherever it is", async (sizeMax) => {
    for (const [where, place] of places) {
      const find = () => reader.find(place, head, { actor: admin, accountId: undefined, sizeMax });
      expect((await find()).events).toHaveLength(sizeMax);
      expect(await rowsOf(find), where).toBeLessThan(sizeMax * ROWS_OF_EVENT + ROWS_BESIDES);
    }
  });

  test("a search that finds nothing reads a bounded part of the feed", async () => {
    for (const filter of [
      { actor: owner("nobody"), accountId: undefined },
      { actor: admin, accountId: accountId(9_999n) },
    ]) {
      for (const [where, place] of places) {
        const find = () => reader.find(place, head, { ...filter, sizeMax: 20 });
        const { events, reached, hasNext } = await find();
        const scanned = reached.position - place.position;
        expect([events, hasNext], where).toEqual([[], reached.position < head.position]);
        expect(scanned).toBe(hasNext ? BigInt(SCANNED_MAX) : head.position - place.position);
        expect(await rowsOf(find), where).toBeLessThan(Number(scanned) * ROWS_OF_EVENT + ROWS_BESIDES);
      }
    }
  });

  test("a seal reads the rows that it seals and the last one before them", async () => {
    await pool.query(
      "insert into feed (types, subjects, sequences, credit_sequences) select '{3}', '{10}', '{1}', '{1}' from generate_series(1, 3)",
    );
    expect(await rowsOf(() => seal(pool))).toBeLessThan(ROWS_BESIDES);
  });
});
