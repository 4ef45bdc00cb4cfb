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
