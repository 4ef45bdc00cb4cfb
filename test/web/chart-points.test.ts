import { expect, test } from "vitest";
import { AccountType, fromDate, Interval } from "../../packages/client/src/index.ts";
import { chartPoints } from "../../web/src/account/chart-points.ts";
import { historySpan } from "../../web/src/data/history-span.ts";

const usd = { currency: "USD", minorUnitDigits: 2 };
const day = (date: number) => new Date(Date.UTC(2026, 0, date));
const timeOf = (date: number) => fromDate(day(date));

test.each<[type: keyof typeof AccountType, before: bigint]>([
  ["ACCOUNT_TYPE_LIABILITY", 98n],
  ["ACCOUNT_TYPE_ASSET", 102n],
])("the course of an account of %s begins with what was there before: %d", (type, before) => {
  const points = [
    { time: timeOf(1), balance: 100n, debits: 3n, credits: 5n, totalDebits: "3", totalCredits: "5", ...usd },
    { time: timeOf(2), balance: 110n, debits: 0n, credits: 10n, totalDebits: "0", totalCredits: "10", ...usd },
  ];
  expect(chartPoints(points, day(3), { type: AccountType[type] })).toEqual([
    { time: day(1), balance: before },
    { time: day(2), balance: 100n },
    { time: day(3), balance: 110n },
  ]);
});

test("the start is exact even if an interval's turnover exceeds int64", () => {
  const debits = 2n ** 63n - 1n;
  const point = { time: timeOf(1), balance: 100n, debits, credits: debits };
  const points = [{ ...point, totalDebits: `${2n ** 64n}`, totalCredits: `${2n ** 64n + 7n}`, ...usd }];
  expect(chartPoints(points, day(2), { type: AccountType.ACCOUNT_TYPE_LIABILITY })[0]).toEqual({
    time: day(1),
    balance: 93n,
  });
});

test("without intervals there are no points", () => {
  expect(chartPoints([], day(3), { type: AccountType.ACCOUNT_TYPE_ASSET })).toEqual([]);
});

test.each<[days: number, interval: keyof typeof Interval]>([
  [1, "INTERVAL_HOUR"],
  [33, "INTERVAL_HOUR"],
  [34, "INTERVAL_DAY"],
  [800, "INTERVAL_DAY"],
  [801, "INTERVAL_WEEK"],
  [5600, "INTERVAL_WEEK"],
  [5601, "INTERVAL_MONTH"],
])("a span of %d days is shown by %s, until now when it has no end", (days, interval) => {
  const start = day(1);
  const now = new Date(start.getTime() + days * 86_400_000);
  expect(historySpan({ start }, now)).toEqual({ start, end: now, interval: Interval[interval] });
});
