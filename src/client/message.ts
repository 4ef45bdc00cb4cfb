/** Messages by the tables of generated/client: what a caller wrote made whole, and what both formats share. */
import type { EnumType, FieldLabel, FieldType, MessageType } from "../../generated/client/messages.ts";
import { formatTime, parseTime } from "./time.ts";

/** A message as its table sees it: values by the names of fields, and of oneofs. */
export type Values = Record<string, unknown>;

/** A field of a message, with what its table says made ready. */
export interface MessageField {
  readonly name: string;
  /** As the proto and the service's JSON have it. */
  readonly protoName: string;
  readonly number: number;
  readonly type: Scalar | "time" | EnumField | MessageType<unknown>;
  readonly label: FieldLabel | undefined;
}

export type Scalar = "int32" | "int64" | "bool" | "string";

export interface EnumField {
  readonly members: EnumType;
}

/** What only a newer service knows. */
const UNRECOGNIZED = -1;

const known = new WeakMap<MessageType<unknown>, readonly MessageField[]>();

export function fieldsOf(message: MessageType<unknown>): readonly MessageField[] {
  let fields = known.get(message);
  if (fields === undefined) {
    fields = Object.entries(message.fields).map(([name, [number, type, label]]) => ({
      name,
      protoName: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      number,
      type: tableOf(type),
      label,
    }));
    known.set(message, fields);
  }
  return fields;
}

function tableOf(type: FieldType): MessageField["type"] {
  if (typeof type === "string") return type;
  const table = type();
  return isMessageType(table) ? table : { members: table };
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

const ZEROS = { int32: 0, int64: 0n, bool: false, string: "", time: undefined };

function zeroOf({ type, label }: MessageField): unknown {
  if (label !== undefined) return label === "list" ? [] : label === "map" ? {} : undefined;
  if (typeof type === "string") return ZEROS[type];
  return "members" in type ? 0 : undefined;
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
export function memberOf({ members }: EnumField, value: unknown): number {
  const member = typeof value === "number" ? value in members && value : members[`${value}`];
  return typeof member === "number" ? member : UNRECOGNIZED;
}

export function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

export function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How a field of a message is called in a mistake. */
export function pathTo(name: string, path: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Reads a field value by value, as its label wants it. */
export function eachValue(
  { label }: MessageField,
  field: unknown,
  path: string,
  read: (value: unknown, path: string) => unknown,
): unknown {
  if (label === "list") {
    if (!Array.isArray(field)) throw mistake(path, "a list", field);
    return field.map((item, index) => read(item, `${path}[${index}]`));
  }
  if (label === "map") {
    if (!isObject(field)) throw mistake(path, "an object", field);
    return Object.fromEntries(Object.entries(field).map(([key, item]) => [key, read(item, pathTo(key, path))]));
  }
  return read(field, path);
}

/** @throws TypeError for what is not a value of the type. */
export function readScalar(type: Scalar | "time", value: unknown, path: string): unknown {
  if (type === "time") return readTime(value, path);
  if (!isScalar(type, value)) throw mistake(path, WANTED[type], value);
  return value;
}

function isScalar(type: Scalar, value: unknown): boolean {
  switch (type) {
    case "int64":
      return typeof value === "bigint" && isInt64(value);
    case "int32":
      return typeof value === "number" && (value | 0) === value;
    case "bool":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
  }
}

function readTime(value: unknown, path: string): string {
  try {
    if (typeof value === "string") return formatTime(parseTime(value));
  } catch {
    // The mistake says where it is.
  }
  throw mistake(path, WANTED.time, value);
}

const WANTED = {
  int64: "an integer within 64 bits",
  int32: "an integer within 32 bits",
  bool: "a boolean",
  string: "a string",
  time: 'an RFC 3339 string such as "2026-01-31T12:00:00.123456Z"',
};

const SHOWN_LENGTH_MAX = 100;

/** @param wanted what should be there, with its article. */
export function mistake(path: string, wanted: string, value: unknown): TypeError {
  const text =
    typeof value === "object"
      ? JSON.stringify(toJson(value))
      : typeof value === "string"
        ? `"${value}"`
        : String(value);
  return new TypeError(`${path} must be ${wanted}, not ${text.slice(0, SHOWN_LENGTH_MAX)}`);
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
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJson(member)]));
}

/**
 * A request as a caller wrote it, made whole: a copy of its own, whose every field is there and valid.
 *
 * @throws TypeError that names the field.
 */
export function complete<T>(type: MessageType<T>, input: unknown): T {
  // The table says that these are the values of a T.
  return completeMessage(type, input, "") as T;
}

function completeMessage(type: MessageType<unknown>, input: unknown, path: string): Values {
  if (!isObject(input)) throw mistake(path || type.name, "an object", input);
  const message = emptyMessage(type);
  for (const field of fieldsOf(type)) {
    const value = fieldValue(input, field);
    if (value === undefined || value === null) continue;
    const at = pathTo(field.name, path);
    setField(
      message,
      field,
      eachValue(field, value, at, (one, place) => completeValue(field.type, one, place)),
    );
  }
  return message;
}

function completeValue(type: MessageField["type"], value: unknown, path: string): unknown {
  if (typeof type === "object") {
    if (!("members" in type)) return completeMessage(type, value, path);
    const member = memberOf(type, value);
    if (member === UNRECOGNIZED) throw mistake(path, `one of ${memberNames(type)}`, value);
    return member;
  }
  // A Date would be shown in the very form that is wanted.
  if (value instanceof Date) throw new TypeError(`${path} must be a string, not a Date; fromDate makes one of it`);
  return readScalar(type, type === "int64" ? toInt64(value) : value, path);
}

/** JavaScript may have it as a number or as text, such as part of a URL. */
function toInt64(value: unknown): unknown {
  const isWhole = Number.isSafeInteger(value) || (typeof value === "string" && /^-?\d+$/.test(value));
  return isWhole ? BigInt(`${value}`) : value;
}

function memberNames({ members }: EnumField): string {
  return Object.keys(members)
    .filter((name) => typeof members[name] === "number" && name !== "UNRECOGNIZED")
    .join(", ");
}
