import { type FieldInfo, type IMessageType, RepeatType, ScalarType, UnknownFieldHandler } from "@protobuf-ts/runtime";
import { INT32, INT64, longIn, refuse, scalarTypeOf, smallIntegerIn, UINT32, UINT64, zeroTest } from "./fields.ts";
import { isFields, type MessageFields } from "./message-fields.ts";
import { WIRE, wireTypeOf } from "./wire-types.ts";
import { WireWriter } from "./wire-writer.ts";

type MessageWriter = (wire: WireWriter, message: MessageFields) => void;
type ValueWriter = (wire: WireWriter, value: unknown) => void;

const compiled = new WeakMap<IMessageType<MessageFields>, MessageWriter>();

// One for all: a message is written without a pause.
const shared = new WireWriter();

/**
 * Writes a message in its wire format: fields by their number, unknown fields last. Throws a TypeError, which names the
 * field, for an object that is no such message.
 *
 * protobuf-ts's own writer looks every field up anew for each message, and trusts that the object is one.
 */
export function writeBinary(type: IMessageType<MessageFields>, message: MessageFields): Buffer {
  try {
    messageWriter(type)(shared, message);
    return shared.finish();
  } catch (error) {
    shared.reset();
    throw error;
  }
}

function messageWriter(type: IMessageType<MessageFields>): MessageWriter {
  const known = compiled.get(type);
  if (known !== undefined) return known;
  const fields = [...type.fields]
    .sort((a, b) => a.no - b.no)
    .map((field) => fieldWriter(field, `${type.typeName}.${field.name}`));
  const writer: MessageWriter = (wire, message) => {
    for (const write of fields) write(wire, message);
    if (UnknownFieldHandler.symbol in message) writeUnknown(wire, message);
  };
  compiled.set(type, writer);
  return writer;
}

function writeUnknown(wire: WireWriter, message: MessageFields): void {
  for (const { no, wireType, data } of UnknownFieldHandler.list(message)) {
    wire.uint32(tagOf(no, wireType));
    wire.raw(data);
  }
}

function fieldWriter(field: FieldInfo, path: string): MessageWriter {
  const { localName, oneof } = field;
  if (field.kind === "map") return mapWriter(field, path);
  const { tag, write } = memberWriter(field.no, field, path);
  if (field.repeat !== 0) {
    const packed = field.kind !== "message" && field.repeat === RepeatType.PACKED;
    return listWriter(localName, path, packed ? packedWriter(field.no, write) : eachWriter(tag, write));
  }
  if (oneof !== undefined) {
    return (wire, message) => {
      const group = message[oneof];
      if (!isFields(group)) return refuse(path, "a oneof group", group);
      if (group["oneofKind"] !== localName) return;
      wire.uint32(tag);
      write(wire, group[localName]);
    };
  }
  const isUnset = field.kind === "message" || field.opt ? isUndefined : zeroTest(scalarTypeOf(field));
  return (wire, message) => {
    const value = message[localName];
    if (isUnset(value)) return;
    wire.uint32(tag);
    write(wire, value);
  };
}

function isUndefined(value: unknown): boolean {
  return value === undefined;
}

type ListWriter = (wire: WireWriter, list: readonly unknown[]) => void;

function listWriter(localName: string, path: string, write: ListWriter): MessageWriter {
  return (wire, message) => {
    const list = message[localName];
    if (!Array.isArray(list)) return refuse(path, "an array", list);
    if (list.length > 0) write(wire, list);
  };
}

function eachWriter(tag: number, write: ValueWriter): ListWriter {
  return (wire, list) => {
    for (const value of list) {
      wire.uint32(tag);
      write(wire, value);
    }
  };
}

function packedWriter(number: number, write: ValueWriter): ListWriter {
  const tag = tagOf(number, WIRE.bytes);
  return (wire, list) => {
    wire.uint32(tag);
    const start = wire.open();
    for (const value of list) write(wire, value);
    wire.close(start);
  };
}

function mapWriter(field: FieldInfo & { kind: "map" }, path: string): MessageWriter {
  const { localName, K } = field;
  const tag = tagOf(field.no, WIRE.bytes);
  const key = memberWriter(1, { kind: "scalar", T: K }, path);
  const value = memberWriter(2, field.V, path);
  const keyOf = mapKeyReader(K);
  return (wire, message) => {
    const map = message[localName];
    if (!isFields(map)) return refuse(path, "an object", map);
    for (const name of Object.keys(map)) {
      wire.uint32(tag);
      const start = wire.open();
      wire.uint32(key.tag);
      key.write(wire, keyOf(name));
      wire.uint32(value.tag);
      value.write(wire, map[name]);
      wire.close(start);
    }
  };
}

/** Objects have only text for keys; this gives a key the type that the .proto says. */
function mapKeyReader(type: ScalarType): (name: string) => unknown {
  switch (type) {
    case ScalarType.BOOL:
      return (name) => (name === "true" ? true : name === "false" ? false : name);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return Number;
    default:
      // Text stays, and a 64-bit integer is read from text.
      return (name) => name;
  }
}

interface MemberWriter {
  readonly tag: number;
  readonly write: ValueWriter;
}

function memberWriter(
  number: number,
  field:
    | { readonly kind: "scalar"; readonly T: ScalarType }
    | { readonly kind: "enum" }
    | { readonly kind: "message"; readonly T: () => IMessageType<MessageFields> },
  path: string,
): MemberWriter {
  if (field.kind === "message") return { tag: tagOf(number, WIRE.bytes), write: nestedWriter(field.T, path) };
  const scalar = scalarTypeOf(field);
  return { tag: tagOf(number, wireTypeOf(scalar)), write: scalarWriter(scalar, path) };
}

function nestedWriter(typeOf: () => IMessageType<MessageFields>, path: string): ValueWriter {
  // Resolved on use: a message may hold itself.
  let write: MessageWriter | undefined;
  return (wire, value) => {
    if (!isFields(value)) return refuse(path, "a message", value);
    write ??= messageWriter(typeOf());
    const start = wire.open();
    write(wire, value);
    wire.close(start);
  };
}

function scalarWriter(type: ScalarType, path: string): ValueWriter {
  switch (type) {
    case ScalarType.STRING:
      return (wire, value) => (typeof value === "string" ? wire.string(value) : refuse(path, "a string", value));
    case ScalarType.BYTES:
      return (wire, value) => (value instanceof Uint8Array ? wire.bytes(value) : refuse(path, "a Uint8Array", value));
    case ScalarType.BOOL:
      return (wire, value) => (typeof value === "boolean" ? wire.bool(value) : refuse(path, "a boolean", value));
    case ScalarType.DOUBLE:
      return (wire, value) => (typeof value === "number" ? wire.double(value) : refuse(path, "a number", value));
    case ScalarType.FLOAT:
      return (wire, value) => (typeof value === "number" ? wire.float(value) : refuse(path, "a number", value));
    default:
      return integerWriter(type, path);
  }
}

function integerWriter(type: ScalarType, path: string): ValueWriter {
  const int32 = smallIntegerIn(INT32, path);
  const uint32 = smallIntegerIn(UINT32, path);
  const int64 = longIn(INT64, path);
  const uint64 = longIn(UINT64, path);
  switch (type) {
    case ScalarType.INT32:
      return (wire, value) => wire.int32(int32(value));
    case ScalarType.SINT32:
      return (wire, value) => wire.sint32(int32(value));
    case ScalarType.SFIXED32:
      return (wire, value) => wire.fixed32(int32(value));
    case ScalarType.UINT32:
      return (wire, value) => wire.uint32(uint32(value));
    case ScalarType.FIXED32:
      return (wire, value) => wire.fixed32(uint32(value));
    case ScalarType.INT64:
      return (wire, value) => wire.int64(int64(value));
    case ScalarType.SINT64:
      return (wire, value) => wire.sint64(int64(value));
    case ScalarType.SFIXED64:
      return (wire, value) => wire.fixed64(int64(value));
    case ScalarType.UINT64:
      return (wire, value) => wire.int64(uint64(value));
    case ScalarType.FIXED64:
      return (wire, value) => wire.fixed64(uint64(value));
    default:
      throw new Error(`${path}: scalar type ${type} is unknown`);
  }
}

function tagOf(number: number, wireType: number): number {
  return ((number << 3) | wireType) >>> 0;
}
