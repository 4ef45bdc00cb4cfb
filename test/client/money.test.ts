import { bigInt, assert as check, constantFrom, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { type Currency, formatMoney, parseMoney } from "../../packages/client/src/index.ts";

const USD = { currency: "USD", minorUnitDigits: 2 };
const EUR = { currency: "EUR", minorUnitDigits: 2 };
const JPY = { currency: "JPY", minorUnitDigits: 0 };
const KWD = { currency: "KWD", minorUnitDigits: 3 };
const CHF = { currency: "CHF", minorUnitDigits: 2 };
const INT64_MAX = 9_223_372_036_854_775_807n;
const INT64_MIN = -INT64_MAX - 1n;

describe("formatMoney", () => {
  test.each<[minor: bigint, currency: Currency, locale: string, text: string]>([
    [0n, USD, "en-US", "$0.00"],
    [1n, USD, "en-US", "$0.01"],
    [-1n, USD, "en-US", "−$0.01"],
    [123_456n, USD, "en-US", "$1,234.56"],
    [-123_456n, EUR, "de-DE", "−1.234,56\u00a0€"],
    [1234n, JPY, "en-US", "¥1,234"],
    [1234n, KWD, "en-US", "KWD\u00a01.234"],
    [9_007_199_254_740_993n, USD, "en-US", "$90,071,992,547,409.93"],
    [INT64_MAX, USD, "en-US", "$92,233,720,368,547,758.07"],
    [INT64_MIN, JPY, "en-US", "−¥9,223,372,036,854,775,808"],
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

  test("refuses an invalid currency", () => {
    expect(() => formatMoney(1n, { currency: "dollars", minorUnitDigits: 2 })).toThrow(RangeError);
  });
});

describe("parseMoney", () => {
  test.each<[text: string, currency: Currency, locale: string, minor: bigint]>([
    ["12", USD, "en-US", 1200n],
    ["12.3", USD, "en-US", 1230n],
    ["12.34", USD, "en-US", 1234n],
    [" 12.34 ", USD, "en-US", 1234n],
    [".5", USD, "en-US", 50n],
    ["007", USD, "en-US", 700n],
    ["0", USD, "en-US", 0n],
    ["-5", USD, "en-US", -500n],
    ["−5", USD, "en-US", -500n],
    ["+5", USD, "en-US", 500n],
    ["$12.34", USD, "en-US", 1234n],
    ["-$12.34", USD, "en-US", -1234n],
    ["$-12.34", USD, "en-US", -1234n],
    ["USD 12.34", USD, "en-US", 1234n],
    ["12.34 usd", USD, "en-US", 1234n],
    ["12,34 €", EUR, "de-DE", 1234n],
    ["1,234.56", USD, "en-US", 123_456n],
    ["1,23,456", USD, "en-IN", 12_345_600n],
    ["1.234,56", EUR, "de-DE", 123_456n],
    ["1.234", EUR, "de-DE", 123_400n],
    ["1 234,56", EUR, "fr-FR", 123_456n],
    ["1\u202f234,56\u00a0€", EUR, "fr-FR", 123_456n],
    ["1'234.56", CHF, "de-CH", 123_456n],
    ["CHF 1’234.56", CHF, "de-CH", 123_456n],
    ["1234", JPY, "en-US", 1234n],
    ["１，２３４", JPY, "ja-JP", 1234n],
    ["￥1,234", JPY, "ja-JP", 1234n],
    ["0.001", KWD, "en-US", 1n],
    ["١٢٫٥", USD, "ar-EG", 1250n],
    ["90071992547409.93", USD, "en-US", 9_007_199_254_740_993n],
    ["92233720368547758.07", USD, "en-US", INT64_MAX],
    ["-92233720368547758.08", USD, "en-US", INT64_MIN],
  ])("reads %j of %o in %s as %d", (text, currency, locale, minor) => {
    expect(parseMoney(text, currency, locale)).toEqual({ ok: true, minor });
  });

  test.each<[text: string, currency: Currency, locale: string, problem: string]>([
    ["", USD, "en-US", "empty"],
    ["  ", USD, "en-US", "empty"],
    ["$", USD, "en-US", "empty"],
    ["5.", USD, "en-US", "not_a_number"],
    [".", USD, "en-US", "not_a_number"],
    ["-", USD, "en-US", "not_a_number"],
    ["--5", USD, "en-US", "not_a_number"],
    ["€5", USD, "en-US", "not_a_number"],
    ["1e3", USD, "en-US", "not_a_number"],
    ["0x10", USD, "en-US", "not_a_number"],
    ["NaN", USD, "en-US", "not_a_number"],
    ["1.2.3", USD, "en-US", "not_a_number"],
    ["12,34", USD, "en-US", "not_a_number"],
    ["1,2345", USD, "en-US", "not_a_number"],
    ["1 000", USD, "en-US", "not_a_number"],
    ["12.34", EUR, "de-DE", "not_a_number"],
    ["five", JPY, "en-US", "not_a_number"],
    ["1.005", USD, "en-US", "too_many_decimals"],
    ["1.0", JPY, "en-US", "too_many_decimals"],
    ["92233720368547758.08", USD, "en-US", "out_of_range"],
    ["-92233720368547758.09", USD, "en-US", "out_of_range"],
  ])("refuses %j of %o in %s: %s", (text, currency, locale, problem) => {
    expect(parseMoney(text, currency, locale)).toEqual({ ok: false, problem });
  });

  test("reads what formatMoney wrote, in any locale", () => {
    const anyAmount = record({
      minor: bigInt({ min: INT64_MIN, max: INT64_MAX }),
      currency: constantFrom(USD, EUR, JPY, KWD, CHF),
      locale: constantFrom(
        ...["en-US", "de-DE", "fr-FR", "de-CH", "en-IN", "hi-IN", "sv-SE", "ja-JP", "pl-PL", "pt-BR", "ar-EG", "es-ES"],
      ),
    });
    check(
      property(anyAmount, ({ minor, currency, locale }) => {
        const written = formatMoney(minor, currency, { locale });
        expect(parseMoney(written, currency, locale)).toEqual({ ok: true, minor });
      }),
      { numRuns: 1000 },
    );
  });
});
