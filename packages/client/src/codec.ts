import type { MessageType } from "../../../generated/client/fields.ts";
import { decodeBinary, encodeBinary } from "./binary-format.ts";
import { type MessageField, readMessage, type Source, setFields, type Values } from "./message.ts";
import type { TransportReply } from "./transports.ts";
import { UTF8 } from "./wire.ts";

/** Messages in protobuf's JSON format, as strict as Go's. https://protobuf.dev/programming-guides/json/ */

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
 * Ignores unknown members, because a newer service may send them.
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
