/** The part of protobuf's wire format that this API uses. https://protobuf.dev/programming-guides/encoding/ */

const ENCODER = new TextEncoder();

/** Throws for invalid UTF-8, which both formats refuse. */
export const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class BinaryWriter {
  readonly #bytes: number[] = [];

  int64(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) this.#bytes.push(Number(rest & 127n) | 128);
    this.#bytes.push(Number(rest));
  }

  /** Also for uint32 and bool. Negative numbers take ten bytes, like int64. */
  int32(value: number): void {
    if (value < 0 || value > 127) this.int64(BigInt(value));
    else this.#bytes.push(value);
  }

  string(value: string): void {
    this.delimited(ENCODER.encode(value));
  }

  /** A string or message after its length. */
  delimited(bytes: Uint8Array): void {
    this.int32(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes);
  }
}

/** Throws a RangeError or TypeError for malformed bytes. */
export class BinaryReader {
  pos = 0;
  readonly len: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.len = bytes.length;
  }

  int64(): bigint {
    // Collect the first 49 bits in a number, which is faster than a bigint.
    let low = 0;
    let high = 0n;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#advance(1)] ?? 0;
      if (shift < 49) low += (byte & 127) * 2 ** shift;
      else high |= BigInt(byte & 127) << BigInt(shift);
      if (byte < 128) return BigInt.asIntN(64, high | BigInt(low));
    }
    throw new RangeError("invalid varint");
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint32(): number {
    const byte = this.#bytes[this.pos] ?? 128;
    if (byte > 127) return Number(BigInt.asUintN(32, this.int64()));
    this.pos += 1;
    return byte;
  }

  bool(): boolean {
    return this.int64() !== 0n;
  }

  string(): string {
    const length = this.uint32();
    const start = this.#advance(length);
    return UTF8.decode(this.#bytes.subarray(start, start + length));
  }

  /** Skips a field of a newer API. */
  skip(wireType: number): void {
    if (wireType === 0) this.int64();
    else if (wireType === 1) this.#advance(8);
    else if (wireType === 2) this.#advance(this.uint32());
    else if (wireType === 5) this.#advance(4);
    else throw new RangeError(`invalid wire type ${wireType}`);
  }

  /** @returns The position before. */
  #advance(count: number): number {
    const start = this.pos;
    this.pos += count;
    if (this.pos > this.len) throw new RangeError("premature end");
    return start;
  }
}
