import { type LongType, ScalarType } from "@protobuf-ts/runtime";
import { type IntegerRange, longIn, longOf, type MessageFields, rangeOf, refuse, smallIntegerIn } from "./fields.ts";
import type { JsonCursor, NumberToken } from "./json-cursor.ts";
import { doubleOf, floatOf, integerOf, numberInString, smallIntegerOf } from "./json-numbers.ts";

/** Reads one value at the cursor. Throws a SyntaxError that names the field if the value has the wrong type. */
export type ValueReader = (cursor: JsonCursor) => unknown;

/** The reader of a scalar type. https://protobuf.dev/programming-guides/json/ */
export function scalarReader(type: ScalarType, long: LongType | undefined, field: string): ValueReader {
  switch (type) {
    case ScalarType.STRING:
      return (cursor) => {
        if (cursor.peek() !== "string") throw cursor.failure(`${field}: expected a string`);
        return cursor.readString();
      };
    case ScalarType.BOOL:
      return (cursor) => {
        if (cursor.peek() !== "boolean") throw cursor.failure(`${field}: expected true or false`);
        return cursor.readBoolean();
      };
    case ScalarType.BYTES:
      return bytesReader(field);
    case ScalarType.DOUBLE:
      return floatingReader(doubleOf, `${field}: expected a double`);
    case ScalarType.FLOAT:
      return floatingReader(floatOf, `${field}: expected a float`);
    default:
      return integerReader(rangeOf(type), long, field);
  }
}

/**
 * Converts the JSON name of a map entry to the property that protobuf-ts uses; undefined if the name is not a key of that type.
 * Go reads integer keys with strconv.ParseInt, which allows a sign and leading zeros, but no exponent.
 */
export function mapKeyReader(type: ScalarType): (name: string) => string | undefined {
  if (type === ScalarType.STRING) return (name) => name;
  if (type === ScalarType.BOOL) return (name) => (name === "true" || name === "false" ? name : undefined);
  return integerKeyReader(rangeOf(type));
}

function integerKeyReader(range: IntegerRange): (name: string) => string | undefined {
  const pattern = range.min < 0n ? /^[+-]?\d+$/ : /^\d+$/;
  return (name) => {
    if (!pattern.test(name)) return undefined;
    const [sign, digits] = name.startsWith("-") ? ["-", name.slice(1)] : ["", name.replace("+", "")];
    const text = sign + digits.replace(/^0+(?=\d)/, "");
    const plain = text === "-0" ? "0" : text;
    return integerOf({ text: plain, plain: true }, range) === undefined ? undefined : plain;
  };
}

/** The number at the cursor, which may be in a string. */
function numberAt(cursor: JsonCursor): NumberToken | undefined {
  const kind = cursor.peek();
  if (kind === "number") return cursor.readNumber();
  return kind === "string" ? numberInString(cursor.readString()) : undefined;
}

/** The reader of integers. */
export function integerReader(range: IntegerRange, long: LongType | undefined, field: string): ValueReader {
  return (cursor) => {
    const token = numberAt(cursor);
    const value = token && (range.isLong ? integerOf(token, range) : smallIntegerOf(token, range));
    if (value === undefined) throw cursor.failure(`${field}: expected ${range.name}`);
    return typeof value === "bigint" ? longOf(value, long) : value;
  };
}

function floatingReader(convert: (token: NumberToken) => number | undefined, expectation: string): ValueReader {
  return (cursor) => {
    const kind = cursor.peek();
    let value: number | undefined;
    if (kind === "number") value = convert(cursor.readNumber());
    else if (kind === "string") value = floatingInString(cursor.readString(), convert);
    if (value === undefined) throw cursor.failure(expectation);
    return value;
  };
}

function floatingInString(text: string, convert: (token: NumberToken) => number | undefined): number | undefined {
  if (text === "NaN") return Number.NaN;
  if (text === "Infinity") return Number.POSITIVE_INFINITY;
  if (text === "-Infinity") return Number.NEGATIVE_INFINITY;
  const token = numberInString(text);
  return token && convert(token);
}

const STANDARD_BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_BASE64 = /^[A-Za-z0-9_-]*={0,2}$/;

function bytesReader(field: string): ValueReader {
  return (cursor) => {
    if (cursor.peek() !== "string") throw cursor.failure(`${field}: expected a base64 string`);
    cursor.budget.takeObject();
    const text = cursor.readString();
    const digits = text.includes("\n") || text.includes("\r") ? text.replace(/[\r\n]/g, "") : text;
    // Padding is complete or left out. As in Go, line breaks are ignored, but count for the length that decides which.
    const isPadded = text.length % 4 === 0;
    const hasLength = isPadded ? digits.length % 4 === 0 : digits.length % 4 !== 1 && !digits.includes("=");
    if (!hasLength || !(STANDARD_BASE64.test(digits) || URL_BASE64.test(digits))) {
      throw cursor.failure(`${field}: expected a base64 string`);
    }
    return new Uint8Array(Buffer.from(digits, "base64"));
  };
}

/** Writes one value as JSON. Throws a TypeError that names the field if the value has the wrong type. */
export type ValueWriter = (value: unknown) => string;

/** The writer of a scalar type. */
export function scalarWriter(type: ScalarType, field: string): ValueWriter {
  switch (type) {
    case ScalarType.STRING:
      return (value) => (typeof value === "string" ? quoted(value) : refuse(field, "a string", value));
    case ScalarType.BOOL:
      return (value) => (typeof value === "boolean" ? String(value) : refuse(field, "a boolean", value));
    case ScalarType.BYTES:
      return (value) => (value instanceof Uint8Array ? base64(value) : refuse(field, "a Uint8Array", value));
    case ScalarType.DOUBLE:
      return (value) => (typeof value === "number" ? floating(value, String) : refuse(field, "a number", value));
    case ScalarType.FLOAT:
      return (value) => (typeof value === "number" ? floating(value, shortestFloat) : refuse(field, "a number", value));
    default:
      return integerWriter(rangeOf(type), field);
  }
}

/** Text as a JSON string. Unpaired surrogates become U+FFFD. */
export function quoted(text: string): string {
  if (!NOT_LITERAL.test(text)) return `"${text}"`;
  const literal = JSON.stringify(text);
  // If nothing was escaped, there are no unpaired surrogates, since JSON.stringify escapes them.
  return literal.length === text.length + 2 ? literal : JSON.stringify(text.replace(/\p{Surrogate}/gu, "\ufffd"));
}

/** Characters that JSON.stringify may escape. */
const NOT_LITERAL = /["\\\p{Cc}\p{Surrogate}]/u;

// 64-bit integers are strings in JSON.
function integerWriter(range: IntegerRange, field: string): ValueWriter {
  const small = smallIntegerIn(range, field);
  const long = longIn(range, field);
  return range.isLong ? (value) => `"${long(value)}"` : (value) => String(small(value));
}

function floating(value: number, format: (value: number) => string): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : format(value);
  return `"${value}"`;
}

// The fewest digits that read back as the same float, as in Go: 0.1 instead of 0.10000000149011612.
function shortestFloat(value: number): string {
  const float = Math.fround(value);
  if (!Number.isFinite(float)) return `"${float}"`;
  if (Number.isInteger(float) && Math.abs(float) < FLOAT_INTEGER_MAX) return String(float);
  for (let digits = 1; digits < FLOAT_DIGITS_MAX; digits += 1) {
    const candidate = Number(float.toPrecision(digits));
    if (Math.fround(candidate) === float) return String(candidate);
  }
  return String(Number(float.toPrecision(FLOAT_DIGITS_MAX)));
}

/** Floats hold all integers below this exactly. */
const FLOAT_INTEGER_MAX = 2 ** 24;

/** Significant digits that distinguish all floats. */
const FLOAT_DIGITS_MAX = 9;

function base64(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")}"`;
}

/** Writes a message as JSON. */
export type MessageWriter = (message: MessageFields) => string;
