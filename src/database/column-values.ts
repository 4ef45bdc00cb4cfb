/**
 * Values of columns in PostgreSQL's own forms: reads the text of a timestamptz, and writes columns of rows as array parameters.
 */

// Times are exact: a Date would round them to milliseconds. The usual form is read digit by digit, because a statement of a
// thousand entries contains two thousand of them. A regular expression reads the rare forms (years before 100 or after 9999,
// BC).

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

// Arrays are written in binary. node-postgres would write each element as text, escape it and quote it. That took a fifth of
// the time of a batch of a thousand transfers, and PostgreSQL reads binary elements faster too. The form is that of array_send:
// dimensions, a flag for nulls, the element type, the length, the lower bound; then the size of each element and its bytes.
// https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/adt/arrayfuncs.c

/** The values of each element type; null is an element without a value. */
export interface ArrayElements {
  readonly bigint: bigint;
  readonly smallint: number;
  readonly boolean: boolean;
  /** Microseconds since 1970-01-01T00:00:00Z. */
  readonly timestamptz: bigint;
  /** 32 hexadecimal digits. */
  readonly uuid: string;
  readonly text: string;
  /** JSON text. */
  readonly jsonb: string;
  /** A whole number. */
  readonly numeric: bigint;
}

export type ArrayElementType = keyof ArrayElements;

type ArrayWriter<Value> = <Row>(rows: readonly Row[], valueIn: (row: Row) => Value | null) => Buffer | string;

/** A parameter of type `element type[]`, with one element of each row. A bigint beyond 64 bits throws a RangeError. */
export const arrayOf: { readonly [Type in ArrayElementType]: ArrayWriter<ArrayElements[Type]> } = {
  bigint: sizedArray<bigint>(20, 8, writeBigint),
  smallint: sizedArray<number>(21, 2, ({ view }, at, value) => view.setInt16(at, value)),
  boolean: sizedArray<boolean>(16, 1, ({ view }, at, value) => view.setUint8(at, value ? 1 : 0)),
  timestamptz: sizedArray<bigint>(1184, 8, (room, at, value) => writeBigint(room, at, value - POSTGRES_EPOCH)),
  uuid: sizedArray<string>(2950, 16, writeUuid),
  text: textArray(25, ""),
  jsonb: textArray(3802, "\u0001"),
  // Rare, so it can stay text; digits need no quotes.
  numeric: (rows, valueIn) => `{${rows.map((row) => valueIn(row) ?? "null").join(",")}}`,
};

/** 2000-01-01T00:00:00Z, from which PostgreSQL counts, in microseconds since 1970. */
const POSTGRES_EPOCH = 946_684_800_000_000n;

const HEADER_SIZE = 20;
const LENGTH_SIZE = 4;
const NO_VALUE = -1;

/** The bytes of an array, seen in two ways. */
interface Room {
  readonly bytes: Buffer;
  readonly view: DataView;
}

function roomOf(size: number): Room {
  const bytes = Buffer.allocUnsafe(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) };
}

/** @param type the element type's id in `pg_type`. */
function sizedArray<Value>(
  type: number,
  size: number,
  write: (room: Room, at: number, value: Value) => void,
): ArrayWriter<Value> {
  return (rows, valueIn) => {
    const room = roomOf(HEADER_SIZE + rows.length * (LENGTH_SIZE + size));
    const { view } = room;
    let at = HEADER_SIZE;
    for (const row of rows) {
      const value = valueIn(row);
      view.setInt32(at, value === null ? NO_VALUE : size);
      at += LENGTH_SIZE;
      if (value === null) continue;
      write(room, at, value);
      at += size;
    }
    return finish(room, type, rows.length, at);
  };
}

/** @param prefix what comes before each text. */
function textArray(type: number, prefix: string): ArrayWriter<string> {
  return (rows, valueIn) => {
    const values = rows.map((row) => valueIn(row));
    let sizeMax = HEADER_SIZE;
    // A UTF-16 code unit takes at most three bytes in UTF-8.
    for (const value of values) sizeMax += LENGTH_SIZE + (value === null ? 0 : prefix.length + 3 * value.length);
    const room = roomOf(sizeMax);
    const { bytes, view } = room;
    let at = HEADER_SIZE;
    for (const value of values) {
      const size = value === null ? NO_VALUE : bytes.write(prefix + value, at + LENGTH_SIZE);
      view.setInt32(at, size);
      at += LENGTH_SIZE + Math.max(size, 0);
    }
    return finish(room, type, rows.length, at);
  };
}

function finish({ bytes, view }: Room, type: number, length: number, end: number): Buffer {
  // PostgreSQL reads the flag for nulls, but finds them by their size.
  view.setInt32(0, length === 0 ? 0 : 1);
  view.setInt32(4, 0);
  view.setInt32(8, type);
  if (length === 0) return bytes.subarray(0, 12);
  view.setInt32(12, length);
  view.setInt32(16, 1);
  return bytes.subarray(0, end);
}

function writeBigint({ view }: Room, at: number, value: bigint): void {
  // setBigInt64 would cut it off without an error.
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit into 64 bits`);
  view.setBigInt64(at, value);
}

function writeUuid({ bytes }: Room, at: number, digits: string): void {
  for (let index = 0; index < 16; index += 1) {
    const high = valueOfDigit(digits.charCodeAt(2 * index));
    bytes[at + index] = (high << 4) | valueOfDigit(digits.charCodeAt(2 * index + 1));
  }
}

/** @param code the code of a digit 0 to 9 or a to f. */
function valueOfDigit(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57;
}
