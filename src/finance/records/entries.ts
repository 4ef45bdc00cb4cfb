import type { ClientBase, Pool } from "pg";
import type { EntryFilter, Page } from "../validation.ts";
import { type AccountId, INT64_MAX, type Micros, type Minor, type TransferId, toTimestamptzOrNull } from "../values.ts";
import {
  bytesOf,
  type Columns,
  columnsOf,
  type Listed,
  type PagedRow,
  pageOf,
  readPageToken,
  toPage,
  writePageToken,
} from "./page.ts";

/** One line of an account's statement, with the text and the business time of its transfer. */
export interface EntryRecord {
  readonly accountId: AccountId;
  readonly sequence: bigint;
  readonly transferId: TransferId;
  readonly counterpartyAccountId: AccountId;
  readonly amount: Minor;
  readonly balanceAfter: Minor;
  readonly description: string;
  readonly createdAt: Micros;
  readonly effectiveAt: Micros;
}

const ENTRY_COLUMNS = columnsOf({
  accountId: "e.account_id",
  sequence: "e.sequence",
  transferId: "e.transfer_id",
  counterpartyAccountId:
    "case when t.debit_account_id = e.account_id then t.credit_account_id else t.debit_account_id end",
  amount: "e.amount",
  balanceAfter: "e.balance_after",
  description: "coalesce(t.description, '')",
  createdAt: "e.created_at",
  // The entry of a capture does not use its hold's business time.
  effectiveAt: "case when t.pending then e.created_at else coalesce(t.effective_at, e.created_at) end",
} satisfies Columns<EntryRecord>);

/** Bytes of a row without its texts. */
const ROW_BYTES = 256;

/** Entries that one call looks through for a filter that has to read each of them. */
const LOOKED_THROUGH_MAX = 10_000n;

/**
 * One page of an account's statement, in sequence order. The caller has checked that the actor may see the account.
 *
 * Times never fall along a statement, so bounds in time are turned into bounds of the sequence.
 */
export async function listEntries(
  db: Pool | ClientBase,
  filter: EntryFilter,
  page: Page,
): Promise<Listed<EntryRecord>> {
  const { newestFirst, counterpartyAccountId, minAmount, maxAmount, metadata } = filter;
  const filters = Object.values(filter);
  const [position = newestFirst ? INT64_MAX : 0n] = readPageToken(page.token, 1, filters) ?? [];
  const bounds = [filter.accountId, position, toTimestamptzOrNull(filter.after), toTimestamptzOrNull(filter.before)];
  const hasMetadata = Object.keys(metadata).length > 0;
  if (counterpartyAccountId === undefined && minAmount === 0n && maxAmount === 0n && !hasMetadata) {
    const { rows } = await db.query<EntryRecord & PagedRow>({
      ...(newestFirst ? LIST_ENTRIES_NEWEST_FIRST : LIST_ENTRIES),
      values: [...bounds, page.size + 1],
    });
    return toPage(rows, filters, (row) => row, positionOf);
  }
  const { from, to, reached } = await partToSearch(db, newestFirst, bounds);
  const { rows } = await db.query<EntryRecord & PagedRow>({
    ...(newestFirst ? SEARCH_ENTRIES_NEWEST_FIRST : SEARCH_ENTRIES),
    values: [
      filter.accountId,
      from,
      to,
      counterpartyAccountId ?? null,
      page.size + 1,
      minAmount,
      maxAmount === 0n ? INT64_MAX : maxAmount,
      hasMetadata ? JSON.stringify(metadata) : null,
    ],
  });
  const found = toPage(rows, filters, (row) => row, positionOf);
  if (found.nextPageToken !== "" || reached === undefined) return found;
  return { ...found, nextPageToken: writePageToken([reached], filters) };
}

function positionOf({ sequence }: EntryRecord): bigint[] {
  return [sequence];
}

/**
 * The part of a statement that one call looks through, after `from` up to `to`.
 *
 * @returns also the position that the next page continues from; undefined if nothing follows.
 */
async function partToSearch(db: Pool | ClientBase, newestFirst: boolean, bounds: readonly unknown[]) {
  const { rows } = await db.query<{ from: bigint; to: bigint }>({
    ...(newestFirst ? PART_NEWEST_FIRST : PART),
    values: [...bounds],
  });
  const { from, to } = rows[0] ?? { from: 0n, to: 0n };
  if (to - from <= LOOKED_THROUGH_MAX) return { from, to, reached: undefined };
  return newestFirst
    ? { from: to - LOOKED_THROUGH_MAX, to, reached: to - LOOKED_THROUGH_MAX + 1n }
    : { from, to: from + LOOKED_THROUGH_MAX, reached: from + LOOKED_THROUGH_MAX };
}

type Order = "asc" | "desc";

/** The sequences after which, and up to which, a statement is listed. $1 is the account, $2 the position, $3 and $4 times. */
function boundsOf(order: Order): { readonly from: string; readonly to: string } {
  const [above, last] = order === "asc" ? ["$2::bigint", `${INT64_MAX}`] : ["0", "$2::bigint - 1"];
  return {
    from: `greatest(${above}, ${sequenceBefore("$3", 0n)})`,
    to: `least(${last}, ${sequenceBefore("$4", INT64_MAX)})`,
  };
}

/** The sequence of the last entry before a time; `otherwise` when the time is null. */
function sequenceBefore(time: string, otherwise: bigint): string {
  return `
       case when ${time}::timestamptz is null then ${otherwise}
            else sequence_at($1::bigint, ${time} - interval '1 microsecond')
       end`;
}

// `offset 0`: look up the transfers one after the other, in the order of the entries. Filters are within, where they do not
// make the planner expect few rows and sort.
function statement(order: Order, { from, to }: { readonly from: string; readonly to: string }, filters = ""): string {
  const rows = `
select ${ENTRY_COLUMNS},
       ${bytesOf(ROW_BYTES, "t.description")} as row_bytes
  from entry e
 cross join lateral (select * from transfer t where id = e.transfer_id${filters} offset 0) t
 where e.account_id = $1::bigint
   and e.sequence > ${from}
   and e.sequence <= ${to}
 order by e.sequence ${order}
 limit $5::bigint`;
  return pageOf(rows, `r.sequence ${order}`, "$5");
}

const LIST_ENTRIES = { name: "list_entries", text: statement("asc", boundsOf("asc")) };
const LIST_ENTRIES_NEWEST_FIRST = {
  name: "list_entries_newest_first",
  text: statement("desc", boundsOf("desc")),
};

const FILTERS = `
   and ($4::bigint is null or $4 in (t.debit_account_id, t.credit_account_id))
   and abs(e.amount) between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)`;
const FOUND = { from: "$2::bigint", to: "$3::bigint" };
const SEARCH_ENTRIES = { name: "search_entries", text: statement("asc", FOUND, FILTERS) };
const SEARCH_ENTRIES_NEWEST_FIRST = {
  name: "search_entries_newest_first",
  text: statement("desc", FOUND, FILTERS),
};

function part(order: Order): string {
  const { from, to } = boundsOf(order);
  return `
select ${from} as "from",
       least(${to},
             (select coalesce(max(sequence), 0) from entry where account_id = $1::bigint)) as "to"`;
}

const PART = { name: "part_to_search", text: part("asc") };
const PART_NEWEST_FIRST = { name: "part_to_search_newest_first", text: part("desc") };
