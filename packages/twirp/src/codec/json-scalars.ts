import { type LongType, ScalarType } from "@protobuf-ts/runtime";
import { INT32, INT64, type IntegerRange, UINT32, UINT64 } from "./fields.ts";
import type { JsonCursor, NumberToken } from "./json-cursor.ts";
import { doubleOf, floatOf, integerOf, numberInString, smallIntegerOf } from "./json-numbers.ts";
import { longOf } from "./message-fields.ts";

/** Reads one value at the cursor. Throws a SyntaxError that names the field. */
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
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return smallIntegerReader(INT32, `${field}: expected a 32-bit integer`);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return smallIntegerReader(UINT32, `${field}: expected an unsigned 32-bit integer`);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return longReader(INT64, long, `${field}: expected a 64-bit integer`);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return longReader(UINT64, long, `${field}: expected an unsigned 64-bit integer`);
    default:
      throw new Error(`${field}: scalar type ${type} is unknown`);
  }
}

/**
 * The property under which protobuf-ts keeps a map entry, from the entry's JSON name; undefined when the name is no key
 * of that type. Go reads integer keys with strconv.ParseInt: a sign and leading zeros are allowed, an exponent is not.
 */
export function mapKeyReader(type: ScalarType): (name: string) => string | undefined {
  switch (type) {
    case ScalarType.STRING:
      return (name) => name;
    case ScalarType.BOOL:
      return (name) => (name === "true" || name === "false" ? name : undefined);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integerKey(UINT32, /^\d+$/);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return integerKey(UINT64, /^\d+$/);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return integerKey(INT64, /^[+-]?\d+$/);
    default:
      return integerKey(INT32, /^[+-]?\d+$/);
  }
}

function integerKey(range: IntegerRange, pattern: RegExp): (name: string) => string | undefined {
  return (name) => {
    if (!pattern.test(name)) return undefined;
    const [sign, digits] = name.startsWith("-") ? ["-", name.slice(1)] : ["", name.replace("+", "")];
    const text = sign + digits.replace(/^0+(?=\d)/, "");
    const plain = text === "-0" ? "0" : text;
    return integerOf({ text: plain, plain: true }, range) === undefined ? undefined : plain;
  };
}

/** The number at the cursor, whether it is written as one or inside a string. */
function numberAt(cursor: JsonCursor): NumberToken | undefined {
  const kind = cursor.peek();
  if (kind === "number") return cursor.readNumber();
  return kind === "string" ? numberInString(cursor.readString()) : undefined;
}

/** The reader of integers that a JavaScript number holds. */
export function smallIntegerReader(range: IntegerRange, expectation: string): (cursor: JsonCursor) => number {
  return (cursor) => {
    const token = numberAt(cursor);
    const value = token && smallIntegerOf(token, range);
    if (value === undefined) throw cursor.failure(expectation);
    return value;
  };
}

function longReader(range: IntegerRange, long: LongType | undefined, expectation: string): ValueReader {
  return (cursor) => {
    const token = numberAt(cursor);
    const value = token && integerOf(token, range);
    if (value === undefined) throw cursor.failure(expectation);
    return longOf(value, long);
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
    // Padding is complete, or left out. As in Go, line breaks mean nothing but count in which of both it is.
    const isPadded = text.length % 4 === 0;
    const hasLength = isPadded ? digits.length % 4 === 0 : digits.length % 4 !== 1 && !digits.includes("=");
    if (!hasLength || !(STANDARD_BASE64.test(digits) || URL_BASE64.test(digits))) {
      throw cursor.failure(`${field}: expected a base64 string`);
    }
    return new Uint8Array(Buffer.from(digits, "base64"));
  };
}
