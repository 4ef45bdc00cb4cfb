import type { WireResponse } from "./checks.ts";
import type { FailureCode } from "./explanations.ts";
import type { Header } from "./header-list.ts";

/** A request that the browser sends next. */
export interface WireRequest {
  readonly kind: "preflight" | "request";
  readonly url: URL;
  readonly method: string;
  /** Those that the page or the CORS protocol asks for, in lower case; the browser adds its own. */
  readonly headers: readonly Header[];
  readonly body: string | null;
  /** The value of the Origin header; null when the browser sends none. */
  readonly origin: string | null;
  /** Of the page, which the Origin header hides after some redirects. */
  readonly pageOrigin: string;
  /** The URLs that redirected here since the browser last began a request anew, the first one first. */
  readonly redirectedFrom: readonly URL[];
  /** False once one of the URLs was plain http and the page is on https. */
  readonly sendsReferrer: boolean;
  /** Whether the page asks on a condition of its own, so that no cache may answer in between. */
  readonly revalidates: boolean;
}

/** Why there is no response. */
export interface NoResponse {
  readonly code: FailureCode;
  /** The system's own words. */
  readonly detail: string;
  /** What Chrome prints, `net::ERR_...`, where the code alone leaves it open. */
  readonly chrome?: string;
}

/** What became of a request. */
export type WireOutcome = { readonly response: WireResponse } | { readonly noResponse: NoResponse };

/** Sends one request, follows nothing, and never throws. */
export type Probe = (request: WireRequest) => Promise<WireOutcome>;
