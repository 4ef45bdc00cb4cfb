import { ScalarType } from "@protobuf-ts/runtime";
import { INT32, INT64, type IntegerRange, longIn, refuse, smallIntegerIn, UINT32, UINT64 } from "./fields.ts";

/** Writes one value as JSON. Throws a TypeError, which names the field, for a value of another type. */
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
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return smallIntegerWriter(INT32, field);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return smallIntegerWriter(UINT32, field);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return longWriter(INT64, field);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return longWriter(UINT64, field);
    default:
      throw new Error(`${field}: scalar type ${type} is unknown`);
  }
}

/** Text as a JSON string that is valid Unicode, whatever the text is. */
export function quoted(text: string): string {
  if (!NOT_LITERAL.test(text)) return `"${text}"`;
  const literal = JSON.stringify(text);
  // A length beyond the two quotes means that something was escaped, which an unpaired surrogate always is.
  return literal.length === text.length + 2 ? literal : JSON.stringify(text.replace(/\p{Surrogate}/gu, "\ufffd"));
}

/** What JSON may have to escape, and unpaired surrogates. */
const NOT_LITERAL = /["\\\p{Cc}\p{Surrogate}]/u;

function smallIntegerWriter(range: IntegerRange, field: string): ValueWriter {
  const take = smallIntegerIn(range, field);
  return (value) => String(take(value));
}

// 64-bit integers are strings in JSON.
function longWriter(range: IntegerRange, field: string): ValueWriter {
  const take = longIn(range, field);
  return (value) => `"${take(value)}"`;
}

function floating(value: number, format: (value: number) => string): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : format(value);
  return `"${value}"`;
}

// The fewest digits that read back as the same float, as Go writes them: 0.1, not 0.10000000149011612.
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

/** Integers below this are floats exactly. */
const FLOAT_INTEGER_MAX = 2 ** 24;

/** So many digits tell any two floats apart. */
const FLOAT_DIGITS_MAX = 9;

function base64(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")}"`;
}
