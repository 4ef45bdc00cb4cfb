import { expect, test } from "vitest";
import { monthOf, readPeriod, writePeriod } from "../../web/src/account/period.ts";

test("a period has both of its days in full", () => {
  expect(readPeriod("2026-02-28", "2026-02-28")).toEqual({ start: new Date(2026, 1, 28), end: new Date(2026, 2, 1) });
  expect(readPeriod("2025-12-31", "2026-01-01")).toEqual({ start: new Date(2025, 11, 31), end: new Date(2026, 0, 2) });
});

test.each([
  [null, "2026-01-01"],
  ["2026-01-01", null],
  ["2026-01-02", "2026-01-01"],
  ["2026-02-30", "2026-03-01"],
  ["2026-13-01", "2026-13-02"],
  ["26-01-01", "26-01-02"],
  ["9999-12-30", "9999-12-31"],
  ["0099-01-01", "0099-01-02"],
  ["2026-01-01T00:00", "2026-01-02"],
  ["", ""],
])("from %j until %j is no period", (from, until) => {
  expect(readPeriod(from, until)).toBeUndefined();
});

test("this month ends today, the last one with its last day, also across a year", () => {
  const now = new Date(2026, 0, 15, 13, 30);
  expect(writePeriod(monthOf(now, 0))).toEqual({ from: "2026-01-01", until: "2026-01-15" });
  expect(writePeriod(monthOf(now, 1))).toEqual({ from: "2025-12-01", until: "2025-12-31" });
});
