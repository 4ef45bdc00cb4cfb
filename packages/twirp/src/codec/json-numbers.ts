import type { IntegerRange } from "./fields.ts";
import type { NumberToken } from "./json-cursor.ts";

/** Most digits of a 64-bit integer; longer ones are out of range without a computation. */
const DIGITS_MAX = 20;

const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A number token from the content of a JSON string such as "12" or "1e2"; undefined if it is not a JSON number. */
export function numberInString(text: string): NumberToken | undefined {
  const match = NUMBER.exec(text);
  return match ? { text, plain: match[3] === undefined && match[4] === undefined } : undefined;
}

/**
 * The exact integer value of a number token, or undefined if it is not an integer in the range. `1e2` and `1.0` are integers,
 * and `-0` is 0 in unsigned types too, as in Go.
 */
export function integerOf(token: NumberToken, range: IntegerRange): bigint | undefined {
  const value = token.plain ? plainInteger(token.text) : scaledInteger(token.text);
  return value !== undefined && value >= range.min && value <= range.max ? value : undefined;
}

/** Like `integerOf`, for ranges that JavaScript numbers hold exactly. */
export function smallIntegerOf(token: NumberToken, range: IntegerRange): number | undefined {
  if (token.plain && token.text.length <= 9 && (range.min !== 0n || !token.text.startsWith("-"))) {
    return Number(token.text) + 0;
  }
  const value = integerOf(token, range);
  return value === undefined ? undefined : Number(value);
}

/** The double nearest to a token's value, or undefined if it is too large. */
export function doubleOf(token: NumberToken): number | undefined {
  const value = Number(token.text);
  return Number.isFinite(value) ? value : undefined;
}

/** The smallest power of two that is too large for a float. */
const FLOAT_END = 2 ** 128;

/**
 * The float nearest to a token's value, with ties to even, or undefined if it is too large.
 *
 * Rounding to a double first can give the wrong float, but only if that double lies halfway between two floats. Then the
 * digits decide on which side of it the value lies.
 */
export function floatOf(token: NumberToken): number | undefined {
  const double = Number(token.text);
  const magnitude = Math.abs(double);
  const nearest = Math.fround(magnitude);
  const [low, high] = nearest > magnitude ? [floatBefore(nearest), nearest] : [nearest, floatAfter(nearest)];
  const isHalfway = magnitude - low === (high === Number.POSITIVE_INFINITY ? FLOAT_END : high) - magnitude;
  const order = isHalfway && low !== magnitude ? compareWithDigits(magnitude, token.text) : 0;
  const magnitudeOfFloat = order === 0 ? nearest : order > 0 ? low : high;
  if (magnitudeOfFloat === Number.POSITIVE_INFINITY) return undefined;
  return double < 0 || Object.is(double, -0) ? -magnitudeOfFloat : magnitudeOfFloat;
}

const bits = new DataView(new ArrayBuffer(4));

function floatAfter(float: number): number {
  bits.setFloat32(0, float);
  bits.setUint32(0, bits.getUint32(0) + 1);
  return bits.getFloat32(0);
}

function floatBefore(float: number): number {
  bits.setFloat32(0, float);
  bits.setUint32(0, bits.getUint32(0) - 1);
  return bits.getFloat32(0);
}

/** Compares a positive double with the magnitude of a number in text: above 0 if the double is larger, below 0 if smaller. */
function compareWithDigits(double: number, text: string): number {
  const exact = normalized(exactDigits(double));
  const named = normalized(text);
  if (exact.point !== named.point) return exact.point - named.point;
  return exact.digits === named.digits ? 0 : exact.digits > named.digits ? 1 : -1;
}

/** The exact decimal digits of a double: about 150 at most, if it lies halfway between two floats. */
function exactDigits(double: number): string {
  const [whole = "0", part = ""] = double.toString(2).split(".");
  // The value is an integer over 2^n, which is that integer times 5^n over 10^n.
  const digits = (BigInt(`0b${whole}${part}`) * 5n ** BigInt(part.length)).toString();
  return `${digits}e${-part.length}`;
}

/** The digits of a number without zeros at either end, and the place of its decimal point, counted from the first digit. */
function normalized(text: string): { readonly digits: string; readonly point: number } {
  const [, , integer = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  const all = integer + fraction;
  const digits = all.replace(/^0+/, "");
  return {
    digits: digits.slice(0, digits.length - trailingZeros(digits)),
    point: integer.length + Number(exponent) - (all.length - digits.length),
  };
}

function plainInteger(text: string): bigint | undefined {
  return text.length <= DIGITS_MAX + 1 ? BigInt(text) : undefined;
}

function scaledInteger(text: string): bigint | undefined {
  const [, sign = "", integer = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  const digits = (integer + fraction).replace(/^0+/, "");
  if (digits === "") return 0n;
  const scale = Number(exponent) - fraction.length;
  const zeros = trailingZeros(digits);
  if (scale < -zeros || digits.length + scale > DIGITS_MAX) return undefined;
  const whole = scale < 0 ? digits.slice(0, scale) : digits + "0".repeat(scale);
  return BigInt(sign + whole);
}

// Not /0+$/, which tries again at each run of zeros within the text.
function trailingZeros(digits: string): number {
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return digits.length - end;
}
