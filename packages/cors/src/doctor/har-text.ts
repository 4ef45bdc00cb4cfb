/** Longer strings are bodies, or URLs that hold their data. */
const stringLengthMax = 65_536;

/** How much of a long string stays, to recognise the scheme of such a URL. */
const prefixLength = 40;

/** Characters without the bodies: a recording of some 30 000 requests. */
const textLengthMax = 150_000_000;

const quote = 0x22;
const backslash = 0x5c;

/**
 * Leaves the bodies out of a HAR while it is read, piece by piece, since they can be longer than a string may be. It takes time
 * in proportion to the length.
 */
export class BodyCutter {
  readonly #kept: string[] = [];
  #length = 0;
  #inString = false;
  /** The string that is being read, as long as it is short enough. */
  #string: string[] = [];
  #stringLength = 0;
  #escapes = false;

  /** @returns false once the text is too long without the bodies too. */
  push(piece: string): boolean {
    let at = 0;
    while (at < piece.length) at = this.#inString ? this.#readString(piece, at) : this.#readOther(piece, at);
    return this.#length <= textLengthMax;
  }

  text(): string {
    return [...this.#kept, ...this.#string].join("");
  }

  #keep(text: string): void {
    this.#kept.push(text);
    this.#length += text.length;
  }

  #readOther(piece: string, from: number): number {
    const found = piece.indexOf('"', from);
    const end = found < 0 ? piece.length : found + 1;
    this.#keep(piece.slice(from, end));
    this.#inString = found >= 0;
    return end;
  }

  #readString(piece: string, from: number): number {
    let at = from;
    for (; at < piece.length; at++) {
      const code = piece.charCodeAt(at);
      if (this.#escapes) this.#escapes = false;
      else if (code === backslash) this.#escapes = true;
      else if (code === quote) break;
    }
    this.#string.push(piece.slice(from, at));
    this.#stringLength += at - from;
    if (this.#stringLength > stringLengthMax) this.#string = [(this.#string[0] ?? "").slice(0, prefixLength)];
    if (at === piece.length) return at;
    this.#endString();
    return at + 1;
  }

  #endString(): void {
    const text = this.#string.join("");
    // Up to its first escape, a string can be cut anywhere.
    const isLong = this.#stringLength > stringLengthMax;
    this.#keep(isLong ? `${text.replace(/\\.*$/s, "")}..."` : `${text}"`);
    this.#string = [];
    this.#stringLength = 0;
    this.#inString = false;
  }
}
