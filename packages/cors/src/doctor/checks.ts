import { isNoPagesHeader, safelistedMethods } from "../names.ts";
import type { Cause } from "./cures.ts";
import type { FailureCode } from "./explanations.ts";
import { extractNames, getHeader, type Header } from "./header-list.ts";

/** What one rule found wrong. */
export interface Finding {
  readonly code: FailureCode;
  /** The header value, method, header name or list element at fault. */
  readonly value: string;
  /** What is probably behind it, where the code alone leaves it open. */
  readonly hint: string | null;
  /** What is probably behind it, where that is fixed in another way than the code says; null where it is not. */
  readonly cause: Cause | null;
  /** Every header name that is refused, for `header_not_allowed` and its like; empty otherwise. */
  readonly refused: readonly string[];
  /** What Chrome prints where the code alone leaves it open, empty for nothing; null where it does not. */
  readonly chrome: string | null;
}

/** A response as it came: one element a line, duplicates kept. */
export interface WireResponse {
  /** 200 to 999 of a proper server. */
  readonly status: number;
  readonly headers: readonly Header[];
}

/** What the checks need to know of the request. */
export interface CheckedRequest {
  /** The value of its Origin header. */
  readonly origin: string;
  readonly credentials: boolean;
}

/**
 * Whether a page of this origin may see the response.
 * https://fetch.spec.whatwg.org/#concept-cors-check
 */
export function checkAllowOrigin(request: CheckedRequest, headers: readonly Header[]): Finding | null {
  const value = getHeader(headers, "access-control-allow-origin");
  if (value === null) return finding("allow_origin_missing", "");
  if (value === "*") return request.credentials ? finding("wildcard_origin_with_credentials", value) : null;
  if (value === request.origin) return null;
  // From here on the answer is no; what follows only tells the cases apart, as Chromium does.
  const lines = headers.filter(([name]) => name.toLowerCase() === "access-control-allow-origin").length;
  if (lines > 1) return finding("allow_origin_repeated", value, `it came ${lines} times: two layers add it`);
  if (/[ ,]/.test(value)) return finding("allow_origin_list", value);
  if (value !== "null" && !URL.canParse(value)) return finding("invalid_origin", value);
  return finding("origin_not_allowed", value, hintForMismatch(value, request.origin));
}

/** https://fetch.spec.whatwg.org/#concept-cors-check, steps 5 to 7: `true`, in lower case, and only with credentials. */
export function checkAllowCredentials(request: CheckedRequest, headers: readonly Header[]): Finding | null {
  if (!request.credentials) return null;
  const value = getHeader(headers, "access-control-allow-credentials");
  return value === "true" ? null : finding("credentials_not_allowed", value ?? "");
}

/** https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7: an ok status is one from 200 to 299. */
export function checkPreflightStatus(status: number): Finding | null {
  return status >= 200 && status <= 299 ? null : finding("preflight_status", String(status), hintForStatus(status));
}

/** The same, steps 7.1 to 7.7. Both lists are read before anything is looked up in either. */
export function checkAllowLists(
  credentials: boolean,
  method: string,
  unsafeNames: readonly string[],
  response: WireResponse,
  strict: boolean,
): { readonly methods: Finding | null; readonly headers: Finding | null; readonly inOrder: readonly Finding[] } {
  const methods = checkAllowMethods(credentials, method, response);
  const headers = checkAllowHeaders(credentials, unsafeNames, response, strict);
  const found = [methods, headers].filter((each) => each !== null);
  const isMalformed = ({ code }: Finding) => code === "invalid_method" || code === "invalid_header";
  const inOrder = [...found.filter(isMalformed), ...found.filter((each) => !isMalformed(each))];
  return { methods, headers, inOrder };
}

/** The same, steps 7.3 and 7.5: case-sensitive, safelisted methods pass, * is literal with credentials. */
function checkAllowMethods(credentials: boolean, method: string, response: WireResponse): Finding | null {
  const { names, malformed } = extractNames(response.headers, "access-control-allow-methods");
  if (malformed !== null) return finding("invalid_method", malformed);
  if (names.includes(method) || safelistedMethods.has(method)) return null;
  if (names.includes("*")) {
    return credentials ? finding("method_not_allowed", method, "with credentials * is a method of that name") : null;
  }
  const otherCase = names.find((name) => name.toUpperCase() === method.toUpperCase());
  const hint = otherCase === undefined ? null : `method names are case-sensitive: the list has ${otherCase}`;
  return finding("method_not_allowed", method, hint);
}

/**
 * The same, steps 7.6 and 7.7: * is literal with credentials, and by the standard never covers authorization.
 * Browsers let it, for now, so that alone is found only by `strict`.
 */
function checkAllowHeaders(
  credentials: boolean,
  unsafeNames: readonly string[],
  response: WireResponse,
  strict: boolean,
): Finding | null {
  const { names, malformed } = extractNames(response.headers, "access-control-allow-headers");
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

/** Whether authorization passes by * alone, which the standard forbids: Chromium, Firefox and WebKit announced to follow. */
export function isAuthorizationByWildcard(unsafeNames: readonly string[], response: WireResponse): boolean {
  const listed = extractNames(response.headers, "access-control-allow-headers").names.map((name) => name.toLowerCase());
  return unsafeNames.includes("authorization") && listed.includes("*") && !listed.includes("authorization");
}

/** A finding without refused headers. */
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
  const response = refused.find(isNoPagesHeader);
  if (response !== undefined) return `${response} is a header of responses: the page must not send it`;
  return wildcard ? "with credentials * is a header of that name" : null;
}

function hintForStatus(status: number): string | null {
  if (status === 401) return "something asks for a login before CORS is answered";
  if (status === 403) return "the server refuses the origin, or asks for a permission before CORS is answered";
  if (status === 404 || status === 405 || status === 501) return "nothing answers OPTIONS on this path";
  if (status >= 500) return "the server fails before it answers OPTIONS";
  return null;
}
