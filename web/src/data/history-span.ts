import { Interval } from "@finance-service/client";

export interface Span {
  readonly start: Date;
  /** Absent: until now. */
  readonly end?: Date | undefined;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A chart has no room for more points. */
const POINTS_MAX = 800;

/** The span to ask the service for, with the finest interval that stays within POINTS_MAX. */
export function historySpan({ start, end }: Span, now: Date): { start: Date; end: Date; interval: Interval } {
  const until = end ?? now;
  const length = until.getTime() - start.getTime();
  return { start, end: until, interval: intervalFor(length) };
}

function intervalFor(lengthMs: number): Interval {
  if (lengthMs <= POINTS_MAX * HOUR_MS) return Interval.INTERVAL_HOUR;
  if (lengthMs <= POINTS_MAX * DAY_MS) return Interval.INTERVAL_DAY;
  return lengthMs <= POINTS_MAX * 7 * DAY_MS ? Interval.INTERVAL_WEEK : Interval.INTERVAL_MONTH;
}
