/** Messages in protobuf's binary format. https://protobuf.dev/programming-guides/encoding/ */
import type { MessageType } from "../../generated/client/messages.ts";
import { emptyMessage, fieldsOf, type MessageField, memberOf, setField, setFields, type Values } from "./message.ts";
import { formatTime, type Instant, parseTime } from "./time.ts";
import { BinaryReader, BinaryWriter } from "./wire.ts";

const TIMESTAMP: MessageType<Instant> = {
  name: "Timestamp",
  fields: { seconds: [1, "int64"], nanos: [2, "int32"] },
};

/** An entry of a map, as it stands on the wire. */
const MAP_ENTRY: MessageType<Readonly<Record<"key" | "value", string>>> = {
  name: "MapEntry",
  fields: { key: [1, "string"], value: [2, "string"] },
};

const VARINT = 0;
const DELIMITED = 2;

export function encodeBinary<T>(type: MessageType<T>, message: T): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  writeMessage(writer, type, message as Values);
  return writer.finish();
}

function writeMessage(writer: BinaryWriter, type: MessageType<unknown>, message: Values): void {
  for (const [field, value] of setFields(type, message)) {
    const entries = field.label === "map" ? Object.entries(value as Values) : undefined;
    for (const one of entries?.map(([key, item]) => ({ key, value: item })) ?? [value].flat()) {
      writer.uint32(tagOf(field));
      writeValue(writer, entries ? MAP_ENTRY : field.type, one);
    }
  }
}

function writeValue(writer: BinaryWriter, type: MessageField["type"], value: unknown): void {
  if (typeof value === "bigint") writer.int64(value);
  else if (typeof value === "number") writer.int32(value);
  else if (typeof value === "boolean") writer.bool(value);
  else if (type === "time") writeNested(writer, TIMESTAMP, parseTime(`${value}`));
  else if (typeof value === "string") writer.string(value);
  else if (typeof type === "object" && "fields" in type) writeNested(writer, type, value);
}

function writeNested(writer: BinaryWriter, type: MessageType<unknown>, value: unknown): void {
  writer.fork();
  writeMessage(writer, type, value as Values);
  writer.join();
}

/** @throws Error for bytes that are no such message. */
export function decodeBinary<T>(type: MessageType<T>, bytes: Uint8Array): T {
  const reader = new BinaryReader(bytes);
  return readMessage(reader, type, reader.len) as T;
}

function readMessage(reader: BinaryReader, type: MessageType<unknown>, end: number): Values {
  const message = emptyMessage(type);
  const fields = fieldsOf(type);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag < 8) throw new RangeError(`${type.name} has a field without a number`);
    const field = fields.find((candidate) => tagOf(candidate) === tag);
    if (field === undefined) {
      reader.skip(tag & 7);
      continue;
    }
    const before = message[field.name];
    if (field.label === "list" && Array.isArray(before)) before.push(readValue(reader, field.type));
    else if (field.label === "map") message[field.name] = withEntry(before, readNested(reader, MAP_ENTRY));
    else setField(message, field, readValue(reader, field.type));
  }
  if (reader.pos !== end) throw new RangeError(`${type.name} ends at byte ${reader.pos} instead of ${end}`);
  return message;
}

function readValue(reader: BinaryReader, type: MessageField["type"]): unknown {
  if (type === "time") return formatTime({ seconds: 0n, nanos: 0, ...readNested(reader, TIMESTAMP) });
  if (typeof type === "string") return reader[type]();
  return "members" in type ? memberOf(type, reader.int32()) : readNested(reader, type);
}

function readNested(reader: BinaryReader, type: MessageType<unknown>): Values {
  const length = reader.uint32();
  return readMessage(reader, type, reader.pos + length);
}

/** "__proto__" is a key like any other, which an assignment would not make it. */
function withEntry(map: unknown, { key, value }: Values): Values {
  return Object.fromEntries([...Object.entries(map as Values), [key, value]]);
}

function tagOf({ number, type }: MessageField): number {
  const isVarint = typeof type === "string" ? type !== "string" && type !== "time" : "members" in type;
  return (number << 3) | (isVarint ? VARINT : DELIMITED);
}
