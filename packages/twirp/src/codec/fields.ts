import { type EnumInfo, type FieldInfo, type IMessageType, LongType, ScalarType } from "@protobuf-ts/runtime";

/** The numbers of an enum by their names in the .proto. */
export function enumNumbers([, values, prefix = ""]: EnumInfo): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(values).flatMap(([name, number]) =>
      typeof number === "number" ? [[`${prefix}${name}`, number] as const] : [],
    ),
  );
}

/** The names of an enum in the .proto by their numbers: the first name if several share a number. */
export function enumNames(info: EnumInfo): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, number] of enumNumbers(info)) {
    if (!names.has(number)) names.set(number, name);
  }
  return names;
}

/** An inclusive range of integers. */
export interface IntegerRange {
  /** For error messages. */
  readonly name: string;
  /** Whether a JavaScript number cannot hold them all. */
  readonly isLong: boolean;
  readonly min: bigint;
  readonly max: bigint;
}

export const INT32: IntegerRange = { name: "a 32-bit integer", isLong: false, min: -(2n ** 31n), max: 2n ** 31n - 1n };
export const UINT32: IntegerRange = { name: "an unsigned 32-bit integer", isLong: false, min: 0n, max: 2n ** 32n - 1n };
export const INT64: IntegerRange = { name: "a 64-bit integer", isLong: true, min: -(2n ** 63n), max: 2n ** 63n - 1n };
export const UINT64: IntegerRange = { name: "an unsigned 64-bit integer", isLong: true, min: 0n, max: 2n ** 64n - 1n };

/** The range of a scalar type that holds integers. */
export function rangeOf(type: ScalarType): IntegerRange {
  switch (type) {
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return INT32;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return UINT32;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return INT64;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return UINT64;
    default:
      throw new Error(`scalar type ${type} has no integers`);
  }
}

/** Throws for a value that the .proto does not allow in a field. */
export function refuse(field: string, expected: string, value: unknown): never {
  throw new TypeError(`${field}: expected ${expected}, got ${typeof value}`);
}

/** Returns a 32-bit integer as it is, or throws a TypeError that names the field. */
export function smallIntegerIn({ min, max }: IntegerRange, field: string): (value: unknown) => number {
  const [low, high] = [Number(min), Number(max)];
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= low && value <= high
      ? value
      : refuse(field, `an integer from ${min} to ${max}`, value);
}

/** Converts any form that generated code has for a 64-bit integer, or throws a TypeError that names the field. */
export function longIn({ min, max }: IntegerRange, field: string): (value: unknown) => bigint {
  return (value) => {
    const long = typeof value === "bigint" ? value : longFrom(value);
    return long !== undefined && long >= min && long <= max
      ? long
      : refuse(field, `an integer from ${min} to ${max}`, value);
  };
}

/** The scalar type of a field; enums are 32-bit integers. */
export function scalarTypeOf(
  field: { readonly kind: "enum" } | { readonly kind: "scalar"; readonly T: ScalarType },
): ScalarType {
  return field.kind === "enum" ? ScalarType.INT32 : field.T;
}

/** Makes the test for the value of an unset field. */
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

/** The fields of a message by the names that the generated code uses. */
export type MessageFields = Record<string, unknown>;

/** Whether a value can be a message. */
export function isFields(value: unknown): value is MessageFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Converts a 64-bit integer to the form that the generated code uses. Throws if that form cannot hold it. */
export function longOf(value: bigint, form: LongType | undefined): bigint | string | number {
  if (form === LongType.BIGINT) return value;
  if (form !== LongType.NUMBER) return value.toString();
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is too large for a JavaScript number`);
  return number;
}

/** Finds message types by the URLs that a `google.protobuf.Any` carries. */
export class TypeRegistry {
  readonly #types = new Map<string, IMessageType<MessageFields>>();

  /** Holds these types and all types of their fields. */
  constructor(types: Iterable<IMessageType<MessageFields>>) {
    const pending = [...types];
    for (let type = pending.pop(); type !== undefined; type = pending.pop()) {
      if (this.#types.has(type.typeName)) continue;
      this.#types.set(type.typeName, type);
      pending.push(...type.fields.flatMap(messageTypeOf));
    }
  }

  /**
   * The type for a URL such as `type.googleapis.com/finance.v1.Account`, or undefined. Only the part after the last slash
   * counts. https://protobuf.dev/reference/protobuf/google.protobuf/#any
   */
  find(url: string): IMessageType<MessageFields> | undefined {
    return this.#types.get(url.slice(url.lastIndexOf("/") + 1));
  }
}

function messageTypeOf(field: FieldInfo): IMessageType<MessageFields>[] {
  if (field.kind === "message") return [field.T()];
  return field.kind === "map" && field.V.kind === "message" ? [field.V.T()] : [];
}

const OF_ONE_FIELD: ReadonlySet<string> = namesIn([
  "DoubleValue",
  "FloatValue",
  "Int64Value",
  "UInt64Value",
  "Int32Value",
  "UInt32Value",
  "BoolValue",
  "StringValue",
  "BytesValue",
  "Struct",
  "ListValue",
]);

const OTHERS: ReadonlySet<string> = namesIn(["Any", "Timestamp", "Duration", "Value", "FieldMask", "Empty"]);

/** The field whose JSON stands for the whole message, in types such as Struct and StringValue. */
export function onlyFieldOf(type: IMessageType<MessageFields>): FieldInfo | undefined {
  return OF_ONE_FIELD.has(type.typeName) ? type.fields[0] : undefined;
}

/**
 * Whether a type has a JSON form of its own. An Any holds such a form in its member `value`, and the fields of other types
 * directly.
 *
 * https://protobuf.dev/programming-guides/json/#any
 */
export function isWellKnown({ typeName }: IMessageType<MessageFields>): boolean {
  return OF_ONE_FIELD.has(typeName) || OTHERS.has(typeName);
}

function namesIn(types: readonly string[]): ReadonlySet<string> {
  return new Set(types.map((name) => `google.protobuf.${name}`));
}
