import {
  emptyMessage,
  fieldsOf,
  type MessageField,
  type MessageType,
  memberOf,
  readMessage,
  type Source,
  setField,
  setFields,
  type Values,
} from "./message.ts";
import { formatTime, type Instant, parseTime } from "./time.ts";
import type { TransportReply } from "./transports.ts";
import { BinaryReader, BinaryWriter, UTF8 } from "./wire.ts";

/** The encoding of requests and replies. */
export type Format = "json" | "protobuf";

export function mediaTypeOf(format: Format): string {
  return `application/${format}`;
}

export function encode<T>(format: Format, type: MessageType<T>, message: T): string | Uint8Array<ArrayBuffer> {
  return format === "json" ? encodeJson(type, message) : encodeBinary(type, message);
}

/** @throws Error when the reply is not such a message. */
export function decode<T>(format: Format, type: MessageType<T>, reply: TransportReply): T {
  const contentType = reply.header("content-type") ?? "none";
  const [mediaType = ""] = contentType.split(";");
  if (mediaType.trim().toLowerCase() !== mediaTypeOf(format)) throw new TypeError(`its content type is ${contentType}`);
  return format === "json" ? decodeJson(type, UTF8.decode(reply.body)) : decodeBinary(type, reply.body);
}

/** Writes protobuf's JSON. https://protobuf.dev/programming-guides/json/ */
export function encodeJson<T>(type: MessageType<T>, message: T): string {
  return JSON.stringify(writeMessage(type, message as Values));
}

function writeMessage(type: MessageType<unknown>, message: Values): Values {
  return Object.fromEntries(setFields(type, message).map(([field, value]) => [field.name, writeValue(field, value)]));
}

function writeValue(field: MessageField, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => writeValue(field, item));
  if (typeof value === "bigint") return `${value}`;
  const { members, message } = field;
  return message ? writeMessage(message, value as Values) : members ? members[`${value}`] : value;
}

/**
 * Reads protobuf's JSON, as strict as Go. Ignores unknown members, because a newer service may send them.
 *
 * @throws Error for JSON that is not such a message.
 */
export function decodeJson<T>(type: MessageType<T>, text: string): T {
  return readMessage(type, JSON.parse(text), REPLY) as T;
}

const REPLY: Source = {
  fieldOf: (json, { name, protoName }) => json[name] ?? json[protoName],
  knowsEveryMember: false,
};

// The binary format: https://protobuf.dev/programming-guides/encoding/

const TIMESTAMP: MessageType<Instant> = {
  name: "Timestamp",
  fields: { seconds: [1, "int64"], nanos: [2, "int32"] },
};

/** On the wire, a map is a list of these messages. */
const MAP_ENTRY: MessageType<Readonly<Record<"key" | "value", string>>> = {
  name: "MapEntry",
  fields: { key: [1, "string"], value: [2, "string"] },
};

type FieldKind = Pick<MessageField, "scalar" | "members" | "message">;

export function encodeBinary<T>(type: MessageType<T>, message: T): Uint8Array<ArrayBuffer> {
  return writeBinaryMessage(type, message as Values);
}

function writeBinaryMessage(type: MessageType<unknown>, message: Values): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  for (const [field, value] of setFields(type, message)) {
    const entries = field.label === "map" ? Object.entries(value as Values) : undefined;
    for (const one of entries?.map(([key, item]) => ({ key, value: item })) ?? [value].flat()) {
      writer.int32(field.tag);
      writeBinaryValue(writer, entries ? { message: MAP_ENTRY } : field, one);
    }
  }
  return writer.finish();
}

function writeBinaryValue(writer: BinaryWriter, { scalar, message }: FieldKind, value: unknown): void {
  if (message) writer.delimited(writeBinaryMessage(message, value as Values));
  else if (scalar === "time") writer.delimited(writeBinaryMessage(TIMESTAMP, { ...parseTime(`${value}`) }));
  else if (scalar === "string") writer.string(`${value}`);
  else if (typeof value === "bigint") writer.int64(value);
  // An int32, a bool or an enum.
  else writer.int32(Number(value));
}

/** @throws Error for bytes that are not such a message. */
export function decodeBinary<T>(type: MessageType<T>, bytes: Uint8Array): T {
  const reader = new BinaryReader(bytes);
  return readBinaryMessage(reader, type, reader.len) as T;
}

function readBinaryMessage(reader: BinaryReader, type: MessageType<unknown>, end: number): Values {
  const message = emptyMessage(type);
  const fields = fieldsOf(type);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag < 8) throw new RangeError("invalid tag");
    const field = fields.find((candidate) => candidate.tag === tag);
    if (field === undefined) {
      reader.skip(tag & 7);
      continue;
    }
    const before = message[field.name];
    if (field.label === "list" && Array.isArray(before)) before.push(readBinaryValue(reader, field));
    else if (field.label === "map") {
      const { key, value } = readNested(reader, MAP_ENTRY);
      // A spread, because assigning the key "__proto__" would set the prototype.
      message[field.name] = { ...(before as Values), [`${key}`]: value };
    } else setField(message, field, readBinaryValue(reader, field));
  }
  if (reader.pos !== end) throw new RangeError("premature end");
  return message;
}

function readBinaryValue(reader: BinaryReader, { scalar, members, message }: FieldKind): unknown {
  if (scalar === "time") return formatTime({ seconds: 0n, nanos: 0, ...readNested(reader, TIMESTAMP) });
  if (scalar) return reader[scalar]();
  return message ? readNested(reader, message) : memberOf(members ?? {}, reader.int32());
}

function readNested(reader: BinaryReader, type: MessageType<unknown>): Values {
  const length = reader.uint32();
  return readBinaryMessage(reader, type, reader.pos + length);
}
