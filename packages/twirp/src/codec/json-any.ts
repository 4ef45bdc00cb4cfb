import type { IMessageType } from "@protobuf-ts/runtime";
import { quoteStart } from "../paths.ts";
import { BinaryReaders } from "./binary-reader.ts";
import { writeBinary } from "./binary-writer.ts";
import type { MessageFields, TypeRegistry } from "./fields.ts";
import { isWellKnown, refuse } from "./fields.ts";
import type { JsonCursor } from "./json-cursor.ts";
import type { MessageWriter } from "./json-scalars.ts";
import { quoted } from "./json-scalars.ts";
import type { MessageReader, ReaderOf } from "./json-well-known.ts";
import { UNLIMITED } from "./limits.ts";

/** The member with the type of an Any's content. */
export const TYPE_MEMBER = "@type";

/** The deepest nesting of Anys that is written. Each contains the next one as bytes, which no other limit counts. */
const DEPTH_MAX = 100;

/** The deepest nesting within an Any that is written: the JSON it may come from has 100 levels, each of up to three messages. */
const CONTENT_DEPTH_MAX = 300;

/**
 * The reader of `google.protobuf.Any`: an object with a member `@type`, in any place, and the fields of the content, or its
 * JSON in a member `value` if the type has a JSON form of its own. An object without `@type` is an empty Any, as in Go when
 * unknown fields are ignored.
 *
 * https://protobuf.dev/programming-guides/json/#any
 */
export function anyReader(type: IMessageType<MessageFields>, types: TypeRegistry, readerOf: ReaderOf): MessageReader {
  return (cursor) => {
    if (cursor.peek() !== "object") throw cursor.failure(`expected an object for ${type.typeName}`);
    const message = type.create();
    const typeUrl = typeUrlAhead(cursor);
    if (typeUrl === undefined) {
      cursor.skipValue();
      return message;
    }
    const contentType = types.find(typeUrl);
    if (contentType === undefined) throw cursor.failure(`@type: ${quoteStart(typeUrl)} is not a type of this server`);
    const read = readerOf(contentType);
    const content = isWellKnown(contentType) ? readValueMember(cursor, contentType, read) : read(cursor);
    const bytes = writeBinary(contentType, content);
    takeBytes(cursor, bytes.length);
    message["typeUrl"] = typeUrl;
    message["value"] = new Uint8Array(bytes);
    return message;
  };
}

function readValueMember(cursor: JsonCursor, type: IMessageType<MessageFields>, read: MessageReader): MessageFields {
  let value: MessageFields | undefined;
  cursor.readObject((name) => {
    if (name !== "value") {
      if (name !== TYPE_MEMBER) cursor.budget.takeUnknownField();
      cursor.skipValue();
    } else if (value !== undefined) throw cursor.failure("value: given twice");
    else value = read(cursor);
  });
  if (value !== undefined) return value;
  // Other implementations write an Empty without it, and Go reads that too.
  if (type.typeName === "google.protobuf.Empty") return type.create();
  throw cursor.failure(`value: missing beside an @type of ${type.typeName}`);
}

/** The `@type` of an object, or what is wrong with it. */
type TypeAhead = { readonly url: string } | { readonly problem: string };

/** What is known about the Anys in one text. */
interface Anys {
  /** By the offset of the object in the text. */
  readonly found: Map<number, TypeAhead>;
  /** Objects that start before this offset have been searched. */
  end: number;
  /** Bytes written for Anys so far. */
  bytes: number;
}

const anysOfText = new WeakMap<JsonCursor, Anys>();

function anysOf(cursor: JsonCursor): Anys {
  const known = anysOfText.get(cursor);
  if (known !== undefined) return known;
  const anys: Anys = { found: new Map(), end: 0, bytes: 0 };
  anysOfText.set(cursor, anys);
  return anys;
}

/** The most bytes for each character of the text: an Any inside another is written again. */
const GROWTH_MAX = 16;

/** Bytes that any text may take, however short. */
const FREE_BYTES = 1_048_576;

function takeBytes(cursor: JsonCursor, bytes: number): void {
  const anys = anysOf(cursor);
  anys.bytes += bytes;
  if (anys.bytes <= Math.max(GROWTH_MAX * cursor.length, FREE_BYTES)) return;
  throw cursor.failure("google.protobuf.Any: too many bytes in too many levels");
}

/**
 * The `@type` of the object at the cursor, which may follow all other members. Objects inside are searched in the same pass,
 * so that each nested Any does not need a pass of its own.
 */
function typeUrlAhead(cursor: JsonCursor): string | undefined {
  const start = cursor.position;
  const anys = anysOf(cursor);
  if (start >= anys.end) {
    cursor.lookAhead(() => {
      findTypes(cursor, anys.found);
      anys.end = cursor.position;
    });
  }
  const type = anys.found.get(start);
  if (type === undefined) return undefined;
  if ("problem" in type) throw cursor.failure(type.problem);
  return type.url;
}

function findTypes(cursor: JsonCursor, found: Map<number, TypeAhead>): void {
  const kind = cursor.peek();
  if (kind === "array") cursor.readArray(() => findTypes(cursor, found));
  else if (kind !== "object") cursor.skipValue();
  else {
    const start = cursor.position;
    cursor.readObject((name) => {
      if (name !== TYPE_MEMBER) findTypes(cursor, found);
      else if (found.has(start)) {
        found.set(start, { problem: "@type: given twice" });
        cursor.skipValue();
      } else {
        cursor.budget.assertObjects(found.size + 1);
        found.set(start, readType(cursor));
      }
    });
  }
}

function readType(cursor: JsonCursor): TypeAhead {
  if (cursor.peek() === "string") {
    const url = cursor.readString();
    return url === "" ? { problem: "@type: expected a type URL, got an empty string" } : { url };
  }
  cursor.skipValue();
  return { problem: "@type: expected a type URL in a string" };
}

/** The writer of `google.protobuf.Any`. It throws an Error if the type is unknown or the bytes are not a message of it. */
export function anyWriter(
  types: TypeRegistry,
  writerOf: (type: IMessageType<MessageFields>) => MessageWriter,
): MessageWriter {
  const readers = new BinaryReaders(UNLIMITED);
  let depth = 0;
  return ({ typeUrl, value }) => {
    if (typeof typeUrl !== "string") return refuse("google.protobuf.Any.type_url", "a string", typeUrl);
    if (!(value instanceof Uint8Array)) return refuse("google.protobuf.Any.value", "a Uint8Array", value);
    if (typeUrl === "") {
      if (value.length === 0) return "{}";
      throw new TypeError("google.protobuf.Any: it has a value but no type_url");
    }
    const type = types.find(typeUrl);
    if (type === undefined)
      throw new TypeError(`google.protobuf.Any: ${quoteStart(typeUrl)} is not a type of this server`);
    if (depth === DEPTH_MAX) throw new RangeError(`google.protobuf.Any: nesting deeper than ${DEPTH_MAX}`);
    depth += 1;
    try {
      const message = readers.read(type, bytesOf(value), CONTENT_DEPTH_MAX);
      const json = writerOf(type)(message);
      const start = `{"@type":${quoted(typeUrl)}`;
      if (isWellKnown(type)) return `${start},"value":${json}}`;
      return json === "{}" ? `${start}}` : `${start},${json.slice(1)}`;
    } finally {
      depth -= 1;
    }
  };
}

function bytesOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
