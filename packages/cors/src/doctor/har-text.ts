/** Longer strings are bodies, or URLs that hold their data. */
const stringLengthMax = 65_536;

/** How much of a long string stays, to recognise the scheme of such a URL. */
const prefixLength = 40;

/** Characters without the bodies: a recording of some 30 000 requests. */
const textLengthMax = 150_000_000;

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
    const quote = piece.indexOf('"', from);
    const end = quote < 0 ? piece.length : quote + 1;
    this.#keep(piece.slice(from, end));
    this.#inString = quote >= 0;
    return end;
  }

  #readString(piece: string, from: number): number {
    if (this.#escapes) {
      this.#escapes = false;
      this.#extend(piece.charAt(from));
      return from + 1;
    }
    const special = /["\\]/g;
    special.lastIndex = from;
    const end = special.exec(piece)?.index ?? piece.length;
    this.#extend(piece.slice(from, end));
    if (end === piece.length) return end;
    if (piece.charAt(end) === '"') this.#endString();
    else {
      this.#escapes = true;
      this.#extend("\\");
    }
    return end + 1;
  }

  #extend(text: string): void {
    if (this.#stringLength <= stringLengthMax) this.#string.push(text);
    this.#stringLength += text.length;
    if (this.#stringLength > stringLengthMax) this.#string.length = 1;
  }

  #endString(): void {
    const isLong = this.#stringLength > stringLengthMax;
    // Up to its first escape, a string can be cut anywhere.
    this.#keep(
      isLong ? `${(this.#string[0] ?? "").replace(/\\$/, "").slice(0, prefixLength)}..."` : `${this.#string.join("")}"`,
    );
    this.#string = [];
    this.#stringLength = 0;
    this.#inString = false;
  }
}
