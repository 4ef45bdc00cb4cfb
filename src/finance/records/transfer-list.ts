/**
 * Lists transfers, newest id first. Goal: the cost of a page depends on the page, not on the length of the lists.
 *
 * Method: table transfer has no index by account, because every posting would pay for it. The direct postings of an
 * account are found through its entries, along which their ids rise, and its holds through their own indexes. Each of
 * these lists is walked from the page's position until it has a page of matches; the newest of all of them are the page.
 *
 * Ids and times both rise along one account. But two accounts' postings of the same moment may have ids in one order and
 * times in the other. So a page token holds the last id and also the latest time among the matches that are still to
 * come: a search by that time finds where to continue in each account's entries, and the id decides from there.
 *
 * Transfers with an idempotency key are found through the table that remembers keys: a caller's own by their digest, for an
 * admin all of them, one for each caller that used the key.
 *
 * test/finance/statements.sql has the printed statement of each branch.
 */
import type { ClientBase, Pool, QueryConfig } from "pg";
import { TransferState } from "../../../generated/server/finance/v1/transfer.ts";
import type { Actor } from "../policy.ts";
import { digestRangeOf, keyDigestsOf } from "../posting/idempotency.ts";
import type { Page, TransferFilter } from "../validation.ts";
import { type AccountId, INT64_MAX, type Micros, TIME_MAX, toTimestamptzOrNull } from "../values.ts";
import { bytesOf, EMPTY_PAGE, type Listed, type PagedRow, pageOf, readPageToken, toPage } from "./page.ts";
import { SELECT_TRANSFER, STATE, type TransferRecord, type TransferRow, toTransferRecord } from "./transfers.ts";

/** A caller with more accounts probably takes part in most transfers: then all transfers are scanned instead. */
const WALKED_ACCOUNTS_MAX = 200;

/** Stands in a token instead of a time: the page was not found by walking accounts. */
const NOT_WALKED = 0n;

/** Bytes of a row without its texts. */
const ROW_BYTES = 512;

interface ListedRow extends TransferRow, PagedRow {
  /** The latest created_at among the matches that were found but are not on the page. */
  readonly horizon: Micros | null;
}

/** One page of the transfers that the actor may see, newest id first. */
export async function listTransfers(
  db: Pool | ClientBase,
  actor: Actor,
  filter: TransferFilter,
  page: Page,
): Promise<Listed<TransferRecord>> {
  const filters = Object.values(filter);
  const { state } = filter;
  const [before = INT64_MAX, horizon] = readPageToken(page.token, 2, filters) ?? [];
  const isSettled = filter.settledAfter !== undefined || filter.settledBefore !== undefined;
  if (isSettled && state === TransferState.POSTED) return EMPTY_PAGE;
  const isWalk = filter.idempotencyKey === undefined && horizon !== NOT_WALKED;
  const accounts = isWalk ? await accountsToWalk(db, actor, filter, horizon !== undefined) : undefined;
  const common = [
    before,
    page.size + 1,
    state === TransferState.UNSPECIFIED ? null : state,
    toTimestamptzOrNull(filter.createdAfter),
    toTimestamptzOrNull(filter.createdBefore),
    filter.minAmount,
    filter.maxAmount === 0n ? INT64_MAX : filter.maxAmount,
    Object.keys(filter.metadata).length === 0 ? null : JSON.stringify(filter.metadata),
    filter.accountId ?? null,
    toTimestamptzOrNull(filter.settledAfter),
    toTimestamptzOrNull(filter.settledBefore),
    filter.counterpartyAccountId ?? null,
  ];
  const { rows } = await db.query<ListedRow>(
    accounts === undefined ? withoutWalk(actor, filter, common) : walkOf(accounts, filter, common, horizon),
  );
  return toPage(rows, filters, toTransferRecord, (last) => [
    last.id,
    accounts === undefined ? NOT_WALKED : (last.horizon ?? TIME_MAX),
  ]);
}

function walkOf(
  accounts: readonly AccountId[],
  { state, createdBefore }: TransferFilter,
  common: readonly unknown[],
  horizon: Micros | undefined,
): QueryConfig {
  const isPending = state === TransferState.PENDING;
  return {
    name: `walk_transfers${isPending ? "_pending" : ""}`,
    text: pageAmong(walk(isPending)),
    values: [...common, accounts, toTimestamptzOrNull(earliest(horizon, createdBefore))],
  };
}

function withoutWalk(
  { admin, subject }: Actor,
  { idempotencyKey: key, state, settledAfter, settledBefore }: TransferFilter,
  common: readonly unknown[],
): QueryConfig {
  if (key === undefined) {
    const source = sourceOf(state, settledAfter !== undefined || settledBefore !== undefined);
    return {
      name: `scan_transfers_${source}`,
      text: pageAmong(SCAN[source]),
      values: [...common, admin ? null : subject],
    };
  }
  return admin
    ? {
        name: "find_transfers_by_key",
        text: pageAmong(BY_KEY),
        values: [...common, key, ...digestRangeOf(key)],
      }
    : {
        name: "find_transfer_by_own_key",
        text: pageAmong(BY_OWN_KEY),
        values: [...common, subject, key, Object.values(keyDigestsOf(subject, key))],
      };
}

/**
 * The accounts through which all matches that the actor may see can be found.
 *
 * @param all whether to list even many accounts, because a walk that has begun must continue.
 * @returns undefined when all transfers should be scanned instead.
 */
async function accountsToWalk(
  db: Pool | ClientBase,
  { admin, subject }: Actor,
  { accountId: asked, counterpartyAccountId: counterparty }: TransferFilter,
  all: boolean,
): Promise<AccountId[] | undefined> {
  if (asked !== undefined && counterparty !== undefined) {
    const { rows } = await db.query<{ id: AccountId }>({
      name: "shorter_statement",
      text: `
select a.id
  from account a
  join account_balance b on b.account_id = a.id
 where a.id in ($1::bigint, $2::bigint)
   and ($3::text is null or a.owner = $3)
 order by b.last_sequence, a.id
 limit 1`,
      values: [asked, counterparty, admin ? null : subject],
    });
    return rows.map(({ id }) => id);
  }
  if (admin) return asked === undefined ? undefined : [asked];
  const { rows } = await db.query<{ id: AccountId }>({
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
    values: [subject, asked ?? null, all ? null : WALKED_ACCOUNTS_MAX + 1],
  });
  if (asked !== undefined && rows[0]?.id === asked) return [asked];
  return !all && rows.length > WALKED_ACCOUNTS_MAX ? undefined : rows.map(({ id }) => id);
}

/** The last time at which an entry can still match; undefined for any. A forged token can hold a time past TIME_MAX. */
function earliest(horizon: Micros | undefined, createdBefore: Micros | undefined): Micros | undefined {
  const times = [horizon, createdBefore].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : times.reduce((a, b) => (a < b ? a : b), TIME_MAX);
}

// Only holds can be in another state than POSTED, and only holds are settled.
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
   and ($9::bigint is null or $9 in (t.debit_account_id, t.credit_account_id))
   and ($12::bigint is null or $12 in (t.debit_account_id, t.credit_account_id))`;

const OF_CALLER = `
   and ($13::text is null or exists (select from account
                                      where id in (t.debit_account_id, t.credit_account_id)
                                        and owner = $13))`;

/** Looks up the transfer that a row names, if it matches. `offset 0`: one after the other, in the order of the rows. */
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

// `offset 0`: looked up for each hold; the planner would otherwise read all settlements.
const SETTLED = `
   and ($10::timestamptz is null and $11::timestamptz is null
        or exists (select from settlement
                    where transfer_id = h.transfer_id
                      and ($10 is null or settled_at >= $10)
                      and ($11 is null or settled_at < $11)
                   offset 0))`;

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
   -- Bounds on the settlement scan holds instead; here they are always null.
   and ($10::timestamptz is null and $11::timestamptz is null)
 order by t.id desc
 limit $2::bigint`,
  held: scanHolds("true"),
  // A literal, so that the partial index of pending holds is used.
  pending: scanHolds("h.state = 2"),
};

function findByKey(keyed: string, conditions: string): string {
  return `
select t.id, t.created_at
  from (${keyed}) k
 cross join lateral (
   select t.id, t.created_at
     from transfer t
     left join hold h on t.pending and h.transfer_id = t.id
    where t.id = k.transfer_id
      and t.id < $1::bigint
      and ($3::smallint is null or ${STATE} = $3)
      and ${conditions}${FILTERS}${SETTLED}
   offset 0
 ) t
 order by t.id desc
 limit $2::bigint`;
}

// Keys that settled a hold lead to the hold, whose own key may be another.
const BY_KEY = findByKey(
  `
select transfer_id from idempotency where key_digest between $14::uuid and $15::uuid
union all
select transfer_id from former_key where idempotency_key = $13::text`,
  "t.idempotency_key = $13",
);

// The key of another caller's hold is not told, even if this caller settled the hold with an equal key.
const BY_OWN_KEY = findByKey(
  "select transfer_id from idempotency where key_digest = any($15::uuid[])",
  `t.idempotency_key = $14::text
      and coalesce(t.created_by, (select owner from account where id = t.debit_account_id)) = $13${OF_CALLER}`,
);

// A range of one account: only the account's own index has this order, so no other index is walked.
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
 * Walks accounts. Their entries include captures, which have the older ids of their holds and are skipped: at most those
 * since the oldest hold that can be on the page, because no older posting can be on it.
 */
function walk(pending: boolean): string {
  return `
select found.id, found.created_at
  from unnest($13::bigint[]) as walked (account_id)
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
       and e.sequence <= case when $14::timestamptz is null then ${INT64_MAX}
                              else sequence_at(walked.account_id, $14)
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

// The row holds the names of both owners, but the reply does not.
const PAGE = pageOf(
  `
select t.*, ${bytesOf(ROW_BYTES, "t.metadata::text", "t.description", 't."debitOwner"', 't."creditOwner"')} as row_bytes
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
