/** Messages by the tables of generated/client/fields.ts: checks and completes requests, and holds what both formats share. */
import { formatTime, parseTime } from "./time.ts";

/** The names of a message's fields, and how they are encoded. */
export interface MessageType<T> {
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Never set: it ties the table to the type of its messages. */
  readonly message?: T;
}

/** A field's number, its type, and what else it is. */
type Field = readonly [number: number, type: FieldType, label?: FieldLabel];

/** A message's or enum's table is given by a function, since it may be declared further down. */
type FieldType = Scalar | (() => MessageType<unknown>) | (() => EnumType);

export type Scalar = "int32" | "int64" | "bool" | "string" | "time";

/** Maps are always of strings to strings. */
type FieldLabel = "optional" | "list" | "map" | { readonly oneof: string };

/** A TypeScript enum, with `UNRECOGNIZED` for values that only a newer service knows. */
type EnumType<Member = number> = Readonly<Record<string, string | Member>>;

/** The rows that a table needs to agree with ts-proto's interface: one for each field and for each member of a oneof. */
export type FieldsOf<T> = {
  readonly [Name in Exclude<keyof T, OneofOf<T>>]-?: RowOf<T, Name>;
} & {
  readonly [Case in CaseOf<T>["$case"]]: readonly [
    number,
    TypeOf<MemberOf<CaseOf<T>, Case>>,
    { readonly oneof: OneofOf<T> },
  ];
};

type RowOf<T, Name extends keyof T, Value = NonNullable<T[Name]>> = [Value] extends [readonly (infer Item)[]]
  ? readonly [number, TypeOf<Item>, "list"]
  : string extends keyof Value
    ? readonly [number, "string", "map"]
    : Partial<Pick<T, Name>> extends Pick<T, Name>
      ? readonly [number, TypeOf<Value>, "optional"]
      : readonly [
          number,
          undefined extends T[Name] ? ([Value] extends [string] ? "time" : TypeOf<Value>) : TypeOf<Value>,
        ];

/** 0.5 tells a number from an enum: a literal that is no member can't be assigned to an enum. */
type TypeOf<Value> = [Value] extends [bigint]
  ? "int64"
  : [Value] extends [boolean]
    ? "bool"
    : [Value] extends [string]
      ? "string"
      : 0.5 extends Value
        ? "int32"
        : [Value] extends [number]
          ? () => EnumType<Value>
          : () => MessageType<Value>;

type OneofOf<T> = { [Name in keyof T]-?: NonNullable<T[Name]> extends { $case: string } ? Name : never }[keyof T];

type CaseOf<T> = Extract<T[OneofOf<T>], { $case: string }>;

type MemberOf<One, Case extends PropertyKey> = One extends Record<Case, infer Member> ? Member : never;

/** A message: values by the names of fields and oneofs. */
export type Values = Record<string, unknown>;

/** A row of a message's table, prepared for use. Exactly one of `scalar`, `members` and `message` is set. */
export interface MessageField {
  readonly name: string;
  /** The name in the proto and in the service's JSON. */
  readonly protoName: string;
  /** Number and wire type, as protobuf writes them before the value. */
  readonly tag: number;
  readonly label: FieldLabel | undefined;
  readonly scalar?: Scalar;
  /** The enum. */
  readonly members?: EnumType;
  readonly message?: MessageType<unknown>;
}

/** A member of an enum that only a newer service knows. */
const UNRECOGNIZED = -1;

const known = new WeakMap<MessageType<unknown>, readonly MessageField[]>();

export function fieldsOf(message: MessageType<unknown>): readonly MessageField[] {
  let fields = known.get(message);
  if (fields === undefined) {
    fields = Object.entries(message.fields).map(([name, [number, type, label]]) => {
      const table = tableOf(type);
      const isDelimited = table.message || type === "string" || type === "time";
      const protoName = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return { name, protoName, tag: (number << 3) | (isDelimited ? 2 : 0), label, ...table };
    });
    known.set(message, fields);
  }
  return fields;
}

function tableOf(type: FieldType): Pick<MessageField, "scalar" | "members" | "message"> {
  if (typeof type === "string") return { scalar: type };
  const table = type();
  return isMessageType(table) ? { message: table } : { members: table };
}

function isMessageType(table: MessageType<unknown> | EnumType): table is MessageType<unknown> {
  return typeof table["fields"] === "object";
}

/** A message in which nothing is set. */
export function emptyMessage(type: MessageType<unknown>): Values {
  const message: Values = {};
  for (const field of fieldsOf(type)) {
    message[typeof field.label === "object" ? field.label.oneof : field.name] = zeroOf(field);
  }
  return message;
}

/** The zero value of each scalar, and what an error says was expected. */
const SCALARS = {
  int64: [0n, "an integer within 64 bits"],
  int32: [0, "an integer within 32 bits"],
  bool: [false, "a boolean"],
  string: ["", "a string"],
  time: [undefined, "an RFC 3339 string"],
} as const;

function zeroOf({ label, scalar, members }: MessageField): unknown {
  if (label !== undefined) return label === "list" ? [] : label === "map" ? {} : undefined;
  return scalar ? SCALARS[scalar][0] : members && 0;
}

/** A field's value in a message; undefined for members of a oneof that are not set. */
function fieldValue(message: Values, { name, label }: MessageField): unknown {
  if (typeof label !== "object") return message[name];
  const chosen = message[label.oneof];
  return isObject(chosen) && chosen["$case"] === name ? chosen[name] : undefined;
}

/** Sets a field; a member of a oneof replaces the others. */
export function setField(message: Values, { name, label }: MessageField, value: unknown): void {
  if (typeof label === "object") message[label.oneof] = { $case: name, [name]: value };
  else message[name] = value;
}

/** The fields to encode: those that are neither absent nor zero. */
export function setFields(type: MessageType<unknown>, message: Values): (readonly [MessageField, unknown])[] {
  return fieldsOf(type).flatMap((field) => {
    const value = fieldValue(message, field);
    const isSet = value !== undefined && (field.label !== undefined || value !== zeroOf(field));
    return isSet ? [[field, value] as const] : [];
  });
}

/** The member of an enum by number or name; UNRECOGNIZED if there is none. */
export function memberOf(members: EnumType, value: unknown): number {
  const member = typeof value === "number" ? value in members && value : members[`${value}`];
  return typeof member === "number" ? member : UNRECOGNIZED;
}

export function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

export function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of any value. Templates throw at symbols and at objects without `toString`. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/** How to read a message from an unchecked value. */
export interface Source {
  fieldOf(message: Values, field: MessageField): unknown;
  /** Whether unknown members of an enum are refused; otherwise they are a newer service's. */
  readonly knowsEveryMember: boolean;
}

/** @throws TypeError that names the field. */
export function readMessage(type: MessageType<unknown>, input: unknown, source: Source, path = ""): Values {
  if (!isObject(input)) throw mistake(path || type.name, "an object", input);
  const message = emptyMessage(type);
  for (const field of fieldsOf(type)) {
    const value = source.fieldOf(input, field) ?? undefined;
    if (value === undefined) continue;
    const { name, label } = field;
    const at = path === "" ? name : `${path}.${name}`;
    if (typeof label === "object" && message[label.oneof]) throw mistake(at, `the only ${label.oneof}`, value);
    setField(message, field, readField(field, value, source, at));
  }
  return message;
}

function readField(
  { label, scalar = "string", members, message }: MessageField,
  field: unknown,
  source: Source,
  path: string,
): unknown {
  const read = (value: unknown, at: string) => {
    if (message) return readMessage(message, value, source, at);
    if (!members) return readScalar(scalar, value, at);
    const member = memberOf(members, typeof value === "string" ? value : readScalar("int32", value, at));
    if (source.knowsEveryMember && member === UNRECOGNIZED) throw mistake(at, `one of ${memberNames(members)}`, value);
    return member;
  };
  if (label === "list") {
    if (!Array.isArray(field)) throw mistake(path, "a list", field);
    return field.map((item, index) => read(item, `${path}[${index}]`));
  }
  if (label === "map") {
    if (!isObject(field)) throw mistake(path, "an object", field);
    return Object.fromEntries(Object.entries(field).map(([key, item]) => [key, read(item, `${path}.${key}`)]));
  }
  return read(field, path);
}

function readScalar(type: Scalar, value: unknown, path: string): unknown {
  const [zero, wanted] = SCALARS[type];
  const read =
    type === "time"
      ? canonicalTime(value)
      : type === "int64" || type === "int32"
        ? integerOf(type, value)
        : typeof value === typeof zero
          ? value
          : undefined;
  if (read === undefined) throw mistake(path, wanted, value);
  return read;
}

/** The integer in a number or in decimal text; undefined if it is not exact or out of range. */
function integerOf(type: "int64" | "int32", value: unknown): unknown {
  const isWhole =
    typeof value === "bigint" ||
    (typeof value === "string" ? /^-?(0|[1-9]\d*)$/.test(value) : Number.isSafeInteger(value));
  const integer = isWhole ? BigInt(`${value}`) : undefined;
  if (integer === undefined || BigInt.asIntN(type === "int64" ? 64 : 32, integer) !== integer) return undefined;
  return type === "int64" ? integer : Number(integer);
}

function canonicalTime(value: unknown): string | undefined {
  try {
    return typeof value === "string" ? formatTime(parseTime(value)) : undefined;
  } catch {
    return undefined;
  }
}

const SHOWN_LENGTH_MAX = 100;

/** @param wanted What was expected, with its article. */
function mistake(path: string, wanted: string, value: unknown): TypeError {
  const shown = typeof value === "string" ? `"${value}"` : Array.isArray(value) ? "a list" : textOf(value);
  return new TypeError(`${path} must be ${wanted}, not ${shown.slice(0, SHOWN_LENGTH_MAX)}`);
}

/**
 * A copy of a message, or of any other plain value, for `JSON.stringify`, which throws at a bigint: each bigint becomes the
 * text of its digits, as in the service's JSON.
 *
 * @example
 * localStorage.setItem("account", JSON.stringify(toJson(account)));
 */
export function toJson(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  if (Array.isArray(value)) return value.map(toJson);
  // JSON.stringify calls toJSON itself, for a Date for example.
  if (!isObject(value) || "toJSON" in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJson(member)]));
}

/**
 * A complete, validated copy of a request that a caller wrote.
 *
 * @throws TypeError that names the field.
 */
export function complete<T>(type: MessageType<T>, input: unknown): T {
  // The table describes T.
  return readMessage(type, input, REQUEST) as T;
}

const REQUEST: Source = { fieldOf: fieldValue, knowsEveryMember: true };

function memberNames(members: EnumType): string {
  return Object.keys(members)
    .filter((name) => Number(members[name]) >= 0)
    .join(", ");
}
