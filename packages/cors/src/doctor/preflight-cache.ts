/** How long each browser keeps the answer to a preflight: https://fetch.spec.whatwg.org/#cors-preflight-cache */

import { getHeader, type Header } from "./header-list.ts";

/** Seconds per browser engine; 0 is not at all. */
export interface PreflightCache {
  /** As the server sent it; null when it did not. */
  readonly maxAge: string | null;
  readonly chromium: number;
  readonly firefox: number;
  readonly webkit: number;
}

/** What the standard says for an answer without Max-Age or with an unreadable one. */
const defaultSeconds = 5;
const chromiumSecondsMax = 7_200;
const firefoxSecondsMax = 86_400;
const webkitSecondsMax = 600;

/** Reads Access-Control-Max-Age as each engine does: https://fetch.spec.whatwg.org/#http-access-control-max-age */
export function readPreflightCache(headers: readonly Header[]): PreflightCache {
  const maxAge = getHeader(headers, "access-control-max-age");
  const seconds = maxAge !== null && /^[+-]?\d+$/.test(maxAge) ? Number(maxAge) : null;
  // Chromium and WebKit give up on what does not fit into 64 bits; Firefox counts up to its maximum.
  const fits = seconds !== null && Math.abs(seconds) < 2 ** 63;
  const capped = (most: number): number => (fits ? Math.max(0, Math.min(seconds, most)) : defaultSeconds);
  // Firefox alone keeps nothing at all when there is a value and it holds anything but digits.
  const readByFirefox = maxAge === null || maxAge === "" || /^\d+$/.test(maxAge);
  return {
    maxAge,
    chromium: capped(chromiumSecondsMax),
    firefox: readByFirefox ? Math.min(seconds ?? defaultSeconds, firefoxSecondsMax) : 0,
    webkit: capped(webkitSecondsMax),
  };
}

/** One line for people. */
export function describeCache({ maxAge, chromium, firefox, webkit }: PreflightCache): string {
  const sent = maxAge === null ? "is missing" : `is ${maxAge === "" ? "empty" : maxAge}`;
  return `Access-Control-Max-Age ${sent}: Chrome keeps the answer for ${chromium} s, Firefox for ${firefox} s, Safari for ${webkit} s.`;
}
