import {
  type FieldInfo,
  type IMessageType,
  type LongType,
  ScalarType,
  UnknownFieldHandler,
} from "@protobuf-ts/runtime";
import { WireReader } from "./binary.ts";
import type { DecodingRules, FieldLimit } from "./limits.ts";
import { isFields, longOf, type MessageFields } from "./message-fields.ts";
import { WIRE, wireTypeOf } from "./wire-types.ts";

type ValueReader = (reader: WireReader) => unknown;

interface FieldReader {
  readonly wireType: number;
  readonly read: (reader: WireReader, message: MessageFields) => void;
  /** For a list of numbers: how it reads when its elements come in one length-delimited part. */
  readonly readPacked?: (reader: WireReader, message: MessageFields) => void;
}

type MessageReader = (reader: WireReader, message: MessageFields) => void;
type ReaderOf = (type: IMessageType<MessageFields>) => MessageReader;

/**
 * Reads messages from the wire format, by readers that are compiled once a type. Unknown fields are kept, as in Go.
 *
 * protobuf-ts's own reader ignores the wire type of fields that it knows, reads past the end of a nested message, takes
 * overlong varints and loses the map key "__proto__"; Go does none of that.
 */
export class BinaryReaders {
  readonly #rules: DecodingRules;
  readonly #compiled = new Map<IMessageType<MessageFields>, MessageReader>();

  constructor(rules: DecodingRules) {
    this.#rules = rules;
  }

  /**
   * Reads a message. Throws a RangeError when the bytes are none, or more than the rules allow.
   *
   * @param depthMax deepest nesting of messages. Default 100.
   */
  read(type: IMessageType<MessageFields>, body: Buffer, depthMax?: number): MessageFields {
    const wire = new WireReader(body, this.#rules.budget(), depthMax);
    wire.budget.takeObject();
    const message = type.create();
    this.#of(type)(wire, message);
    return message;
  }

  #of(type: IMessageType<MessageFields>): MessageReader {
    const known = this.#compiled.get(type);
    if (known !== undefined) return known;
    const readerOf: ReaderOf = (memberType) => this.#of(memberType);
    const fields = new Map(
      type.fields.map((field) => [field.no, fieldReader(field, readerOf, this.#rules.of(type.typeName, field.name))]),
    );
    const reader: MessageReader = (wire, message) => {
      while (wire.hasMore) {
        const tag = wire.tag();
        const field = fields.get(tag >>> 3);
        const wireType = tag & 7;
        if (field?.wireType === wireType) field.read(wire, message);
        else if (field?.readPacked && wireType === WIRE.bytes) field.readPacked(wire, message);
        else {
          // A known number in an unexpected form is as unknown as any other.
          wire.budget.takeUnknownField();
          const start = wire.position;
          wire.skip(tag);
          UnknownFieldHandler.onRead(type.typeName, message, tag >>> 3, wireType, wire.copyFrom(start));
        }
      }
    };
    this.#compiled.set(type, reader);
    return reader;
  }
}

function fieldReader(field: FieldInfo, readerOf: ReaderOf, limit: FieldLimit): FieldReader {
  if (field.kind === "map") return mapReader(field, readerOf, limit);
  if (field.kind === "message") return { wireType: WIRE.bytes, read: messageFieldReader(field, readerOf, limit) };
  const { localName, oneof } = field;
  const [scalar, long] = field.kind === "enum" ? [ScalarType.INT32, undefined] : [field.T, field.L];
  const wireType = wireTypeOf(scalar);
  const read = scalarReader(scalar, long);
  if (field.repeat !== 0) return listReader(localName, wireType, read, limit);
  if (oneof !== undefined) {
    return {
      wireType,
      read: (wire, message) => {
        message[oneof] = { oneofKind: localName, [localName]: read(wire) };
      },
    };
  }
  return {
    wireType,
    read: (wire, message) => {
      message[localName] = read(wire);
    },
  };
}

function listReader(localName: string, wireType: number, read: ValueReader, limit: FieldLimit): FieldReader {
  const add = (wire: WireReader, list: unknown[]) => {
    if (limit.keeps(list, list.length)) {
      wire.budget.takeListValues(1);
      list.push(read(wire));
    } else wire.skip(wireType);
  };
  const readOne = (wire: WireReader, message: MessageFields) => add(wire, listOf(message, localName));
  if (wireType === WIRE.bytes) return { wireType, read: readOne };
  return {
    wireType,
    read: readOne,
    readPacked: (wire, message) => {
      const list = listOf(message, localName);
      wire.delimited(() => {
        while (wire.hasMore) add(wire, list);
      });
    },
  };
}

// A message field that comes again is merged into what came before; an element of a list is not.
function messageFieldReader(
  field: FieldInfo & { kind: "message" },
  readerOf: ReaderOf,
  limit: FieldLimit,
): FieldReader["read"] {
  const { localName, oneof, T } = field;
  const readInto = (wire: WireReader, target: MessageFields) => {
    wire.budget.takeObject();
    const read = readerOf(T());
    wire.delimited(() => read(wire, target));
    return target;
  };
  if (field.repeat !== 0) {
    return (wire, message) => {
      const list = listOf(message, localName);
      if (limit.keeps(list, list.length)) list.push(readInto(wire, T().create()));
      else wire.skip(WIRE.bytes);
    };
  }
  if (oneof !== undefined) {
    return (wire, message) => {
      const group = message[oneof];
      const before = isFields(group) && group["oneofKind"] === localName ? group[localName] : undefined;
      const target = isFields(before) ? before : T().create();
      message[oneof] = { oneofKind: localName, [localName]: readInto(wire, target) };
    };
  }
  return (wire, message) => {
    const before = message[localName];
    message[localName] = readInto(wire, isFields(before) ? before : T().create());
  };
}

function mapReader(field: FieldInfo & { kind: "map" }, readerOf: ReaderOf, limit: FieldLimit): FieldReader {
  const { localName, K, V } = field;
  const key = entryMember(1, K, undefined);
  const value =
    V.kind === "message"
      ? undefined
      : V.kind === "enum"
        ? entryMember(2, ScalarType.INT32, undefined)
        : entryMember(2, V.T, V.L);
  return {
    wireType: WIRE.bytes,
    read: (wire, message) => {
      const map = mapOf(message, localName);
      const size = limit.finite ? wire.mapSizes.of(map) : 0;
      if (!limit.keeps(map, size)) {
        wire.skip(WIRE.bytes);
        return;
      }
      wire.budget.takeObject();
      let entryKey: unknown = key.zero;
      let entryValue: unknown = V.kind === "message" ? V.T().create() : value?.zero;
      wire.delimited(() => {
        while (wire.hasMore) {
          const tag = wire.tag();
          if (tag === key.tag) entryKey = key.read(wire);
          else if (tag === value?.tag) entryValue = value.read(wire);
          else if (V.kind === "message" && tag === MESSAGE_VALUE_TAG && isFields(entryValue)) {
            const target = entryValue;
            wire.budget.takeObject();
            const read = readerOf(V.T());
            wire.delimited(() => read(wire, target));
          } else {
            wire.budget.takeUnknownField();
            wire.skip(tag);
          }
        }
      });
      const name = String(entryKey);
      // A key that comes again replaces its value.
      const isNew = !(name in map);
      map[name] = entryValue;
      if (isNew && limit.finite) wire.mapSizes.grown(map);
    },
  };
}

const MESSAGE_VALUE_TAG = 2 * 8 + WIRE.bytes;

function entryMember(number: number, type: ScalarType, long: LongType | undefined) {
  return { tag: number * 8 + wireTypeOf(type), read: scalarReader(type, long), zero: zeroOf(type, long) };
}

function listOf(message: MessageFields, localName: string): unknown[] {
  const present = message[localName];
  if (Array.isArray(present)) return present;
  const list: unknown[] = [];
  message[localName] = list;
  return list;
}

// A key is data, also when it reads "__proto__", so the map may have no prototype.
function mapOf(message: MessageFields, localName: string): MessageFields {
  const present = message[localName];
  if (isFields(present) && Object.getPrototypeOf(present) === null) return present;
  const map: MessageFields = Object.create(null);
  message[localName] = map;
  return map;
}

function scalarReader(type: ScalarType, long: LongType | undefined): ValueReader {
  switch (type) {
    case ScalarType.DOUBLE:
      return (wire) => wire.double();
    case ScalarType.FLOAT:
      return (wire) => wire.float();
    case ScalarType.INT64:
      return (wire) => longOf(wire.int64(), long);
    case ScalarType.UINT64:
      return (wire) => longOf(wire.uint64(), long);
    case ScalarType.INT32:
      return (wire) => wire.int32();
    case ScalarType.FIXED64:
      return (wire) => longOf(wire.fixed64(), long);
    case ScalarType.FIXED32:
      return (wire) => wire.fixed32();
    case ScalarType.BOOL:
      return (wire) => wire.bool();
    case ScalarType.STRING:
      return (wire) => wire.string();
    case ScalarType.BYTES:
      return (wire) => wire.bytes();
    case ScalarType.UINT32:
      return (wire) => wire.uint32();
    case ScalarType.SFIXED32:
      return (wire) => wire.sfixed32();
    case ScalarType.SFIXED64:
      return (wire) => longOf(wire.sfixed64(), long);
    case ScalarType.SINT32:
      return (wire) => wire.sint32();
    case ScalarType.SINT64:
      return (wire) => longOf(wire.sint64(), long);
    default:
      throw new Error(`scalar type ${type} is unknown`);
  }
}

function zeroOf(type: ScalarType, long: LongType | undefined): unknown {
  switch (type) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BYTES:
      return new Uint8Array(0);
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
    case ScalarType.SINT64:
      return longOf(0n, long);
    default:
      return 0;
  }
}
