import type { ClientBase, Pool } from "pg";
import { AccountStatus, AccountType } from "../../../generated/server/finance/v1/account.ts";
import { withTransaction } from "../../database/index.ts";
import { settleAll } from "../../database/pool.ts";
import { type AccountBalances, type AccountIdentity, isDebitNormal, keepsFloor, type Metadata } from "../account.ts";
import { accountNotFound, FinanceError, notOpen, refuse } from "../errors.ts";
import { type Actor, isVisibleTo } from "../policy.ts";
import type { AccountChange, AccountFilter, NewAccount, Page } from "../validation.ts";
import { invalidArgument, METADATA_PAIRS_MAX } from "../validation.ts";
import { type AccountId, accountDigits, accountId, type Micros, minorUnitDigitsOf, toTimestamptz } from "../values.ts";
import { FIRST_OPEN_TIME, joinWritersBriefly } from "./final-time.ts";
import { bytesOf, extentOf, type PagedRow, type PageExtent, pageOf, readPageToken, writePageToken } from "./page.ts";

/** An account with everything that a caller may be told of it. */
export interface AccountRecord extends AccountIdentity, AccountBalances {
  /** Of the newest entry; 0 before the first. */
  readonly lastSequence: bigint;
  readonly name: string;
  readonly type: AccountType;
  readonly metadata: Metadata;
  readonly createdAt: Micros;
  /** The last recorded time: whatever is recorded on the account from now on is later. */
  readonly updatedAt: Micros;
}

interface AccountRow {
  readonly id: bigint;
  readonly name: string;
  readonly owner: string;
  readonly type: AccountType;
  readonly currency: string;
  /** Null for a row that nobody gave one. */
  readonly minor_unit_digits: number | null;
  readonly metadata: Metadata;
  readonly created_at: Micros;
  readonly debits_posted: bigint;
  readonly credits_posted: bigint;
  /** Decimal digits. */
  readonly posted_carried: string | null;
  readonly debits_pending: bigint;
  readonly credits_pending: bigint;
  readonly overdraft_limit: bigint;
  readonly unlimited_overdraft: boolean;
  readonly status: AccountStatus;
  readonly updated_at: Micros;
  readonly last_sequence: bigint;
}

/**
 * Opens an account within the caller's transaction, which has joined the writers.
 *
 * @param clock the time to go by instead of the database's clock, for imported history.
 */
export async function insertAccount(
  client: ClientBase,
  account: NewAccount & { readonly owner: string },
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
)
select ${ACCOUNT_COLUMNS} from a, b`,
    values: [
      account.name,
      account.owner,
      account.type,
      account.currency,
      JSON.stringify(account.metadata),
      clock === undefined ? null : toTimestamptz(clock),
      isDebitNormal(account.type),
      account.overdraftLimit,
      account.unlimitedOverdraft,
      minorUnitDigitsOf(account.currency),
    ],
  });
  return onlyRow(rows);
}

/** Reads accounts; an id without an account is missing from the result. */
export async function loadAccounts(
  db: Pool | ClientBase,
  ids: readonly AccountId[],
): Promise<Map<AccountId, AccountRecord>> {
  const { rows } = await db.query<AccountRow>({
    name: "load_accounts",
    text: `${SELECT_ACCOUNT} where a.id = any($1::bigint[])`,
    values: [ids],
  });
  return new Map(rows.map((row) => [accountId(row.id), toAccountRecord(row)]));
}

async function loadAccount(client: ClientBase, id: AccountId): Promise<AccountRecord | undefined> {
  return (await loadAccounts(client, [id])).get(id);
}

/** One page of the accounts the actor may see, in id order. */
export async function listAccounts(
  db: Pool | ClientBase,
  actor: Actor,
  filter: AccountFilter,
  page: Page,
): Promise<{ accounts: AccountRecord[]; nextPageToken: string; extent: PageExtent }> {
  const filters = Object.values(filter);
  const [after = 0n] = readPageToken(page.token, 1, filters) ?? [];
  if (!actor.admin && filter.owner !== "" && filter.owner !== actor.subject) {
    return { accounts: [], nextPageToken: "", extent: extentOf([]) };
  }
  const owner = actor.admin ? filter.owner : actor.subject;
  // Not prepared by name: which index serves best depends on the filters that are there.
  const { rows } = await db.query<AccountRow & PagedRow>({
    text: pageOf(
      `
select ${ACCOUNT_COLUMNS}, ${bytesOf(ROW_BYTES, "a.name", "a.owner", "a.metadata::text")} as row_bytes
${FROM_ACCOUNT}
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
      owner,
      filter.type === AccountType.UNSPECIFIED ? null : filter.type,
      filter.currency || null,
      filter.status === AccountStatus.UNSPECIFIED ? null : filter.status,
      filter.namePrefix,
    ],
  });
  const accounts = rows.map(toAccountRecord);
  const extent = extentOf(rows);
  const last = accounts.at(-1);
  const nextPageToken = extent.hasNext && last !== undefined ? writePageToken([last.id], filters) : "";
  return { accounts, nextPageToken, extent };
}

/**
 * Changes what is present in `change`, under the same lock that postings take.
 *
 * Of a closed account an admin may change the name and the metadata.
 *
 * @throws FinanceError not_found, account_not_open, account_not_empty, insufficient_funds, invalid_argument.
 */
export async function updateAccount(pool: Pool, actor: Actor, change: AccountChange): Promise<AccountRecord> {
  return await withTransaction(pool, async (client) => {
    // Sent together, here and below: postings on the account wait for as long as this holds its lock.
    const locking = [
      client.query(joinWritersBriefly),
      client.query("select from account_balance where account_id = $1::bigint for no key update", [change.id]),
    ];
    const loading = loadAccount(client, change.id);
    await settleAll([...locking, loading]);
    const before = await loading;
    if (before === undefined || !isVisibleTo(before, actor)) throw new FinanceError(accountNotFound(change.id));
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
    const reloading = loadAccount(client, change.id);
    await settleAll([describing, setting, reloading]);
    const written = await reloading;
    if (written === undefined) throw new Error(`account ${change.id} vanished under its lock`);
    return written;
  });
}

/** The account with the change made, or the first refusal thrown. */
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
    throw invalidArgument("metadata", `would make ${merged.length} pairs, at most ${METADATA_PAIRS_MAX} are kept`);
  }
  const unlimitedOverdraft = change.unlimitedOverdraft ?? before.unlimitedOverdraft;
  const overdraftLimit = change.overdraftLimit ?? (unlimitedOverdraft ? 0n : before.overdraftLimit);
  if (unlimitedOverdraft && overdraftLimit > 0n) {
    throw invalidArgument("overdraft_limit", "must be 0 together with unlimited_overdraft");
  }
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
    const msg = `account ${before.id} is already below the floor that this would set`;
    throw new FinanceError(refuse("insufficient_funds", msg, { account_id: `${before.id}` }));
  }
  return after;
}

const ACCOUNT_COLUMNS = `
       a.id, a.name, a.owner, a.type, a.currency, a.minor_unit_digits, a.metadata, a.created_at,
       b.debits_posted, b.credits_posted, b.posted_carried, b.debits_pending, b.credits_pending,
       b.overdraft_limit, b.unlimited_overdraft, b.status, b.last_sequence, b.updated_at`;

const FROM_ACCOUNT = `
  from account a
  join account_balance b on b.account_id = a.id`;

const SELECT_ACCOUNT = `
select ${ACCOUNT_COLUMNS}${FROM_ACCOUNT}`;

/** Of a row of a list, without its texts. */
const ROW_BYTES = 512;

function onlyRow(rows: readonly AccountRow[]): AccountRecord {
  const [row] = rows;
  if (row === undefined) throw new Error("an insert returned no row");
  return toAccountRecord(row);
}

function toAccountRecord(row: AccountRow): AccountRecord {
  return {
    id: accountId(row.id),
    name: row.name,
    owner: row.owner,
    type: row.type,
    currency: row.currency,
    minorUnitDigits: accountDigits(row.minor_unit_digits, row.currency),
    metadata: row.metadata,
    debitNormal: isDebitNormal(row.type),
    debitsPosted: row.debits_posted,
    creditsPosted: row.credits_posted,
    postedCarried: BigInt(row.posted_carried ?? 0),
    debitsPending: row.debits_pending,
    creditsPending: row.credits_pending,
    lastSequence: row.last_sequence,
    overdraftLimit: row.overdraft_limit,
    unlimitedOverdraft: row.unlimited_overdraft,
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
