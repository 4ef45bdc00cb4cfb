import { bigInt, assert as check, constantFrom, property, record } from "fast-check";
import { expect, test } from "vitest";
import { readAmount, writeAmount } from "../../web/src/components/amount.ts";

const USD = { currency: "USD", minorUnitDigits: 2 };
const EUR = { currency: "EUR", minorUnitDigits: 2 };
const JPY = { currency: "JPY", minorUnitDigits: 0 };
const KWD = { currency: "KWD", minorUnitDigits: 3 };
const INT64_MAX = 9_223_372_036_854_775_807n;

test.each<[text: string, currency: typeof USD, locale: string, minor: bigint]>([
  ["12", USD, "en-US", 1200n],
  ["1,234.56", USD, "en-US", 123_456n],
  ["1.234,56", EUR, "de-DE", 123_456n],
  ["1234", JPY, "en-US", 1234n],
  ["92233720368547758.07", USD, "en-US", INT64_MAX],
])("reads %j of %o in %s as %d", (text, currency, locale, minor) => {
  expect(readAmount(text, currency, { locale })).toEqual({ ok: true, minor });
});

test.each<[text: string, currency: typeof USD, locale: string, problem: string]>([
  ["", USD, "en-US", "Enter an amount."],
  ["  ", USD, "en-US", "Enter an amount."],
  ["0.00", USD, "en-US", "Enter an amount greater than zero."],
  ["-5", USD, "en-US", "Enter an amount greater than zero."],
  ["5.", USD, "en-US", "Enter a plain number, such as 1200.50."],
  ["1e3", USD, "en-US", "Enter a plain number, such as 1200.50."],
  ["12.34", EUR, "de-DE", "Enter a plain number, such as 1200,50."],
  ["x", JPY, "en-US", "Enter a plain number, such as 1200."],
  ["x", KWD, "en-US", "Enter a plain number, such as 1200.500."],
  ["1.005", USD, "en-US", "USD has at most 2 decimal places."],
  ["1.0", JPY, "en-US", "JPY has no decimal places."],
  ["92233720368547758.08", USD, "en-US", "Enter at most $92,233,720,368,547,758.07."],
])("refuses %j of %o in %s: %s", (text, currency, locale, problem) => {
  expect(readAmount(text, currency, { locale })).toEqual({ ok: false, problem });
});

test("accepts the largest allowed amount and refuses more", () => {
  const options = { max: 1000n, locale: "en-US" };
  expect(readAmount("10", USD, options)).toEqual({ ok: true, minor: 1000n });
  expect(readAmount("10.01", USD, options)).toEqual({ ok: false, problem: "Enter at most $10.00." });
});

test("writeAmount's text is read as the same amount, in any locale", () => {
  const anyAmount = record({
    minor: bigInt({ min: 1n, max: INT64_MAX }),
    currency: constantFrom(USD, JPY, KWD),
    locale: constantFrom("en-US", "de-DE", "fr-FR", "de-CH", "en-IN", "sv-SE", "ja-JP", "pl-PL"),
  });
  check(
    property(anyAmount, ({ minor, currency, locale }) => {
      expect(readAmount(writeAmount(minor, currency, locale), currency, { locale })).toEqual({ ok: true, minor });
    }),
  );
});
