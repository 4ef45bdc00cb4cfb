import { isUtf8 } from "node:buffer";
import type { DecodingBudget } from "./limits.ts";
import { WIRE } from "./wire-types.ts";

/** Deepest nesting of messages and groups that is read, unless more is asked for. */
const DEPTH_MAX = 100;

/** Largest field number that a .proto may use. */
const FIELD_NUMBER_MAX = 2 ** 29 - 1;

/** Strings up to this many bytes are looked through here, which is cheaper than asking twice across into native code. */
const SHORT_TEXT = 32;

/** Maps of up to this many pairs are counted anew when more of them comes. */
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

  /** Notes a pair that was added. A small map that was put aside meanwhile is counted anew, with that pair. */
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
export class WireReader {
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
