import { type Account, type BalancePoint, type Currency, toDate } from "@finance-service/client";
import { isDebitNormal } from "../labels.ts";

/** The balance from a time on. */
export interface ChartPoint {
  readonly time: Date;
  readonly balance: bigint;
}

/**
 * The course of a balance: where it stood at the start, then at the end of each interval. The last interval may not be over:
 * its balance is that of now.
 *
 * @param end of the span that was asked for.
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

/** A sum as a chart needs it: in the major unit, as near as a floating-point number comes. */
export function toMajor(minor: bigint, { minorUnitDigits }: Pick<Currency, "minorUnitDigits">): number {
  return Number(minor) / 10 ** minorUnitDigits;
}
