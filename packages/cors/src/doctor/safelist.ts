/** Which headers of a page are so ordinary that a form could have sent them, so that they need no preflight. */

import { safelistedMethods } from "../names.ts";
import { trimValue } from "../token.ts";
import type { Header } from "./header-list.ts";

/** A header that makes a preflight necessary. */
export interface UnsafeHeader {
  /** In lower case. */
  readonly name: string;
  /** For people; begins with the name. */
  readonly why: string;
}

const valueBytesMax = 128;
const valueBytesSumMax = 1024;
const safelistedNames: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "content-language",
  "content-type",
  "range",
]);

/** Those of Chromium beyond the standard, with the values that it lets pass; what it puts in itself can be no danger. */
const chromiumNames: ReadonlyMap<string, RegExp> = new Map([
  ["device-memory", /^\d+(?:\.\d+)?$/],
  ["downlink", /^\d+(?:\.\d+)?$/],
  ["dpr", /^\d+(?:\.\d+)?$/],
  ["ect", /^(?:slow-2g|2g|3g|4g)$/],
  ["intervention", /^/],
  ["rtt", /^\d+$/],
  ["save-data", /^on$/i],
  ["viewport-width", /^\d+$/],
  ["width", /^\d+$/],
]);
const safelistedTypes: ReadonlySet<string> = new Set([
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "text/plain",
]);

/**
 * The headers whose names go into Access-Control-Request-Headers, sorted.
 * https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names
 *
 * @param headers with each name once, in lower case.
 * @param strict by the standard, without what Chromium adds.
 */
export function findUnsafeHeaders(headers: readonly Header[], strict: boolean): UnsafeHeader[] {
  // Chromium drops the page's user-agent before it looks at anything.
  const sent = strict ? headers : headers.filter(([name]) => name !== "user-agent");
  const judged = sent.map(([name, value]) => ({ name, value, why: whyUnsafe(name, value, strict) }));
  const sum = judged.reduce((bytes, { value, why }) => bytes + (why === null ? value.length : 0), 0);
  const whySum = sum > valueBytesSumMax ? `is one of values of more than ${valueBytesSumMax} bytes` : null;
  return judged
    .flatMap(({ name, why }) => {
      const reason = why ?? whySum;
      return reason === null ? [] : [{ name, why: `${name} ${reason}` }];
    })
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Whether the method or a header is such as no form sends. */
export function needsPreflight(method: string, headers: readonly Header[], strict: boolean): boolean {
  return !safelistedMethods.has(method) || findUnsafeHeaders(headers, strict).length > 0;
}

/** https://fetch.spec.whatwg.org/#cors-safelisted-request-header; null when the header is safelisted. */
function whyUnsafe(name: string, value: string, strict: boolean): string | null {
  const chromium = strict ? undefined : chromiumNames.get(name);
  if (!safelistedNames.has(name) && chromium === undefined) return "is not a safelisted header";
  if (value.length > valueBytesMax) return `has a value of more than ${valueBytesMax} bytes`;
  if (chromium !== undefined) return chromium.test(value) ? null : "has a value that is not of its form";
  if (name === "range") {
    const range = strict ? simpleRange : chromiumRange;
    return isSimpleRange(range.exec(value)) ? null : "is not of the form bytes=0- or bytes=0-99";
  }
  if (name === "accept-language" || name === "content-language") {
    return /^[0-9A-Za-z *,\-.;=]*$/.test(value) ? null : "has a value with an unsafe character";
  }
  // https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the standard forbids exactly these
  if (/[\0-\x08\n-\x1f"():<>?@[\\\]{}\x7f]/.test(value)) return "has a value with an unsafe character";
  if (name !== "content-type") return null;
  const essence = trimValue(value.split(";", 1)[0] ?? "").toLowerCase();
  return safelistedTypes.has(essence) ? null : `is ${essence === "" ? "empty" : essence}, which no form could send`;
}

/** https://fetch.spec.whatwg.org/#simple-range-header-value */
const simpleRange = /^bytes=(\d+)-(\d*)$/;
/** Chromium takes any case and a plus, and reads -1 as an open end. */
const chromiumRange = /^bytes=\+?(\d+)-(?:\+?(\d+)|-0*1)?$/i;

/** Chromium counts in 64 bits with a sign. */
const rangeMax = 2n ** 63n - 1n;

function isSimpleRange(range: RegExpExecArray | null): boolean {
  if (range === null) return false;
  const [, start = "", end = ""] = range;
  const [first, last] = [BigInt(start), end === "" ? rangeMax : BigInt(end)];
  return first <= last && last <= rangeMax;
}
