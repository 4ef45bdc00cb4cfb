import type { FieldInfo, IMessageType, LongType } from "@protobuf-ts/runtime";
import type { JsonCursor } from "./json-cursor.ts";
import { doubleOf } from "./json-numbers.ts";
import { scalarReader } from "./json-scalars.ts";
import { parseDuration, parseTimestamp, type SecondsAndNanos } from "./json-well-known.ts";
import { longOf, type MessageFields } from "./message-fields.ts";
import { isWrapper } from "./well-known-types.ts";

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
          (path) => maskPath(path) ?? fail(cursor, "expected a field mask in lowerCamelCase"),
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

function maskPath(path: string): string | undefined {
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
