import { checkAllowCredentials, checkAllowOrigin, type Finding, finding, type WireResponse } from "./checks.ts";
import { type FetchRecord, fail, judge, note, show } from "./fetch-record.ts";
import { getHeader, type Header } from "./header-list.ts";
import type { PageRequest } from "./page-request.ts";
import { isLoginPage, isRedirect, locationOf } from "./redirect.ts";
import type { WireRequest } from "./wire.ts";

/** Where a fetch stands; a redirect moves it on. */
export interface FetchState {
  readonly page: PageRequest;
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: string | null;
  readonly redirectCount: number;
  /** As in the request. */
  readonly redirectedFrom: readonly URL[];
  /** As in the request. */
  readonly sendsReferrer: boolean;
  /** https://fetch.spec.whatwg.org/#concept-request-response-tainting is "cors": once it is, it stays. */
  readonly crossOrigin: boolean;
  /** https://fetch.spec.whatwg.org/#concept-request-tainted-origin */
  readonly taintedOrigin: boolean;
}

/** What preflight and request have in common beside the URL. */
export function commonParts(state: FetchState) {
  const { page, redirectedFrom, sendsReferrer } = state;
  return { pageOrigin: page.origin, redirectedFrom, sendsReferrer, revalidates: isConditional(state) };
}

const conditionalHeaders: ReadonlySet<string> = new Set([
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
]);

/** https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, step 8.15 */
function isConditional({ headers }: FetchState): boolean {
  return headers.some(([name]) => conditionalHeaders.has(name));
}

/** https://fetch.spec.whatwg.org/#serializing-a-request-origin */
export function originOf({ page, taintedOrigin }: FetchState): string {
  return taintedOrigin ? "null" : page.origin;
}

/** https://fetch.spec.whatwg.org/#append-a-request-origin-header: also on a call to one's own origin that is no GET. */
export function actualRequest(state: FetchState): WireRequest {
  const { url, method, headers, body, crossOrigin } = state;
  const silent = !crossOrigin && (method === "GET" || method === "HEAD");
  const origin = silent ? null : originOf(state);
  return { kind: "request", url, method, headers, body, origin, ...commonParts(state) };
}

/** Chromium reads where a redirect leads before it looks at anything else. */
export function hasReadableLocation(
  record: FetchRecord,
  state: FetchState,
  request: WireRequest,
  response: WireResponse,
): boolean {
  if (!isRedirect(response)) return true;
  const location = locationOf(response.headers);
  if (URL.canParse(location, state.url.href)) return true;
  note(record, "redirect", "failed", `The redirect to ${location} is not followed.`);
  fail(record, request, response, [finding("redirect_location", location)]);
  return false;
}

/** What is probably behind a finding. */
export type Suspicion = Pick<Finding, "hint" | "cause">;

export const loginPage: Suspicion = {
  cause: "login",
  hint: "the API redirects to a login page, which no page may read: have it answer 401",
};

/** Whether redirects have led to a login page. */
export function suspectLogin({ page, url, redirectCount }: FetchState): Suspicion | null {
  return redirectCount > 0 && isLoginPage(page.url, url) ? loginPage : null;
}

/**
 * https://fetch.spec.whatwg.org/#concept-cors-check, with a step for each of the two headers.
 *
 * @param suspicion what is probably behind a missing Allow-Origin.
 */
export function checkCors(
  record: FetchRecord,
  state: FetchState,
  { headers }: WireResponse,
  suspicion: Suspicion | null,
): Finding[] {
  const credentials = state.page.credentials === "include";
  const checked = { origin: originOf(state), credentials };
  const allowOrigin = getHeader(headers, "access-control-allow-origin");
  const originRule = `it must be ${checked.origin}${credentials ? "" : " or *"}`;
  const seen = show("Access-Control-Allow-Origin", allowOrigin);
  const badOrigin = checkAllowOrigin(checked, headers);
  const hinted = badOrigin?.code === "allow_origin_missing" ? { ...badOrigin, ...suspicion } : badOrigin;
  const findings = judge(record, "allow_origin", hinted, seen, originRule);
  if (!credentials) return findings;
  const allowCredentials = getHeader(headers, "access-control-allow-credentials");
  const alsoSeen = show("Access-Control-Allow-Credentials", allowCredentials);
  const badCredentials = checkAllowCredentials(checked, headers);
  return [...findings, ...judge(record, "allow_credentials", badCredentials, alsoSeen, "it must be true")];
}
