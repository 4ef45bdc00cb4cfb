import type { ClientBase, Pool } from "pg";
import type { EntryFilter, Page } from "../validation.ts";
import {
  type AccountId,
  accountId,
  INT64_MAX,
  type Micros,
  type Minor,
  type TransferId,
  toTimestamptz,
  transferId,
} from "../values.ts";
import { bytesOf, extentOf, type PagedRow, type PageExtent, pageOf, readPageToken, writePageToken } from "./page.ts";

/** One line of a statement, with what it takes from its transfer. */
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

interface EntryRow extends PagedRow {
  readonly account_id: bigint;
  readonly sequence: bigint;
  readonly transfer_id: bigint;
  readonly counterparty_account_id: bigint;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly description: string | null;
  readonly created_at: Micros;
  readonly effective_at: Micros;
}

/**
 * One page of an account's statement in sequence order. The caller has checked that the account may be seen.
 *
 * Times never fall along a statement, so a search finds bounds in time, which become bounds of the sequence.
 */
export async function listEntries(
  db: Pool | ClientBase,
  filter: EntryFilter,
  page: Page,
): Promise<{ entries: EntryRecord[]; nextPageToken: string; extent: PageExtent }> {
  const filters = Object.values(filter);
  const [position = filter.newestFirst ? INT64_MAX : 0n] = readPageToken(page.token, 1, filters) ?? [];
  const { rows } = await db.query<EntryRow>({
    name: filter.newestFirst ? "list_entries_newest_first" : "list_entries",
    text: filter.newestFirst ? LIST_ENTRIES_NEWEST_FIRST : LIST_ENTRIES,
    values: [
      filter.accountId,
      position,
      page.size + 1,
      filter.after === undefined ? null : toTimestamptz(filter.after),
      filter.before === undefined ? null : toTimestamptz(filter.before),
    ],
  });
  const entries = rows.map(toEntryRecord);
  const extent = extentOf(rows);
  const last = entries.at(-1);
  const nextPageToken = extent.hasNext && last !== undefined ? writePageToken([last.sequence], filters) : "";
  return { entries, nextPageToken, extent };
}

/** The sequence of the last entry before a time that may be null: then the one given instead. */
function sequenceBefore(time: string, otherwise: bigint): string {
  return `
       case when ${time}::timestamptz is null then ${otherwise}
            else sequence_at($1::bigint, ${time} - interval '1 microsecond')
       end`;
}

/** Of a row of a list, without its texts. */
const ROW_BYTES = 256;

const LIST_ENTRIES_NEWEST_FIRST = statement("$2::bigint - 1", "0", "desc");
const LIST_ENTRIES = statement(`${INT64_MAX}`, "$2::bigint", "asc");

// `offset 0`: the entries' transfers are looked up one after the other, in their order.
function statement(last: string, above: string, order: "asc" | "desc"): string {
  const rows = `
select e.account_id, e.sequence, e.transfer_id, e.amount, e.balance_after, e.created_at,
       case when t.debit_account_id = e.account_id then t.credit_account_id else t.debit_account_id end
         as counterparty_account_id,
       t.description,
       -- A capture is recorded now and keeps no other's business time.
       case when t.pending then e.created_at else coalesce(t.effective_at, e.created_at) end as effective_at,
       ${bytesOf(ROW_BYTES, "t.description")} as row_bytes
  from entry e
 cross join lateral (select * from transfer where id = e.transfer_id offset 0) t
 where e.account_id = $1::bigint
   and e.sequence > greatest(${above}, ${sequenceBefore("$4", 0n)})
   and e.sequence <= least(${last}, ${sequenceBefore("$5", INT64_MAX)})
 order by e.sequence ${order}
 limit $3::bigint`;
  return pageOf(rows, `r.sequence ${order}`, "$3");
}

function toEntryRecord(row: EntryRow): EntryRecord {
  return {
    accountId: accountId(row.account_id),
    sequence: row.sequence,
    transferId: transferId(row.transfer_id),
    counterpartyAccountId: accountId(row.counterparty_account_id),
    amount: row.amount,
    balanceAfter: row.balance_after,
    description: row.description ?? "",
    createdAt: row.created_at,
    effectiveAt: row.effective_at,
  };
}
