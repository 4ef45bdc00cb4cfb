/**
 * Converts between money as people write it and exact minor units. It uses no floating-point numbers, which can't hold
 * every int64.
 */
import { isInt64 } from "./message.ts";

/** A currency and its decimal places. Every message with an amount is one, as `Account`. */
export interface Currency {
  /** ISO 4217, as "USD". */
  readonly currency: string;
  /** Decimal places of the minor unit: 2 for USD, 0 for JPY. */
  readonly minorUnitDigits: number;
}

export interface FormatMoneyOptions {
  /** BCP 47, as "de-CH". Default: the user's. */
  readonly locale?: string | undefined;
  /** Writes a plus sign before positive amounts. Default false. */
  readonly signed?: boolean | undefined;
}

/**
 * Writes minor units in the currency's major unit, as "$1,234.50", every digit exact.
 *
 * @throws RangeError when the currency or the locale is invalid.
 * @example
 * formatMoney(account.balance, account);
 */
export function formatMoney(minor: bigint, money: Currency, options: FormatMoneyOptions = {}): string {
  const { currency, minorUnitDigits } = money;
  const format = new Intl.NumberFormat(options.locale, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: minorUnitDigits,
    maximumFractionDigits: minorUnitDigits,
    signDisplay: options.signed === true ? "exceptZero" : "negative",
  });
  // The minus sign is as wide as the plus sign; a hyphen is narrower.
  const decimal = `${minor}E-${minorUnitDigits}` as Intl.StringNumericLiteral;
  return format.format(decimal).replace("-", "−");
}

/**
 * The amount, or why the text is not one: `empty`, `not_a_number`, `too_many_decimals` (more than the currency has) or
 * `out_of_range` (beyond int64).
 */
export type ParsedMoney =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly problem: "empty" | "not_a_number" | "too_many_decimals" | "out_of_range" };

/**
 * Reads an amount that a person typed in the currency's major unit: digits with the locale's decimal and group separators, a
 * sign before them, the currency's symbol or code on either side. It never guesses: "1.5" is not a number in a locale whose
 * decimal separator is the comma.
 *
 * @param locale BCP 47. Default: the user's.
 * @returns Minor units, which may be 0 or negative.
 * @example
 * parseMoney("1.234,50", { currency: "EUR", minorUnitDigits: 2 }, "de-DE"); // { ok: true, minor: 123450n }
 */
export function parseMoney(text: string, money: Currency, locale?: string): ParsedMoney {
  const { currency, minorUnitDigits } = money;
  const { decimal, group, digits } = numberSignsOf(locale);
  const typed = withoutCurrency(asTyped(text), currency, locale).replace(/./gu, (sign) => {
    const digit = digits.indexOf(sign);
    return digit < 0 ? sign : `${digit}`;
  });
  if (typed === "") return { ok: false, problem: "empty" };

  const grouping = escapeForRegExp(group);
  const grouped = `\\d{1,3}(?:${grouping}\\d{2,3})*${grouping}\\d{3}`;
  const match = new RegExp(`^([-+]?)(\\d+|${grouped})?(?:${escapeForRegExp(decimal)}(\\d+))?$`).exec(typed);
  const [, sign = "", whole = "", fraction = ""] = match ?? [];
  if (match === null || whole + fraction === "") return { ok: false, problem: "not_a_number" };
  if (fraction.length > minorUnitDigits) return { ok: false, problem: "too_many_decimals" };
  const amount = BigInt(whole.replaceAll(group, "") + fraction.padEnd(minorUnitDigits, "0"));
  const minor = sign === "-" ? -amount : amount;
  return isInt64(minor) ? { ok: true, minor } : { ok: false, problem: "out_of_range" };
}

interface NumberSigns {
  readonly decimal: string;
  readonly group: string;
  /** From 0 to 9. */
  readonly digits: readonly string[];
}

function numberSignsOf(locale: string | undefined): NumberSigns {
  const format = new Intl.NumberFormat(locale, { useGrouping: true });
  const parts = format.formatToParts(-1_234_567.5);
  const signOf = (type: Intl.NumberFormatPartTypes, otherwise: string) =>
    asTyped(parts.find((part) => part.type === type)?.value ?? otherwise) || " ";
  return {
    decimal: signOf("decimal", "."),
    group: signOf("group", ","),
    digits: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => format.format(digit)),
  };
}

/** Moves the sign to the front and removes the currency from either end. */
function withoutCurrency(text: string, currency: string, locale: string | undefined): string {
  const displays = ["symbol", "narrowSymbol", "code"] as const;
  const names = displays.map((currencyDisplay) => {
    const format = new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay });
    return asTyped(format.formatToParts(0).find(({ type }) => type === "currency")?.value ?? currency);
  });
  for (const name of [...names, currency]) {
    const escaped = escapeForRegExp(name);
    const match = new RegExp(`^([-+]?) ?(?:${escaped}) ?([-+]?)(.*)$|^([-+]?)(.*?) ?(?:${escaped})$`, "i").exec(text);
    if (match === null) continue;
    const [, before = "", after = "", rest = "", sign = "", amount = ""] = match;
    return before + after + rest.trim() + sign + amount;
  }
  return text;
}

/** Replaces characters that locales write by those that keyboards have. */
function asTyped(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/[\u200e\u200f\u061c]/g, "")
    .replace(/\u2019/g, "'")
    .replace(/\u2212/g, "-")
    .trim();
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
