import type { IntegerRange } from "./fields.ts";
import type { NumberToken } from "./json-cursor.ts";

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
 * `1.0` are integers, and `-0` is 0, unsigned too, as in Go.
 */
export function integerOf(token: NumberToken, range: IntegerRange): bigint | undefined {
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

/** The least power of two that is no float any more. */
const FLOAT_END = 2 ** 128;

/**
 * The float nearest to what a token names, an even one of two that are as near; undefined when it is beyond all floats.
 *
 * A double in between would be rounded twice. That matters only where the double lies halfway between two floats: there the
 * digits decide, since the double may have been rounded to it.
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

/** Above 0 when a double that is more than 0 is more than the magnitude of the digits, below 0 when it is less. */
function compareWithDigits(double: number, text: string): number {
  const exact = normalized(exactDigits(double));
  const named = normalized(text);
  if (exact.point !== named.point) return exact.point - named.point;
  return exact.digits === named.digits ? 0 : exact.digits > named.digits ? 1 : -1;
}

/** A double to the last digit: halfway between two floats it has at most some 150. */
function exactDigits(double: number): string {
  const [whole = "0", part = ""] = double.toString(2).split(".");
  // The value is an integer over 2^n, which is that integer times 5^n over 10^n.
  const digits = (BigInt(`0b${whole}${part}`) * 5n ** BigInt(part.length)).toString();
  return `${digits}e${-part.length}`;
}

/** The digits of a number without zeros around them, and where its decimal point is before or after the first. */
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

// A search for zeros at the end of the text would begin again at each run of zeros within it.
function trailingZeros(digits: string): number {
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return digits.length - end;
}
