import type { FieldInfo, IMessageType, LongType } from "@protobuf-ts/runtime";
import { isFields, isWrapper, longOf, type MessageFields, refuse } from "./fields.ts";
import type { JsonCursor } from "./json-cursor.ts";
import { doubleOf } from "./json-numbers.ts";
import { type MessageWriter, quoted, scalarReader, scalarWriter } from "./json-scalars.ts";

/** A point in time or a span, as the well-known types hold it. */
export interface SecondsAndNanos {
  readonly seconds: bigint;
  readonly nanos: number;
}

const TIMESTAMP = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))$/;
const DURATION = /^([+-]?)(0|[1-9]\d*)?(?:\.(\d{0,9}))?s$/;

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: https://protobuf.dev/reference/protobuf/google.protobuf/#timestamp */
const TIMESTAMP_SECONDS_MIN = -62_135_596_800;
const TIMESTAMP_SECONDS_MAX = 253_402_300_799;

/** 10,000 years: https://protobuf.dev/reference/protobuf/google.protobuf/#duration */
const DURATION_SECONDS_MAX = 315_576_000_000;

/** Reads an RFC 3339 time; undefined when it is none or out of range. */
function parseTimestamp(text: string): SecondsAndNanos | undefined {
  const match = TIMESTAMP.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have rolls over into the next.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * (match[8] === "-" ? -60 : 60);
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  if (seconds < TIMESTAMP_SECONDS_MIN || seconds > TIMESTAMP_SECONDS_MAX) return undefined;
  return { seconds: BigInt(seconds), nanos: nanosOf(match[7]) };
}

/** Writes a time in UTC with 0, 3, 6 or 9 digits of fraction. Throws when it is out of range. */
function formatTimestamp(seconds: number, nanos: number): string {
  if (!(seconds >= TIMESTAMP_SECONDS_MIN && seconds <= TIMESTAMP_SECONDS_MAX && isNanos(nanos))) {
    throw new RangeError("timestamp out of range");
  }
  const day = Math.floor(seconds / DAY_SECONDS);
  const second = seconds - day * DAY_SECONDS;
  const time = `${twoDigits(second / 3600)}:${twoDigits((second / 60) % 60)}:${twoDigits(second % 60)}`;
  return `${dateOf(day)}T${time}${fractionOf(nanos)}Z`;
}

const DAY_SECONDS = 86_400;

/** Most days whose dates are kept: replies are about few, and making a Date for each time costs more than the rest. */
const DATES_MAX = 1024;

const dates = new Map<number, string>();

/** The date of a day since 1970-01-01, as YYYY-MM-DD. */
function dateOf(day: number): string {
  const known = dates.get(day);
  if (known !== undefined) return known;
  const date = new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10);
  if (dates.size >= DATES_MAX) dates.clear();
  dates.set(day, date);
  return date;
}

function twoDigits(value: number): string {
  const whole = Math.floor(value);
  return whole < 10 ? `0${whole}` : `${whole}`;
}

/** Reads a span such as `1.5s`; undefined when it is none or out of range. */
function parseDuration(text: string): SecondsAndNanos | undefined {
  const match = DURATION.exec(text);
  if (match === null || ((match[2] ?? "") === "" && (match[3] ?? "") === "")) return undefined;
  const seconds = Number(match[2] ?? 0);
  if (seconds > DURATION_SECONDS_MAX) return undefined;
  const nanos = nanosOf(match[3]);
  if (match[1] !== "-") return { seconds: BigInt(seconds), nanos };
  return { seconds: -BigInt(seconds), nanos: nanos === 0 ? 0 : -nanos };
}

/** Writes a span with 0, 3, 6 or 9 digits of fraction. Throws when it is out of range or its signs differ. */
function formatDuration(seconds: number, nanos: number): string {
  const signsAgree = seconds === 0 || nanos === 0 || seconds < 0 === nanos < 0;
  if (!(Math.abs(seconds) <= DURATION_SECONDS_MAX && isNanos(Math.abs(nanos)) && signsAgree)) {
    throw new RangeError("duration out of range");
  }
  const sign = seconds < 0 || nanos < 0 ? "-" : "";
  return `${sign}${Math.abs(seconds)}${fractionOf(Math.abs(nanos))}s`;
}

function nanosOf(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Number(fraction.padEnd(9, "0"));
}

function isNanos(nanos: number): boolean {
  return Number.isInteger(nanos) && nanos >= 0 && nanos <= 999_999_999;
}

function fractionOf(nanos: number): string {
  if (nanos === 0) return "";
  const digits = nanos.toString().padStart(9, "0");
  if (digits.endsWith("000000")) return `.${digits.slice(0, 3)}`;
  return digits.endsWith("000") ? `.${digits.slice(0, 6)}` : `.${digits}`;
}

/** Reads a message at the cursor. Throws a SyntaxError when there is none. */
export type MessageReader = (cursor: JsonCursor) => MessageFields;
/** The reader of a type that a message holds. */
export type ReaderOf = (type: IMessageType<MessageFields>) => MessageReader;

/**
 * The reader of a type whose JSON is not an object of its fields; undefined for all others, and for
 * `google.protobuf.Any`.
 *
 * https://protobuf.dev/programming-guides/json/
 */
export function wellKnownReader(type: IMessageType<MessageFields>, readerOf: ReaderOf): MessageReader | undefined {
  switch (type.typeName) {
    case "google.protobuf.Timestamp":
      return momentReader(type, parseTimestamp, "expected an RFC 3339 time");
    case "google.protobuf.Duration":
      return momentReader(type, parseDuration, "expected a duration such as 1.5s");
    case "google.protobuf.FieldMask":
      return (cursor) => {
        if (cursor.peek() !== "string") throw cursor.failure("expected a field mask");
        const message = type.create();
        const paths = pathsOf(cursor.readString());
        cursor.budget.takeListValues(paths.length);
        message["paths"] = paths.map(
          (path) => readMaskPath(path) ?? fail(cursor, "expected a field mask in lowerCamelCase"),
        );
        return message;
      };
    case "google.protobuf.Struct":
      return structReader(type, readerOf);
    case "google.protobuf.ListValue":
      return listValueReader(type, readerOf);
    case "google.protobuf.Value":
      return anyValueReader(type, readerOf);
    default:
      return isWrapper(type) ? wrapperReader(type) : undefined;
  }
}

function momentReader(
  type: IMessageType<MessageFields>,
  parse: (text: string) => SecondsAndNanos | undefined,
  expectation: string,
): MessageReader {
  const long = longFormOf(type.fields[0]);
  return (cursor) => {
    const moment = cursor.peek() === "string" ? parse(cursor.readString()) : undefined;
    if (moment === undefined) throw cursor.failure(expectation);
    const message = type.create();
    message["seconds"] = longOf(moment.seconds, long);
    message["nanos"] = moment.nanos;
    return message;
  };
}

function longFormOf(field: FieldInfo | undefined): LongType | undefined {
  return field?.kind === "scalar" ? field.L : undefined;
}

function pathsOf(mask: string): string[] {
  const list = trimSpace(mask);
  return list === "" ? [] : list.split(",");
}

function readMaskPath(path: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*$/.test(path)) return undefined;
  return path.replace(/[A-Z]/g, "_$&").toLowerCase();
}

/** Go's strings.TrimSpace, which knows another set of characters than JavaScript's trim. */
function trimSpace(text: string): string {
  const isSpace = (index: number) => /\p{White_Space}/u.test(text.charAt(index));
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(start)) start += 1;
  while (start < end && isSpace(end - 1)) end -= 1;
  return text.slice(start, end);
}

function wrapperReader(type: IMessageType<MessageFields>): MessageReader {
  const [field] = type.fields;
  if (field?.kind !== "scalar") throw new Error(`${type.typeName} has no value`);
  const read = scalarReader(field.T, field.L, type.typeName);
  return (cursor) => {
    const message = type.create();
    message["value"] = read(cursor);
    return message;
  };
}

function structReader(type: IMessageType<MessageFields>, readerOf: ReaderOf): MessageReader {
  const valueType = memberType(type, "fields");
  return (cursor) => {
    if (cursor.peek() !== "object") throw cursor.failure("expected an object");
    const fields: MessageFields = Object.create(null);
    const read = readerOf(valueType());
    cursor.readObject((name) => {
      cursor.budget.takeObject();
      if (name in fields) throw cursor.failure("name given twice");
      fields[name] = read(cursor);
    });
    const message = type.create();
    message["fields"] = fields;
    return message;
  };
}

function listValueReader(type: IMessageType<MessageFields>, readerOf: ReaderOf): MessageReader {
  const valueType = memberType(type, "values");
  return (cursor) => {
    if (cursor.peek() !== "array") throw cursor.failure("expected an array");
    const values: MessageFields[] = [];
    const read = readerOf(valueType());
    cursor.readArray(() => values.push(read(cursor)));
    const message = type.create();
    message["values"] = values;
    return message;
  };
}

function anyValueReader(type: IMessageType<MessageFields>, readerOf: ReaderOf): MessageReader {
  const structType = memberType(type, "structValue");
  const listType = memberType(type, "listValue");
  return (cursor) => {
    const message = type.create();
    message["kind"] = kindAt(
      cursor,
      () => readerOf(structType())(cursor),
      () => readerOf(listType())(cursor),
    );
    return message;
  };
}

function kindAt(cursor: JsonCursor, readStruct: () => MessageFields, readList: () => MessageFields): MessageFields {
  switch (cursor.peek()) {
    case "object":
      return { oneofKind: "structValue", structValue: readStruct() };
    case "array":
      return { oneofKind: "listValue", listValue: readList() };
    case "string":
      return { oneofKind: "stringValue", stringValue: cursor.readString() };
    case "boolean":
      return { oneofKind: "boolValue", boolValue: cursor.readBoolean() };
    case "null":
      cursor.readNull();
      return { oneofKind: "nullValue", nullValue: 0 };
    default: {
      const number = doubleOf(cursor.readNumber());
      return number === undefined
        ? fail(cursor, "expected a double")
        : { oneofKind: "numberValue", numberValue: number };
    }
  }
}

function memberType(type: IMessageType<MessageFields>, localName: string): () => IMessageType<MessageFields> {
  const field = type.fields.find((candidate) => candidate.localName === localName);
  if (field?.kind === "message") return field.T;
  if (field?.kind === "map" && field.V.kind === "message") return field.V.T;
  throw new Error(`${type.typeName} has no ${localName}`);
}

function fail(cursor: JsonCursor, message: string): never {
  throw cursor.failure(message);
}

/** The writer of a type whose JSON is not an object of its fields; undefined for all others, and for `google.protobuf.Any`. */
export function wellKnownWriter(type: IMessageType<MessageFields>): MessageWriter | undefined {
  switch (type.typeName) {
    case "google.protobuf.Timestamp":
      return ({ seconds, nanos }) => `"${formatTimestamp(Number(seconds), Number(nanos))}"`;
    case "google.protobuf.Duration":
      return ({ seconds, nanos }) => `"${formatDuration(Number(seconds), Number(nanos))}"`;
    case "google.protobuf.FieldMask":
      return ({ paths }) =>
        quoted(Array.isArray(paths) ? paths.map(writeMaskPath).join(",") : refuse("paths", "an array", paths));
    case "google.protobuf.Struct":
    case "google.protobuf.ListValue":
      return writeStructure;
    case "google.protobuf.Value":
      return writeValue;
    default:
      return isWrapper(type) ? wrapperWriter(type) : undefined;
  }
}

function wrapperWriter(type: IMessageType<MessageFields>): MessageWriter {
  const [field] = type.fields;
  if (field?.kind !== "scalar") throw new Error(`${type.typeName} has no value`);
  const write = scalarWriter(field.T, type.typeName);
  return (message) => write(message["value"]);
}

const MASK_PATH = /^_?[a-z](?:_?[a-z]|\d)*(?:\._?[a-z](?:_?[a-z]|\d)*)*$/;

// Only a path of field names that reads back the same may be written. https://protobuf.dev/reference/protobuf/google.protobuf/#json-encoding-field-masks
function writeMaskPath(path: unknown): string {
  if (typeof path !== "string" || !MASK_PATH.test(path)) {
    throw new RangeError(`field mask path ${JSON.stringify(path)} has no JSON form`);
  }
  return path.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

// A Struct has fields, a ListValue has values.
function writeStructure({ fields, values }: MessageFields): string {
  if (Array.isArray(values)) return `[${values.map(writeMember).join(",")}]`;
  if (!isFields(fields)) return refuse("google.protobuf.Struct", "fields", fields);
  const members = Object.entries(fields).map(([name, value]) => `${quoted(name)}:${writeMember(value)}`);
  return `{${members.join(",")}}`;
}

function writeMember(value: unknown): string {
  return isFields(value) ? writeValue(value) : refuse("google.protobuf.Value", "a message", value);
}

function writeValue({ kind }: MessageFields): string {
  if (!isFields(kind)) return refuse("google.protobuf.Value", "a kind", kind);
  switch (kind["oneofKind"]) {
    case "nullValue":
      return "null";
    case "boolValue":
      return String(kind["boolValue"] === true);
    case "stringValue":
      return quoted(String(kind["stringValue"]));
    case "structValue":
      return isFields(kind["structValue"]) ? writeStructure(kind["structValue"]) : "{}";
    case "listValue":
      return isFields(kind["listValue"]) ? writeStructure(kind["listValue"]) : "[]";
    case "numberValue": {
      const number = kind["numberValue"];
      // JSON has no other numbers, and a Value may not hold them as strings.
      if (typeof number === "number" && Number.isFinite(number)) return Object.is(number, -0) ? "-0" : String(number);
      return refuse("google.protobuf.Value", "a finite number", number);
    }
    default:
      return refuse("google.protobuf.Value", "a kind", kind["oneofKind"]);
  }
}
