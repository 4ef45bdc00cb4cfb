import { type Currency, formatMoney, parseMoney } from "@finance-service/client";

/** The largest int64. */
const MINOR_MAX = 2n ** 63n - 1n;

export type TypedAmount =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly problem: string };

interface ReadAmountOptions {
  /** The largest amount allowed, in minor units. Default: the largest int64. */
  readonly max?: bigint;
  /** Default: the browser's. */
  readonly locale?: string | undefined;
}

/** Reads an amount greater than 0 that a person typed in the currency's major unit. */
export function readAmount(
  text: string,
  money: Currency,
  { max = MINOR_MAX, locale }: ReadAmountOptions = {},
): TypedAmount {
  const { currency, minorUnitDigits } = money;
  const tooMuch = { ok: false, problem: `Enter at most ${formatMoney(max, money, { locale })}.` } as const;
  const parsed = parseMoney(text, money, locale);
  if (parsed.ok) {
    if (parsed.minor > max) return tooMuch;
    if (parsed.minor > 0n) return parsed;
    return { ok: false, problem: "Enter an amount greater than zero." };
  }
  switch (parsed.problem) {
    case "empty":
      return { ok: false, problem: "Enter an amount." };
    case "not_a_number":
      return { ok: false, problem: `Enter a plain number, such as ${sampleOf(money, locale)}.` };
    case "too_many_decimals":
      return {
        ok: false,
        problem: `${currency} has ${minorUnitDigits === 0 ? "no" : `at most ${minorUnitDigits}`} decimal places.`,
      };
    case "out_of_range":
      return tooMuch;
  }
}

/** An amount as people type it, in the major unit. {@link readAmount} reads it. */
export function writeAmount(minor: bigint, { minorUnitDigits }: Currency, locale?: string): string {
  const format = new Intl.NumberFormat(locale, { useGrouping: false, minimumFractionDigits: minorUnitDigits });
  return format.format(`${minor}E-${minorUnitDigits}` as Intl.StringNumericLiteral);
}

function sampleOf(money: Currency, locale: string | undefined): string {
  return writeAmount((12005n * 10n ** BigInt(Math.max(0, money.minorUnitDigits))) / 10n, money, locale);
}
