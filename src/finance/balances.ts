/** Balances at points in time, by the entries' created_at. */
import type { ClientBase, Pool } from "pg";
import { withConnection, withTransaction } from "../database/index.ts";
import { invalidArgument } from "./fields.ts";
import type { AccountId } from "./identifiers.ts";
import { type Micros, toTimestamptz } from "./micros.ts";
import type { Minor } from "./money.ts";
import { settleAll } from "./pipeline.ts";
import type { HistorySpan } from "./validation.ts";

export interface BalanceAt {
  readonly balance: Minor;
  readonly asOf: Micros;
  /** Of the last entry that counts; 0 when there was none. */
  readonly sequence: bigint;
}

export interface BalancePoint {
  readonly time: Micros;
  readonly balance: Minor;
  /** Of any size. */
  readonly debits: bigint;
  /** Of any size. */
  readonly credits: bigint;
}

export interface CurrencyTotals {
  readonly currency: string;
  readonly accounts: bigint;
  /** Of any size. */
  readonly debits: bigint;
  /** Of any size. */
  readonly credits: bigint;
  readonly balanced: boolean;
}

const HISTORY_POINTS_MAX = 10_000n;

/**
 * The balance after the last entry created at or before a time.
 *
 * @param asOf absent: now.
 * @throws FinanceError invalid_argument for a time in the future.
 */
export async function loadBalance(
  pool: Pool,
  id: AccountId,
  asOf: Micros | undefined,
  signal: AbortSignal,
): Promise<BalanceAt> {
  const settled =
    asOf === undefined
      ? undefined
      : await withConnection(pool, (client) => readSettledBalance(client, id, asOf), signal);
  return settled ?? (await withTransaction(pool, (client) => readLockedBalance(client, id, asOf), signal));
}

/** The balance as of a time before the account last changed: no later entry can be older, so it is settled for ever. */
async function readSettledBalance(client: ClientBase, id: AccountId, asOf: Micros): Promise<BalanceAt | undefined> {
  const { rows } = await client.query<{ sequence: bigint; balance: bigint }>({
    name: "settled_balance_at",
    text: `
select s.sequence, coalesce(e.balance_after, 0) as balance
  from account_balance b
 cross join lateral (select sequence_at(b.account_id, $2::timestamptz) as sequence) s
  left join entry e on e.account_id = b.account_id and e.sequence = s.sequence
 where b.account_id = $1::bigint
   and b.updated_at > $2::timestamptz`,
    values: [id, toTimestamptz(asOf)],
  });
  return rows[0] === undefined ? undefined : { ...rows[0], asOf };
}

/**
 * The balance as of now, or of any time at all.
 *
 * An entry's time is taken when its account is locked, so one that is being posted may still get a time in the past: the
 * account is locked here too, and the answer can't be overtaken.
 */
async function readLockedBalance(client: ClientBase, id: AccountId, asOf: Micros | undefined): Promise<BalanceAt> {
  const locking = client.query("select from account_balance where account_id = $1::bigint for share", [id]);
  // A statement of its own: the locking one would compute the time before it waits.
  const reading = client.query<{ now: Micros }>("select clock_timestamp() as now");
  await settleAll([locking, reading]);
  const now = (await reading).rows[0]?.now ?? 0n;
  const time = asOf ?? now;
  refuseFuture(time, now);
  const { rows } = await client.query<{ sequence: bigint; balance: bigint }>({
    name: "balance_at",
    text: `
select s.sequence, coalesce(e.balance_after, 0) as balance
  from (select sequence_at($1::bigint, $2::timestamptz) as sequence) s
  left join entry e on e.account_id = $1::bigint and e.sequence = s.sequence`,
    values: [id, toTimestamptz(time)],
  });
  return { balance: rows[0]?.balance ?? 0n, asOf: time, sequence: rows[0]?.sequence ?? 0n };
}

/** What of an account's statement a history covers. */
interface HistoryExtent {
  readonly points: bigint;
  /** The end of the span, or now. */
  readonly until: Micros;
  /** Of the last entry before the first interval and of the last one within the last interval; 0 where there is none. */
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * An account's balance at the end of each calendar interval of a span, and what was posted within it, in UTC.
 *
 * Reads the entries of the span once, however many intervals it has.
 */
export async function loadBalanceHistory(
  db: Pool | ClientBase,
  debitNormal: boolean,
  span: HistorySpan,
): Promise<BalancePoint[]> {
  const start = toTimestamptz(span.start);
  const step = `1 ${span.interval}`;
  const { rows: extents } = await db.query<HistoryExtent>({
    name: "history_extent",
    text: `
select ceil(extract(epoch from until - begin) / extract(epoch from $4::interval))::bigint as points, until,
       sequence_at($5::bigint, begin - interval '1 microsecond') as first,
       sequence_at($5::bigint,
                   date_trunc($3, until - interval '1 microsecond', 'UTC') + $4::interval - interval '1 microsecond') as last
  from (select date_trunc($3, $1::timestamptz, 'UTC') as begin, coalesce($2::timestamptz, clock_timestamp()) as until)
       as span`,
    values: [start, span.end === undefined ? null : toTimestamptz(span.end), span.interval, step, span.accountId],
  });
  const [extent] = extents;
  if (extent === undefined) throw new Error("a select without a table returned no row");
  const { points, until, first, last } = extent;
  if (points > HISTORY_POINTS_MAX) {
    throw invalidArgument(
      "start",
      `is about ${points} intervals before the end; at most ${HISTORY_POINTS_MAX} are answered`,
    );
  }
  // Not prepared by name: how the entries are best read depends on how many the span has.
  const { rows } = await db.query<{ time: Micros; balance: bigint; debits: string; credits: string }>({
    text: `
with point as (
  select array_agg(time order by time) as times
    from generate_series(date_trunc($3, $1::timestamptz, 'UTC'), $2::timestamptz - interval '1 microsecond', $4::interval)
         as time
), posted as (
  select width_bucket(created_at, (select times from point)) as ordinal, max(sequence) as last,
         coalesce(sum(amount) filter (where amount > 0), 0) as raised,
         coalesce(-sum(amount) filter (where amount < 0), 0) as lowered
    from entry
   where account_id = $5::bigint
     and sequence > $7::bigint
     and sequence <= $8::bigint
   group by ordinal
), ending as (
  select p.time, coalesce(posted.raised, 0) as raised, coalesce(posted.lowered, 0) as lowered,
         coalesce(max(posted.last) over (order by p.ordinal), $7) as last
    from point
   cross join unnest(times) with ordinality as p (time, ordinal)
    left join posted on posted.ordinal = p.ordinal
)
select ending.time, coalesce(e.balance_after, 0) as balance,
       case when $6::boolean then raised else lowered end as debits,
       case when $6::boolean then lowered else raised end as credits
  from ending
  left join lateral (select balance_after
                       from entry
                      where account_id = $5::bigint and sequence = ending.last
                     offset 0) e on true
 order by ending.time`,
    values: [start, toTimestamptz(until), span.interval, step, span.accountId, debitNormal, first, last],
  });
  return rows.map(({ debits, credits, ...point }) => ({ ...point, debits: BigInt(debits), credits: BigInt(credits) }));
}

/**
 * Proves the books from the entries alone: per currency the debits against the credits, and each account's running
 * balance against the sum of its entries.
 *
 * @param asOf absent: now.
 * @throws FinanceError invalid_argument for the future.
 */
export async function loadTrialBalance(
  pool: Pool,
  asOf: Micros | undefined,
  signal: AbortSignal,
): Promise<{ asOf: Micros; currencies: CurrencyTotals[] }> {
  const read = async (client: ClientBase) => {
    // One snapshot for the clock and the sums; a posting counts wholly or not at all.
    const { rows: clock } = await client.query<{ now: Micros }>("select clock_timestamp() as now");
    const now = clock[0]?.now ?? 0n;
    refuseFuture(asOf ?? now, now);
    const { rows } = await client.query<{
      currency: string;
      accounts: bigint;
      debits: string;
      credits: string;
      chained: boolean;
    }>({
      name: "trial_balance",
      text: `
with posted as (
  select account_id, max(sequence) as last, sum(amount) as net,
         coalesce(sum(amount) filter (where amount > 0), 0) as raised,
         coalesce(-sum(amount) filter (where amount < 0), 0) as lowered
    from entry
   where $1::timestamptz is null or created_at <= $1
   group by account_id
)
select a.currency, count(*) as accounts,
       coalesce(sum(case when b.debit_normal then p.raised else p.lowered end), 0)::text as debits,
       coalesce(sum(case when b.debit_normal then p.lowered else p.raised end), 0)::text as credits,
       coalesce(bool_and(p.net is not distinct from e.balance_after), true) as chained
  from account a
  join account_balance b on b.account_id = a.id
  left join posted p on p.account_id = a.id
  left join entry e on e.account_id = p.account_id and e.sequence = p.last
 where $1::timestamptz is null or a.created_at <= $1
 group by a.currency
 order by a.currency`,
      values: [asOf === undefined ? null : toTimestamptz(asOf)],
    });
    const currencies = rows.map(({ currency, accounts, debits, credits, chained }) => ({
      currency,
      accounts,
      debits: BigInt(debits),
      credits: BigInt(credits),
      balanced: chained && debits === credits,
    }));
    return { asOf: asOf ?? now, currencies };
  };
  return await withTransaction(pool, read, signal);
}

function refuseFuture(time: Micros, now: Micros): void {
  if (time > now) throw invalidArgument("as_of", "must not lie in the future");
}
