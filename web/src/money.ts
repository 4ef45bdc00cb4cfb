/**
 * Money as people write it, to and from exact minor units. Nothing here passes through a floating-point number: an int64
 * of cents is beyond what one can hold.
 */

/** The greatest amount the service takes, in minor units. */
const INT64_MAX = 9_223_372_036_854_775_807n;

/** Signs that a keyboard has instead of those that a locale writes. */
const TYPED_FOR: readonly (readonly [written: RegExp, typed: string])[] = [
  [/[\u00a0\u202f]/g, " "],
  [/\u2019/g, "'"],
];

/** A currency as an account is kept in it. */
export interface Currency {
  /** ISO 4217, as "USD". */
  readonly currency: string;
  /** Decimal places of the minor unit. */
  readonly minorUnitDigits: number;
}

export interface FormatOptions {
  /** Default: the browser's. */
  readonly locale?: string;
  /** Writes a plus before what is more than 0. Default false. */
  readonly signed?: boolean;
}

/** Writes minor units in the currency's major unit, as "$1,234.50". */
export function formatMoney(
  minor: bigint,
  { currency, minorUnitDigits }: Currency,
  options: FormatOptions = {},
): string {
  const format = new Intl.NumberFormat(options.locale, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: minorUnitDigits,
    maximumFractionDigits: minorUnitDigits,
    signDisplay: options.signed === true ? "exceptZero" : "negative",
  });
  // A hyphen is narrower than a plus; the minus sign lines up with it.
  return format.format(toDecimal(minor, minorUnitDigits)).replace("-", "−");
}

/** The minor units as a decimal, digit by digit: formatted from text it stays exact. */
function toDecimal(minor: bigint, digits: number): Intl.StringNumericLiteral {
  return `${minor}E-${digits}` as Intl.StringNumericLiteral;
}

export type ParsedAmount =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads an amount of more than 0 that a person typed in the major unit, with the decimal and grouping signs of the
 * locale.
 *
 * @param locale default: the browser's.
 */
export function parseAmount(text: string, { currency, minorUnitDigits }: Currency, locale?: string): ParsedAmount {
  const { decimal, group } = separatorsOf(locale);
  const typed = asTyped(text).trim();
  if (typed === "") return { ok: false, problem: "Enter an amount." };

  const grouped = `\\d{1,3}(?:${escapeForRegExp(group)}\\d{2,3})*${escapeForRegExp(group)}\\d{3}`;
  const pattern = new RegExp(`^(\\d+|${grouped})?(?:${escapeForRegExp(decimal)}(\\d+))?$`);
  const match = pattern.exec(typed);
  if (match === null) {
    const sample =
      minorUnitDigits === 0 ? "1200" : `1200${decimal}${"50".padEnd(minorUnitDigits, "0").slice(0, minorUnitDigits)}`;
    return { ok: false, problem: `Enter a plain number, such as ${sample}.` };
  }
  const [, whole = "0", fraction = ""] = match;
  if (fraction.length > minorUnitDigits) {
    const places = minorUnitDigits === 0 ? "no decimal places" : `at most ${minorUnitDigits} decimal places`;
    return { ok: false, problem: `${currency} has ${places}.` };
  }
  const minor = BigInt(whole.replaceAll(group, "") + fraction.padEnd(minorUnitDigits, "0"));
  if (minor === 0n) return { ok: false, problem: "Enter an amount of more than zero." };
  if (minor > INT64_MAX) {
    const most = formatMoney(INT64_MAX, { currency, minorUnitDigits }, locale === undefined ? {} : { locale });
    return { ok: false, problem: `Enter at most ${most}.` };
  }
  return { ok: true, minor };
}

function separatorsOf(locale: string | undefined): { readonly decimal: string; readonly group: string } {
  const parts = new Intl.NumberFormat(locale, { useGrouping: true }).formatToParts(1_234_567.5);
  const signOf = (type: Intl.NumberFormatPartTypes, otherwise: string) =>
    asTyped(parts.find((part) => part.type === type)?.value ?? otherwise);
  return { decimal: signOf("decimal", "."), group: signOf("group", ",") };
}

function asTyped(text: string): string {
  return TYPED_FOR.reduce((result, [written, typed]) => result.replace(written, typed), text);
}

function escapeForRegExp(text: string): string {
  return text.replace(/[.\\]/g, "\\$&");
}
