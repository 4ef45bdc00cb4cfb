/**
 * Times as the service writes them: RFC 3339 strings in UTC with 0, 3, 6 or 9 decimal places. They are strings because a Date
 * has only milliseconds: a time of the service, which has microseconds, would mean another one when it is sent back.
 *
 * https://protobuf.dev/reference/protobuf/google.protobuf/#timestamp
 */

/** A google.protobuf.Timestamp. */
export interface Instant {
  /** Since 1970, rounded down. */
  readonly seconds: bigint;
  readonly nanos: number;
}

const RFC_3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([-+])(\d\d):(\d\d))$/;
const NANOS_PER_SECOND = 1_000_000_000;

/** @throws TypeError unless it is an RFC 3339 time from year 1 to 9999. */
export function parseTime(time: string): Instant {
  const [, local, fraction = "", sign, hours = 0, minutes = 0] = RFC_3339.exec(time.toUpperCase()) ?? [];
  const localMs = Date.parse(`${local}Z`);
  const offsetSeconds = Number(`${sign ?? ""}1`) * (Number(hours) * 3600 + Number(minutes) * 60);
  const seconds = localMs / 1000 - offsetSeconds;
  // Date.parse makes February 30 a day in March.
  const isReal = secondsText(localMs / 1000) === local && Number(hours) < 24 && Number(minutes) < 60;
  if (!isReal || secondsText(seconds) === undefined) throw noTime(time);
  return { seconds: BigInt(seconds), nanos: Number(fraction.padEnd(9, "0")) };
}

/** @throws TypeError outside the years 1 to 9999. */
export function formatTime({ seconds, nanos }: Instant): string {
  const text = secondsText(Number(seconds));
  if (text === undefined || nanos < 0 || nanos >= NANOS_PER_SECOND) throw noTime(`${seconds} s, ${nanos} ns`);
  let fraction = `${nanos}`.padStart(9, "0");
  while (fraction.endsWith("000")) fraction = fraction.slice(0, -3);
  return `${text}${fraction && `.${fraction}`}Z`;
}

function noTime(time: string): TypeError {
  return new TypeError(`not a time from year 1 to 9999: ${time}`);
}

/** Without a time zone; undefined outside the years 1 to 9999. */
function secondsText(seconds: number): string | undefined {
  const isKnown = seconds >= -62_135_596_800 && seconds < 253_402_300_800;
  return isKnown ? new Date(seconds * 1000).toISOString().slice(0, 19) : undefined;
}

/**
 * A time of the service as a Date, for display or calculation. It has no microseconds: to ask the service about the same time,
 * send the string itself.
 *
 * @throws TypeError unless it is an RFC 3339 time.
 * @example
 * toDate(transfer.createdAt).toLocaleString();
 */
export function toDate(time: string): Date {
  const { seconds, nanos } = parseTime(time);
  return new Date(Number(seconds) * 1000 + Math.floor(nanos / 1_000_000));
}

/**
 * A Date as a time for requests.
 *
 * @throws RangeError for an invalid Date, TypeError beyond the years 1 to 9999.
 * @example
 * finance.getBalance({ accountId: 4n, asOf: fromDate(new Date()) });
 */
export function fromDate(date: Date): string {
  return formatTime(parseTime(date.toISOString()));
}

/**
 * The next microsecond, the service's smallest step. Bounds such as `after` and `createdAfter` include their own time, so use
 * this to ask for everything later.
 *
 * @throws TypeError unless it is an RFC 3339 time.
 * @example
 * finance.listEntries.each({ accountId: 4n, after: justAfter(last.createdAt) });
 */
export function justAfter(time: string): string {
  const { seconds, nanos } = parseTime(time);
  const next = Math.floor(nanos / 1000) * 1000 + 1000;
  return formatTime(
    next < NANOS_PER_SECOND ? { seconds, nanos: next } : { seconds: seconds + 1n, nanos: next - NANOS_PER_SECOND },
  );
}
