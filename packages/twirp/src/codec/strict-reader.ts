/**
 * A reader of the protobuf wire format for the code that protobuf-ts generated, or its reflection.
 *
 * Method: that code asks for one tag after another, and this reader follows it through the nested types. So it knows the field
 * of each tag, stays within the current part, and counts what the limits count. The code would read some fields wrongly: unknown
 * ones, known ones with another wire type, maps, and lists with a limit. They are announced as field 0, which no type has. The
 * code then calls `skip` and `readUnknownField`, which keep the unknown fields and read the others.
 *
 * protobuf-ts's own reader ignores wire types, reads past the end of a nested message, takes overlong varints and loses the map
 * key "__proto__". Go does none of that.
 */
import { isUtf8 } from "node:buffer";
import {
  type BinaryReadOptions,
  type IBinaryReader,
  type IMessageType,
  LongType,
  PbLong,
  PbULong,
  UnknownFieldHandler,
  WireType,
} from "@protobuf-ts/runtime";
import { longOf, type MessageFields } from "./fields.ts";
import type { DecodingBudget } from "./limits.ts";

/** Largest field number that a .proto may use. */
const FIELD_NUMBER_MAX = 2 ** 29 - 1;

/** A field that no type has: generated code passes it to `readUnknownField`. */
const ASIDE = 0;

/** Longest string, in bytes, that is checked here for ASCII: two calls into native code cost more. */
const SHORT_TEXT = 32;

const NOTHING = new Uint8Array(0);

/** What the tag of a known field announces. */
export interface FieldPlan {
  readonly wireType: WireType;
  /** The type of a message field. */
  readonly nested?: IMessageType<MessageFields> | undefined;
  /** Whether the field is a list of numbers, strings or byte strings. */
  readonly isScalarList?: boolean;
  /** Whether it is a list of numbers, which may be packed. */
  readonly isNumberList?: boolean;
  /** Reads one occurrence of a field that is not left to the generated code. */
  readonly read?: FieldReader | undefined;
}

export type FieldReader = (wire: StrictReader, message: MessageFields, wireType: WireType) => void;

/** Fields by their numbers. */
export type TypePlan = ReadonlyMap<number, FieldPlan>;

const NO_FIELDS: TypePlan = new Map();

class Long extends PbLong {
  override toNumber(): number {
    return Number(longOf(this.toBigInt(), LongType.NUMBER));
  }
}

class ULong extends PbULong {
  override toNumber(): number {
    return Number(longOf(this.toBigInt(), LongType.NUMBER));
  }
}

/** Throws a RangeError for bytes that are not in the wire format, and for more than the limits allow. */
export class StrictReader implements IBinaryReader {
  readonly budget: DecodingBudget;
  readonly len: number;
  /** Pairs in maps that have a limit. */
  readonly mapSizes = new Map<object, number>();
  pos = 0;
  readonly #bytes: Buffer;
  readonly #planOf: (type: IMessageType<MessageFields>) => TypePlan;
  readonly #depthMax: number;
  readonly #options: BinaryReadOptions;
  readonly #announced: [number, WireType] = [ASIDE, WireType.Varint];
  // The current part: a message, or the elements of a packed list.
  #fields = NO_FIELDS;
  #end: number;
  #outer: { readonly fields: TypePlan; readonly end: number }[] = [];
  #depth = 0;
  // The last tag, and how its field is read if that happens here.
  #tag = 0;
  #read: FieldReader | undefined;
  // The last varint.
  #low = 0;
  #high = 0;

  constructor(
    bytes: Buffer,
    budget: DecodingBudget,
    depthMax: number,
    planOf: (type: IMessageType<MessageFields>) => TypePlan,
  ) {
    this.budget = budget;
    this.len = bytes.length;
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#depthMax = depthMax;
    this.#planOf = planOf;
    this.#options = {
      readUnknownField: (typeName, message, _number, wireType, data) => {
        if (this.#read !== undefined) this.#read(this, message, wireType);
        else UnknownFieldHandler.onRead(typeName, message, this.#tag >>> 3, wireType, data);
      },
      readerFactory: () => this,
    };
  }

  /** Reads all bytes as a message. */
  readAll(type: IMessageType<MessageFields>): MessageFields {
    this.budget.takeObject();
    this.#fields = this.#planOf(type);
    return type.internalBinaryRead(this, this.len, this.#options);
  }

  /** Reads a length-delimited message. */
  message(type: IMessageType<MessageFields>): MessageFields {
    this.budget.takeObject();
    this.#enter(this.#planOf(type));
    return type.internalBinaryRead(this, this.uint32(), this.#options);
  }

  /** Reads a packed list, calling back for each element. */
  packed(readOne: () => void): void {
    this.pos = this.#enter(NO_FIELDS);
    while (this.pos < this.#end) readOne();
  }

  tag(): [number, WireType] {
    while (this.pos === this.#end) this.#leave();
    this.#tag = this.#readTag();
    const number = this.#tag >>> 3;
    const wireType = this.#tag & 7;
    const field = this.#fields.get(number);
    const isPacked = field?.isNumberList === true && wireType === WireType.LengthDelimited;
    if (field === undefined || (field.wireType !== wireType && !isPacked)) {
      // A known number with another wire type is as unknown as any other.
      this.budget.takeUnknownField();
      return this.#announce(ASIDE, wireType, undefined);
    }
    if (field.read !== undefined) return this.#announce(ASIDE, wireType, field.read);
    if (field.nested !== undefined) {
      this.budget.takeObject();
      this.#enter(this.#planOf(field.nested));
    } else if (isPacked) this.budget.takeListValues(this.#count(field.wireType, this.#enter(NO_FIELDS)));
    else if (field.isScalarList === true) this.budget.takeListValues(1);
    return this.#announce(number, wireType, undefined);
  }

  // One array for all tags: generated code takes it apart at once.
  #announce(number: number, wireType: WireType, read: FieldReader | undefined): [number, WireType] {
    this.#announced[0] = number;
    this.#announced[1] = wireType;
    this.#read = read;
    return this.#announced;
  }

  /** Called for each field set aside. A field that is read here is left to the call of `readUnknownField`, which follows. */
  skip(): Uint8Array {
    if (this.#read !== undefined) return NOTHING;
    const start = this.pos;
    this.skipValue(this.#tag);
    return new Uint8Array(this.#bytes.subarray(start, this.pos));
  }

  /** Reads past the value of a field. The field's number matters for a group only. */
  skipValue(tag: number): void {
    switch (tag & 7) {
      case WireType.Varint:
        this.#varint();
        return;
      case WireType.Bit64:
        this.#take(8);
        return;
      case WireType.Bit32:
        this.#take(4);
        return;
      case WireType.LengthDelimited:
        this.#take(this.#length());
        return;
      case WireType.StartGroup:
        this.#skipGroup(tag);
        return;
      default:
        throw this.#failure("end of a group that never began");
    }
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

  int64(): PbLong {
    this.#varint();
    return new Long(this.#low, this.#high);
  }

  uint64(): PbULong {
    this.#varint();
    return new ULong(this.#low, this.#high);
  }

  sint64(): PbLong {
    this.#varint();
    const sign = -(this.#low & 1);
    return new Long(((this.#low >>> 1) | (this.#high << 31)) ^ sign, (this.#high >>> 1) ^ sign);
  }

  fixed32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  sfixed32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  fixed64(): PbULong {
    const start = this.#take(8);
    return new ULong(this.#bytes.readInt32LE(start), this.#bytes.readInt32LE(start + 4));
  }

  sfixed64(): PbLong {
    const start = this.#take(8);
    return new Long(this.#bytes.readInt32LE(start), this.#bytes.readInt32LE(start + 4));
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  bytes(): Uint8Array {
    this.budget.takeObject();
    const start = this.#take(this.#length());
    return new Uint8Array(this.#bytes.subarray(start, this.pos));
  }

  string(): string {
    const start = this.#take(this.#length());
    const end = this.pos;
    if (end - start <= SHORT_TEXT && this.#isAscii(start, end)) return this.#bytes.toString("latin1", start, end);
    if (!isUtf8(this.#bytes.subarray(start, end))) throw this.#failure("invalid UTF-8 in a string");
    return this.#bytes.toString("utf8", start, end);
  }

  #failure(message: string): RangeError {
    return new RangeError(`${message} at byte ${this.pos}`);
  }

  /** Enters a length-delimited part and returns where its content starts. Its length is left to be read by the caller. */
  #enter(fields: TypePlan): number {
    const start = this.pos;
    const length = this.#length();
    const content = this.pos;
    this.#goDeeper();
    this.#outer.push({ fields: this.#fields, end: this.#end });
    this.#fields = fields;
    this.#end = content + length;
    this.pos = start;
    return content;
  }

  #leave(): void {
    const outer = this.#outer.pop();
    if (outer === undefined) throw this.#failure("value beyond the end");
    this.#depth -= 1;
    this.#fields = outer.fields;
    this.#end = outer.end;
  }

  #goDeeper(): void {
    this.#depth += 1;
    if (this.#depth > this.#depthMax) throw this.#failure(`nesting deeper than ${this.#depthMax}`);
  }

  /** How many values a packed list has, from where they start to the end of the part. */
  #count(wireType: WireType, start: number): number {
    if (wireType === WireType.Bit32) return (this.#end - start) / 4;
    if (wireType === WireType.Bit64) return (this.#end - start) / 8;
    let count = 0;
    for (let at = start; at < this.#end; at += 1) {
      if ((this.#bytes[at] ?? 0) < 0x80) count += 1;
    }
    return count;
  }

  #readTag(): number {
    this.#varint();
    const number = this.#low >>> 3;
    if (this.#high !== 0 || number < 1 || number > FIELD_NUMBER_MAX || (this.#low & 7) > 5)
      throw this.#failure("bad tag");
    return this.#low >>> 0;
  }

  #skipGroup(start: number): void {
    this.#goDeeper();
    const end = start - WireType.StartGroup + WireType.EndGroup;
    for (let tag = this.#readTag(); tag !== end; tag = this.#readTag()) this.skipValue(tag);
    this.#depth -= 1;
  }

  #length(): number {
    this.#varint();
    const length = this.#low >>> 0;
    if (this.#high !== 0 || length > this.#end - this.pos) throw this.#failure("length beyond the end");
    return length;
  }

  #take(size: number): number {
    const start = this.pos;
    if (size > this.#end - start) throw this.#failure("value beyond the end");
    this.pos = start + size;
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
    throw this.#failure("varint longer than 64 bits");
  }
}
