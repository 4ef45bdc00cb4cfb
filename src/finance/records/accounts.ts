import { isDeepStrictEqual } from "node:util";
import type { ClientBase, Pool } from "pg";
import { AccountStatus, AccountType } from "../../../generated/server/finance/v1/account.ts";
import { arrayOf, withTransaction } from "../../database/index.ts";
import { settleAll } from "../../database/pool.ts";
import {
  type AccountBalances,
  type AccountIdentity,
  fromStored,
  isDebitNormal,
  keepsFloor,
  type Metadata,
  type StoredAccount,
} from "../account.ts";
import { accountNotFound, FinanceError, invalidArgument, notOpen, refuse } from "../errors.ts";
import { type Actor, isVisibleTo } from "../policy.ts";
import {
  type AccountChange,
  type AccountFilter,
  METADATA_PAIRS_MAX,
  type NewAccount,
  type Page,
  requireOneFloor,
} from "../validation.ts";
import { type AccountId, type Micros, minorUnitDigitsOf, toTimestamptzOrNull } from "../values.ts";
import { type Author, RECORD_CHANGE, recordOpening } from "./account-changes.ts";
import { FIRST_OPEN_TIME, joinWritersBriefly } from "./final-time.ts";
import {
  bytesOf,
  type Columns,
  columnsOf,
  EMPTY_PAGE,
  type Listed,
  type PagedRow,
  pageOf,
  readPageToken,
  toPage,
} from "./page.ts";

/** An account with everything that its owner may know. */
export interface AccountRecord extends AccountIdentity, AccountBalances {
  readonly name: string;
  readonly type: AccountType;
  readonly metadata: Metadata;
  readonly createdAt: Micros;
  /** The last recorded time: anything recorded on the account from now on is later. */
  readonly updatedAt: Micros;
}

type AccountRow = Omit<AccountRecord, keyof StoredAccount> & StoredAccount;

/** The columns of an account's identity and balances, of tables account as `a` and account_balance as `b`. */
export const BALANCE_COLUMNS = {
  id: "a.id",
  owner: "a.owner",
  currency: "a.currency",
  minorUnitDigits: "a.minor_unit_digits",
  debitNormal: "b.debit_normal",
  debitsPosted: "b.debits_posted",
  creditsPosted: "b.credits_posted",
  postedCarried: "b.posted_carried",
  debitsPending: "b.debits_pending",
  creditsPending: "b.credits_pending",
  overdraftLimit: "b.overdraft_limit",
  unlimitedOverdraft: "b.unlimited_overdraft",
  status: "b.status",
  lastSequence: "b.last_sequence",
} as const satisfies Columns<AccountIdentity & AccountBalances>;

const ACCOUNT_COLUMNS = columnsOf({
  ...BALANCE_COLUMNS,
  name: "a.name",
  type: "a.type",
  metadata: "a.metadata",
  createdAt: "a.created_at",
  updatedAt: "b.updated_at",
} satisfies Columns<AccountRecord>);

/** Bytes of a row without its texts. */
const ROW_BYTES = 512;

/**
 * Opens an account within the caller's transaction, which must have joined the writers, and makes its event.
 *
 * @param clock for imported history: the time to use instead of the database's clock.
 */
export async function insertAccount(
  client: ClientBase,
  account: NewAccount & { readonly owner: string },
  author: Author,
  clock?: Micros,
): Promise<AccountRecord> {
  const { rows } = await client.query<AccountRow>({
    name: "insert_account",
    text: `
with a as (
  insert into account (name, owner, type, currency, metadata, created_at, minor_unit_digits)
  values ($1, $2, $3, $4, $5::jsonb, greatest(coalesce($6::timestamptz, clock_timestamp()), ${FIRST_OPEN_TIME}), $10)
  returning *
), b as (
  insert into account_balance (account_id, debit_normal, overdraft_limit, unlimited_overdraft, updated_at)
  select a.id, $7, $8::bigint, $9, a.created_at from a
  returning *
), opened as (
  select * from a, b
), ${recordOpening("$11::text, $12::text")}
select ${ACCOUNT_COLUMNS}
  from a, b`,
    values: [
      account.name,
      account.owner,
      account.type,
      account.currency,
      JSON.stringify(account.metadata),
      toTimestamptzOrNull(clock),
      isDebitNormal(account.type),
      account.overdraftLimit,
      account.unlimitedOverdraft,
      minorUnitDigitsOf(account.currency),
      author.subject,
      author.requestId ?? null,
    ],
  });
  const [row] = rows;
  if (row === undefined) throw new Error("an insert returned no row");
  return fromStored(row);
}

/** Reads accounts; an id without an account is missing from the result. */
export async function loadAccounts(
  db: Pool | ClientBase,
  ids: readonly AccountId[],
): Promise<Map<AccountId, AccountRecord>> {
  const { rows } = await db.query<AccountRow>({
    name: "load_accounts",
    text: `
select ${ACCOUNT_COLUMNS}
  from account a
  join account_balance b on b.account_id = a.id
 where a.id = any($1::bigint[])`,
    values: [arrayOf.bigint(ids, (id) => id)],
  });
  return new Map(rows.map((row) => [row.id, fromStored(row)]));
}

async function loadAccount(client: ClientBase, id: AccountId): Promise<AccountRecord | undefined> {
  return (await loadAccounts(client, [id])).get(id);
}

/** One page of the accounts that the actor may see, in id order. */
export async function listAccounts(
  db: Pool | ClientBase,
  actor: Actor,
  filter: AccountFilter,
  page: Page,
): Promise<Listed<AccountRecord>> {
  const filters = Object.values(filter);
  const [after = 0n] = readPageToken(page.token, 1, filters) ?? [];
  if (!actor.admin && filter.owner !== "" && filter.owner !== actor.subject) return EMPTY_PAGE;
  // Not prepared by name: the best index depends on the filters.
  const { rows } = await db.query<AccountRow & PagedRow>({
    text: pageOf(
      `
select ${ACCOUNT_COLUMNS},
       ${bytesOf(ROW_BYTES, "a.name", "a.owner", "a.metadata::text")} as row_bytes
  from account a
  join account_balance b on b.account_id = a.id
 where a.id > $1::bigint
   and ($3::text = '' or a.owner = $3)
   and ($4::smallint is null or a.type = $4)
   and ($5::text is null or a.currency = $5)
   and ($6::smallint is null or b.status = $6)
   and starts_with(a.name, $7::text)
 order by a.id
 limit $2::bigint`,
      "r.id",
      "$2",
    ),
    values: [
      after,
      page.size + 1,
      actor.admin ? filter.owner : actor.subject,
      filter.type === AccountType.UNSPECIFIED ? null : filter.type,
      filter.currency || null,
      filter.status === AccountStatus.UNSPECIFIED ? null : filter.status,
      filter.namePrefix,
    ],
  });
  return toPage(rows, filters, fromStored, ({ id }) => [id]);
}

/**
 * Changes the fields that `change` names, under the same lock that postings take. A dry run only tells what would change.
 *
 * Only an admin may change a closed account, and only its name and metadata.
 *
 * @throws FinanceError not_found, account_not_open, account_not_empty, insufficient_funds, invalid_argument.
 */
export async function updateAccount(
  pool: Pool,
  actor: Actor,
  change: AccountChange,
  author: Author,
): Promise<AccountRecord> {
  return await withTransaction(pool, async (client) => {
    // Pipelined, here and below: postings on the account wait while this transaction holds the lock.
    const locking = [
      client.query(joinWritersBriefly),
      client.query("select from account_balance where account_id = $1::bigint for no key update", [change.id]),
    ];
    const loading = loadAccount(client, change.id);
    await settleAll([...locking, loading]);
    const before = await loading;
    if (before === undefined || !isVisibleTo(before, actor)) throw new FinanceError(accountNotFound(change.id));
    if (change.dryRun) return await rehearse(client, before, change, actor);
    const after = changedAccount(before, change, actor);
    const describing = client.query("update account set name = $2, metadata = $3::jsonb where id = $1::bigint", [
      after.id,
      after.name,
      JSON.stringify(after.metadata),
    ]);
    const setting = client.query(
      `update account_balance
          set status = $2, overdraft_limit = $3::bigint, unlimited_overdraft = $4,
              updated_at = greatest(updated_at, clock_timestamp())
        where account_id = $1::bigint`,
      [after.id, after.status, after.overdraftLimit, after.unlimitedOverdraft],
    );
    const recording = changesSettings(before, after)
      ? client.query({ ...RECORD_CHANGE, values: [after.id, author.subject, author.requestId ?? null] })
      : undefined;
    const reloading = loadAccount(client, change.id);
    await settleAll([describing, setting, ...(recording === undefined ? [] : [recording]), reloading]);
    const written = await reloading;
    if (written === undefined) throw new Error(`account ${change.id} vanished under its lock`);
    return written;
  });
}

/** The account as the real call would answer it: an account to close no longer has its expired holds. */
async function rehearse(
  client: ClientBase,
  account: AccountRecord,
  change: AccountChange,
  actor: Actor,
): Promise<AccountRecord> {
  const { rows } = await client.query<{ clock: Micros; debits: bigint; credits: bigint }>(EXPIRED_SUMS, [account.id]);
  const [expired] = rows;
  if (expired === undefined) throw new Error("a select without conditions returned no row");
  const before =
    change.status === AccountStatus.CLOSED
      ? {
          ...account,
          debitsPending: account.debitsPending - expired.debits,
          creditsPending: account.creditsPending - expired.credits,
        }
      : account;
  const after = changedAccount(before, change, actor);
  return { ...after, updatedAt: after.updatedAt > expired.clock ? after.updatedAt : expired.clock };
}

/** The sum of an account's expired holds that still count as pending on one side. */
function expiredSum(side: "debit" | "credit"): string {
  return `
       (select coalesce(sum((select amount from transfer where id = h.transfer_id)), 0)::bigint
          from hold h
         where h.state = 2
           and h.${side}_account_id = $1::bigint
           and h.expires_at <= now.clock)`;
}

const EXPIRED_SUMS = `
select now.clock,${expiredSum("debit")} as debits,${expiredSum("credit")} as credits
  from (select clock_timestamp() as clock offset 0) now`;

function changesSettings(before: AccountRecord, after: AccountRecord): boolean {
  return (["name", "status", "overdraftLimit", "unlimitedOverdraft", "metadata"] as const).some(
    (field) => !isDeepStrictEqual(before[field], after[field]),
  );
}

/** @returns the changed account. @throws FinanceError the first refusal. */
function changedAccount(before: AccountRecord, change: AccountChange, actor: Actor): AccountRecord {
  const describesOnly =
    (change.status ?? before.status) === before.status &&
    (change.overdraftLimit ?? before.overdraftLimit) === before.overdraftLimit &&
    (change.unlimitedOverdraft ?? before.unlimitedOverdraft) === before.unlimitedOverdraft;
  if (before.status === AccountStatus.CLOSED && !(actor.admin && describesOnly)) {
    throw new FinanceError(notOpen(before.id));
  }
  const merged = Object.entries({ ...before.metadata, ...change.metadata }).filter(([, value]) => value !== "");
  if (merged.length > METADATA_PAIRS_MAX) {
    throw invalidArgument("metadata", `would make ${merged.length} pairs, at most ${METADATA_PAIRS_MAX} are allowed`);
  }
  const unlimitedOverdraft = change.unlimitedOverdraft ?? before.unlimitedOverdraft;
  const overdraftLimit = change.overdraftLimit ?? (unlimitedOverdraft ? 0n : before.overdraftLimit);
  requireOneFloor(overdraftLimit, unlimitedOverdraft);
  const after: AccountRecord = {
    ...before,
    name: change.name ?? before.name,
    metadata: Object.fromEntries(merged),
    status: change.status ?? before.status,
    overdraftLimit,
    unlimitedOverdraft,
  };
  const closes = after.status === AccountStatus.CLOSED && before.status !== AccountStatus.CLOSED;
  const pending = before.debitsPending + before.creditsPending;
  if (closes && (before.debitsPosted !== before.creditsPosted || pending > 0n)) {
    const msg = `account ${before.id} still has a balance or pending transfers; empty it before closing`;
    throw new FinanceError(refuse("account_not_empty", msg, { account_id: `${before.id}` }));
  }
  const setsFloor =
    after.overdraftLimit !== before.overdraftLimit || after.unlimitedOverdraft !== before.unlimitedOverdraft;
  if (setsFloor && !keepsFloor(after)) {
    const msg = `account ${before.id} is already below the floor that this change would set`;
    throw new FinanceError(refuse("insufficient_funds", msg, { account_id: `${before.id}` }));
  }
  return after;
}
