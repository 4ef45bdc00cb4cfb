import { checkAllowCredentials, checkAllowOrigin, type Finding, type WireResponse } from "./cors-check.ts";
import { type FetchRecord, judge, show } from "./fetch-record.ts";
import { getHeader, type Header } from "./header-list.ts";
import type { PageRequest } from "./page-request.ts";
import type { WireRequest } from "./wire.ts";

/** Where a fetch stands; a redirect moves it on. */
export interface FetchState {
  readonly page: PageRequest;
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: string | null;
  readonly redirectCount: number;
  /** https://fetch.spec.whatwg.org/#concept-request-response-tainting is "cors": once it is, it stays. */
  readonly crossOrigin: boolean;
  /** https://fetch.spec.whatwg.org/#concept-request-tainted-origin */
  readonly taintedOrigin: boolean;
}

/** https://fetch.spec.whatwg.org/#serializing-a-request-origin */
export function originOf({ page, taintedOrigin }: FetchState): string {
  return taintedOrigin ? "null" : page.origin;
}

/** https://fetch.spec.whatwg.org/#append-a-request-origin-header: also on a call to one's own origin that is no GET. */
export function actualRequest(state: FetchState): WireRequest {
  const { page, url, method, headers, body, crossOrigin } = state;
  const silent = !crossOrigin && (method === "GET" || method === "HEAD");
  const origin = silent ? null : originOf(state);
  return { kind: "request", url, method, headers, body, origin, pageOrigin: page.origin };
}

/** https://fetch.spec.whatwg.org/#concept-cors-check, with a step for each of the two headers. */
export function checkCors(record: FetchRecord, state: FetchState, { headers }: WireResponse): Finding[] {
  const credentials = state.page.credentials === "include";
  const checked = { origin: originOf(state), credentials };
  const allowOrigin = getHeader(headers, "access-control-allow-origin");
  const originRule = `it must be ${checked.origin}${credentials ? "" : " or *"}`;
  const seen = show("Access-Control-Allow-Origin", allowOrigin);
  const findings = judge(record, "allow_origin", checkAllowOrigin(checked, headers), seen, originRule);
  if (!credentials) return findings;
  const allowCredentials = getHeader(headers, "access-control-allow-credentials");
  const alsoSeen = show("Access-Control-Allow-Credentials", allowCredentials);
  const finding = checkAllowCredentials(checked, headers);
  return [...findings, ...judge(record, "allow_credentials", finding, alsoSeen, "it must be true")];
}
