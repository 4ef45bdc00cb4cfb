import { bigInt, assert as check, constantFrom, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { formatMoney, parseAmount } from "../../web/src/money.ts";

const USD = { currency: "USD", minorUnitDigits: 2 };
const EUR = { currency: "EUR", minorUnitDigits: 2 };
const JPY = { currency: "JPY", minorUnitDigits: 0 };
const KWD = { currency: "KWD", minorUnitDigits: 3 };
const INT64_MAX = 9_223_372_036_854_775_807n;

describe("formatMoney", () => {
  test.each<[minor: bigint, currency: typeof USD, locale: string, text: string]>([
    [0n, USD, "en-US", "$0.00"],
    [1n, USD, "en-US", "$0.01"],
    [-1n, USD, "en-US", "−$0.01"],
    [123_456n, USD, "en-US", "$1,234.56"],
    [-123_456n, EUR, "de-DE", "−1.234,56\u00a0€"],
    [1234n, JPY, "en-US", "¥1,234"],
    [1234n, KWD, "en-US", "KWD\u00a01.234"],
    [9_007_199_254_740_993n, USD, "en-US", "$90,071,992,547,409.93"],
    [INT64_MAX, USD, "en-US", "$92,233,720,368,547,758.07"],
    [-INT64_MAX - 1n, JPY, "en-US", "−¥9,223,372,036,854,775,808"],
  ])("writes %d of %o in %s as %s", (minor, currency, locale, text) => {
    expect(formatMoney(minor, currency, { locale })).toBe(text);
  });

  test.each<[minor: bigint, text: string]>([
    [5n, "+$0.05"],
    [0n, "$0.00"],
    [-5n, "−$0.05"],
  ])("writes %d with its sign as %s", (minor, text) => {
    expect(formatMoney(minor, USD, { locale: "en-US", signed: true })).toBe(text);
  });
});

describe("parseAmount", () => {
  test.each<[text: string, currency: typeof USD, locale: string, minor: bigint]>([
    ["12", USD, "en-US", 1200n],
    ["12.3", USD, "en-US", 1230n],
    ["12.34", USD, "en-US", 1234n],
    [" 12.34 ", USD, "en-US", 1234n],
    [".5", USD, "en-US", 50n],
    ["007", USD, "en-US", 700n],
    ["1,234.56", USD, "en-US", 123_456n],
    ["1,23,456", USD, "en-IN", 12_345_600n],
    ["1.234,56", EUR, "de-DE", 123_456n],
    ["1.234", EUR, "de-DE", 123_400n],
    ["1 234,56", EUR, "fr-FR", 123_456n],
    ["1'234.56", USD, "de-CH", 123_456n],
    ["1234", JPY, "en-US", 1234n],
    ["0.001", KWD, "en-US", 1n],
    ["90071992547409.93", USD, "en-US", 9_007_199_254_740_993n],
    ["92233720368547758.07", USD, "en-US", INT64_MAX],
  ])("reads %j of %o in %s as %d", (text, currency, locale, minor) => {
    expect(parseAmount(text, currency, locale)).toEqual({ ok: true, minor });
  });

  test.each<[text: string, currency: typeof USD, locale: string, problem: string]>([
    ["", USD, "en-US", "Enter an amount."],
    ["  ", USD, "en-US", "Enter an amount."],
    ["0", USD, "en-US", "Enter an amount of more than zero."],
    ["0.00", USD, "en-US", "Enter an amount of more than zero."],
    ["-5", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["+5", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["5.", USD, "en-US", "Enter a plain number, such as 1200.50."],
    [".", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["$5", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["1e3", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["0x10", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["1.2.3", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["12,34", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["1,2345", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["1 000", USD, "en-US", "Enter a plain number, such as 1200.50."],
    ["12.34", EUR, "de-DE", "Enter a plain number, such as 1200,50."],
    ["x", JPY, "en-US", "Enter a plain number, such as 1200."],
    ["x", KWD, "en-US", "Enter a plain number, such as 1200.500."],
    ["1.005", USD, "en-US", "USD has at most 2 decimal places."],
    ["1.0", JPY, "en-US", "JPY has no decimal places."],
    ["92233720368547758.08", USD, "en-US", "Enter at most $92,233,720,368,547,758.07."],
  ])("refuses %j of %o in %s: %s", (text, currency, locale, problem) => {
    expect(parseAmount(text, currency, locale)).toEqual({ ok: false, problem });
  });

  test("reads what formatMoney wrote, without its symbol, in any locale", () => {
    const anyAmount = record({
      minor: bigInt({ min: 1n, max: INT64_MAX }),
      currency: constantFrom(USD, JPY, KWD),
      locale: constantFrom("en-US", "de-DE", "fr-FR", "de-CH", "en-IN", "sv-SE", "ja-JP", "pl-PL"),
    });
    check(
      property(anyAmount, ({ minor, currency, locale }) => {
        const written = formatMoney(minor, currency, { locale }).replace(/^[^\d]+|[^\d]+$/g, "");
        expect(parseAmount(written, currency, locale)).toEqual({ ok: true, minor });
      }),
    );
  });
});
