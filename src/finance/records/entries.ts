import type { ClientBase, Pool } from "pg";
import type { EntryFilter, Page } from "../validation.ts";
import { type AccountId, INT64_MAX, type Micros, type Minor, type TransferId, toTimestamptzOrNull } from "../values.ts";
import { bytesOf, type Columns, columnsOf, type Listed, type PagedRow, pageOf, readPageToken, toPage } from "./page.ts";

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
  const filters = Object.values(filter);
  const [position = filter.newestFirst ? INT64_MAX : 0n] = readPageToken(page.token, 1, filters) ?? [];
  const { rows } = await db.query<EntryRecord & PagedRow>({
    ...(filter.newestFirst ? LIST_ENTRIES_NEWEST_FIRST : LIST_ENTRIES),
    values: [
      filter.accountId,
      position,
      page.size + 1,
      toTimestamptzOrNull(filter.after),
      toTimestamptzOrNull(filter.before),
    ],
  });
  return toPage(
    rows,
    filters,
    (row) => row,
    ({ sequence }) => [sequence],
  );
}

const LIST_ENTRIES = {
  name: "list_entries",
  text: statement({ last: `${INT64_MAX}`, above: "$2::bigint", order: "asc" }),
};
const LIST_ENTRIES_NEWEST_FIRST = {
  name: "list_entries_newest_first",
  text: statement({ last: "$2::bigint - 1", above: "0", order: "desc" }),
};

// `offset 0`: look up the transfers one after the other, in the order of the entries.
function statement({ last, above, order }: { last: string; above: string; order: "asc" | "desc" }): string {
  const rows = `
select ${ENTRY_COLUMNS},
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

/** The sequence of the last entry before a time; `otherwise` when the time is null. */
function sequenceBefore(time: string, otherwise: bigint): string {
  return `
       case when ${time}::timestamptz is null then ${otherwise}
            else sequence_at($1::bigint, ${time} - interval '1 microsecond')
       end`;
}
