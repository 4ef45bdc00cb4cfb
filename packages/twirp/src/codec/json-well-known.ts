import type { FieldInfo, IMessageType, LongType } from "@protobuf-ts/runtime";
import { longOf, type MessageFields, refuse } from "./fields.ts";
import type { JsonCursor } from "./json-cursor.ts";
import { type MessageWriter, quoted } from "./json-scalars.ts";

/** The fields of Timestamp and Duration. */
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

/** Reads an RFC 3339 time; undefined if it is invalid or out of range. */
function parseTimestamp(text: string): SecondsAndNanos | undefined {
  const match = TIMESTAMP.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that does not exist, such as February 30, becomes one in the next month.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * (match[8] === "-" ? -60 : 60);
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  if (seconds < TIMESTAMP_SECONDS_MIN || seconds > TIMESTAMP_SECONDS_MAX) return undefined;
  return { seconds: BigInt(seconds), nanos: nanosOf(match[7]) };
}

/** Writes a time in UTC with 0, 3, 6 or 9 digits of fraction. Throws if it is out of range. */
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

/** Most days whose text is cached: replies mention few days, and making a Date is the slowest part of writing a time. */
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

/** Reads a duration such as `1.5s`; undefined if it is invalid or out of range. */
function parseDuration(text: string): SecondsAndNanos | undefined {
  const match = DURATION.exec(text);
  if (match === null || ((match[2] ?? "") === "" && (match[3] ?? "") === "")) return undefined;
  const seconds = Number(match[2] ?? 0);
  if (seconds > DURATION_SECONDS_MAX) return undefined;
  const nanos = nanosOf(match[3]);
  if (match[1] !== "-") return { seconds: BigInt(seconds), nanos };
  return { seconds: -BigInt(seconds), nanos: nanos === 0 ? 0 : -nanos };
}

/** Writes a duration with 0, 3, 6 or 9 digits of fraction. Throws if it is out of range or its signs differ. */
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

/** Reads a message at the cursor. Throws a SyntaxError if there is none. */
export type MessageReader = (cursor: JsonCursor) => MessageFields;
/** The reader of a type that a message holds. */
export type ReaderOf = (type: IMessageType<MessageFields>) => MessageReader;

/**
 * The reader of Timestamp, Duration and FieldMask; undefined for other types.
 *
 * https://protobuf.dev/programming-guides/json/
 */
export function wellKnownReader(type: IMessageType<MessageFields>): MessageReader | undefined {
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
    default:
      return undefined;
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

/** Go's strings.TrimSpace, whose set of characters differs from JavaScript's trim. */
function trimSpace(text: string): string {
  const isSpace = (index: number) => /\p{White_Space}/u.test(text.charAt(index));
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(start)) start += 1;
  while (start < end && isSpace(end - 1)) end -= 1;
  return text.slice(start, end);
}

function fail(cursor: JsonCursor, message: string): never {
  throw cursor.failure(message);
}

/** The writer of Timestamp, Duration and FieldMask; undefined for other types. */
export function wellKnownWriter(type: IMessageType<MessageFields>): MessageWriter | undefined {
  switch (type.typeName) {
    case "google.protobuf.Timestamp":
      return ({ seconds, nanos }) => `"${formatTimestamp(Number(seconds), Number(nanos))}"`;
    case "google.protobuf.Duration":
      return ({ seconds, nanos }) => `"${formatDuration(Number(seconds), Number(nanos))}"`;
    case "google.protobuf.FieldMask":
      return ({ paths }) =>
        quoted(Array.isArray(paths) ? paths.map(writeMaskPath).join(",") : refuse("paths", "an array", paths));
    default:
      return undefined;
  }
}

const MASK_PATH = /^_?[a-z](?:_?[a-z]|\d)*(?:\._?[a-z](?:_?[a-z]|\d)*)*$/;

// A path is written only if it reads back the same. https://protobuf.dev/reference/protobuf/google.protobuf/#json-encoding-field-masks
function writeMaskPath(path: unknown): string {
  if (typeof path !== "string" || !MASK_PATH.test(path)) {
    throw new RangeError(`field mask path ${JSON.stringify(path)} has no JSON form`);
  }
  return path.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
