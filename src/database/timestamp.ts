/**
 * Reads PostgreSQL's text form of a timestamptz exactly. A Date would round it to milliseconds.
 *
 * The usual form is read digit by digit, because a statement of a thousand entries contains two thousand of them. A regular
 * expression reads the rare forms (years before 100 or after 9999, BC).
 */
const ZERO = 48;
const NINE = 57;
const MICROS_PER_MILLI = 1000;
const FRACTION_SCALE = [1_000_000, 100_000, 10_000, 1000, 100, 10, 1] as const;

/** The usual form: "2026-01-31 23:59:59", a fraction, "+00". */
const FRACTION_START = 20;
const LENGTH_MIN = 22;
const LENGTH_MAX = 29;

const ANY_FORM = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?\+00( BC)?$/;

/**
 * Reads a timestamptz that PostgreSQL wrote with `datestyle = ISO` and `timezone = UTC`.
 *
 * @returns microseconds since 1970-01-01T00:00:00Z, negative before.
 * @throws RangeError for `infinity`, `-infinity`, another time zone, and any other text that is no instant in UTC.
 */
export function parseTimestamptz(text: string): bigint {
  const micros = parseUsualForm(text);
  // The number is exact until the year 2255.
  return Number.isSafeInteger(micros) ? BigInt(micros) : parseAnyForm(text);
}

/** @returns NaN for any other form. */
function parseUsualForm(text: string): number {
  const length = text.length;
  if (length < LENGTH_MIN || length > LENGTH_MAX || !text.endsWith("+00")) return Number.NaN;
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== " " || text[13] !== ":" || text[16] !== ":") return Number.NaN;

  const year = digits(text, 0, 4);
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  if (!(year >= 100)) return Number.NaN;

  const millis = Date.UTC(
    year,
    digits(text, 5, 7) - 1,
    digits(text, 8, 10),
    digits(text, 11, 13),
    digits(text, 14, 16),
    digits(text, 17, 19),
  );
  return millis * MICROS_PER_MILLI + fraction(text, length - 3);
}

function fraction(text: string, end: number): number {
  if (end === FRACTION_START - 1) return 0;
  if (text[FRACTION_START - 1] !== ".") return Number.NaN;
  const scale = FRACTION_SCALE[end - FRACTION_START] ?? Number.NaN;
  return end === FRACTION_START ? Number.NaN : digits(text, FRACTION_START, end) * scale;
}

function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code < ZERO || code > NINE) return Number.NaN;
    value = value * 10 + (code - ZERO);
  }
  return value;
}

function parseAnyForm(text: string): bigint {
  const match = ANY_FORM.exec(text);
  if (match === null) throw new RangeError(`not an instant in UTC: ${JSON.stringify(text)}`);
  const [, year = "", month, day, hour, minute, second, fractionDigits = "", era] = match;

  const date = new Date(0);
  // 1 BC is the year 0.
  date.setUTCFullYear(era === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  return BigInt(date.getTime()) * BigInt(MICROS_PER_MILLI) + BigInt(fractionDigits.padEnd(6, "0"));
}
