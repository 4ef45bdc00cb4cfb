import { dayAfter, readDay, writeDay } from "../labels.ts";

/** A period of whole days here, for a statement. */
export interface Period {
  /** The first day's midnight. */
  readonly start: Date;
  /** The midnight after the last day. */
  readonly end: Date;
}

/** The month so far, or the one before. */
export function monthOf(now: Date, monthsAgo: 0 | 1): Period {
  const start = new Date(now.getFullYear(), now.getMonth() - monthsAgo, 1);
  return { start, end: monthsAgo === 0 ? dayAfter(now) : new Date(now.getFullYear(), now.getMonth(), 1) };
}

/** Reads the days in an address, as "2026-11-01", both included; undefined unless both are days in order. */
export function readPeriod(from: string | null, until: string | null): Period | undefined {
  const start = readDay(from ?? "");
  const last = readDay(until ?? "");
  return start && last && start <= last ? { start, end: dayAfter(last) } : undefined;
}

/** The first and the last day, as readPeriod reads them. */
export function writePeriod({ start, end }: Period): { readonly from: string; readonly until: string } {
  return { from: writeDay(start), until: writeDay(lastDayOf({ end })) };
}

export function lastDayOf({ end }: Pick<Period, "end">): Date {
  return new Date(end.getFullYear(), end.getMonth(), end.getDate() - 1);
}
