/**
 * How many letters must be added, left out, replaced or swapped with a neighbour; `max + 1` stands for more than `max`.
 * https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance (optimal string alignment)
 */
export function editDistance(left: string, right: string, max = 2): number {
  let same = 0;
  while (same < left.length && left[same] === right[same]) same++;
  const [from, to] = [left.slice(same), right.slice(same)];
  if (from === to) return 0;
  if (max === 0) return 1;
  const isSwapped = from[0] === to[1] && from[1] === to[0];
  const after = [
    editDistance(from.slice(1), to.slice(1), max - 1),
    editDistance(from.slice(1), to, max - 1),
    editDistance(from, to.slice(1), max - 1),
    ...(isSwapped ? [editDistance(from.slice(2), to.slice(2), max - 1)] : []),
  ];
  return 1 + Math.min(...after);
}

/** Names that the Fetch standard lets a page use, to refuse at start a list that can never work. */

/** A set of names, written with spaces between them. */
export function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.trim().split(/\s+/));
}

/** https://fetch.spec.whatwg.org/#cors-safelisted-method: pass a preflight even if Allow-Methods does not list them. */
export const safelistedMethods = wordSet("GET HEAD POST");

/** https://fetch.spec.whatwg.org/#forbidden-method, compared in upper case. */
export const forbiddenMethods = wordSet("CONNECT TRACE TRACK");

/** https://fetch.spec.whatwg.org/#concept-method-normalize: a browser puts only these in upper case. */
export const normalizedMethods = wordSet("DELETE GET HEAD OPTIONS POST PUT");

/** https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name: readable without being exposed. */
export const safelistedResponseHeaders = wordSet(`
  cache-control content-language content-length content-type expires last-modified pragma
`);

const forbiddenRequestHeaders = wordSet(`
  accept-charset access-control-request-headers access-control-request-method access-control-request-private-network
  connection content-length cookie cookie2 date dnt expect host keep-alive origin referer set-cookie te trailer
  transfer-encoding upgrade via
`);

/**
 * https://fetch.spec.whatwg.org/#forbidden-request-header. Accept-Encoding is on that list too but is tolerated here:
 * many copied configurations have it, and it does no harm, since browsers never ask for it.
 */
export function isForbiddenRequestHeader(name: string): boolean {
  return forbiddenRequestHeaders.has(name) || name.startsWith("proxy-") || name.startsWith("sec-");
}

/** https://fetch.spec.whatwg.org/#forbidden-response-header-name */
export function isForbiddenResponseHeader(name: string): boolean {
  return name === "set-cookie" || name === "set-cookie2";
}

/** Headers of the CORS protocol itself: in a list of allowed or exposed headers they are always a mistake. */
export function isProtocolHeader(name: string): boolean {
  return name === "origin" || name.startsWith("access-control-");
}

/** https://www.iana.org/assignments/http-fields: those that only make sense in a response, and common ones without an entry. */
const responseHeaders = wordSet(`
  accept-ranges age allow alt-svc clear-site-data content-security-policy content-security-policy-report-only
  cross-origin-embedder-policy cross-origin-opener-policy cross-origin-resource-policy etag expires feature-policy
  last-modified location nel permissions-policy referrer-policy report-to reporting-endpoints retry-after server
  server-timing sourcemap strict-transport-security timing-allow-origin vary www-authenticate x-content-type-options
  x-frame-options x-powered-by x-xss-protection
`);

/** Whether the header is one that servers or the CORS protocol send: a page that sends it does so by mistake. */
export function isServerHeader(name: string): boolean {
  return isProtocolHeader(name) || responseHeaders.has(name);
}

const token = /^[\w!#$%&'*+.^`|~-]+$/;

/** Whether `text` can be the name of a method or header: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 */
export function isToken(text: string): boolean {
  return token.test(text);
}

/**
 * "A recipient MUST parse and ignore a reasonable number of empty list elements"
 * (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2): this is our number.
 */
const emptyElementsMax = 16;

/**
 * The names in the value of Access-Control-Request-Headers, in lower case and in order.
 *
 * @returns null when an element is not a token or too many are empty.
 */
export function readHeaderNames(value: string): string[] | null {
  const elements = value.split(",").map(trimValue);
  const names = elements.filter((element) => element !== "");
  if (elements.length - names.length > emptyElementsMax || !names.every(isToken)) return null;
  return names.map((name) => name.toLowerCase());
}

/**
 * Removes the white space that HTTP ignores around a value: space, tab, CR and LF, but not the rest of what `trim` removes.
 * https://fetch.spec.whatwg.org/#concept-header-value-normalize
 */
export function trimValue(text: string): string {
  let first = 0;
  let last = text.length;
  while (first < last && isWhiteSpace(text.charCodeAt(first))) first++;
  while (first < last && isWhiteSpace(text.charCodeAt(last - 1))) last--;
  return text.slice(first, last);
}

function isWhiteSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** What docker's --env-file, JSON, YAML and word processors leave around a value; the last are invisible characters. */
const quotes = /["'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\uff02\uff07]/;
const brackets = /[(){}<>]/;
const invisible = /[\s\u00ad\u200b-\u200f\u2060\ufeff]/;

/** What to write instead of a wrapped value. */
export interface Unwrapped {
  /** For people, without the value. */
  readonly advice: string;
  readonly inner: string;
}

/** @returns null for a value that is not wrapped. */
export function unwrap(text: string): Unwrapped | null {
  let inner = text;
  let before: string;
  do {
    before = inner;
    if (isWrapping(inner.charAt(0))) inner = inner.slice(1);
    if (isWrapping(inner.charAt(inner.length - 1))) inner = inner.slice(0, -1);
    // The brackets of an IPv6 address belong to it.
    if (/^\[(?![\da-f:.]+\])/i.test(inner)) inner = inner.slice(1);
    if (inner.endsWith("]") && !inner.includes("[")) inner = inner.slice(0, -1);
  } while (inner !== before);
  if (inner === text) return null;
  const removed = text.replace(inner, "");
  if (/[[\]]/.test(removed)) return { advice: "write a plain comma list, not JSON", inner };
  if (quotes.test(removed)) return { advice: "drop the quotes", inner };
  if (brackets.test(removed)) return { advice: "drop the brackets", inner };
  return { advice: "drop the white space around it, which may be invisible", inner };
}

function isWrapping(character: string): boolean {
  return quotes.test(character) || brackets.test(character) || invisible.test(character);
}
