/**
 * The trial balance: what was debited and credited in each currency up to a time. Goal: its cost does not grow with the
 * ledger, and the answer is exact.
 *
 * Method: it adds up entries by their recorded time, which an index of ranges (BRIN) finds, and keeps running totals in a
 * table at the times of some transfers. The next call starts from the latest running total before its time. Running totals
 * are made only up to a time that is final, so nothing can be recorded before them afterwards, and they never change.
 */
import type { ClientBase } from "pg";
import { DEBIT_NORMAL_TYPES } from "../account.ts";
import { accountDigits, type Micros, toTimestamptz, toTimestamptzOrNull } from "../values.ts";

export interface CurrencyTotals {
  readonly currency: string;
  /** The largest number among its accounts. */
  readonly minorUnitDigits: number;
  readonly accounts: bigint;
  /** The sums can have any size. */
  readonly debits: bigint;
  readonly credits: bigint;
}

/** Transfers from one running total to the next: about 100,000 entries, which take a tenth of a second. */
export const TRANSFERS_PER_TOTAL = 50_000;
/** Running totals in one statement: a second's work. */
const TOTALS_AT_ONCE = 20;

/** Where the sum starts: after a running total, or from the first entry. */
interface Start {
  readonly after: Micros | null;
  /** Times of transfers after the start at which running totals are missing, in order. */
  readonly missing: readonly Micros[];
}

/**
 * Adds up the entries of each currency.
 *
 * @param read runs one read in the caller's turn. What was added up before one fails is kept, so a repeated call goes on
 *   from there.
 * @param asOf a final time.
 */
export async function loadTrialBalance(
  read: <T>(work: (client: ClientBase) => Promise<T>) => Promise<T>,
  asOf: Micros,
  transfersPerTotal: number,
): Promise<CurrencyTotals[]> {
  for (;;) {
    const start = await read((client) => findStart(client, asOf, transfersPerTotal));
    if (start.missing.length === 0) return await read((client) => addUp(client, start.after, asOf));
    await read((client) => keepRunningTotals(client, start));
  }
}

async function findStart(client: ClientBase, asOf: Micros, transfersPerTotal: number): Promise<Start> {
  const { rows } = await client.query<{ time: Micros; kept: boolean }>({
    name: "running_total_start",
    text: `
with start as (
  select max(as_of) as time
    from running_total
   where as_of <= $1::timestamptz
)
select time, true as kept
  from start
 where time is not null
union all
(select distinct time, false
   from (select t.created_at as time
           from generate_series($2::bigint, (select max(id) from transfer), $2::bigint) as n
          cross join lateral (select created_at from transfer where id >= n order by id limit 1) t
          where t.created_at <= $1::timestamptz
            and t.created_at > coalesce((select time from start), '-infinity')
          limit ${TOTALS_AT_ONCE}) missing)
 order by time`,
    values: [toTimestamptz(asOf), transfersPerTotal],
  });
  return {
    after: rows.find(({ kept }) => kept)?.time ?? null,
    missing: rows.filter(({ kept }) => !kept).map(({ time }) => time),
  };
}

/**
 * The totals at the times $1, in order, of which $3 is the last, from the running total at $2. As CTE `total`: one row for
 * each time and currency, or one without a currency.
 *
 * @param accounts the table, or a subquery that reads all of it once.
 */
const totalsOf = (accounts: string) => `
posted (ordinal, currency, debits, credits) as (
  select 0, kept.*
    from running_total
   cross join unnest(currencies, debits, credits) as kept
   where as_of = $2::timestamptz
  union all
  select width_bucket(e.created_at - interval '1 microsecond', $1::timestamptz[]) + 1 as ordinal, a.currency,
         coalesce(sum(abs(e.amount)) filter (where (e.amount > 0) = (a.type in (${DEBIT_NORMAL_TYPES}))), 0),
         coalesce(sum(abs(e.amount)) filter (where (e.amount > 0) <> (a.type in (${DEBIT_NORMAL_TYPES}))), 0)
    from entry e
    join ${accounts} a on a.id = e.account_id
   where e.created_at > coalesce($2::timestamptz, '-infinity')
     and e.created_at <= $3::timestamptz
   group by ordinal, a.currency
), total as (
  select t.time, p.currency, sum(p.debits) as debits, sum(p.credits) as credits
    from unnest($1::timestamptz[]) with ordinality as t (time, ordinal)
    left join posted p on p.ordinal <= t.ordinal
   group by t.time, p.currency
)`;

function totalsAt(times: readonly Micros[], after: Micros | null): unknown[] {
  const texts = times.map(toTimestamptz);
  return [texts, toTimestamptzOrNull(after), texts.at(-1)];
}

async function keepRunningTotals(client: ClientBase, { after, missing }: Start): Promise<void> {
  // Not prepared by name, like the next one: the best plan depends on the times.
  await client.query({
    // Looking up the account of each entry would take four times as long.
    text: `
with ${totalsOf("(select id, currency, type from account offset 0)")}
insert into running_total (as_of, currencies, debits, credits)
select time,
       coalesce(array_agg(currency order by currency) filter (where currency is not null), '{}'),
       coalesce(array_agg(debits order by currency) filter (where currency is not null), '{}'),
       coalesce(array_agg(credits order by currency) filter (where currency is not null), '{}')
  from total
 group by time
    on conflict (as_of) do nothing`,
    values: totalsAt(missing, after),
  });
}

async function addUp(client: ClientBase, after: Micros | null, asOf: Micros): Promise<CurrencyTotals[]> {
  const { rows } = await client.query<{
    currency: string;
    minor_unit_digits: number | null;
    accounts: bigint;
    debits: string;
    credits: string;
  }>({
    text: `
with ${totalsOf("account")}
select a.*, coalesce(t.debits, 0) as debits, coalesce(t.credits, 0) as credits
  from (select currency, max(minor_unit_digits) as minor_unit_digits, count(*) as accounts
          from account
         where created_at <= $3::timestamptz
         group by currency) a
  left join total t on t.currency = a.currency
 order by a.currency`,
    values: totalsAt([asOf], after),
  });
  return rows.map(({ currency, minor_unit_digits, accounts, debits, credits }) => ({
    currency,
    minorUnitDigits: accountDigits(minor_unit_digits, currency),
    accounts,
    debits: BigInt(debits),
    credits: BigInt(credits),
  }));
}
