import { type Finding, finding, type Header, type PreflightCache, type WireResponse } from "./checks.ts";
import type { FailureCode } from "./explanations.ts";
import type { PageRequest } from "./page-request.ts";

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
  /** The URLs that redirected here since the browser last started a new request, oldest first. */
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

/** What a fetch has come upon so far. */
export interface FetchRecord {
  readonly steps: Step[];
  failure: Failure | null;
  preflightCache: PreflightCache | null;
  /** Whether the request of this hop had a preflight, which passed. */
  preflighted: boolean;
}

/** Yields each request and is given what became of it. */
export type Conversation<Result> = Generator<WireRequest, Result, WireOutcome>;

const standard = "https://fetch.spec.whatwg.org/";
const rules: Readonly<{ [Name in StepName]: string }> = {
  origin_compared: `${standard}#main-fetch`,
  mixed_content: "https://w3c.github.io/webappsec-mixed-content/#should-block-fetch",
  blocked_port: `${standard}#port-blocking`,
  preflight_decided: `${standard}#http-fetch`,
  preflight_sent: `${standard}#cors-preflight-fetch`,
  preflight_redirect: `${standard}#cors-preflight-fetch`,
  allow_origin: `${standard}#concept-cors-check`,
  allow_credentials: `${standard}#concept-cors-check`,
  preflight_status: `${standard}#cors-preflight-fetch`,
  allow_methods: `${standard}#cors-preflight-fetch`,
  allow_headers: `${standard}#cors-preflight-fetch`,
  max_age: `${standard}#cors-preflight-cache`,
  vary: `${standard}#cors-protocol-and-http-caches`,
  request_sent: `${standard}#http-network-or-cache-fetch`,
  redirect: `${standard}#http-redirect-fetch`,
  exposed_headers: `${standard}#concept-filtered-response-cors`,
};

/** Notes a step without an exchange. */
export function note(record: FetchRecord, name: StepName, result: Step["result"], text: string): void {
  record.steps.push({ name, result, text, rule: rules[name], exchange: null });
}

/** Sends a request and notes what came; null when nothing did, which is then the failure. */
export function* send(record: FetchRecord, request: WireRequest): Conversation<WireResponse | null> {
  const outcome = yield request;
  const name = request.kind === "preflight" ? "preflight_sent" : "request_sent";
  const asked = `${request.method} ${request.url.href}`;
  const rule = rules[name];
  if ("response" in outcome) {
    const { response } = outcome;
    const text = `${asked} is answered with ${response.status}.`;
    record.steps.push({ name, result: "passed", text, rule, exchange: { request, response } });
    return response;
  }
  const { code, detail, chrome = null } = outcome.noResponse;
  const text = `${asked} gets no answer: ${detail}.`;
  record.steps.push({ name, result: "failed", text, rule, exchange: { request, response: null } });
  fail(record, request, null, [{ ...finding(code, detail), chrome }]);
  return null;
}

/**
 * Notes what a check saw, the rule that it must obey and what it found, which it also returns as a list.
 *
 * @param fault the result of a step that found something; a `note` is only the consequence of another step's failure.
 */
export function judge(
  record: FetchRecord,
  name: StepName,
  found: Finding | null,
  seen: string,
  rule: string,
  fault: "failed" | "note" = "failed",
): Finding[] {
  const hint = found?.hint == null ? "" : ` (${found.hint})`;
  note(record, name, found === null ? "passed" : fault, `${seen}; ${rule}${hint}.`);
  return found === null ? [] : [found];
}

/** Makes the first of the findings the failure. Does nothing when there is none. */
export function fail(
  record: FetchRecord,
  request: WireRequest,
  response: WireResponse | null,
  findings: readonly Finding[],
): void {
  const [first] = findings;
  if (first === undefined) return;
  record.failure = {
    ...first,
    stage: request.kind,
    url: request.url.href,
    preflighted: record.preflighted,
    sentOrigin: request.origin ?? request.pageOrigin,
    status: response?.status ?? null,
    findings,
  };
}

/** `Vary is missing`, `Vary is empty` or `Vary is Origin`. */
export function show(header: string, value: string | null): string {
  if (value === null) return `${header} is missing`;
  return `${header} is ${value === "" ? "empty" : value}`;
}
