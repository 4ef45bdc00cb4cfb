import {
  isForbiddenResponseHeader,
  isServerHeader,
  isToken,
  safelistedMethods,
  safelistedResponseHeaders,
  trimValue,
  wordSet,
} from "../names.ts";
import { isLoopback } from "../origins.ts";
import { type AddressSpace, spaceOfHost } from "./address-spaces.ts";
import type { FailureCode } from "./explanations.ts";
import type { Cause } from "./fixes/index.ts";

/** One header line, its value without surrounding whitespace. */
export type Header = readonly [name: string, value: string];

/**
 * Joins all lines of a name by a comma. So two lines of Allow-Origin become one value, which matches no origin.
 * https://fetch.spec.whatwg.org/#concept-header-list-get
 *
 * @param name in lower case.
 * @returns null when there is no such line.
 */
export function getHeader(headers: readonly Header[], name: string): string | null {
  const values = headers.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(", ");
}

/** Whether the response has any CORS header. */
export function hasCorsHeaders(headers: readonly Header[]): boolean {
  return headers.some(([name]) => name.toLowerCase().startsWith("access-control-"));
}

/** A list of names from a header. */
export interface NameList {
  /** In order and as written; empty when the header is absent, empty or malformed. */
  readonly names: readonly string[];
  /** The first element that is not a token, which makes the whole list invalid; null when the list is valid. */
  readonly malformed: string | null;
}

/**
 * Reads a comma list of tokens; empty elements are skipped.
 * https://fetch.spec.whatwg.org/#extract-header-list-values
 */
function extractNames(headers: readonly Header[], name: string): NameList {
  const elements = (getHeader(headers, name) ?? "")
    .split(",")
    .map(trimValue)
    .filter((element) => element !== "");
  const malformed = elements.find((element) => !isToken(element)) ?? null;
  return { names: malformed === null ? elements : [], malformed };
}

/** A mistake that one rule found. */
export interface Finding {
  readonly code: FailureCode;
  /** The header value, method, header name or list element at fault. */
  readonly value: string;
  /** The probable cause, for people, if the code alone does not show it. */
  readonly hint: string | null;
  /** The probable cause, if its fix differs from the usual one for the code; otherwise null. */
  readonly cause: Cause | null;
  /** Every header name that is refused, for `header_not_allowed` and its like; empty otherwise. */
  readonly refused: readonly string[];
  /** What Chrome prints, empty for nothing, if the code alone does not determine it; otherwise null. */
  readonly chrome: string | null;
}

/** A response as received: one element for each line, duplicates kept. */
export interface WireResponse {
  /** 200 to 999 from a correct server. */
  readonly status: number;
  readonly headers: readonly Header[];
}

/**
 * Whether a page of this origin may read the response.
 * https://fetch.spec.whatwg.org/#concept-cors-check
 */
export function checkAllowOrigin(
  request: { readonly origin: string; readonly credentials: boolean },
  headers: readonly Header[],
): Finding | null {
  const value = getHeader(headers, "access-control-allow-origin");
  if (value === null) return finding("allow_origin_missing", "");
  if (value === "*") return request.credentials ? finding("wildcard_origin_with_credentials", value) : null;
  if (value === request.origin) return null;
  // The answer is no. The rest only distinguishes the cases, as Chromium does.
  const lines = headers.filter(([name]) => name.toLowerCase() === "access-control-allow-origin").length;
  if (lines > 1) return finding("allow_origin_repeated", value, `it came ${lines} times: two layers add it`);
  if (/[ ,]/.test(value)) return finding("allow_origin_list", value);
  if (value !== "null" && !URL.canParse(value)) return finding("invalid_origin", value);
  return finding("origin_not_allowed", value, hintForMismatch(value, request.origin));
}

/** https://fetch.spec.whatwg.org/#concept-cors-check, steps 5 to 7, for a request with credentials. */
export function checkAllowCredentials(headers: readonly Header[]): Finding | null {
  const value = getHeader(headers, "access-control-allow-credentials");
  return value === "true" ? null : finding("credentials_not_allowed", value ?? "");
}

/** https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7: an ok status is one from 200 to 299. */
export function checkPreflightStatus(status: number): Finding | null {
  return status >= 200 && status <= 299 ? null : finding("preflight_status", String(status), hintForStatus(status));
}

/** The same, steps 7.1 to 7.7. Both lists are parsed before either is used. */
export function checkAllowLists(
  request: { readonly credentials: boolean; readonly strict: boolean; readonly method: string },
  unsafeNames: readonly string[],
  headerLines: readonly Header[],
): { readonly methods: Finding | null; readonly headers: Finding | null; readonly inOrder: readonly Finding[] } {
  const { credentials, strict, method } = request;
  const methods = checkAllowMethods(credentials, method, headerLines);
  const headers = checkAllowHeaders(credentials, unsafeNames, headerLines, strict);
  const found = [methods, headers].filter((each) => each !== null);
  const isMalformed = ({ code }: Finding) => code === "invalid_method" || code === "invalid_header";
  const inOrder = [...found.filter(isMalformed), ...found.filter((each) => !isMalformed(each))];
  return { methods, headers, inOrder };
}

/** The same, steps 7.3 and 7.5: case-sensitive, safelisted methods pass, * is literal with credentials. */
function checkAllowMethods(credentials: boolean, method: string, headers: readonly Header[]): Finding | null {
  const { names, malformed } = extractNames(headers, "access-control-allow-methods");
  if (malformed !== null) return finding("invalid_method", malformed);
  if (names.includes(method) || safelistedMethods.has(method)) return null;
  if (names.includes("*")) {
    return credentials ? finding("method_not_allowed", method, "with credentials, * is a method of that name") : null;
  }
  const otherCase = names.find((name) => name.toUpperCase() === method.toUpperCase());
  const hint = otherCase === undefined ? null : `method names are case-sensitive: the list has ${otherCase}`;
  return finding("method_not_allowed", method, hint);
}

/**
 * The same, steps 7.6 and 7.7: * is literal with credentials, and by the standard never covers authorization.
 * Browsers still accept the latter, so only `strict` finds it.
 */
function checkAllowHeaders(
  credentials: boolean,
  unsafeNames: readonly string[],
  headers: readonly Header[],
  strict: boolean,
): Finding | null {
  const { names, malformed } = extractNames(headers, "access-control-allow-headers");
  if (malformed !== null) return finding("invalid_header", malformed);
  const listed = new Set(names.map((name) => name.toLowerCase()));
  const wildcard = listed.has("*");
  if (wildcard && !credentials) {
    if (!strict || !unsafeNames.includes("authorization") || listed.has("authorization")) return null;
    return { ...finding("wildcard_without_authorization", "authorization"), refused: ["authorization"] };
  }
  const refused = unsafeNames.filter((name) => !listed.has(name));
  const [first] = refused;
  if (first === undefined) return null;
  return { ...finding("header_not_allowed", first, hintForHeaders(refused, wildcard)), refused };
}

/** Whether only * allows authorization. The standard forbids that, and the browsers have announced that they will follow. */
export function isAuthorizationByWildcard(unsafeNames: readonly string[], headers: readonly Header[]): boolean {
  const listed = extractNames(headers, "access-control-allow-headers").names.map((name) => name.toLowerCase());
  return unsafeNames.includes("authorization") && listed.includes("*") && !listed.includes("authorization");
}

/** A finding with default members. */
export function finding(code: FailureCode, value: string, hint: string | null = null): Finding {
  return { code, value, hint, cause: null, refused: [], chrome: null };
}

function hintForMismatch(value: string, origin: string): string | null {
  if (origin === "null") return "the origin is null in a sandboxed frame, in a local file and after redirects";
  const meant = URL.canParse(value) ? new URL(value) : null;
  const asked = new URL(origin);
  if (meant === null) return null;
  if (meant.origin === origin) return `it must be written ${origin}, with no path, no trailing slash, in lower case`;
  const parts = (["protocol", "hostname", "port"] as const).filter((part) => meant[part] !== asked[part]);
  const words = { protocol: "scheme", hostname: "host", port: "port" };
  return `it differs by ${parts.map((part) => words[part]).join(" and ")}`;
}

function hintForHeaders(refused: readonly string[], wildcard: boolean): string | null {
  const response = refused.find(isServerHeader);
  if (response !== undefined) return `${response} is a header of responses: the page must not send it`;
  return wildcard ? "with credentials, * is a header of that name" : null;
}

function hintForStatus(status: number): string | null {
  if (status === 401) return "something requires a login before CORS is answered";
  if (status === 403) return "the server refuses the origin, or requires a permission before CORS is answered";
  if (status === 404 || status === 405 || status === 501) return "nothing answers OPTIONS on this path";
  if (status >= 500) return "the server fails before it answers OPTIONS";
  return null;
}

/** Requests that browsers never send: mixed content and blocked ports. */

/** https://fetch.spec.whatwg.org/#port-blocking */
const blockedPorts = wordSet(`
  0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135
  137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719
  1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080
`);

/** Firefox and Safari block these too, Chromium does not. */
const portsOpenInChromium = wordSet("4190 6679");

/** Why the browser does not send the page's request to this URL; null when it does. */
export function findBarrier(page: Caller, url: URL, strict: boolean): Finding | null {
  if (isMixedContent(page.origin, url) && whyLocal(page, url) === null) return finding("mixed_content", url.href);
  if (!blockedPorts.has(url.port) || (!strict && isOpenInChromiumAlone(url))) return null;
  return finding("blocked_port", url.port);
}

/** Whether the standard blocks the port and Chromium does not. */
export function isOpenInChromiumAlone(url: URL): boolean {
  return portsOpenInChromium.has(url.port);
}

/**
 * Why only Chromium sends it, for people; null if all browsers or none do.
 * https://wicg.github.io/local-network-access/#mixed-content-lna
 */
export function whyOnlyChromium(page: Caller, url: URL): string | null {
  return isMixedContent(page.origin, url) ? whyLocal(page, url) : null;
}

/** The part of a page's call on which mixed content depends. */
interface Caller {
  readonly origin: string;
  readonly targetAddressSpace?: AddressSpace;
}

/** How Chromium knows before it connects that the server is in the local network; null if it does not. */
function whyLocal({ targetAddressSpace = "public" }: Caller, url: URL): string | null {
  if ((spaceOfHost(url.hostname) ?? "public") !== "public") return `${url.hostname} is in the local network`;
  return targetAddressSpace === "public" ? null : `the page sets targetAddressSpace to ${targetAddressSpace}`;
}

/** https://w3c.github.io/webappsec-mixed-content/#should-block-fetch */
function isMixedContent(pageOrigin: string, url: URL): boolean {
  return pageOrigin.startsWith("https://") && url.protocol === "http:" && !isLoopback(url.hostname);
}

/** How long browsers keep the answer to a preflight: https://fetch.spec.whatwg.org/#cors-preflight-cache */

/** Seconds for each browser engine; 0 means that it does not keep the answer. */
export interface PreflightCache {
  /** The value that the server sent; null for none. */
  readonly maxAge: string | null;
  readonly chromium: number;
  readonly firefox: number;
  readonly webkit: number;
}

/** The standard's value if Max-Age is missing or unreadable. */
const defaultSeconds = 5;
const chromiumSecondsMax = 7_200;
const firefoxSecondsMax = 86_400;
const webkitSecondsMax = 600;

/** Reads Access-Control-Max-Age as each engine does: https://fetch.spec.whatwg.org/#http-access-control-max-age */
export function readPreflightCache(headers: readonly Header[]): PreflightCache {
  const maxAge = getHeader(headers, "access-control-max-age");
  const seconds = maxAge !== null && /^[+-]?\d+$/.test(maxAge) ? Number(maxAge) : null;
  // Chromium and WebKit reject values of more than 64 bits; Firefox limits them to its maximum.
  const fits = seconds !== null && Math.abs(seconds) < 2 ** 63;
  const capped = (most: number): number => (fits ? Math.max(0, Math.min(seconds, most)) : defaultSeconds);
  // Only Firefox does not keep the answer at all if the value has other characters than digits.
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

/** The response headers split by whether a page can read them; names in lower case, sorted. */
export interface ReadableHeaders {
  readonly readable: readonly string[];
  readonly hidden: readonly string[];
  /** The invalid element of Access-Control-Expose-Headers, which then exposes nothing; null for none. */
  readonly malformed: string | null;
}

/** https://fetch.spec.whatwg.org/#concept-filtered-response-cors, or the basic filter within an origin. */
export function splitReadable(crossOrigin: boolean, credentials: boolean, headers: readonly Header[]): ReadableHeaders {
  const all = [...new Set(headers.map(([name]) => name.toLowerCase()))].sort();
  const { names, malformed } = extractNames(headers, "access-control-expose-headers");
  const exposed = new Set(names.map((name) => name.toLowerCase()));
  const everything = !crossOrigin || (exposed.has("*") && !credentials);
  const isReadable = (name: string): boolean =>
    !isForbiddenResponseHeader(name) && (everything || exposed.has(name) || safelistedResponseHeaders.has(name));
  return {
    readable: all.filter(isReadable),
    hidden: all.filter((name) => !isReadable(name)),
    malformed: crossOrigin ? malformed : null,
  };
}

/** Headers that a form could send need no preflight. */

/** A header that needs a preflight. */
export interface UnsafeHeader {
  /** In lower case. */
  readonly name: string;
  /** For people; begins with the name. */
  readonly why: string;
}

const valueBytesMax = 128;
const valueBytesSumMax = 1024;
const safelistedNames = wordSet("accept accept-language content-language content-type range");

/** Headers that only Chromium safelists, with the accepted values: it also sends them on its own. */
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
const safelistedTypes = wordSet("application/x-www-form-urlencoded multipart/form-data text/plain");

/**
 * The headers whose names go into Access-Control-Request-Headers, sorted.
 * https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names
 *
 * @param headers with each name once, in lower case.
 * @param strict by the standard, without the headers that only Chromium safelists.
 */
export function findUnsafeHeaders(headers: readonly Header[], strict: boolean): UnsafeHeader[] {
  // Chromium removes the page's user-agent before anything else.
  const sent = strict ? headers : headers.filter(([name]) => name !== "user-agent");
  const judged = sent.map(([name, value]) => ({ name, value, why: whyUnsafe(name, value, strict) }));
  const sum = judged.reduce((bytes, { value, why }) => bytes + (why === null ? value.length : 0), 0);
  const whySum =
    sum > valueBytesSumMax
      ? `and the other safelisted headers have more than ${valueBytesSumMax} bytes together`
      : null;
  return judged
    .flatMap(({ name, why }) => {
      const reason = why ?? whySum;
      return reason === null ? [] : [{ name, why: `${name} ${reason}` }];
    })
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Whether the method or a header is one that no form sends. */
export function needsPreflight(method: string, headers: readonly Header[], strict: boolean): boolean {
  return !safelistedMethods.has(method) || findUnsafeHeaders(headers, strict).length > 0;
}

/** https://fetch.spec.whatwg.org/#cors-safelisted-request-header; null when the header is safelisted. */
function whyUnsafe(name: string, value: string, strict: boolean): string | null {
  const chromium = strict ? undefined : chromiumNames.get(name);
  if (!safelistedNames.has(name) && chromium === undefined) return "is not a safelisted header";
  if (value.length > valueBytesMax) return `has a value of more than ${valueBytesMax} bytes`;
  if (chromium !== undefined) return chromium.test(value) ? null : "has a value in the wrong form";
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
/** Chromium accepts any case and a plus, and reads -1 as an open end. */
const chromiumRange = /^bytes=\+?(\d+)-(?:\+?(\d+)|-0*1)?$/i;

/** Chromium uses signed 64-bit numbers. */
const rangeMax = 2n ** 63n - 1n;

function isSimpleRange(range: RegExpExecArray | null): boolean {
  if (range === null) return false;
  const [, start = "", end = ""] = range;
  const [first, last] = [BigInt(start), end === "" ? rangeMax : BigInt(end)];
  return first <= last && last <= rangeMax;
}
