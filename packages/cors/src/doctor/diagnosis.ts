import type { Finding, WireResponse } from "./checks.ts";
import type { PageRequest } from "./page-request.ts";
import type { PreflightCache } from "./preflight-cache.ts";
import type { WireRequest } from "./wire.ts";

/** The checks in the order in which a browser makes them; the names are stable. */
export type StepName =
  | "origin_compared"
  | "mixed_content"
  | "blocked_port"
  | "preflight_decided"
  | "preflight_sent"
  | "preflight_redirect"
  | "allow_origin"
  | "allow_credentials"
  | "preflight_status"
  | "allow_methods"
  | "allow_headers"
  | "max_age"
  | "vary"
  | "request_sent"
  | "redirect"
  | "exposed_headers";

/** One thing that a browser does or looks at. */
export interface Step {
  readonly name: StepName;
  /** `note`: nothing is decided by it, but it deserves attention. */
  readonly result: "passed" | "failed" | "note";
  /** For people, one line. */
  readonly text: string;
  /** The section of the standard that the step obeys. */
  readonly rule: string;
  /** What went over the wire; only in `preflight_sent` and `request_sent`. */
  readonly exchange: Exchange | null;
}

/** A request and what came back. */
export interface Exchange {
  readonly request: WireRequest;
  /** Null when nothing came. */
  readonly response: WireResponse | null;
}

/** The first thing that makes the browser block the page. */
export interface Failure extends Finding {
  readonly stage: "preflight" | "request";
  /** The URL that was asked when it happened. */
  readonly url: string;
  /** Whether a preflight allowed this very request. */
  readonly preflighted: boolean;
  /** What the Origin header said, which is null after some redirects. */
  readonly sentOrigin: string;
  /** Of the response at fault; null when there was none. */
  readonly status: number | null;
  /** Everything that is wrong with that response, this failure first: browsers differ in which they report. */
  readonly findings: readonly Finding[];
}

/** What the page gets. */
export interface Reply {
  readonly status: number;
  readonly readable: readonly string[];
  readonly hidden: readonly string[];
}

/** What a browser would do with a page's request, and why. */
export interface Diagnosis {
  readonly page: PageRequest;
  readonly allowed: boolean;
  /** False when page and URL share one origin from beginning to end. */
  readonly crossOrigin: boolean;
  readonly steps: readonly Step[];
  /** Null when allowed. */
  readonly failure: Failure | null;
  /** Null when there was no preflight that passed. */
  readonly preflightCache: PreflightCache | null;
  /** Null when blocked, and when only the preflight was asked for. */
  readonly reply: Reply | null;
}
