/** Where a writer starts; it grows as needed. */
const SIZE_INITIAL = 1024;

/** A writer larger than this is given up after use, so that one huge message does not hold its memory for ever. */
const SIZE_KEPT_MAX = 256 * 1024;

/** Strings up to this many characters are written here when they are ASCII, which is cheaper than native code. */
const SHORT_TEXT = 32;

const TWO_32 = 2 ** 32;

/** Writes the protobuf wire format. https://protobuf.dev/programming-guides/encoding/ */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(SIZE_INITIAL);
  #at = 0;

  /** Takes out a copy of what was written, and starts anew. */
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
