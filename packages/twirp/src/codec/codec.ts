import { type IMessageType, MESSAGE_TYPE } from "@protobuf-ts/runtime";
import { BinaryReaders } from "./binary-reader.ts";
import { writeBinary } from "./binary-writer.ts";
import type { TypeRegistry } from "./fields.ts";
import { isFields, type MessageFields } from "./fields.ts";
import { JsonReaders } from "./json-reader.ts";
import { JsonWriters, type WriteOptions } from "./json-writer.ts";
import { type DecodingLimits, DecodingRules } from "./limits.ts";

/** Reads and writes messages of one type. */
export interface MessageCodec {
  /** Throws an Error that says what is wrong and where if the body is not such a message. */
  readJson(body: Buffer): object;
  readBinary(body: Buffer): object;
  /** Throws a TypeError for a value that is not such a message. */
  writeJson(message: unknown): string;
  writeBinary(message: unknown): Buffer;
}

/** Makes the codecs of message types. They share the readers and writers of nested types. */
export class MessageCodecs {
  readonly #jsonReaders: JsonReaders;
  readonly #binaryReaders: BinaryReaders;
  readonly #writers: JsonWriters;

  /** @param types the types that a `google.protobuf.Any` may hold in JSON. */
  constructor(json: WriteOptions, types: TypeRegistry, limits: DecodingLimits = {}) {
    const rules = new DecodingRules(limits, types);
    this.#jsonReaders = new JsonReaders(types, rules);
    this.#binaryReaders = new BinaryReaders(rules);
    this.#writers = new JsonWriters(json, types);
  }

  of(type: IMessageType<MessageFields>): MessageCodec {
    const writeJson = this.#writers.of(type);
    return {
      readJson: (body) => this.#jsonReaders.read(type, body),
      readBinary: (body) => this.#binaryReaders.read(type, body),
      writeJson: (message) => writeJson(messageOf(type, message)),
      writeBinary: (message) => {
        const fields = messageOf(type, message);
        try {
          return writeBinary(type, fields);
        } catch (error) {
          // Only the writer of JSON knows the name of a field that it refuses.
          writeJson(fields);
          throw error;
        }
      },
    };
  }
}

function messageOf(type: IMessageType<MessageFields>, message: unknown): MessageFields {
  if (!isFields(message)) throw new TypeError(`expected a ${type.typeName}, got ${typeof message}`);
  // Messages that protobuf-ts made know their type. The writers check the fields of object literals.
  const made: unknown = Reflect.get(message, MESSAGE_TYPE);
  if (made !== undefined && made !== type) throw new TypeError(`expected a ${type.typeName}, got another message`);
  return message;
}
