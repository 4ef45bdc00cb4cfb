/** Messages in protobuf's JSON format, as strict as Go's. https://protobuf.dev/programming-guides/json/ */
import type { MessageType } from "../../generated/client/messages.ts";
import {
  eachValue,
  emptyMessage,
  fieldsOf,
  isObject,
  type MessageField,
  memberOf,
  mistake,
  pathTo,
  readScalar,
  setField,
  setFields,
  type Values,
} from "./message.ts";

export function encodeJson<T>(type: MessageType<T>, message: T): string {
  return JSON.stringify(writeMessage(type, message as Values));
}

function writeMessage(type: MessageType<unknown>, message: Values): Values {
  return Object.fromEntries(
    setFields(type, message).map(([field, value]) => [field.name, writeValue(field.type, value)]),
  );
}

function writeValue(type: MessageField["type"], value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => writeValue(type, item));
  if (typeof value === "bigint") return `${value}`;
  if (typeof type === "string") return value;
  return "members" in type ? type.members[`${value}`] : writeMessage(type, value as Values);
}

/**
 * Members that the message does not have are passed over, since a newer service may send them.
 *
 * @throws Error for JSON that is no such message.
 */
export function decodeJson<T>(type: MessageType<T>, text: string): T {
  return readMessage(type, JSON.parse(text), "") as T;
}

function readMessage(type: MessageType<unknown>, json: unknown, path: string): Values {
  if (!isObject(json)) throw mistake(path || type.name, "an object", json);
  const message = emptyMessage(type);
  for (const field of fieldsOf(type)) {
    const member = json[field.name] ?? json[field.protoName];
    if (member === undefined || member === null) continue;
    const { label } = field;
    const at = pathTo(field.name, path);
    if (typeof label === "object" && message[label.oneof]) throw mistake(at, `the only one of ${label.oneof}`, member);
    setField(
      message,
      field,
      eachValue(field, member, at, (value, place) => readValue(field.type, value, place)),
    );
  }
  return message;
}

function readValue(type: MessageField["type"], json: unknown, path: string): unknown {
  if (typeof type === "object") {
    if (!("members" in type)) return readMessage(type, json, path);
    return memberOf(type, typeof json === "string" ? json : readScalar("int32", json, path));
  }
  const integer = type === "int64" || type === "int32" ? readInteger(json) : undefined;
  return readScalar(type, type === "int32" && integer !== undefined ? Number(integer) : (integer ?? json), path);
}

/** As a number, or as a text that would be one; undefined when it is no integer, or lost digits. */
function readInteger(json: unknown): bigint | undefined {
  if (typeof json === "string" && /^-?(0|[1-9]\d*)$/.test(json)) return BigInt(json);
  const isNumber = typeof json === "number" || (typeof json === "string" && JSON_NUMBER.test(json));
  return isNumber && Number.isSafeInteger(Number(json)) ? BigInt(Number(json)) : undefined;
}

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
