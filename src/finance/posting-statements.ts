/** The statements of a posting batch, in the order in which they are sent. */
import type { QueryConfig } from "pg";
import type { AccountStatus } from "../../generated/server/finance/v1/account.ts";
import type { LockedAccount, Posted } from "./decide.ts";
import type { Refusal } from "./errors.ts";
import type { Claim } from "./idempotency.ts";
import { type AccountId, accountId, type TransferId } from "./identifiers.ts";
import { type Micros, toTimestamptz } from "./micros.ts";
import type { NewTransfer } from "./validation.ts";

export interface LockedRow {
  readonly account_id: bigint;
  readonly owner: string;
  readonly currency: string;
  readonly debit_normal: boolean;
  readonly debits_posted: bigint;
  readonly credits_posted: bigint;
  readonly debits_pending: bigint;
  readonly credits_pending: bigint;
  readonly overdraft_limit: bigint;
  readonly unlimited_overdraft: boolean;
  readonly status: AccountStatus;
  readonly last_sequence: bigint;
  readonly updated_at: Micros;
  /** The clock once this row was locked. */
  readonly now: Micros;
}

export interface DrawnRow {
  readonly id: bigint;
  /** Whether the request's key is new; null when it has none or the key was used before. */
  readonly claimed: boolean | null;
}

export interface EarlierRow {
  readonly key_digest: string;
  readonly request_digest: string;
  readonly transfer_id: bigint | null;
  readonly response: { readonly refusal?: Refusal } | null;
}

/** A transfer that was decided and must now be written. */
export interface PostedDraft {
  readonly id: TransferId;
  readonly transfer: NewTransfer;
  readonly claim: Claim | undefined;
  readonly posted: Posted;
}

/** Locks the balance rows of all accounts, in id order, and reads what deciding needs. */
export function lockAccounts(ids: readonly AccountId[]): QueryConfig {
  return {
    name: "lock_accounts",
    text: `
select b.account_id, a.owner, a.currency, b.debit_normal,
       b.debits_posted, b.credits_posted, b.debits_pending, b.credits_pending,
       b.overdraft_limit, b.unlimited_overdraft, b.status, b.last_sequence, b.updated_at,
       clock_timestamp() as now
  from account_balance b
  join account a on a.id = b.account_id
 where b.account_id = any($1::bigint[])
 order by b.account_id
   for no key update of b`,
    values: [ids],
  };
}

/**
 * Draws a transfer id for each request, rising in their order, and claims the keys of those that have one.
 *
 * A key that another transaction holds is waited for: it is then either free again or was used before.
 */
export function drawIdsAndClaimKeys(claims: readonly (Claim | undefined)[]): QueryConfig {
  const keyed = claims.flatMap((claim, index) => (claim === undefined ? [] : [{ claim, ordinal: index + 1 }]));
  return {
    name: "draw_ids_and_claim_keys",
    text: `
with drawn as materialized (
  select ordinal, nextval('transfer_id') as id
    from generate_series(1, $1::int) as ordinal
), claimed as (
  insert into idempotency (key_digest, request_digest, transfer_id)
  select k.key_digest, k.request_digest, drawn.id
    from unnest($2::uuid[], $3::uuid[], $4::int[]) as k (key_digest, request_digest, ordinal)
    join drawn using (ordinal)
   order by k.key_digest
  on conflict (key_digest) do nothing
  returning transfer_id
)
select drawn.id, claimed.transfer_id is not null as claimed
  from drawn
  left join claimed on claimed.transfer_id = drawn.id
 order by drawn.ordinal`,
    values: [
      claims.length,
      keyed.map(({ claim }) => claim.keyDigest),
      keyed.map(({ claim }) => claim.requestDigest),
      keyed.map(({ ordinal }) => ordinal),
    ],
  };
}

/** Reads what keys decided that were used before. */
export function readEarlierOutcomes(claims: readonly Claim[]): QueryConfig {
  return {
    name: "read_earlier_outcomes",
    text: `
select replace(key_digest::text, '-', '') as key_digest,
       replace(request_digest::text, '-', '') as request_digest,
       transfer_id, response
  from idempotency
 where key_digest = any($1::uuid[])`,
    values: [claims.map((claim) => claim.keyDigest)],
  };
}

export function insertTransfers(drafts: readonly PostedDraft[], now: Micros): QueryConfig {
  return {
    name: "insert_transfers",
    text: `
insert into transfer (id, debit_account_id, credit_account_id, amount, debit_account_balance, credit_account_balance,
                      effective_at, idempotency_key, description, metadata, created_at)
select t.*, $11::timestamptz
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
              $7::timestamptz[], $8::text[], $9::text[], $10::jsonb[]) as t`,
    values: [
      drafts.map(({ id }) => id),
      drafts.map(({ transfer }) => transfer.debitAccountId),
      drafts.map(({ transfer }) => transfer.creditAccountId),
      drafts.map(({ transfer }) => transfer.amount),
      drafts.map(({ posted }) => posted.debit.balanceAfter),
      drafts.map(({ posted }) => posted.credit.balanceAfter),
      drafts.map(({ transfer }) => (transfer.effectiveAt === undefined ? null : toTimestamptz(transfer.effectiveAt))),
      drafts.map(({ claim }) => claim?.key ?? null),
      drafts.map(({ transfer }) => transfer.description || null),
      drafts.map(({ transfer }) =>
        Object.keys(transfer.metadata).length === 0 ? null : JSON.stringify(transfer.metadata),
      ),
      toTimestamptz(now),
    ],
  };
}

export function insertEntries(drafts: readonly PostedDraft[], now: Micros): QueryConfig {
  const entries = drafts.flatMap(({ id, posted }) => [
    { id, ...posted.debit },
    { id, ...posted.credit },
  ]);
  return {
    name: "insert_entries",
    text: `
insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at)
select e.*, $6::timestamptz
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) as e`,
    values: [
      entries.map((entry) => entry.accountId),
      entries.map((entry) => entry.sequence),
      entries.map((entry) => entry.id),
      entries.map((entry) => entry.amount),
      entries.map((entry) => entry.balanceAfter),
      toTimestamptz(now),
    ],
  };
}

export function updateBalances(accounts: readonly LockedAccount[], now: Micros): QueryConfig {
  return {
    name: "update_balances",
    text: `
update account_balance b
   set debits_posted = u.debits_posted,
       credits_posted = u.credits_posted,
       last_sequence = u.last_sequence,
       updated_at = $5::timestamptz
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
       as u (account_id, debits_posted, credits_posted, last_sequence)
 where b.account_id = u.account_id`,
    values: [
      accounts.map((account) => account.id),
      accounts.map((account) => account.debitsPosted),
      accounts.map((account) => account.creditsPosted),
      accounts.map((account) => account.lastSequence),
      toTimestamptz(now),
    ],
  };
}

/** Remembers refusals under the keys that were claimed for them. */
export function rememberRefusals(
  refused: readonly { readonly claim: Claim; readonly refusal: Refusal }[],
): QueryConfig {
  return {
    name: "remember_refusals",
    text: `
update idempotency i
   set transfer_id = null,
       response = u.response
  from unnest($1::uuid[], $2::jsonb[]) as u (key_digest, response)
 where i.key_digest = u.key_digest`,
    values: [refused.map(({ claim }) => claim.keyDigest), refused.map(({ refusal }) => JSON.stringify({ refusal }))],
  };
}

export function toLockedAccount(row: LockedRow): LockedAccount {
  return {
    id: accountId(row.account_id),
    owner: row.owner,
    currency: row.currency,
    debitNormal: row.debit_normal,
    debitsPosted: row.debits_posted,
    creditsPosted: row.credits_posted,
    debitsPending: row.debits_pending,
    creditsPending: row.credits_pending,
    overdraftLimit: row.overdraft_limit,
    unlimitedOverdraft: row.unlimited_overdraft,
    status: row.status,
    lastSequence: row.last_sequence,
  };
}
