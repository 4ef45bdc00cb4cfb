import { isUtf8 } from "node:buffer";
import type { DecodingBudget } from "./limits.ts";

/** Deepest nesting of objects and arrays that is read. */
const DEPTH_MAX = 100;

/** A JSON number as text, so that no digit of a large integer is lost. */
export interface NumberToken {
  readonly text: string;
  /** Without fraction and exponent. */
  readonly plain: boolean;
}

/** The six kinds of JSON values, known by their first character; `none` for any other character. */
export type ValueKind = "object" | "array" | "string" | "number" | "boolean" | "null" | "none";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Decodes a body. Throws if it is not UTF-8, whereas Buffer would put in replacement characters. */
export function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw new SyntaxError("body is not valid UTF-8");
  return body.toString();
}

/**
 * Reads JSON text from left to right, and builds only the values that are asked for.
 *
 * It is as strict as https://www.rfc-editor.org/rfc/rfc8259 and https://www.rfc-editor.org/rfc/rfc7493 together: no
 * byte order mark, no unpaired surrogates, nothing after the value.
 */
export class JsonCursor {
  /** Counts what is built of the text. */
  readonly budget: DecodingBudget;
  readonly #text: string;
  #position = 0;
  #depth = 0;

  constructor(text: string, budget: DecodingBudget) {
    this.budget = budget;
    this.#text = text;
  }

  /** A syntax error at the current place. */
  failure(message: string): SyntaxError {
    return new SyntaxError(`${message} at offset ${this.#position}`);
  }

  /** Offset of the next character: after `peek`, where the next value starts. */
  get position(): number {
    return this.#position;
  }

  /** Length of the whole text in characters. */
  get length(): number {
    return this.#text.length;
  }

  /** Lets a callback read ahead, then returns to the current position. */
  lookAhead(read: () => void): void {
    const start = this.#position;
    read();
    this.#position = start;
  }

  /** The kind of the next value. */
  peek(): ValueKind {
    const code = this.#skipSpace();
    if (code === QUOTE) return "string";
    if (code === OPEN_BRACE) return "object";
    if (code === OPEN_BRACKET) return "array";
    if (code === 0x2d || isDigit(code)) return "number";
    if (code === 0x74 || code === 0x66) return "boolean";
    return code === 0x6e ? "null" : "none";
  }

  /** Checks that nothing is left. */
  end(): void {
    this.#skipSpace();
    if (this.#position < this.#text.length) throw this.failure("unexpected text after the value");
  }

  /** Reads an object, calling back for each member with its name; the callback reads the value. */
  readObject(onMember: (name: string) => void): void {
    if (this.#skipSpace() !== OPEN_BRACE) throw this.failure("expected an object");
    this.#enter();
    if (this.#skipSpace() === CLOSE_BRACE) {
      this.#leave();
      return;
    }
    for (;;) {
      const name = this.readString();
      if (this.#skipSpace() !== COLON) throw this.failure("expected a colon");
      this.#position += 1;
      onMember(name);
      const code = this.#skipSpace();
      if (code === CLOSE_BRACE) break;
      if (code !== COMMA) throw this.failure("expected a comma or the end of the object");
      this.#position += 1;
    }
    this.#leave();
  }

  /** Reads an array, calling back before each element; the callback reads it. */
  readArray(onElement: () => void): void {
    if (this.#skipSpace() !== OPEN_BRACKET) throw this.failure("expected an array");
    this.#enter();
    if (this.#skipSpace() === CLOSE_BRACKET) {
      this.#leave();
      return;
    }
    for (;;) {
      onElement();
      const code = this.#skipSpace();
      if (code === CLOSE_BRACKET) break;
      if (code !== COMMA) throw this.failure("expected a comma or the end of the array");
      this.#position += 1;
    }
    this.#leave();
  }

  readString(): string {
    if (this.#skipSpace() !== QUOTE) throw this.failure("expected a string");
    const text = this.#text;
    const start = this.#position + 1;
    let at = start;
    let escaped = false;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        escaped = true;
        at += 2;
      } else if (code >= 0x20) at += 1;
      else throw this.failure(at < text.length ? "control character in a string" : "unterminated string");
    }
    this.#position = at + 1;
    return escaped ? this.#unescape(text.slice(start - 1, at + 1)) : text.slice(start, at);
  }

  readNumber(): NumberToken {
    const text = this.#text;
    this.#skipSpace();
    const start = this.#position;
    let at = start;
    if (text.charCodeAt(at) === 0x2d) at += 1;
    const integer = at;
    at = digitsEnd(text, at);
    if (at === integer) throw this.failure("expected a number");
    if (text.charCodeAt(integer) === 0x30 && at > integer + 1) throw this.failure("number with a leading zero");
    let plain = true;
    if (text.charCodeAt(at) === 0x2e) {
      plain = false;
      const fraction = at + 1;
      at = digitsEnd(text, fraction);
      if (at === fraction) throw this.failure("number without digits after the point");
    }
    if ((text.charCodeAt(at) | 0x20) === 0x65) {
      plain = false;
      const sign = text.charCodeAt(at + 1);
      const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1;
      at = digitsEnd(text, exponent);
      if (at === exponent) throw this.failure("number without digits in its exponent");
    }
    this.#position = at;
    return { text: text.slice(start, at), plain };
  }

  readBoolean(): boolean {
    if (this.#skipSpace() === 0x74) {
      this.#literal("true");
      return true;
    }
    this.#literal("false");
    return false;
  }

  readNull(): void {
    this.#skipSpace();
    this.#literal("null");
  }

  /** Skips a value of any kind. */
  skipValue(): void {
    switch (this.peek()) {
      case "object":
        this.readObject(() => this.skipValue());
        return;
      case "array":
        this.readArray(() => this.skipValue());
        return;
      case "string":
        this.readString();
        return;
      case "number":
        this.readNumber();
        return;
      case "boolean":
        this.readBoolean();
        return;
      case "null":
        this.readNull();
        return;
      default:
        throw this.failure("expected a value");
    }
  }

  #enter(): void {
    this.#position += 1;
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw this.failure(`nesting deeper than ${DEPTH_MAX}`);
  }

  #leave(): void {
    this.#position += 1;
    this.#depth -= 1;
  }

  #literal(word: string): void {
    if (!this.#text.startsWith(word, this.#position)) throw this.failure(`expected ${word}`);
    this.#position += word.length;
  }

  #skipSpace(): number {
    const text = this.#text;
    let code = text.charCodeAt(this.#position);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      this.#position += 1;
      code = text.charCodeAt(this.#position);
    }
    return code;
  }

  #unescape(literal: string): string {
    let value: unknown;
    try {
      value = JSON.parse(literal);
    } catch {
      throw this.failure("bad escape in a string");
    }
    if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) {
      throw this.failure("unpaired surrogate in a string");
    }
    return value;
  }
}

function digitsEnd(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
