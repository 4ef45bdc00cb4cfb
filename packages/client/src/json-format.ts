/** Messages in protobuf's JSON format, as strict as Go's. https://protobuf.dev/programming-guides/json/ */
import type { MessageType } from "../../../generated/client/fields.ts";
import { type MessageField, readMessage, type Source, setFields, type Values } from "./message.ts";

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
 * Members that the message does not have are ignored, since a newer service may send them.
 *
 * @throws Error for JSON that is no such message.
 */
export function decodeJson<T>(type: MessageType<T>, text: string): T {
  return readMessage(type, JSON.parse(text), REPLY) as T;
}

const REPLY: Source = {
  fieldOf: (json, { name, protoName }) => json[name] ?? json[protoName],
  knowsEveryMember: false,
};
