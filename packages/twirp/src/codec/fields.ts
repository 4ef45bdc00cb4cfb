import { ScalarType } from "@protobuf-ts/runtime";

/** An inclusive range of integers. */
export interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
}

export const INT32: IntegerRange = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
export const UINT32: IntegerRange = { min: 0n, max: 2n ** 32n - 1n };
export const INT64: IntegerRange = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
export const UINT64: IntegerRange = { min: 0n, max: 2n ** 64n - 1n };

/** Throws for a value that the .proto does not allow in a field. */
export function refuse(field: string, expected: string, value: unknown): never {
  throw new TypeError(`${field}: expected ${expected}, got ${typeof value}`);
}

/** Takes a 32-bit integer, or throws a TypeError that names the field. */
export function smallIntegerIn({ min, max }: IntegerRange, field: string): (value: unknown) => number {
  const [low, high] = [Number(min), Number(max)];
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= low && value <= high
      ? value
      : refuse(field, `an integer from ${min} to ${max}`, value);
}

/** Takes a 64-bit integer in any form that generated code has for it, or throws a TypeError that names the field. */
export function longIn({ min, max }: IntegerRange, field: string): (value: unknown) => bigint {
  return (value) => {
    const long = typeof value === "bigint" ? value : longFrom(value);
    return long !== undefined && long >= min && long <= max
      ? long
      : refuse(field, `an integer from ${min} to ${max}`, value);
  };
}

/** The scalar type that a value is written as: an enum's is a 32-bit integer. */
export function scalarTypeOf(
  field: { readonly kind: "enum" } | { readonly kind: "scalar"; readonly T: ScalarType },
): ScalarType {
  return field.kind === "enum" ? ScalarType.INT32 : field.T;
}

/** Tells the value that an unset field of a type has. */
export function zeroTest(type: ScalarType): (value: unknown) => boolean {
  switch (type) {
    case ScalarType.STRING:
      return (value) => value === "";
    case ScalarType.BOOL:
      return (value) => value === false;
    case ScalarType.BYTES:
      return (value) => value instanceof Uint8Array && value.length === 0;
    default:
      // 64-bit integers come in three forms; the negative zero of a double is a value of its own.
      return (value) => value === 0n || value === "0" || Object.is(value, 0);
  }
}

function longFrom(value: unknown): bigint | undefined {
  if (typeof value === "string") return /^-?\d+$/.test(value) ? BigInt(value) : undefined;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}
