/** Messages by the tables of generated/client/fields.ts: what a caller wrote made whole, and what both formats share. */
import type { EnumType, FieldLabel, FieldType, MessageType } from "../../../generated/client/fields.ts";
import { formatTime, parseTime } from "./time.ts";

/** A message as its table sees it: values by the names of fields, and of oneofs. */
export type Values = Record<string, unknown>;

/** A field of a message, with what its table says made ready. One of `scalar`, `members` and `message` is there. */
export interface MessageField {
  readonly name: string;
  /** As the proto and the service's JSON have it. */
  readonly protoName: string;
  /** Its number and wire type, as they stand before it in protobuf. */
  readonly tag: number;
  readonly label: FieldLabel | undefined;
  readonly scalar?: Scalar;
  /** Of an enum. */
  readonly members?: EnumType;
  readonly message?: MessageType<unknown>;
}

export type Scalar = "int32" | "int64" | "bool" | "string" | "time";

/** What only a newer service knows. */
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

/** A field's value in a message; of a oneof's member undefined unless it is the one that is set. */
function fieldValue(message: Values, { name, label }: MessageField): unknown {
  if (typeof label !== "object") return message[name];
  const chosen = message[label.oneof];
  return isObject(chosen) && chosen["$case"] === name ? chosen[name] : undefined;
}

/** Sets a field; a member of a oneof takes the place of another. */
export function setField(message: Values, { name, label }: MessageField, value: unknown): void {
  if (typeof label === "object") message[label.oneof] = { $case: name, [name]: value };
  else message[name] = value;
}

/** The fields that are on the wire: those that are not zero or absent. */
export function setFields(type: MessageType<unknown>, message: Values): (readonly [MessageField, unknown])[] {
  return fieldsOf(type).flatMap((field) => {
    const value = fieldValue(message, field);
    const isSet = value !== undefined && (field.label !== undefined || value !== zeroOf(field));
    return isSet ? [[field, value] as const] : [];
  });
}

/** The member of an enum; UNRECOGNIZED for one that only a newer service knows. */
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

/** Of anything that may be thrown or given: a symbol, or an object without `toString`, can't be put into a template. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/** How a message stands in a value that is yet to be checked. */
export interface Source {
  fieldOf(message: Values, field: MessageField): unknown;
  /** Whether a member that the enum does not have is a mistake, instead of one of a newer service. */
  readonly knowsEveryMember: boolean;
}

/** @throws TypeError that names the field, from `path` on. */
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

/** Of a number or of its digits; undefined for what is neither, lost digits or is out of range. */
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

/** @param wanted what should be there, with its article. */
function mistake(path: string, wanted: string, value: unknown): TypeError {
  const shown = typeof value === "string" ? `"${value}"` : Array.isArray(value) ? "a list" : textOf(value);
  return new TypeError(`${path} must be ${wanted}, not ${shown.slice(0, SHOWN_LENGTH_MAX)}`);
}

/**
 * A copy of a message or of any other plain value that `JSON.stringify` takes, which throws at a bigint: each is the text of
 * its digits, as in the service's JSON.
 *
 * @example
 * localStorage.setItem("account", JSON.stringify(toJson(account)));
 */
export function toJson(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  if (Array.isArray(value)) return value.map(toJson);
  // As JSON.stringify has it, a Date writes itself.
  if (!isObject(value) || "toJSON" in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJson(member)]));
}

/**
 * A request as a caller wrote it, made whole: a copy of its own, whose every field is there and valid.
 *
 * @throws TypeError that names the field.
 */
export function complete<T>(type: MessageType<T>, input: unknown): T {
  // The table says that these are the values of a T.
  return readMessage(type, input, REQUEST) as T;
}

const REQUEST: Source = { fieldOf: fieldValue, knowsEveryMember: true };

function memberNames(members: EnumType): string {
  return Object.keys(members)
    .filter((name) => Number(members[name]) >= 0)
    .join(", ");
}
