/** Balances at points in time, by the recorded time of entries. Callers must make these times final before. */
import type { ClientBase, Pool } from "pg";
import { invalidArgument } from "../errors.ts";
import type { HistorySpan } from "../validation.ts";
import { type AccountId, type Micros, type Minor, toTimestamptz } from "../values.ts";

interface BalanceAt {
  readonly balance: Minor;
  /** The sequence of the last entry that counts; 0 if there is none. */
  readonly sequence: bigint;
}

export interface BalancePoint {
  readonly time: Micros;
  readonly balance: Minor;
  /** The sums can have any size. */
  readonly debits: bigint;
  readonly credits: bigint;
}

const HISTORY_POINTS_MAX = 10_000n;

/** The balance after the last entry recorded at or before a time that is final for the account. */
export async function loadBalance(client: ClientBase, id: AccountId, asOf: Micros): Promise<BalanceAt> {
  const { rows } = await client.query<BalanceAt>({
    name: "balance_at",
    text: `
select s.sequence, coalesce(e.balance_after, 0) as balance
  from (select sequence_at($1::bigint, $2::timestamptz) as sequence) s
  left join entry e on e.account_id = $1::bigint and e.sequence = s.sequence`,
    values: [id, toTimestamptz(asOf)],
  });
  return rows[0] ?? { balance: 0n, sequence: 0n };
}

/** The part of an account's statement that a history covers. */
interface HistoryExtent {
  readonly points: bigint;
  /** The sequences of the last entry before the first interval and of the last one before the end; 0 for none. */
  readonly first: bigint;
  readonly last: bigint;
}

/** A span of an account's history whose end is final. */
export type SettledSpan = Omit<HistorySpan, "end"> & {
  /** Exclusive. */
  readonly end: Micros;
};

/**
 * An account's balance at the end of each calendar interval of a span, in UTC, and the sums posted within it. The span's
 * end cuts the last interval. The entries of the span are read once, however many intervals it has.
 *
 * @param expect called with the number of points before they are read; it may throw.
 */
export async function loadBalanceHistory(
  db: Pool | ClientBase,
  debitNormal: boolean,
  span: SettledSpan,
  expect: (points: number) => void = () => undefined,
): Promise<BalancePoint[]> {
  const start = toTimestamptz(span.start);
  const end = toTimestamptz(span.end);
  const step = `1 ${span.interval}`;
  const { rows: extents } = await db.query<HistoryExtent>({
    name: "history_extent",
    // Months are counted as such, because their length varies.
    text: `
select case $3
         when 'month' then 12 * (extract(year from latest) - extract(year from begin))
                           + extract(month from latest) - extract(month from begin)
         else extract(epoch from latest - begin) / extract(epoch from $4::interval)
       end::bigint + 1 as points,
       sequence_at($5::bigint, date_trunc($3, $1::timestamptz, 'UTC') - interval '1 microsecond') as first,
       sequence_at($5::bigint, $2::timestamptz - interval '1 microsecond') as last
  from (select date_trunc($3, $1::timestamptz, 'UTC') at time zone 'UTC' as begin,
               date_trunc($3, $2::timestamptz - interval '1 microsecond', 'UTC') at time zone 'UTC' as latest) as span`,
    values: [start, end, span.interval, step, span.accountId],
  });
  const [extent] = extents;
  if (extent === undefined) throw new Error("a select without a table returned no row");
  const { points, first, last } = extent;
  // The span has not begun.
  if (points < 1n) return [];
  if (points > HISTORY_POINTS_MAX) {
    throw invalidArgument("start", `is ${points} intervals before the end; at most ${HISTORY_POINTS_MAX} are allowed`);
  }
  expect(Number(points));
  // Not prepared by name: the best plan depends on the number of entries in the span.
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
    values: [start, end, span.interval, step, span.accountId, debitNormal, first, last],
  });
  return rows.map(({ debits, credits, ...point }) => ({ ...point, debits: BigInt(debits), credits: BigInt(credits) }));
}
