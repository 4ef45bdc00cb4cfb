/** The statements of a batch, in the order in which they are sent. */
import type { QueryArrayConfig, QueryConfig } from "pg";
import type { AccountStatus } from "../../../generated/server/finance/v1/account.ts";
import { EventType } from "../../../generated/server/finance/v1/event.ts";
import { TransferState } from "../../../generated/server/finance/v1/transfer.ts";
import { type ArrayElements, type ArrayElementType, arrayOf } from "../../database/index.ts";
import { carriedOf } from "../account.ts";
import { BALANCE_COLUMNS } from "../records/accounts.ts";
import { FIRST_OPEN_TIME } from "../records/final-time.ts";
import { type Columns, columnsOf } from "../records/page.ts";
import type { TransferRecord } from "../records/transfers.ts";
import { type AccountId, accountDigits, type Micros, type TransferId } from "../values.ts";
import type { Decision, LockedAccount, Movement } from "./books.ts";
import { ASKED_DIGESTS, type Claim, KEY_COLUMNS, type KeyRow, USED_KEY } from "./idempotency.ts";

/** A row of {@link lockAccounts}: its columns in the order of {@link LOCKED_COLUMNS}. */
export type LockedRow = [
  id: AccountId,
  owner: string,
  currency: string,
  minorUnitDigits: number | null,
  debitNormal: boolean,
  debitsPosted: bigint,
  creditsPosted: bigint,
  postedCarried: string | null,
  debitsPending: bigint,
  creditsPending: bigint,
  overdraftLimit: bigint,
  unlimitedOverdraft: boolean,
  status: AccountStatus,
  lastSequence: bigint,
  recordedAt: Micros,
];

/** The id and the key that a posting asks for. */
export interface Draw {
  readonly claim: Claim | undefined;
  /** Whether the posting may make a transfer and so needs an id. */
  readonly draws: boolean;
}

/** The answer to a {@link Draw}, as a row of {@link drawIdsAndReadKeys}. */
export type DrawnRow = [
  id: TransferId | null,
  /** The clock, after all accounts were locked; in the first row only. */
  clock: Micros | null,
  /** In the first row only. */
  firstOpen: Micros | null,
  /** Null, like the columns after it, when the key is free and when there is none. */
  keyDigest: string | null,
  requestDigest: KeyRow["request_digest"],
  messageDigest: KeyRow["message_digest"],
  transferId: KeyRow["transfer_id"],
  response: KeyRow["response"],
];

/** Reads the accounts of transfers. They never change, so they are read before anything is locked. */
export function readParties(ids: readonly TransferId[]): QueryConfig {
  return {
    name: "read_parties",
    text: "select debit_account_id, credit_account_id from transfer where id = any($1::bigint[])",
    values: [idsOf(ids)],
  };
}

const LOCKED_COLUMNS = columnsOf({
  ...BALANCE_COLUMNS,
  recordedAt: "b.updated_at",
} satisfies Columns<LockedAccount>);

/**
 * Locks the balance rows of all accounts, in id order, and reads what is needed to decide.
 *
 * @param skipsLocked skip accounts that another transaction has locked.
 */
export function lockAccounts(ids: readonly AccountId[], skipsLocked: boolean): QueryArrayConfig {
  return {
    name: skipsLocked ? "lock_free_accounts" : "lock_accounts",
    // A batch may lock thousands of accounts, and node-postgres makes arrays much faster than objects.
    rowMode: "array",
    text: `
select ${LOCKED_COLUMNS}
  from account_balance b
  join account a on a.id = b.account_id
 where b.account_id = any($1::bigint[])
 order by b.account_id
   for no key update of b${skipsLocked ? " skip locked" : ""}`,
    values: [idsOf(ids)],
  };
}

function idsOf(ids: readonly bigint[]) {
  return arrayOf.bigint(ids, (id) => id);
}

export function toLockedAccount(row: LockedRow): LockedAccount {
  return {
    id: row[0],
    owner: row[1],
    currency: row[2],
    minorUnitDigits: accountDigits(row[3], row[2]),
    debitNormal: row[4],
    debitsPosted: row[5],
    creditsPosted: row[6],
    postedCarried: carriedOf(row[7]),
    debitsPending: row[8],
    creditsPending: row[9],
    overdraftLimit: row[10],
    unlimitedOverdraft: row[11],
    status: row[12],
    lastSequence: row[13],
    recordedAt: row[14],
  };
}

/**
 * Gives an id to each posting that may make a transfer, rising in their order, and reads what its key was used for.
 *
 * Keys are read after the accounts were locked: by then, any transaction that used a key on the same accounts has ended.
 *
 * The clock is read here, in a statement that starts after the locking one has ended, because PostgreSQL computes the
 * columns of a locking statement before it waits for the lock.
 */
export function drawIdsAndReadKeys(draws: readonly Draw[]): QueryArrayConfig {
  return {
    name: "draw_ids_and_read_keys",
    rowMode: "array",
    text: `
with asked as materialized (
  select ordinal, ${ASKED_DIGESTS}, case when draws then nextval('transfer_id') end as id
    from unnest($1::uuid[], $2::uuid[], $3::boolean[])
         with ordinality as a (key_digest, former_key_digest, draws, ordinal)
)
select asked.id,
       case when asked.ordinal = 1 then clock_timestamp() end as clock,
       case when asked.ordinal = 1 then ${FIRST_OPEN_TIME} end as first_open, ${KEY_COLUMNS}
  from asked
  left join lateral ${USED_KEY} i on true
 order by asked.ordinal`,
    values: [
      arrayOf.uuid(draws, ({ claim }) => claim?.keyDigest ?? null),
      arrayOf.uuid(draws, ({ claim }) => claim?.formerKeyDigest ?? null),
      arrayOf.boolean(draws, (draw) => draw.draws),
    ],
  };
}

/** The use of the posting's key; undefined when the key is free and when there is none. */
export function toKeyRow(row: DrawnRow): KeyRow | undefined {
  if (row[3] === null) return undefined;
  return {
    key_digest: row[3],
    request_digest: row[4],
    message_digest: row[5],
    transfer_id: row[6],
    response: row[7],
  };
}

/** A column that a statement writes: its name, its type and its value in each row. */
type WrittenColumn<Row, Types extends ArrayElementType = ArrayElementType> = {
  [Type in Types]: readonly [name: string, type: Type, valueIn: (row: Row) => ArrayElements[Type] | null];
}[Types];

/** The parameters of a statement, one array for each column, as the rows of `unnest`. */
function unnested<Row>(columns: readonly WrittenColumn<Row>[]) {
  return {
    names: columns.map(([name]) => name).join(", "),
    rows: `unnest(${columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(", ")})`,
    valuesOf: (rows: readonly Row[]) => columns.map((column) => arrayOfColumn(rows, column)),
  };
}

function arrayOfColumn<Row, Type extends ArrayElementType>(rows: readonly Row[], column: WrittenColumn<Row, Type>) {
  return arrayOf[column[1]](rows, column[2]);
}

/** A statement that inserts rows. */
function insert<Row>(
  name: string,
  table: string,
  columns: readonly WrittenColumn<Row>[],
): (rows: readonly Row[]) => QueryConfig {
  const { names, rows, valuesOf } = unnested(columns);
  const text = `
insert into ${table} (${names})
select * from ${rows}`;
  return (written) => ({ name, text, values: valuesOf(written) });
}

/** A statement that updates rows, found by the first column. */
function update<Row>(
  name: string,
  table: string,
  columns: readonly WrittenColumn<Row>[],
): (rows: readonly Row[]) => QueryConfig {
  const { names, rows, valuesOf } = unnested(columns);
  const [key, ...others] = columns.map(([column]) => column);
  const text = `
update ${table} t
   set ${others.map((column) => `${column} = u.${column}`).join(", ")}
  from ${rows} as u (${names})
 where t.${key} = u.${key}`;
  return (written) => ({ name, text, values: valuesOf(written) });
}

export const insertTransfers = insert<TransferRecord>("insert_transfers", "transfer", [
  ["id", "bigint", ({ id }) => id],
  ["debit_account_id", "bigint", ({ debitAccountId }) => debitAccountId],
  ["credit_account_id", "bigint", ({ creditAccountId }) => creditAccountId],
  ["amount", "bigint", ({ amount }) => amount],
  ["debit_account_balance", "bigint", ({ debitAccountBalance }) => debitAccountBalance],
  ["credit_account_balance", "bigint", ({ creditAccountBalance }) => creditAccountBalance],
  ["effective_at", "timestamptz", ({ effectiveAt, createdAt }) => (effectiveAt === createdAt ? null : effectiveAt)],
  ["idempotency_key", "text", ({ idempotencyKey }) => idempotencyKey || null],
  ["description", "text", ({ description }) => description || null],
  ["metadata", "jsonb", ({ metadata }) => (Object.keys(metadata).length === 0 ? null : JSON.stringify(metadata))],
  ["reverses_transfer_id", "bigint", ({ reversesTransferId }) => reversesTransferId],
  ["pending", "boolean", ({ awaitsSettlement }) => awaitsSettlement],
  ["created_by", "text", ({ createdBy }) => createdBy],
  ["created_at", "timestamptz", ({ createdAt }) => createdAt],
]);

export const insertHolds = insert<TransferRecord>("insert_holds", "hold", [
  ["transfer_id", "bigint", ({ id }) => id],
  ["debit_account_id", "bigint", ({ debitAccountId }) => debitAccountId],
  ["credit_account_id", "bigint", ({ creditAccountId }) => creditAccountId],
  ["expires_at", "timestamptz", ({ expiresAt }) => expiresAt],
]);

export const settleHolds = update<TransferRecord>("settle_holds", "hold", [
  ["transfer_id", "bigint", ({ id }) => id],
  ["state", "smallint", ({ state }) => state],
]);

export const insertSettlements = insert<TransferRecord>("insert_settlements", "settlement", [
  ["transfer_id", "bigint", ({ id }) => id],
  ["state", "smallint", ({ state }) => state],
  ["captured_amount", "bigint", ({ capturedAmount }) => capturedAmount],
  ["debit_account_balance", "bigint", ({ debitAccountBalance }) => debitAccountBalance],
  ["credit_account_balance", "bigint", ({ creditAccountBalance }) => creditAccountBalance],
  ["settled_by", "text", ({ settledBy }) => settledBy],
  ["settled_at", "timestamptz", ({ settledAt }) => settledAt],
]);

export const insertEntries = insert<Movement>("insert_entries", "entry", [
  ["account_id", "bigint", ({ accountId }) => accountId],
  ["sequence", "bigint", ({ sequence }) => sequence],
  ["transfer_id", "bigint", ({ transferId }) => transferId],
  ["amount", "bigint", ({ amount }) => amount],
  ["balance_after", "bigint", ({ balanceAfter }) => balanceAfter],
  ["created_at", "timestamptz", ({ recordedAt }) => recordedAt],
]);

export const updateBalances = update<LockedAccount>("update_balances", "account_balance", [
  ["account_id", "bigint", ({ id }) => id],
  ["debits_posted", "bigint", ({ debitsPosted }) => debitsPosted],
  ["credits_posted", "bigint", ({ creditsPosted }) => creditsPosted],
  ["posted_carried", "numeric", ({ postedCarried }) => postedCarried || null],
  ["debits_pending", "bigint", ({ debitsPending }) => debitsPending],
  ["credits_pending", "bigint", ({ creditsPending }) => creditsPending],
  ["last_sequence", "bigint", ({ lastSequence }) => lastSequence],
  ["updated_at", "timestamptz", ({ recordedAt }) => recordedAt],
]);

/** One event of a transfer, before it has a position. */
export interface FeedMember {
  readonly type: EventType;
  readonly transferId: TransferId;
  /** The sequences of the entries that it made; 0 for none. */
  readonly debitSequence: bigint;
  readonly creditSequence: bigint;
}

const TYPE_OF_STATE: Partial<Record<TransferState, EventType>> = {
  [TransferState.POSTED]: EventType.TRANSFER_POSTED,
  [TransferState.PENDING]: EventType.TRANSFER_HELD,
  [TransferState.CAPTURED]: EventType.TRANSFER_CAPTURED,
  [TransferState.VOIDED]: EventType.TRANSFER_VOIDED,
  [TransferState.EXPIRED]: EventType.TRANSFER_EXPIRED,
};

export function feedMemberOf({ transfer, movements: [debit, credit] }: Decision): FeedMember {
  const type = TYPE_OF_STATE[transfer.state];
  if (type === undefined) throw new Error(`no event for a transfer that is ${TransferState[transfer.state]}`);
  return {
    type,
    transferId: transfer.id,
    debitSequence: debit?.sequence ?? 0n,
    creditSequence: credit?.sequence ?? 0n,
  };
}

/** Events in one row: reading any of them reads the row. */
const MEMBERS_MAX = 1000;

/**
 * Statements that insert the feed rows of a transaction: what it changed, in order. They are sent last, when all its accounts
 * are locked.
 */
export function insertFeedRows(members: readonly FeedMember[]): QueryConfig[] {
  const rows: (readonly FeedMember[])[] = [];
  for (let start = 0; start < members.length; start += MEMBERS_MAX)
    rows.push(members.slice(start, start + MEMBERS_MAX));
  return rows.map((row) => ({
    name: "insert_feed_row",
    text: "insert into feed (types, subjects, sequences, credit_sequences) values ($1, $2, $3, $4)",
    values: [
      arrayOf.smallint(row, ({ type }) => type),
      arrayOf.bigint(row, ({ transferId }) => transferId),
      arrayOf.bigint(row, ({ debitSequence }) => debitSequence),
      arrayOf.bigint(row, ({ creditSequence }) => creditSequence),
    ],
  }));
}
