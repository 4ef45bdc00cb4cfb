/** Plans which fields of a message the generated code reads, and reads the others. */
import {
  type FieldInfo,
  type IBinaryReader,
  type IMessageType,
  LongType,
  MessageType,
  ReflectionBinaryReader,
  ScalarType,
  WireType,
} from "@protobuf-ts/runtime";
import { isFields, type MessageFields, scalarTypeOf } from "./fields.ts";
import type { DecodingRules, FieldLimit } from "./limits.ts";
import { type FieldPlan, type FieldReader, StrictReader, type TypePlan } from "./strict-reader.ts";

/** Deepest nesting of messages and groups, unless the caller allows more. */
const DEPTH_MAX = 100;

/** Reads messages in the wire format. Unknown fields are kept, as in Go. */
export class BinaryReaders {
  readonly #rules: DecodingRules;
  readonly #plans = new Map<IMessageType<MessageFields>, TypePlan>();

  constructor(rules: DecodingRules) {
    this.#rules = rules;
  }

  /**
   * Reads a message. Throws a RangeError for bytes that are not such a message, or that ask for more than the rules allow.
   *
   * @param depthMax deepest nesting of messages. Default 100.
   */
  read(type: IMessageType<MessageFields>, body: Buffer, depthMax = DEPTH_MAX): MessageFields {
    const wire = new StrictReader(body, this.#rules.budget(), depthMax, (nested) => this.#planOf(nested));
    return wire.readAll(type);
  }

  #planOf(type: IMessageType<MessageFields>): TypePlan {
    const known = this.#plans.get(type);
    if (known !== undefined) return known;
    const plan = new Map(
      type.fields.map((field) => [field.no, planField(field, this.#rules.of(type.typeName, field.name))]),
    );
    this.#plans.set(type, plan);
    return plan;
  }
}

function planField(field: FieldInfo, limit: FieldLimit): FieldPlan {
  if (field.kind === "map") return { wireType: WireType.LengthDelimited, read: mapReader(field, limit) };
  if (field.kind === "message") {
    const read = field.repeat !== 0 && limit.finite ? messageListReader(field, limit) : undefined;
    return { wireType: WireType.LengthDelimited, nested: field.T(), read };
  }
  const wireType = wireTypeOf(scalarTypeOf(field));
  const isScalarList = field.repeat !== 0;
  const isNumberList = isScalarList && wireType !== WireType.LengthDelimited;
  const read = isScalarList && limit.finite ? scalarListReader(field, limit) : undefined;
  return { wireType, isScalarList, isNumberList, read };
}

/** The wire type of a scalar outside packed lists. https://protobuf.dev/programming-guides/encoding/#structure */
function wireTypeOf(type: ScalarType): WireType {
  switch (type) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    default:
      return WireType.Varint;
  }
}

function messageListReader({ localName, T }: FieldInfo & { kind: "message" }, limit: FieldLimit): FieldReader {
  return (wire, message) => {
    const list = listOf(message, localName);
    if (limit.keeps(list, list.length)) list.push(wire.message(T()));
    else wire.skipValue(WireType.LengthDelimited);
  };
}

function scalarListReader(field: FieldInfo & { kind: "scalar" | "enum" }, limit: FieldLimit): FieldReader {
  const { localName } = field;
  const scalar = scalarTypeOf(field);
  const long = field.kind === "scalar" ? field.L : undefined;
  const ownWireType = wireTypeOf(scalar);
  return (wire, message, wireType) => {
    const list = listOf(message, localName);
    const readOne = () => {
      if (limit.keeps(list, list.length)) {
        wire.budget.takeListValues(1);
        list.push(scalars.value(wire, scalar, long));
      } else wire.skipValue(ownWireType);
    };
    if (wireType === ownWireType) readOne();
    else wire.packed(readOne);
  };
}

/** Gives access to the method of protobuf-ts's reflection that reads one value. */
class ScalarReader extends ReflectionBinaryReader {
  value(reader: IBinaryReader, type: ScalarType, long: LongType | undefined): unknown {
    return this.scalar(reader, type, long);
  }
}

const scalars = new ScalarReader({ typeName: "", fields: [] });

// On the wire, a pair of a map is a message: https://protobuf.dev/programming-guides/encoding/#maps
function mapReader({ localName, K, V }: FieldInfo & { kind: "map" }, limit: FieldLimit): FieldReader {
  const pairType = new MessageType<MessageFields>("", [
    { no: 1, name: "key", kind: "scalar", T: K, L: LongType.STRING },
    { no: 2, name: "value", ...V },
  ]);
  return (wire, message) => {
    const map = mapOf(message, localName);
    const size = wire.mapSizes.get(map) ?? 0;
    if (!limit.keeps(map, size)) {
      wire.skipValue(WireType.LengthDelimited);
      return;
    }
    const pair = wire.message(pairType);
    const key = String(pair["key"]);
    // A repeated key replaces its value.
    if (limit.finite && !(key in map)) wire.mapSizes.set(map, size + 1);
    map[key] = pair["value"] ?? (V.kind === "message" ? V.T().create() : undefined);
  };
}

function listOf(message: MessageFields, localName: string): unknown[] {
  const list = message[localName];
  if (!Array.isArray(list)) throw new TypeError(`${localName} is not a list`);
  return list;
}

// Any text may be a key, "__proto__" too, so the map has no prototype.
function mapOf(message: MessageFields, localName: string): MessageFields {
  const present = message[localName];
  if (isFields(present) && Object.getPrototypeOf(present) === null) return present;
  const map: MessageFields = Object.create(null);
  message[localName] = map;
  return map;
}
