/**
 * How many letters must be added, left out, replaced or swapped with a neighbour; 3 stands for anything above 2.
 * https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance (optimal string alignment)
 */
export function editDistance(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > 2) return 3;
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? 3;
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwapped = row > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current.push(
        Math.min(
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          isSwapped ? at(row - 2, column - 2) + 1 : 3,
        ),
      );
    }
  }
  return Math.min(at(left.length, right.length), 3);
}

/** Which names the Fetch standard lets a page use, so that a list that can never work is refused at start. */

/** https://fetch.spec.whatwg.org/#cors-safelisted-method: pass in a preflight whatever Allow-Methods says. */
export const safelistedMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST"]);

/** https://fetch.spec.whatwg.org/#forbidden-method, compared in upper case. */
export const forbiddenMethods: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** https://fetch.spec.whatwg.org/#concept-method-normalize: only these are put in upper case by a browser. */
export const normalizedMethods: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);

/** https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name: readable without being exposed. */
export const safelistedResponseHeaders: ReadonlySet<string> = new Set([
  "cache-control",
  "content-language",
  "content-length",
  "content-type",
  "expires",
  "last-modified",
  "pragma",
]);

const forbiddenRequestHeaders: ReadonlySet<string> = new Set([
  "accept-charset",
  "access-control-request-headers",
  "access-control-request-method",
  "access-control-request-private-network",
  "connection",
  "content-length",
  "cookie",
  "cookie2",
  "date",
  "dnt",
  "expect",
  "host",
  "keep-alive",
  "origin",
  "referer",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

/**
 * https://fetch.spec.whatwg.org/#forbidden-request-header. Accept-Encoding is on that list too but is tolerated here:
 * it stands in countless copied configurations, a browser never asks for it, and listing it hides no misunderstanding.
 */
export function isForbiddenRequestHeader(name: string): boolean {
  return forbiddenRequestHeaders.has(name) || name.startsWith("proxy-") || name.startsWith("sec-");
}

/** https://fetch.spec.whatwg.org/#forbidden-response-header-name */
export function isForbiddenResponseHeader(name: string): boolean {
  return name === "set-cookie" || name === "set-cookie2";
}

/** Names that the CORS protocol itself exchanges: in a list of headers they are always a misunderstanding. */
export function isProtocolHeader(name: string): boolean {
  return name === "origin" || name.startsWith("access-control-");
}

/** https://www.iana.org/assignments/http-fields: those that make sense in a response alone, and customary ones without an entry. */
const responseHeaders: ReadonlySet<string> = new Set([
  "accept-ranges",
  "age",
  "allow",
  "alt-svc",
  "clear-site-data",
  "content-security-policy",
  "content-security-policy-report-only",
  "cross-origin-embedder-policy",
  "cross-origin-opener-policy",
  "cross-origin-resource-policy",
  "etag",
  "expires",
  "feature-policy",
  "last-modified",
  "location",
  "nel",
  "permissions-policy",
  "referrer-policy",
  "report-to",
  "reporting-endpoints",
  "retry-after",
  "server",
  "server-timing",
  "sourcemap",
  "strict-transport-security",
  "timing-allow-origin",
  "vary",
  "www-authenticate",
  "x-content-type-options",
  "x-frame-options",
  "x-powered-by",
  "x-xss-protection",
]);

/** Names that a page never sends, which it has misunderstood if it does: a server's, or the CORS protocol's. */
export function isNoPagesHeader(name: string): boolean {
  return isProtocolHeader(name) || responseHeaders.has(name);
}

/** Tokens, the alphabet of method and header names (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2). */
const tokenCharacters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const isTokenCode = new Uint8Array(256);
for (const character of tokenCharacters) isTokenCode[character.charCodeAt(0)] = 1;

/** Whether `text` is a non-empty token. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isTokenCode[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

/**
 * "A recipient MUST parse and ignore a reasonable number of empty list elements"
 * (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2): this is ours.
 */
const emptyElementsMax = 16;

/**
 * The names in the value of Access-Control-Request-Headers, in lower case and in order.
 *
 * @returns null when an element is no token or too many are empty.
 */
export function readHeaderNames(value: string): string[] | null {
  const names: string[] = [];
  let emptyElements = 0;
  let start = 0;
  while (start <= value.length) {
    const comma = value.indexOf(",", start);
    const stop = comma < 0 ? value.length : comma;
    let first = start;
    let last = stop;
    while (first < last && isBlank(value.charCodeAt(first))) first++;
    while (first < last && isBlank(value.charCodeAt(last - 1))) last--;
    if (first === last) {
      emptyElements++;
      if (emptyElements > emptyElementsMax) return null;
    } else {
      const name = value.slice(first, last);
      if (!isToken(name)) return null;
      names.push(name.toLowerCase());
    }
    start = stop + 1;
  }
  return names;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * Text without the white space that HTTP strips around a value: space, tab, CR and LF, of all that JavaScript's trim knows.
 * https://fetch.spec.whatwg.org/#concept-header-value-normalize
 */
export function trimValue(text: string): string {
  const isStripped = (code: number) => isBlank(code) || code === 0x0a || code === 0x0d;
  let first = 0;
  let last = text.length;
  while (first < last && isStripped(text.charCodeAt(first))) first++;
  while (first < last && isStripped(text.charCodeAt(last - 1))) last--;
  return text.slice(first, last);
}

/** Quotes, brackets and invisible characters around a value, which docker's --env-file, JSON, YAML and word processors leave. */

const quotes = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\uff02\uff07";
const brackets = "(){}<>";

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
    if (isAround(inner.charAt(0))) inner = inner.slice(1);
    if (isAround(inner.charAt(inner.length - 1))) inner = inner.slice(0, -1);
    // An IPv6 address stands in brackets of its own.
    if (/^\[(?![\da-f:.]+\])/i.test(inner)) inner = inner.slice(1);
    if (inner.endsWith("]") && !inner.includes("[")) inner = inner.slice(0, -1);
  } while (inner !== before);
  if (inner === text) return null;
  const removed = text.replace(inner, "");
  const has = (characters: string) => [...removed].some((character) => characters.includes(character));
  if (has("[]")) return { advice: "write a plain comma list, not JSON", inner };
  if (has(quotes)) return { advice: "drop the quotes", inner };
  return {
    advice: has(brackets) ? "drop the brackets" : "drop the white space around it, which may be invisible",
    inner,
  };
}

function isAround(character: string): boolean {
  if (character === "") return false;
  return quotes.includes(character) || brackets.includes(character) || isInvisible(character);
}

/** White space, and characters without width. */
function isInvisible(character: string): boolean {
  return /[\s\u00ad\u200b-\u200f\u2060\ufeff]/.test(character);
}
