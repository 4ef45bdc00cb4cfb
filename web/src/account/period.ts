import { writeDay } from "../labels.ts";

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
  const start = readDay(from);
  const last = readDay(until);
  return start && last && start <= last ? { start, end: dayAfter(last) } : undefined;
}

/** The first and the last day, as readPeriod reads them. */
export function writePeriod({ start, end }: Period): { readonly from: string; readonly until: string } {
  return { from: writeDay(start), until: writeDay(lastDayOf({ end })) };
}

export function lastDayOf({ end }: Pick<Period, "end">): Date {
  return new Date(end.getFullYear(), end.getMonth(), end.getDate() - 1);
}

function readDay(text: string | null): Date | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? "") ?? [];
  const time = new Date(Number(year), Number(month) - 1, Number(day));
  // February 30 would be a day in March, and the year 99 one of the last century.
  return text !== null && !Number.isNaN(time.getTime()) && writeDay(time) === text ? time : undefined;
}

function dayAfter(time: Date): Date {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate() + 1);
}
