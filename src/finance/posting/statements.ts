/** The statements of a batch, in the order in which they are sent. */
import type { QueryConfig } from "pg";
import type { AccountStatus } from "../../../generated/server/finance/v1/account.ts";
import { FIRST_OPEN_TIME } from "../records/final-time.ts";
import type { TransferRecord } from "../records/transfers.ts";
import { type AccountId, accountDigits, accountId, type Micros, type TransferId, toTimestamptz } from "../values.ts";
import type { LockedAccount, Movement } from "./books.ts";
import { type Claim, KEY_COLUMNS, type KeyRow } from "./idempotency.ts";

export interface LockedRow {
  readonly account_id: bigint;
  readonly owner: string;
  readonly currency: string;
  readonly minor_unit_digits: number | null;
  readonly debit_normal: boolean;
  readonly debits_posted: bigint;
  readonly credits_posted: bigint;
  /** Decimal digits. */
  readonly posted_carried: string | null;
  readonly debits_pending: bigint;
  readonly credits_pending: bigint;
  readonly overdraft_limit: bigint;
  readonly unlimited_overdraft: boolean;
  readonly status: AccountStatus;
  readonly last_sequence: bigint;
  readonly updated_at: Micros;
}

/** What an order asks of table idempotency and of the transfer ids. */
export interface Draw {
  readonly claim: Claim | undefined;
  /** Whether it may make a transfer and so needs an id. */
  readonly draws: boolean;
}

/** What was drawn for a posting; all of a key's columns are null when it is free, and for a posting without a key. */
export interface DrawnRow extends Omit<KeyRow, "key_digest"> {
  readonly id: bigint | null;
  readonly key_digest: string | null;
  /** The clock, once all accounts were locked. */
  readonly clock: Micros;
  readonly first_open: Micros;
}

/** The accounts of transfers, which never change: read before anything is locked. */
export function readParties(ids: readonly TransferId[]): QueryConfig {
  return {
    name: "read_parties",
    text: "select debit_account_id, credit_account_id from transfer where id = any($1::bigint[])",
    values: [ids],
  };
}

/**
 * Locks the balance rows of all accounts, in id order, and reads what deciding needs.
 *
 * @param skipsLocked leave out those that somebody else has locked.
 */
export function lockAccounts(ids: readonly AccountId[], skipsLocked: boolean): QueryConfig {
  return {
    name: skipsLocked ? "lock_free_accounts" : "lock_accounts",
    text: `
select b.account_id, a.owner, a.currency, a.minor_unit_digits, b.debit_normal,
       b.debits_posted, b.credits_posted, b.posted_carried, b.debits_pending, b.credits_pending,
       b.overdraft_limit, b.unlimited_overdraft, b.status, b.last_sequence, b.updated_at
  from account_balance b
  join account a on a.id = b.account_id
 where b.account_id = any($1::bigint[])
 order by b.account_id
   for no key update of b${skipsLocked ? " skip locked" : ""}`,
    values: [ids],
  };
}

/**
 * Gives each posting that may make a transfer an id, rising in their order, and reads what its key was used for.
 *
 * Keys are read after the accounts were locked: a transaction that used one on the same accounts has ended by then.
 *
 * The clock is read here, in a statement that starts after the locking one has ended: PostgreSQL computes a locking
 * statement's columns before it waits for the lock.
 *
 * `offset 0`: each key is looked up by itself. A join would be planned once, for a small table, and read all of it.
 */
export function drawIdsAndReadKeys(draws: readonly Draw[]): QueryConfig {
  return {
    name: "draw_ids_and_read_keys",
    text: `
with asked as materialized (
  select ordinal, key_digest, case when draws then nextval('transfer_id') end as id
    from unnest($1::uuid[], $2::boolean[]) with ordinality as a (key_digest, draws, ordinal)
)
select asked.id, clock_timestamp() as clock, ${FIRST_OPEN_TIME} as first_open, ${KEY_COLUMNS}
  from asked
  left join lateral (select * from idempotency where key_digest = asked.key_digest offset 0) i on true
 order by asked.ordinal`,
    values: [draws.map(({ claim }) => claim?.keyDigest ?? null), draws.map((draw) => draw.draws)],
  };
}

export function insertTransfers(transfers: readonly TransferRecord[]): QueryConfig {
  const write = timestampWriter();
  return {
    name: "insert_transfers",
    text: `
insert into transfer (id, debit_account_id, credit_account_id, amount, debit_account_balance, credit_account_balance,
                      effective_at, idempotency_key, description, metadata, reverses_transfer_id, pending, created_by,
                      created_at)
select *
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
              $7::timestamptz[], $8::text[], $9::text[], $10::jsonb[], $11::bigint[], $12::boolean[], $13::text[], $14::timestamptz[])`,
    values: [
      transfers.map(({ id }) => id),
      transfers.map(({ debitAccountId }) => debitAccountId),
      transfers.map(({ creditAccountId }) => creditAccountId),
      transfers.map(({ amount }) => amount),
      transfers.map(({ debitAccountBalance }) => debitAccountBalance),
      transfers.map(({ creditAccountBalance }) => creditAccountBalance),
      transfers.map(({ effectiveAt, createdAt }) => (effectiveAt === createdAt ? null : toTimestamptz(effectiveAt))),
      transfers.map(({ idempotencyKey }) => idempotencyKey || null),
      transfers.map(({ description }) => description || null),
      transfers.map(({ metadata }) => (Object.keys(metadata).length === 0 ? null : JSON.stringify(metadata))),
      transfers.map(({ reversesTransferId }) => reversesTransferId ?? null),
      transfers.map(({ awaitsSettlement }) => awaitsSettlement),
      transfers.map(({ createdBy }) => createdBy ?? null),
      transfers.map(({ createdAt }) => write(createdAt)),
    ],
  };
}

export function insertHolds(transfers: readonly TransferRecord[]): QueryConfig {
  return {
    name: "insert_holds",
    text: `
insert into hold (transfer_id, debit_account_id, credit_account_id, expires_at)
select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[])`,
    values: [
      transfers.map(({ id }) => id),
      transfers.map(({ debitAccountId }) => debitAccountId),
      transfers.map(({ creditAccountId }) => creditAccountId),
      transfers.map(({ expiresAt }) => (expiresAt === undefined ? null : toTimestamptz(expiresAt))),
    ],
  };
}

export function settleHolds(transfers: readonly TransferRecord[]): QueryConfig {
  const write = timestampWriter();
  return {
    name: "settle_holds",
    text: `
update hold h
   set state = s.state, captured_amount = s.captured_amount, settled_at = s.settled_at,
       debit_account_balance = s.debit_account_balance, credit_account_balance = s.credit_account_balance
  from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::timestamptz[], $5::bigint[], $6::bigint[])
       as s (transfer_id, state, captured_amount, settled_at, debit_account_balance, credit_account_balance)
 where h.transfer_id = s.transfer_id`,
    values: [
      transfers.map(({ id }) => id),
      transfers.map(({ state }) => state),
      transfers.map(({ capturedAmount }) => capturedAmount),
      transfers.map(({ settledAt }) => (settledAt === undefined ? null : write(settledAt))),
      transfers.map(({ debitAccountBalance }) => debitAccountBalance),
      transfers.map(({ creditAccountBalance }) => creditAccountBalance),
    ],
  };
}

export function insertEntries(movements: readonly Movement[]): QueryConfig {
  const write = timestampWriter();
  return {
    name: "insert_entries",
    text: `
insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at)
select *
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[])`,
    values: [
      movements.map((movement) => movement.accountId),
      movements.map((movement) => movement.sequence),
      movements.map((movement) => movement.transferId),
      movements.map((movement) => movement.amount),
      movements.map((movement) => movement.balanceAfter),
      movements.map((movement) => write(movement.recordedAt)),
    ],
  };
}

export function updateBalances(accounts: readonly LockedAccount[]): QueryConfig {
  const write = timestampWriter();
  return {
    name: "update_balances",
    text: `
update account_balance b
   set debits_posted = u.debits_posted,
       credits_posted = u.credits_posted,
       posted_carried = u.posted_carried,
       debits_pending = u.debits_pending,
       credits_pending = u.credits_pending,
       last_sequence = u.last_sequence,
       updated_at = u.updated_at
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::numeric[],
              $8::timestamptz[])
       as u (account_id, debits_posted, credits_posted, debits_pending, credits_pending, last_sequence, posted_carried,
             updated_at)
 where b.account_id = u.account_id`,
    values: [
      accounts.map((account) => account.id),
      accounts.map((account) => account.debitsPosted),
      accounts.map((account) => account.creditsPosted),
      accounts.map((account) => account.debitsPending),
      accounts.map((account) => account.creditsPending),
      accounts.map((account) => account.lastSequence),
      accounts.map((account) => account.postedCarried || null),
      accounts.map((account) => write(account.recordedAt)),
    ],
  };
}

export function toLockedAccount(row: LockedRow): LockedAccount {
  return {
    id: accountId(row.account_id),
    owner: row.owner,
    currency: row.currency,
    minorUnitDigits: accountDigits(row.minor_unit_digits, row.currency),
    debitNormal: row.debit_normal,
    debitsPosted: row.debits_posted,
    creditsPosted: row.credits_posted,
    postedCarried: BigInt(row.posted_carried ?? 0),
    debitsPending: row.debits_pending,
    creditsPending: row.credits_pending,
    overdraftLimit: row.overdraft_limit,
    unlimitedOverdraft: row.unlimited_overdraft,
    status: row.status,
    lastSequence: row.last_sequence,
    recordedAt: row.updated_at,
  };
}

/** Writes timestamps as toTimestamptz does, many of which lie within one second. */
function timestampWriter(): (time: Micros) => string {
  let second = Number.NaN;
  let text = "";
  return (time) => {
    const micros = Number(time);
    if (!Number.isSafeInteger(micros)) return toTimestamptz(time);
    const fraction = ((micros % 1_000_000) + 1_000_000) % 1_000_000;
    if ((micros - fraction) / 1_000_000 !== second) {
      second = (micros - fraction) / 1_000_000;
      text = toTimestamptz(time).slice(0, 20);
    }
    return `${text}${String(fraction).padStart(6, "0")}Z`;
  };
}
