import type { IMessageType } from "@protobuf-ts/runtime";
import { refuse } from "./fields.ts";
import { formatDuration, formatTimestamp } from "./json-well-known.ts";
import { isFields, type MessageFields } from "./message-fields.ts";
import type { MessageWriter } from "./object-writer.ts";
import { quoted, scalarWriter } from "./scalar-writers.ts";
import { isWrapper } from "./well-known-types.ts";

/** The writer of a type whose JSON is not an object of its fields; undefined for all others, and for `google.protobuf.Any`. */
export function wellKnownWriter(type: IMessageType<MessageFields>): MessageWriter | undefined {
  switch (type.typeName) {
    case "google.protobuf.Timestamp":
      return ({ seconds, nanos }) => `"${formatTimestamp(Number(seconds), Number(nanos))}"`;
    case "google.protobuf.Duration":
      return ({ seconds, nanos }) => `"${formatDuration(Number(seconds), Number(nanos))}"`;
    case "google.protobuf.FieldMask":
      return ({ paths }) =>
        quoted(Array.isArray(paths) ? paths.map(maskPath).join(",") : refuse("paths", "an array", paths));
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
function maskPath(path: unknown): string {
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
