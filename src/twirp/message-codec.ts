import { type IMessageType, MESSAGE_TYPE } from "@protobuf-ts/runtime";
import { readBinary } from "./binary/message-reader.ts";
import { writeBinary } from "./binary/message-writer.ts";
import { readJson } from "./json/message-reader.ts";
import type { JsonWriters } from "./json/message-writer.ts";
import { isFields, type MessageFields } from "./message-fields.ts";

/** Reads and writes messages of one type. */
export interface MessageCodec {
  /** Throws an Error that says what is wrong and where when the body is no such message. */
  readJson(body: Buffer): object;
  readBinary(body: Buffer): object;
  /** Throws a TypeError for anything but such a message. */
  writeJson(message: unknown): string;
  writeBinary(message: unknown): Buffer;
}

/** Compiles the codec of a type from its reflection. */
export function compileCodec(type: IMessageType<MessageFields>, writers: JsonWriters): MessageCodec {
  const writeJson = writers.of(type);
  return {
    readJson: (body) => readJson(type, body),
    readBinary: (body) => readBinary(type, body),
    writeJson: (message) => writeJson(messageOf(type, message)),
    writeBinary: (message) => writeBinary(type, messageOf(type, message)),
  };
}

function messageOf(type: IMessageType<MessageFields>, message: unknown): MessageFields {
  if (!isFields(message)) throw new TypeError(`expected a ${type.typeName}, got ${typeof message}`);
  // Messages that protobuf-ts made know their type; an object literal is judged by its fields.
  const made: unknown = Reflect.get(message, MESSAGE_TYPE);
  if (made !== undefined && made !== type) throw new TypeError(`expected a ${type.typeName}, got another message`);
  return message;
}
