/**
 * Writes the protobuf wire format with the code that protobuf-ts generated, or its reflection, over a strict writer.
 *
 * That code trusts its input: it writes a string as a list of its letters, and leaves out values without a length. So the
 * writer checks each scalar that it gets. The rest is checked at the end of each message, when the code asks for unknown fields.
 */
import {
  type BinaryWriteOptions,
  type FieldInfo,
  type IBinaryWriter,
  type IMessageType,
  ScalarType,
  UnknownFieldHandler,
  WireType,
} from "@protobuf-ts/runtime";
import {
  INT32,
  INT64,
  isFields,
  longIn,
  type MessageFields,
  refuse,
  smallIntegerIn,
  TypeRegistry,
  UINT32,
  UINT64,
} from "./fields.ts";
import { mapKeyReader } from "./json-scalars.ts";

/** Bytes that a writer starts with; it grows as needed. */
const SIZE_INITIAL = 1024;

/** A larger buffer is dropped after use, so that one huge message does not keep its memory. */
const SIZE_KEPT_MAX = 256 * 1024;

/** Longest string, in characters, that is written here if it is ASCII: a call into native code costs more. */
const SHORT_TEXT = 32;

const TWO_32 = 2 ** 32;

/**
 * Writes a message in its wire format: fields by their number, unknown fields last. Throws a TypeError for an object that is
 * not such a message.
 */
export function writeBinary(type: IMessageType<MessageFields>, message: MessageFields): Buffer {
  try {
    type.internalBinaryWrite(message, shared, optionsOf(type));
    return shared.finish();
  } finally {
    shared.reset();
  }
}

const optionsByType = new WeakMap<IMessageType<MessageFields>, BinaryWriteOptions>();

function optionsOf(type: IMessageType<MessageFields>): BinaryWriteOptions {
  const known = optionsByType.get(type);
  if (known !== undefined) return known;
  const types = new TypeRegistry([type]);
  const completions = new Map<string, (message: MessageFields) => void>();
  const options: BinaryWriteOptions = {
    writerFactory: () => shared,
    writeUnknownFields: (typeName, message, writer) => {
      let complete = completions.get(typeName);
      if (complete === undefined) {
        complete = completionOf(types.find(typeName)?.fields ?? []);
        completions.set(typeName, complete);
      }
      complete(message);
      if (UnknownFieldHandler.symbol in message) UnknownFieldHandler.onWrite(typeName, message, writer);
    },
  };
  optionsByType.set(type, options);
  return options;
}

/** Checks the values that generated code does not pass to the writer, and writes negative zeros. */
function completionOf(fields: readonly FieldInfo[]): (message: MessageFields) => void {
  const checks = fields.map(completeField).filter((check) => check !== undefined);
  return (message) => {
    for (const check of checks) check(message);
  };
}

function completeField(field: FieldInfo): ((message: MessageFields) => void) | undefined {
  const { name, localName, oneof, no } = field;
  if (oneof !== undefined) return expecting(oneof, oneof, "a oneof group", isGroup);
  if (field.kind === "map") {
    const keyOf = mapKeyReader(field.K);
    const isPair = ([key, value]: [string, unknown]) => keyOf(key) !== undefined && value !== undefined;
    return expecting(localName, name, "an object", (map) => isFields(map) && Object.entries(map).every(isPair));
  }
  if (field.repeat !== 0) {
    return expecting(localName, name, "an array", (list) => Array.isArray(list) && !list.includes(undefined));
  }
  if (field.kind === "message") {
    return expecting(localName, name, "a message", (value) => value === undefined || isFields(value));
  }
  if (field.kind === "enum" || field.opt) return undefined;
  if (field.T === ScalarType.STRING) {
    return expecting(localName, name, "a string", (value) => typeof value === "string");
  }
  if (field.T === ScalarType.BYTES) {
    return expecting(localName, name, "a Uint8Array", (value) => value instanceof Uint8Array);
  }
  if (field.T !== ScalarType.DOUBLE && field.T !== ScalarType.FLOAT) return undefined;
  const isDouble = field.T === ScalarType.DOUBLE;
  // Generated code leaves out the negative zero, as if it were the default value; Go writes it.
  return (message) => {
    if (!Object.is(message[localName], -0)) return;
    if (isDouble) shared.tag(no, WireType.Bit64).double(-0);
    else shared.tag(no, WireType.Bit32).float(-0);
  };
}

/** Whether a value is a oneof group whose member is set, or that has none. */
function isGroup(value: unknown): boolean {
  return isFields(value) && (value["oneofKind"] === undefined || value[String(value["oneofKind"])] !== undefined);
}

function expecting(property: string, name: string, expected: string, isGood: (value: unknown) => boolean) {
  return (message: MessageFields) => {
    const value = message[property];
    if (!isGood(value)) refuse(name, expected, value);
  };
}

const int32In = smallIntegerIn(INT32, "int32");
const uint32In = smallIntegerIn(UINT32, "uint32");
const int64In = longIn(INT64, "int64");
const uint64In = longIn(UINT64, "uint64");

type Long = string | number | bigint;

/** Refuses values of the wrong type. A nested part is written in place, and its length before it when the part is complete. */
class StrictWriter implements IBinaryWriter {
  #bytes = Buffer.allocUnsafe(SIZE_INITIAL);
  #at = 0;
  /** Where the open parts start. */
  #starts: number[] = [];

  /** Forgets what was written. */
  reset(): void {
    this.#at = 0;
    this.#starts = [];
    if (this.#bytes.length > SIZE_KEPT_MAX) this.#bytes = Buffer.allocUnsafe(SIZE_INITIAL);
  }

  /** Returns a copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }

  fork(): this {
    this.#starts.push(this.#open());
    return this;
  }

  join(): this {
    const start = this.#starts.pop();
    if (start === undefined) throw new Error("no part is open");
    this.#close(start);
    return this;
  }

  tag(number: number, wireType: WireType): this {
    this.#varint32(((number << 3) | wireType) >>> 0);
    return this;
  }

  raw(chunk: Uint8Array): this {
    this.#reserve(chunk.length);
    this.#bytes.set(chunk, this.#at);
    this.#at += chunk.length;
    return this;
  }

  uint32(value: number): this {
    this.#varint32(uint32In(value));
    return this;
  }

  /** Negative numbers take ten bytes, as 64-bit ones do. */
  int32(value: number): this {
    if (int32In(value) >= 0) this.#varint32(value);
    else this.#varint64(value >>> 0, 0xffff_ffff);
    return this;
  }

  sint32(value: number): this {
    int32In(value);
    this.#varint32(((value << 1) ^ (value >> 31)) >>> 0);
    return this;
  }

  bool(value: boolean): this {
    if (typeof value !== "boolean") refuse("bool", "a boolean", value);
    this.#reserve(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
    return this;
  }

  int64(value: Long): this {
    this.#long(int64In(value));
    return this;
  }

  uint64(value: Long): this {
    this.#long(uint64In(value));
    return this;
  }

  sint64(value: Long): this {
    const long = int64In(value);
    this.#long((long << 1n) ^ (long >> 63n));
    return this;
  }

  fixed32(value: number): this {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32LE(uint32In(value), this.#at);
    return this;
  }

  sfixed32(value: number): this {
    this.#reserve(4);
    this.#at = this.#bytes.writeInt32LE(int32In(value), this.#at);
    return this;
  }

  fixed64(value: Long): this {
    this.#reserve(8);
    this.#at = this.#bytes.writeBigUInt64LE(uint64In(value), this.#at);
    return this;
  }

  sfixed64(value: Long): this {
    this.#reserve(8);
    this.#at = this.#bytes.writeBigInt64LE(int64In(value), this.#at);
    return this;
  }

  float(value: number): this {
    if (typeof value !== "number") refuse("float", "a number", value);
    this.#reserve(4);
    this.#at = this.#bytes.writeFloatLE(value, this.#at);
    return this;
  }

  double(value: number): this {
    if (typeof value !== "number") refuse("double", "a number", value);
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
    return this;
  }

  bytes(value: Uint8Array): this {
    if (!(value instanceof Uint8Array)) refuse("bytes", "a Uint8Array", value);
    this.#varint32(value.length);
    return this.raw(value);
  }

  /** Text in UTF-8; an unpaired surrogate becomes U+FFFD. */
  string(value: string): this {
    if (typeof value !== "string") refuse("string", "a string", value);
    const start = this.#open();
    this.#reserve(value.length * 3);
    if (value.length > SHORT_TEXT || !this.#ascii(value)) this.#at = start + this.#bytes.write(value, start);
    this.#close(start);
    return this;
  }

  /** Begins a length-delimited part and returns where it starts. */
  #open(): number {
    this.#reserve(1);
    this.#at += 1;
    return this.#at;
  }

  /** Writes the length of the part that starts there before it. */
  #close(start: number): void {
    const length = this.#at - start;
    if (length < 0x80) {
      this.#bytes[start - 1] = length;
      return;
    }
    // One byte was kept free; a longer length moves the part.
    const extra = Math.floor(Math.log2(length) / 7);
    this.#reserve(extra);
    this.#bytes.copyWithin(start + extra, start, this.#at);
    const end = this.#at + extra;
    this.#at = start - 1;
    this.#varint32(length);
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

  #long(value: bigint): void {
    const number = Number(value);
    if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) {
      this.#varint64(number >>> 0, Math.floor(number / TWO_32));
      return;
    }
    const unsigned = BigInt.asUintN(64, value);
    this.#varint64(Number(unsigned & 0xffff_ffffn), Number(unsigned >> 32n));
  }

  #varint32(value: number): void {
    this.#reserve(5);
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7f) {
      bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.#at++] = rest;
  }

  #varint64(low: number, high: number): void {
    let rest = high;
    if (rest === 0) {
      this.#varint32(low);
      return;
    }
    this.#reserve(10);
    const bytes = this.#bytes;
    for (let shift = 0; shift < 28; shift += 7) bytes[this.#at++] = ((low >>> shift) & 0x7f) | 0x80;
    // The fifth byte has the last four bits of one half and the first three of the other.
    const middle = (low >>> 28) | ((rest & 7) << 4);
    rest >>>= 3;
    bytes[this.#at++] = rest === 0 ? middle : middle | 0x80;
    if (rest > 0) this.#varint32(rest);
  }

  #reserve(size: number): void {
    const needed = this.#at + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

// One writer is enough: a message is written without a pause.
const shared = new StrictWriter();
