import { type LongType, ScalarType } from "@protobuf-ts/runtime";
import { type IntegerRange, longIn, longOf, type MessageFields, rangeOf, refuse, smallIntegerIn } from "./fields.ts";
import type { JsonCursor, NumberToken } from "./json-cursor.ts";

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

/** Most digits of a 64-bit integer; longer ones are out of range without a computation. */
const DIGITS_MAX = 20;

const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A number token from the content of a JSON string such as "12" or "1e2"; undefined if it is not a JSON number. */
function numberInString(text: string): NumberToken | undefined {
  const match = NUMBER.exec(text);
  return match ? { text, plain: match[3] === undefined && match[4] === undefined } : undefined;
}

/**
 * The exact integer value of a number token, or undefined if it is not an integer in the range. `1e2` and `1.0` are integers,
 * and `-0` is 0 in unsigned types too, as in Go.
 */
function integerOf(token: NumberToken, range: IntegerRange): bigint | undefined {
  const value = token.plain ? plainInteger(token.text) : scaledInteger(token.text);
  return value !== undefined && value >= range.min && value <= range.max ? value : undefined;
}

/** Like `integerOf`, for ranges that JavaScript numbers hold exactly. */
function smallIntegerOf(token: NumberToken, range: IntegerRange): number | undefined {
  if (token.plain && token.text.length <= 9 && (range.min !== 0n || !token.text.startsWith("-"))) {
    return Number(token.text) + 0;
  }
  const value = integerOf(token, range);
  return value === undefined ? undefined : Number(value);
}

/** The double nearest to a token's value, or undefined if it is too large. */
function doubleOf(token: NumberToken): number | undefined {
  const value = Number(token.text);
  return Number.isFinite(value) ? value : undefined;
}

/** The smallest power of two that is too large for a float. */
const FLOAT_END = 2 ** 128;

/**
 * The float nearest to a token's value, with ties to even, or undefined if it is too large.
 *
 * Rounding to a double first can give the wrong float, but only if that double lies halfway between two floats. Then the
 * digits decide on which side of it the value lies.
 */
function floatOf(token: NumberToken): number | undefined {
  const double = Number(token.text);
  const magnitude = Math.abs(double);
  const nearest = Math.fround(magnitude);
  const [low, high] = nearest > magnitude ? [floatBefore(nearest), nearest] : [nearest, floatAfter(nearest)];
  const isHalfway = magnitude - low === (high === Number.POSITIVE_INFINITY ? FLOAT_END : high) - magnitude;
  const order = isHalfway && low !== magnitude ? compareWithDigits(magnitude, token.text) : 0;
  const magnitudeOfFloat = order === 0 ? nearest : order > 0 ? low : high;
  if (magnitudeOfFloat === Number.POSITIVE_INFINITY) return undefined;
  return double < 0 || Object.is(double, -0) ? -magnitudeOfFloat : magnitudeOfFloat;
}

const bits = new DataView(new ArrayBuffer(4));

function floatAfter(float: number): number {
  bits.setFloat32(0, float);
  bits.setUint32(0, bits.getUint32(0) + 1);
  return bits.getFloat32(0);
}

function floatBefore(float: number): number {
  bits.setFloat32(0, float);
  bits.setUint32(0, bits.getUint32(0) - 1);
  return bits.getFloat32(0);
}

/** Compares a positive double with the magnitude of a number in text: above 0 if the double is larger, below 0 if smaller. */
function compareWithDigits(double: number, text: string): number {
  const exact = normalized(exactDigits(double));
  const named = normalized(text);
  if (exact.point !== named.point) return exact.point - named.point;
  return exact.digits === named.digits ? 0 : exact.digits > named.digits ? 1 : -1;
}

/** The exact decimal digits of a double: about 150 at most, if it lies halfway between two floats. */
function exactDigits(double: number): string {
  const [whole = "0", part = ""] = double.toString(2).split(".");
  // The value is an integer over 2^n, which is that integer times 5^n over 10^n.
  const digits = (BigInt(`0b${whole}${part}`) * 5n ** BigInt(part.length)).toString();
  return `${digits}e${-part.length}`;
}

/** The digits of a number without zeros at either end, and the place of its decimal point, counted from the first digit. */
function normalized(text: string): { readonly digits: string; readonly point: number } {
  const [, , integer = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  const all = integer + fraction;
  const digits = all.replace(/^0+/, "");
  return {
    digits: digits.slice(0, digits.length - trailingZeros(digits)),
    point: integer.length + Number(exponent) - (all.length - digits.length),
  };
}

function plainInteger(text: string): bigint | undefined {
  return text.length <= DIGITS_MAX + 1 ? BigInt(text) : undefined;
}

function scaledInteger(text: string): bigint | undefined {
  const [, sign = "", integer = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  const digits = (integer + fraction).replace(/^0+/, "");
  if (digits === "") return 0n;
  const scale = Number(exponent) - fraction.length;
  const zeros = trailingZeros(digits);
  if (scale < -zeros || digits.length + scale > DIGITS_MAX) return undefined;
  const whole = scale < 0 ? digits.slice(0, scale) : digits + "0".repeat(scale);
  return BigInt(sign + whole);
}

// Not /0+$/, which tries again at each run of zeros within the text.
function trailingZeros(digits: string): number {
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return digits.length - end;
}
