import { Timestamp } from "../../generated/server/google/protobuf/timestamp.ts";

/** A point in time: microseconds since the epoch, UTC, the precision of PostgreSQL. */
export type Micros = bigint;

const MICROS_PER_SECOND = 1_000_000n;

/** The first and last instant that google.protobuf.Timestamp allows: the years 1 to 9999. */
const SECONDS_MIN = -62_135_596_800n;
const SECONDS_MAX = 253_402_300_799n;

/** The last microsecond that {@link toTimestamp} can carry. */
export const TIME_MAX: Micros = SECONDS_MAX * MICROS_PER_SECOND + MICROS_PER_SECOND - 1n;

/** Whole seconds, rounded down, and the microseconds after them. */
function split(time: Micros): { readonly seconds: bigint; readonly micros: number } {
  const rest = time % MICROS_PER_SECOND;
  const micros = rest < 0n ? rest + MICROS_PER_SECOND : rest;
  return { seconds: (time - micros) / MICROS_PER_SECOND, micros: Number(micros) };
}

export function toTimestamp(time: Micros): Timestamp {
  const { seconds, micros } = split(time);
  return Timestamp.create({ seconds, nanos: micros * 1000 });
}

/**
 * Cuts off anything finer than a microsecond.
 *
 * @returns undefined outside the years 1 to 9999, and for nanos outside a second.
 */
export function fromTimestamp(timestamp: Timestamp): Micros | undefined {
  const { seconds, nanos } = timestamp;
  if (seconds < SECONDS_MIN || seconds > SECONDS_MAX || nanos < 0 || nanos > 999_999_999) return undefined;
  return seconds * MICROS_PER_SECOND + BigInt(Math.trunc(nanos / 1000));
}

/** The second that was written last: many times of a batch lie within one. */
let written = { second: Number.NaN, text: "" };

/** The text that PostgreSQL reads as timestamptz. */
export function toTimestamptz(time: Micros): string {
  const { seconds, micros } = split(time);
  const second = Number(seconds);
  if (second !== written.second) written = { second, text: new Date(second * 1000).toISOString().slice(0, -5) };
  return `${written.text}.${String(micros).padStart(6, "0")}Z`;
}

/** {@link toTimestamptz} for a parameter that may be null. */
export function toTimestamptzOrNull(time: Micros | null | undefined): string | null {
  return time === null || time === undefined ? null : toTimestamptz(time);
}

/** An amount of money in its currency's minor unit (cents for USD). After validation it fits int64. */
export type Minor = bigint;

/** No balance may be larger. */
export const INT64_MAX = 9_223_372_036_854_775_807n;

/** The largest amount of one transfer: more than any real payment, and too little to exhaust a sum. */
export const AMOUNT_MAX: Minor = 10n ** 15n;

/** A total of any size for an int64 field; another field has the exact total. */
export function saturate(total: bigint): Minor {
  return total > INT64_MAX ? INT64_MAX : total;
}

// Decimal places by ISO 4217:2015 list one with amendments up to 179: the active codes that have a minor unit.
const digitsByCode: Record<number, string> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  2:
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY " +
    "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS " +
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR " +
    "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP " +
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};

const minorUnitDigits = new Map<string, number>(
  Object.entries(digitsByCode).flatMap(([digits, codes]) => codes.split(" ").map((code) => [code, Number(digits)])),
);

/**
 * Decimal places of a currency's minor unit.
 *
 * @returns undefined unless the code is an active ISO 4217 code with a minor unit.
 */
export function minorUnitDigitsOf(currency: string): number | undefined {
  return minorUnitDigits.get(currency);
}

const MINOR_UNIT_DIGITS_DEFAULT = 2;

/** The decimal places of a stored account; `stored` is null for an account from before they were kept. */
export function accountDigits(stored: number | null, currency: string): number {
  return stored ?? minorUnitDigitsOf(currency) ?? MINOR_UNIT_DIGITS_DEFAULT;
}

// Branded, so that ids of accounts and transfers can't be confused. Only readers of rows and requests make them.
declare const kind: unique symbol;

export type AccountId = bigint & { readonly [kind]: "account" };
export type TransferId = bigint & { readonly [kind]: "transfer" };

/** Brands the id of a validated request or of a row. */
export function accountId(id: bigint): AccountId {
  return id as AccountId;
}

/** Brands the id of a validated request or of a row. */
export function transferId(id: bigint): TransferId {
  return id as TransferId;
}
