import type { ClientBase, Pool } from "pg";
import { withTransaction } from "../src/database/index.ts";
import { audit } from "../src/finance/index.ts";

/** The size of a ledger. */
export interface LedgerSize {
  /** Wallets, each with the same number of entries. */
  readonly accounts: number;
  /** Entries of all accounts; half of them belong to the settlement account. */
  readonly entries: number;
}

/** The parts of a filled ledger that calls need to know. */
export interface FilledLedger {
  /** Every transfer is between this account and a wallet. */
  readonly settlementAccount: number;
  readonly firstWallet: number;
  readonly lastWallet: number;
  /** The number of transfers, which is that of the settlement account's entries: both are numbered from 1, a second apart. */
  readonly transfers: number;
  readonly firstTransferMs: number;
}

const SETTLEMENT_ACCOUNT = 1;
const FUNDS = 1_000_000_000;
const FIRST_TRANSFER_MS = Date.UTC(2025, 0, 1);
/** A prime, so that consecutive transfers use wallets that lie far apart. */
const STRIDE = 7919;

/**
 * Real digests arrive in random order, which leaves free space on the pages of their index. A fully sorted index would have
 * almost none, and the first transfers would split every page. Sorting this many at a time keeps the cache warm.
 */
const DIGESTS_SORTED = 100_000;

/** Ledgers up to this many entries are audited once filled, which shows that larger ones are sound too. */
const AUDITED_ENTRIES_MAX = 100_000;

/**
 * Fills an empty ledger with set-based SQL: the same rows as the service would write, in minutes instead of hours.
 *
 * Transfer n belongs to round n / wallets, in which each wallet has its turn. In round 0 the settlement account (an asset)
 * funds the wallets (liabilities); then wallets pay 1 back in odd rounds and get 1 in even ones, so that every balance
 * follows from n alone.
 */
export async function fillLedger(pool: Pool, { accounts, entries }: LedgerSize): Promise<FilledLedger> {
  if (accounts % STRIDE === 0) throw new Error(`a multiple of ${STRIDE} wallets would not all have their turn`);
  const rounds = Math.max(1, Math.round(entries / 2 / accounts));
  const transfers = rounds * accounts;
  await withTransaction(pool, async (client) => {
    await client.query("set local work_mem = '256MB'");
    await insertAccounts(client, accounts, rounds);
    await insertTransfers(client, accounts, transfers);
    if (await hasFeed(client)) await insertEvents(client);
  });
  if (2 * transfers <= AUDITED_ENTRIES_MAX && (await auditLedger(pool)) > 0) throw new Error("the ledger is not sound");
  // Leave the ledger as if it were old: with statistics, a visibility map and no dirty pages.
  await pool.query("vacuum (analyze)");
  await pool.query("checkpoint");
  return {
    settlementAccount: SETTLEMENT_ACCOUNT,
    firstWallet: SETTLEMENT_ACCOUNT + 1,
    lastWallet: SETTLEMENT_ACCOUNT + accounts,
    transfers,
    firstTransferMs: FIRST_TRANSFER_MS,
  };
}

/** Runs the service's own auditor and prints its findings. */
export async function auditLedger(pool: Pool): Promise<number> {
  const client = await pool.connect();
  try {
    return await audit(client, (finding) => console.error(JSON.stringify(finding)));
  } finally {
    client.release();
  }
}

async function insertAccounts(client: ClientBase, wallets: number, rounds: number): Promise<void> {
  const openedAt = new Date(FIRST_TRANSFER_MS).toISOString();
  await client.query(
    `
insert into account (name, owner, type, currency, created_at)
select case n when 0 then 'Settlement' else 'Wallet ' || n end, 'owner-' || n, case n when 0 then 1 else 2 end, 'USD', $2
  from generate_series(0, $1::bigint) as n`,
    [wallets, openedAt],
  );
  await client.query(
    `
with size as (
  select $1::bigint as wallets, $2::bigint as rounds, $2::bigint / 2 as paid_back,
         $3::bigint + ($2::bigint - 1) / 2 as received
)
insert into account_balance (account_id, debits_posted, credits_posted, last_sequence, updated_at, debit_normal,
                             unlimited_overdraft)
select id,
       case type when 1 then wallets * received else paid_back end,
       case type when 1 then wallets * paid_back else received end,
       case type when 1 then wallets * rounds else rounds end,
       $4::timestamptz + wallets * rounds * interval '1 second',
       type = 1,
       type = 1
  from account, size`,
    [wallets, rounds, FUNDS, openedAt],
  );
}

/** Parameters: $1 wallets, $2 transfers, $3 time of the first, $4 opening balance of each wallet. */
const POSTING = `
posting as (
  select n + 1 as id,
         ${SETTLEMENT_ACCOUNT + 1} + n * ${STRIDE} % $1::bigint as wallet,
         n / $1::bigint + 1 as wallet_sequence,
         n / $1::bigint % 2 = 0 as tops_up,
         case when n < $1::bigint then $4::bigint else 1 end as amount,
         case when n < $1::bigint then (n + 1) * $4::bigint
              when n / $1::bigint % 2 = 1 then $1::bigint * $4::bigint - n % $1::bigint - 1
              else $1::bigint * $4::bigint - $1::bigint + n % $1::bigint + 1
         end as settlement_balance,
         $4::bigint - n / $1::bigint % 2 as wallet_balance,
         $3::timestamptz + (n + 1) * interval '1 second' as created_at,
         md5('key ' || n)::uuid::text as key
    from generate_series(0, $2::bigint - 1) as n
)`;

/** Whether the schema is that of a version with a feed. */
async function hasFeed(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>("select to_regclass('feed') is not null as found");
  return rows[0]?.found ?? false;
}

async function insertEvents(client: ClientBase): Promise<void> {
  await client.query(`
insert into account_change (account_id, sequence, name, status, overdraft_limit, unlimited_overdraft, metadata, changed_at)
select a.id, 1, a.name, b.status, b.overdraft_limit, b.unlimited_overdraft, a.metadata, a.created_at
  from account a
  join account_balance b on b.account_id = a.id`);
  await appendEvents(
    client,
    `
select 1 as type, id as subject, 1 as sequence, 0 as credit_sequence
  from account
union all
select 3, t.id, d.sequence, c.sequence
  from transfer t
  join entry d on d.transfer_id = t.id and d.account_id = t.debit_account_id
  join entry c on c.transfer_id = t.id and c.account_id = t.credit_account_id`,
  );
}

/** Appends sealed events to the feed, a hundred a row, in the order of their types and subjects. */
export async function appendEvents(db: Pool | ClientBase, events: string): Promise<void> {
  await db.query(`
with event as (${events}
), numbered as (
  select *, row_number() over (order by type, subject) - 1 as number
    from event
), head as (
  select coalesce(max(id), 0) + 1 as id, coalesce(max(position + cardinality(types)), 1) as position
    from feed
)
insert into feed (id, types, subjects, sequences, credit_sequences, position, seal)
select head.id + number / 100, array_agg(type order by number), array_agg(subject order by number),
       array_agg(sequence order by number), array_agg(credit_sequence order by number), head.position + min(number), 1
  from numbered, head
 group by head.id, head.position, number / 100`);
  await db.query("select setval('feed_id', max(id)) from feed");
}

async function insertTransfers(client: ClientBase, wallets: number, transfers: number): Promise<void> {
  const values = [wallets, transfers, new Date(FIRST_TRANSFER_MS).toISOString(), FUNDS];
  await client.query(
    `
with ${POSTING}
insert into transfer (id, debit_account_id, credit_account_id, amount, debit_account_balance, credit_account_balance,
                      created_at, idempotency_key)
select id,
       case when tops_up then ${SETTLEMENT_ACCOUNT} else wallet end,
       case when tops_up then wallet else ${SETTLEMENT_ACCOUNT} end,
       amount,
       case when tops_up then settlement_balance else wallet_balance end,
       case when tops_up then wallet_balance else settlement_balance end,
       created_at, key
  from posting`,
    values,
  );
  await client.query(
    `
with ${POSTING}
insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at)
select e.account_id, e.sequence, p.id, case when p.tops_up then p.amount else -p.amount end, e.balance_after, p.created_at
  from posting p
 cross join lateral (values (${SETTLEMENT_ACCOUNT}::bigint, p.id, p.settlement_balance),
                            (p.wallet, p.wallet_sequence, p.wallet_balance))
                    as e (account_id, sequence, balance_after)`,
    values,
  );
  await client.query(
    `
with ${POSTING}
insert into idempotency (key_digest, request_digest, transfer_id)
select md5('caller ' || key)::uuid as key_digest, md5('request ' || key)::uuid, id
  from posting
 order by id / $5::bigint, key_digest`,
    [...values, DIGESTS_SORTED],
  );
  await client.query("select setval('transfer_id', $1::bigint)", [transfers]);
}
