import type { IntegerRange } from "../field-values.ts";
import type { NumberToken } from "./cursor.ts";

/** More digits than any 64-bit integer has; a longer run of them is not worth computing. */
const DIGITS_MAX = 20;

const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A number token out of a JSON string, as "12" or "1e2"; undefined when it is not exactly one JSON number. */
export function numberInString(text: string): NumberToken | undefined {
  const match = NUMBER.exec(text);
  return match ? { text, plain: match[3] === undefined && match[4] === undefined } : undefined;
}

/**
 * The integer that a number token names, to the last digit, or undefined when it names none in the range. `1e2` and
 * `1.0` are integers; `-0` is not unsigned, as in Go.
 */
export function integerOf(token: NumberToken, range: IntegerRange): bigint | undefined {
  if (range.min === 0n && token.text.startsWith("-")) return undefined;
  const value = token.plain ? plainInteger(token.text) : scaledInteger(token.text);
  return value !== undefined && value >= range.min && value <= range.max ? value : undefined;
}

/** As `integerOf`, for ranges that a JavaScript number holds exactly. */
export function smallIntegerOf(token: NumberToken, range: IntegerRange): number | undefined {
  if (token.plain && token.text.length <= 9 && (range.min !== 0n || !token.text.startsWith("-"))) {
    return Number(token.text) + 0;
  }
  const value = integerOf(token, range);
  return value === undefined ? undefined : Number(value);
}

/** The double that a token names; undefined when it is beyond all doubles. */
export function doubleOf(token: NumberToken): number | undefined {
  const value = Number(token.text);
  return Number.isFinite(value) ? value : undefined;
}

/** The float that a token names; undefined when it is beyond all floats. */
export function floatOf(token: NumberToken): number | undefined {
  const value = Math.fround(Number(token.text));
  return Number.isFinite(value) ? value : undefined;
}

function plainInteger(text: string): bigint | undefined {
  return text.length <= DIGITS_MAX + 1 ? BigInt(text) : undefined;
}

function scaledInteger(text: string): bigint | undefined {
  const [, sign = "", integer = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  const digits = (integer + fraction).replace(/^0+/, "");
  if (digits === "") return 0n;
  const scale = Number(exponent) - fraction.length;
  const zeros = digits.length - digits.replace(/0+$/, "").length;
  if (scale < -zeros || digits.length + scale > DIGITS_MAX) return undefined;
  const whole = scale < 0 ? digits.slice(0, scale) : digits + "0".repeat(scale);
  return BigInt(sign + whole);
}
