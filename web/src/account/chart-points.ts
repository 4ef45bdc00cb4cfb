import { type Account, type BalancePoint, type Currency, toDate } from "@finance-service/client";
import { isDebitNormal } from "../labels.ts";

/** The balance from this time on. */
export interface ChartPoint {
  readonly time: Date;
  readonly balance: bigint;
}

/**
 * The balance at the start, then at the end of each interval. The last interval may not have ended: its balance is the
 * current one.
 *
 * @param end The end of the requested span.
 */
export function chartPoints(points: readonly BalancePoint[], end: Date, account: Pick<Account, "type">): ChartPoint[] {
  const timed = points.flatMap((point) => (point.time === undefined ? [] : [{ ...point, time: toDate(point.time) }]));
  const [first] = timed;
  if (first === undefined) return [];
  const surplus = BigInt(first.totalCredits) - BigInt(first.totalDebits);
  const rise = isDebitNormal(account) ? -surplus : surplus;
  return [
    { time: first.time, balance: first.balance - rise },
    ...timed.map(({ balance }, index) => ({ time: timed[index + 1]?.time ?? end, balance })),
  ];
}

/** Minor units as a floating-point number in the major unit, for a chart. Large sums lose digits. */
export function toMajor(minor: bigint, { minorUnitDigits }: Pick<Currency, "minorUnitDigits">): number {
  return Number(minor) / 10 ** minorUnitDigits;
}
