/** Which headers of a page are so ordinary that a form could have sent them, so that they need no preflight. */

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
const safelistedNames: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "content-language",
  "content-type",
  "range",
]);
const safelistedTypes: ReadonlySet<string> = new Set([
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "text/plain",
]);

/**
 * The headers whose names go into Access-Control-Request-Headers, sorted.
 * https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names; five names of 128 bytes never reach its sum of 1024.
 *
 * @param headers with each name once, in lower case.
 */
export function findUnsafeHeaders(headers: readonly Header[]): UnsafeHeader[] {
  return headers
    .flatMap(([name, value]) => {
      const why = whyUnsafe(name, value);
      return why === null ? [] : [{ name, why: `${name} ${why}` }];
    })
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** https://fetch.spec.whatwg.org/#cors-safelisted-request-header; null when the header is safelisted. */
function whyUnsafe(name: string, value: string): string | null {
  if (!safelistedNames.has(name)) return "is not a safelisted header";
  if (value.length > valueBytesMax) return `has a value of more than ${valueBytesMax} bytes`;
  if (name === "range") return isSimpleRange(value) ? null : "is not of the form bytes=0- or bytes=0-99";
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
function isSimpleRange(value: string): boolean {
  const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(value) ?? [];
  return start !== undefined && (end === undefined || end === "" || Number(start) <= Number(end));
}
