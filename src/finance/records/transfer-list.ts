/**
 * Lists transfers, newest id first. Goal: a page costs what it holds, however long the lists behind it are.
 *
 * Method: table transfer has no index by account, for which every posting would pay. An account's direct postings are
 * found through its entries, along which their ids rise, and its holds through their own indexes. Each of these lists is
 * walked from the page's position until it has given a page's worth of matches; the newest of all are the page.
 *
 * Ids and times both rise along one account, but two accounts' postings of the same moment may have them the other way
 * round. So a page's token says, beside the last id, the latest time among what may still come: a search by that time
 * finds where to go on in each account's entries, and the id decides from there.
 */
import type { ClientBase, Pool } from "pg";
import { TransferState } from "../../../generated/server/finance/v1/transfer.ts";
import type { Actor } from "../policy.ts";
import type { Page, TransferFilter } from "../validation.ts";
import { type AccountId, accountId, INT64_MAX, type Micros, TIME_MAX, toTimestamptz } from "../values.ts";
import { bytesOf, extentOf, type PagedRow, type PageExtent, pageOf, readPageToken, writePageToken } from "./page.ts";
import { SELECT_TRANSFER, STATE, type TransferRecord, type TransferRow, toTransferRecord } from "./transfers.ts";

/** A caller with more accounts than this likely has a share in most transfers: all of them are scanned instead. */
const WALKED_ACCOUNTS_MAX = 200;

/** In a token, instead of a time: the page came of scanning all transfers. */
const SCANNED = 0n;

interface ListedRow extends TransferRow, PagedRow {
  /** The latest created_at among the matches that were found and are not on the page. */
  readonly horizon: Micros | null;
}

/** One page of the transfers the actor may see, newest id first. */
export async function listTransfers(
  db: Pool | ClientBase,
  actor: Actor,
  filter: TransferFilter,
  page: Page,
): Promise<{ transfers: TransferRecord[]; nextPageToken: string; extent: PageExtent }> {
  const filters = Object.values(filter);
  const [before = INT64_MAX, horizon] = readPageToken(page.token, 2, filters) ?? [];
  const accounts = horizon === SCANNED ? undefined : await accountsToWalk(db, actor, filter, horizon !== undefined);
  const { state } = filter;
  const isSettled = filter.settledAfter !== undefined || filter.settledBefore !== undefined;
  if (isSettled && state === TransferState.POSTED) return { transfers: [], nextPageToken: "", extent: extentOf([]) };
  const source = sourceOf(state, isSettled);
  const values = [
    before,
    page.size + 1,
    state === TransferState.UNSPECIFIED ? null : state,
    timeOrNull(filter.createdAfter),
    timeOrNull(filter.createdBefore),
    filter.minAmount,
    filter.maxAmount === 0n ? INT64_MAX : filter.maxAmount,
    Object.keys(filter.metadata).length === 0 ? null : JSON.stringify(filter.metadata),
    filter.accountId ?? null,
    timeOrNull(filter.settledAfter),
    timeOrNull(filter.settledBefore),
  ];
  const { rows } = await db.query<ListedRow>(
    accounts === undefined
      ? {
          name: `scan_transfers_${source}`,
          text: pageAmong(SCAN[source]),
          values: [...values, actor.admin ? null : actor.subject],
        }
      : {
          name: `walk_transfers${state === TransferState.PENDING ? "_pending" : ""}`,
          text: pageAmong(walk(state === TransferState.PENDING)),
          values: [...values, accounts, timeOrNull(latestToWalk(horizon, filter.createdBefore))],
        },
  );
  const transfers = rows.map(toTransferRecord);
  const extent = extentOf(rows);
  const last = transfers.at(-1);
  if (!extent.hasNext || last === undefined) return { transfers, nextPageToken: "", extent };
  const position = [last.id, accounts === undefined ? SCANNED : (rows[0]?.horizon ?? TIME_MAX)];
  return { transfers, nextPageToken: writePageToken(position, filters), extent };
}

/**
 * The accounts whose transfers are all that can match and may be seen.
 *
 * @param all however many they are: a walk that has begun goes on.
 * @returns undefined when transfers are rather to be scanned.
 */
async function accountsToWalk(
  db: Pool | ClientBase,
  actor: Actor,
  { accountId: asked }: TransferFilter,
  all: boolean,
): Promise<AccountId[] | undefined> {
  if (actor.admin) return asked === undefined ? undefined : [asked];
  const { rows } = await db.query<{ id: bigint }>({
    name: "accounts_to_walk",
    text: `
select id
  from account
 where id = $2::bigint
   and owner = $1::text
union all
(select id
   from account
  where owner = $1::text
  limit $3::bigint)`,
    values: [actor.subject, asked ?? null, all ? null : WALKED_ACCOUNTS_MAX + 1],
  });
  if (asked !== undefined && rows[0]?.id === asked) return [asked];
  return !all && rows.length > WALKED_ACCOUNTS_MAX ? undefined : rows.map(({ id }) => accountId(id));
}

/** Entries after this time are of no interest; undefined when all are. */
function latestToWalk(horizon: Micros | undefined, createdBefore: Micros | undefined): Micros | undefined {
  const times = [horizon, createdBefore].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : times.reduce((a, b) => (a < b ? a : b), TIME_MAX);
}

function timeOrNull(time: Micros | undefined): string | null {
  return time === undefined ? null : toTimestamptz(time);
}

// Without a filter by state no hold has to be read; only holds are in another state than POSTED or were settled.
function sourceOf(state: TransferState, isSettled: boolean): keyof typeof SCAN {
  if (isSettled) return "held";
  if (state === TransferState.UNSPECIFIED || state === TransferState.POSTED) return "all";
  return state === TransferState.PENDING ? "pending" : "held";
}

const FILTERS = `
   and ($4::timestamptz is null or t.created_at >= $4)
   and ($5::timestamptz is null or t.created_at < $5)
   and t.amount between $6::bigint and $7::bigint
   and ($8::jsonb is null or t.metadata @> $8)
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))`;

const OF_CALLER = `
   and ($12::text is null or exists (select from account
                                      where id in (t.debit_account_id, t.credit_account_id)
                                        and owner = $12))`;

/** The transfer of a row that names it, if it matches. `offset 0`: one after the other, in the rows' order. */
function matching(id: string, condition: string): string {
  return `
cross join lateral (
   select t.id, t.created_at
     from transfer t
    where t.id = ${id}
      and ${condition}${FILTERS}
   offset 0
 ) t`;
}

const SETTLED = `
   and ($10::timestamptz is null or h.settled_at >= $10)
   and ($11::timestamptz is null or h.settled_at < $11)`;

function scanHolds(condition: string): string {
  return `
select t.id, t.created_at
  from hold h ${matching("h.transfer_id", `t.pending${OF_CALLER}`)}
 where h.transfer_id < $1::bigint
   and ($3::smallint is null or ${STATE} = $3)${SETTLED}
   and ${condition}
 order by h.transfer_id desc
 limit $2::bigint`;
}

const SCAN = {
  all: `
select t.id, t.created_at
  from transfer t
 where t.id < $1::bigint
   and ($3::smallint is null or not t.pending)${FILTERS}${OF_CALLER}
   -- Bounds of settlement make a scan of holds; here they are always null.
   and ($10::timestamptz is null and $11::timestamptz is null)
 order by t.id desc
 limit $2::bigint`,
  held: scanHolds("true"),
  // Spelt out for the index on what is pending.
  pending: scanHolds("h.state = 2"),
};

// A range of one account: then no index but the account's own has the order, and none else is walked.
function holdsOf(side: "debit" | "credit", pending: boolean): string {
  return `
(select t.id, t.created_at
   from hold h ${matching("h.transfer_id", "t.pending")}
  where h.${side}_account_id between walked.account_id and walked.account_id
    and h.transfer_id < $1::bigint
    and $3::smallint is distinct from 1
    and ($3 is null or ${STATE} = $3)${SETTLED}
    ${pending ? "and h.state = 2" : ""}
  order by h.${side}_account_id desc, h.transfer_id desc
  limit $2::bigint)`;
}

/**
 * Captures stand among an account's entries with the older ids of their holds and are passed over: at most those since
 * the oldest hold that can be on the page, since no older posting can be.
 */
function walk(pending: boolean): string {
  return `
select found.id, found.created_at
  from unnest($12::bigint[]) as walked (account_id)
 cross join lateral (
  with held as materialized (
    ${holdsOf("debit", pending)}
    union all
    ${holdsOf("credit", pending)}
  ), posted as (
    select t.id, t.created_at
      from entry e ${matching("e.transfer_id", "not t.pending")}
     where e.account_id = walked.account_id
       and e.sequence > greatest(
             case when $4::timestamptz is null then 0
                  else sequence_at(walked.account_id, $4 - interval '1 microsecond')
             end,
             (select sequence_at(walked.account_id, created_at - interval '1 microsecond')
                from held
               order by id desc
              offset $2::bigint - 1
               limit 1))
       and e.sequence <= case when $13::timestamptz is null then ${INT64_MAX}
                              else sequence_at(walked.account_id, $13)
                         end
       and e.transfer_id < $1::bigint
       and ($3::smallint is null or $3 = 1)
       and $10::timestamptz is null
       and $11::timestamptz is null
     order by e.sequence desc
     limit $2::bigint
  )
  select * from held
  union all
  select * from posted
 ) found`;
}

/** Of a row of a list, without its texts. */
const ROW_BYTES = 512;

// A row holds both owners' names, though the reply does not.
const PAGE = pageOf(
  `
select t.*, ${bytesOf(ROW_BYTES, "t.metadata::text", "t.description", "t.debit_owner", "t.credit_owner")} as row_bytes
  from ranked
 cross join lateral (${SELECT_TRANSFER} where t.id = ranked.id offset 0) t
 where ranked.rank <= $2::bigint`,
  "r.id desc",
  "$2",
);

function pageAmong(candidates: string): string {
  return `
with ranked as (
  select id, created_at, row_number() over (order by id desc) as rank
    from (select distinct id, created_at from (${candidates}) candidate) match
), page as (${PAGE}
)
select page.*, (select max(created_at) from ranked where rank > (select max(ordinal) from page)) as horizon
  from page
 order by page.ordinal`;
}
