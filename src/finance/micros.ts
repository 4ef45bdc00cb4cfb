import { Timestamp } from "../../generated/server/google/protobuf/timestamp.ts";

/** A point in time: microseconds since the epoch, UTC, as PostgreSQL keeps it. */
export type Micros = bigint;

const MICROS_PER_SECOND = 1_000_000n;

/** The first and last instant that google.protobuf.Timestamp allows: the years 1 to 9999. */
const SECONDS_MIN = -62_135_596_800n;
const SECONDS_MAX = 253_402_300_799n;

/** The last microsecond that {@link toTimestamp} can carry. */
export const TIME_MAX: Micros = SECONDS_MAX * MICROS_PER_SECOND + MICROS_PER_SECOND - 1n;

/** The protobuf form. */
export function toTimestamp(time: Micros): Timestamp {
  let seconds = time / MICROS_PER_SECOND;
  let micros = time % MICROS_PER_SECOND;
  if (micros < 0n) {
    seconds -= 1n;
    micros += MICROS_PER_SECOND;
  }
  return Timestamp.create({ seconds, nanos: Number(micros) * 1000 });
}

/**
 * Reads the protobuf form; what is finer than a microsecond is cut off.
 *
 * @returns undefined when it lies outside the years 1 to 9999 or its nanos outside a second.
 */
export function fromTimestamp(timestamp: Timestamp): Micros | undefined {
  const { seconds, nanos } = timestamp;
  if (seconds < SECONDS_MIN || seconds > SECONDS_MAX || nanos < 0 || nanos > 999_999_999) return undefined;
  return seconds * MICROS_PER_SECOND + BigInt(Math.trunc(nanos / 1000));
}

/** The form that PostgreSQL reads as timestamptz. */
export function toTimestamptz(time: Micros): string {
  const { seconds, nanos } = toTimestamp(time);
  const second = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  return `${second}.${String(nanos / 1000).padStart(6, "0")}Z`;
}
