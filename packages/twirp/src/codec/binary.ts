import { isUtf8 } from "node:buffer";
import {
  type FieldInfo,
  type IMessageType,
  type LongType,
  RepeatType,
  ScalarType,
  UnknownFieldHandler,
} from "@protobuf-ts/runtime";
import {
  INT32,
  INT64,
  isFields,
  longIn,
  longOf,
  type MessageFields,
  refuse,
  scalarTypeOf,
  smallIntegerIn,
  UINT32,
  UINT64,
  zeroTest,
} from "./fields.ts";
import type { DecodingBudget, DecodingRules, FieldLimit } from "./limits.ts";

/** https://protobuf.dev/programming-guides/encoding/#structure */
const WIRE = { varint: 0, bit64: 1, bytes: 2, startGroup: 3, endGroup: 4, bit32: 5 } as const;

/** How a scalar stands on the wire when it stands alone. */
function wireTypeOf(type: ScalarType): number {
  switch (type) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WIRE.bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WIRE.bit32;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WIRE.bytes;
    default:
      return WIRE.varint;
  }
}

/** Deepest nesting of messages and groups that is read, unless more is asked for. */
const DEPTH_MAX = 100;

/** Largest field number that a .proto may use. */
const FIELD_NUMBER_MAX = 2 ** 29 - 1;

/** Strings up to this many bytes are looked through here, which is cheaper than asking twice across into native code. */
const SHORT_TEXT = 32;

/** Maps of up to this many pairs are counted again when another of their pairs arrives. */
const SMALL_MAP = 64;

/** How many pairs maps have, whose entries mostly come one after the other. */
class MapSizes {
  #current: object | undefined;
  #pairs = 0;
  /** Larger maps that were put aside for another one. */
  #large: Map<object, number> | undefined;

  of(map: object): number {
    if (map === this.#current) return this.#pairs;
    if (this.#current !== undefined && this.#pairs > SMALL_MAP) {
      this.#large ??= new Map();
      this.#large.set(this.#current, this.#pairs);
    }
    this.#current = map;
    this.#pairs = this.#large?.get(map) ?? Object.keys(map).length;
    return this.#pairs;
  }

  /** Notes a pair that was added. A small map that was put aside meanwhile is counted again later, with that pair. */
  grown(map: object): void {
    if (map !== this.#current && this.#large?.has(map) !== true) return;
    this.of(map);
    this.#pairs += 1;
  }
}

/**
 * Reads the protobuf wire format within bounds: whatever the bytes are, it takes nothing that is not there, allocates
 * nothing before that, and throws a RangeError.
 */
class WireReader {
  /** What may still be built of the bytes. */
  readonly budget: DecodingBudget;
  readonly mapSizes = new MapSizes();
  readonly #bytes: Buffer;
  readonly #depthMax: number;
  #position = 0;
  #end: number;
  #depth = 0;
  #low = 0;
  #high = 0;

  constructor(bytes: Buffer, budget: DecodingBudget, depthMax = DEPTH_MAX) {
    this.budget = budget;
    this.#bytes = bytes;
    this.#depthMax = depthMax;
    this.#end = bytes.length;
  }

  failure(message: string): RangeError {
    return new RangeError(`${message} at byte ${this.#position}`);
  }

  get hasMore(): boolean {
    return this.#position < this.#end;
  }

  get position(): number {
    return this.#position;
  }

  /** A copy of the bytes from a position to the current one. */
  copyFrom(start: number): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(start, this.#position));
  }

  /** Field number times 8 plus wire type. */
  tag(): number {
    this.#varint();
    const number = this.#low >>> 3;
    if (this.#high !== 0 || number < 1 || number > FIELD_NUMBER_MAX || (this.#low & 7) > 5)
      throw this.failure("bad tag");
    return this.#low >>> 0;
  }

  uint32(): number {
    this.#varint();
    return this.#low >>> 0;
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  sint32(): number {
    this.#varint();
    return (this.#low >>> 1) ^ -(this.#low & 1);
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  uint64(): bigint {
    this.#varint();
    return this.#high === 0 ? BigInt(this.#low >>> 0) : (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  sint64(): bigint {
    const zigzag = this.uint64();
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  sfixed32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  fixed64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  sfixed64(): bigint {
    return this.#bytes.readBigInt64LE(this.#take(8));
  }

  bytes(): Uint8Array {
    this.budget.takeObject();
    const start = this.#take(this.#length());
    return new Uint8Array(this.#bytes.subarray(start, this.#position));
  }

  string(): string {
    const start = this.#take(this.#length());
    const end = this.#position;
    if (end - start <= SHORT_TEXT && this.#isAscii(start, end)) return this.#bytes.toString("latin1", start, end);
    if (!isUtf8(this.#bytes.subarray(start, end))) throw this.failure("invalid UTF-8 in a string");
    return this.#bytes.toString("utf8", start, end);
  }

  /** Lets a callback read a length-delimited part, and nothing past its end. */
  delimited(read: () => void): void {
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#position + length;
    this.#enter();
    read();
    this.#depth -= 1;
    this.#end = outer;
  }

  /** Reads past the value of a field. Of its tag only a group's number counts. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.#varint();
        return;
      case WIRE.bit64:
        this.#take(8);
        return;
      case WIRE.bit32:
        this.#take(4);
        return;
      case WIRE.bytes:
        this.#take(this.#length());
        return;
      case WIRE.startGroup:
        this.#skipGroup(tag);
        return;
      default:
        throw this.failure("group ends that never began");
    }
  }

  #skipGroup(start: number): void {
    this.#enter();
    const end = start - WIRE.startGroup + WIRE.endGroup;
    for (let tag = this.tag(); tag !== end; tag = this.tag()) this.skip(tag);
    this.#depth -= 1;
  }

  #enter(): void {
    this.#depth += 1;
    if (this.#depth > this.#depthMax) throw this.failure(`nesting deeper than ${this.#depthMax}`);
  }

  #length(): number {
    this.#varint();
    const length = this.#low >>> 0;
    if (this.#high !== 0 || length > this.#end - this.#position) throw this.failure("length beyond the end");
    return length;
  }

  #take(size: number): number {
    const start = this.#position;
    if (size > this.#end - start) throw this.failure("value beyond the end");
    this.#position = start + size;
    return start;
  }

  #isAscii(start: number, end: number): boolean {
    for (let at = start; at < end; at += 1) {
      if ((this.#bytes[at] ?? 0) >= 0x80) return false;
    }
    return true;
  }

  // Seven bits a byte into two halves of 32 bits. A tenth byte has room for one bit only.
  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#take(1)] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63 || bits <= 1) high |= bits << (shift - 32);
      else break;
      if (byte < 0x80) {
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw this.failure("varint longer than 64 bits");
  }
}

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

/** Where a writer starts; it grows as needed. */
const SIZE_INITIAL = 1024;

/** A writer larger than this is given up after use, so that one huge message does not hold its memory for ever. */
const SIZE_KEPT_MAX = 256 * 1024;

/** Strings up to this many characters are written here when they are ASCII, which is cheaper than native code. */

const TWO_32 = 2 ** 32;

/** Writes the protobuf wire format. https://protobuf.dev/programming-guides/encoding/ */
class WireWriter {
  #bytes = Buffer.allocUnsafe(SIZE_INITIAL);
  #at = 0;

  /** Returns a copy of what was written, and starts over. */
  finish(): Buffer {
    const written = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.reset();
    return written;
  }

  /** Forgets what was written. */
  reset(): void {
    this.#at = 0;
    if (this.#bytes.length > SIZE_KEPT_MAX) this.#bytes = Buffer.allocUnsafe(SIZE_INITIAL);
  }

  uint32(value: number): void {
    this.#reserve(5);
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7f) {
      bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.#at++] = rest;
  }

  /** Negative numbers take ten bytes, as 64-bit ones do. */
  int32(value: number): void {
    if (value >= 0) this.uint32(value);
    else this.#varint(value >>> 0, 0xffff_ffff);
  }

  sint32(value: number): void {
    this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  bool(value: boolean): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
  }

  /** A 64-bit integer of either sign. */
  int64(value: bigint): void {
    const number = Number(value);
    if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) {
      this.#varint(number >>> 0, Math.floor(number / TWO_32));
      return;
    }
    const unsigned = BigInt.asUintN(64, value);
    this.#varint(Number(unsigned & 0xffff_ffffn), Number(unsigned >> 32n));
  }

  sint64(value: bigint): void {
    this.int64((value << 1n) ^ (value >> 63n));
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32LE(value >>> 0, this.#at);
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.#at);
  }

  float(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeFloatLE(value, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length);
    this.raw(value);
  }

  /** Bytes as they are, without their length. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Text in UTF-8; an unpaired surrogate becomes U+FFFD. */
  string(value: string): void {
    const start = this.open();
    this.#reserve(value.length * 3);
    if (value.length > SHORT_TEXT || !this.#ascii(value)) this.#at = start + this.#bytes.write(value, start);
    this.close(start);
  }

  /** Opens a length-delimited part and returns where it starts, for `close`. */
  open(): number {
    this.#reserve(1);
    this.#at += 1;
    return this.#at;
  }

  /** Closes the part that starts there and writes its length before it. */
  close(start: number): void {
    const length = this.#at - start;
    if (length < 0x80) {
      this.#bytes[start - 1] = length;
      return;
    }
    // One byte was kept free; a longer length makes the part move.
    const extra = Math.floor(Math.log2(length) / 7);
    this.#reserve(extra);
    this.#bytes.copyWithin(start + extra, start, this.#at);
    const end = this.#at + extra;
    this.#at = start - 1;
    this.uint32(length);
    this.#at = end;
  }

  #ascii(value: string): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) return false;
      bytes[at++] = unit;
    }
    this.#at = at;
    return true;
  }

  #varint(low: number, high: number): void {
    let rest = high;
    if (rest === 0) {
      this.uint32(low);
      return;
    }
    this.#reserve(10);
    const bytes = this.#bytes;
    for (let shift = 0; shift < 28; shift += 7) bytes[this.#at++] = ((low >>> shift) & 0x7f) | 0x80;
    // The fifth byte has the last four bits of one half and the first three of the other.
    const middle = (low >>> 28) | ((rest & 7) << 4);
    rest >>>= 3;
    bytes[this.#at++] = rest === 0 ? middle : middle | 0x80;
    if (rest > 0) this.uint32(rest);
  }

  #reserve(size: number): void {
    const needed = this.#at + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

type MessageWriter = (wire: WireWriter, message: MessageFields) => void;
type ValueWriter = (wire: WireWriter, value: unknown) => void;

const compiledWriters = new WeakMap<IMessageType<MessageFields>, MessageWriter>();

// One for all: a message is written without a pause.
const shared = new WireWriter();

/**
 * Writes a message in its wire format: fields by their number, unknown fields last. Throws a TypeError, which names the
 * field, for an object that is no such message.
 *
 * protobuf-ts's own writer looks every field up again for each message, and trusts that the object is one.
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
  const known = compiledWriters.get(type);
  if (known !== undefined) return known;
  const fields = [...type.fields]
    .sort((a, b) => a.no - b.no)
    .map((field) => fieldWriter(field, `${type.typeName}.${field.name}`));
  const writer: MessageWriter = (wire, message) => {
    for (const write of fields) write(wire, message);
    if (UnknownFieldHandler.symbol in message) writeUnknown(wire, message);
  };
  compiledWriters.set(type, writer);
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
