import type { AddressSpace } from "./address-spaces.ts";
import { type Finding, getHeader, type Header, type PreflightCache, type WireResponse } from "./checks.ts";
import type { JudgedCookie } from "./cookies.ts";
import type { FailureCode } from "./explanations.ts";
import type { PagePlace, PermissionName } from "./local-network-access.ts";
import type { PageRequest } from "./page-request.ts";

/** The next request that the browser sends. */
export interface WireRequest {
  readonly kind: "preflight" | "request";
  readonly url: URL;
  readonly method: string;
  /** The headers of the page or of the CORS protocol, in lower case; the browser adds its own. */
  readonly headers: readonly Header[];
  readonly body: string | null;
  /** The value of the Origin header; null when the browser sends none. */
  readonly origin: string | null;
  /** The real origin of the page, which the Origin header hides after some redirects. */
  readonly pageOrigin: string;
  /** The URLs that redirected here since the browser last started a new request, oldest first. */
  readonly redirectedFrom: readonly URL[];
  /** False once one of the URLs was plain http and the page is on https. */
  readonly sendsReferrer: boolean;
  /** Whether the page sets a condition such as If-None-Match, so that no cache may answer. */
  readonly revalidates: boolean;
  /** The browser sends nothing over a connection to an address in one of these. */
  readonly blockedSpaces: readonly AddressSpace[];
}

/** Why there is no response. */
export interface NoResponse {
  readonly code: FailureCode;
  /** The message of the operating system. */
  readonly detail: string;
  /** What Chrome prints, `net::ERR_...`, if the code alone does not determine it. */
  readonly chrome?: string;
}

/** The outcome of a request. */
export type WireOutcome = ({ readonly response: WireResponse } | { readonly noResponse: NoResponse }) & {
  /** The IP address at the other end of the connection. Absent if unknown, or if connecting or TLS failed. */
  readonly address?: string;
};

/** Sends one request, follows no redirect, and never throws. */
export type Probe = (request: WireRequest) => Promise<WireOutcome>;

const standard = "https://fetch.spec.whatwg.org/";

/** The checks in the order in which a browser makes them, with the section of the standard. The names never change. */
const rules = {
  origin_compared: `${standard}#main-fetch`,
  mixed_content: "https://w3c.github.io/webappsec-mixed-content/#should-block-fetch",
  blocked_port: `${standard}#port-blocking`,
  local_network_access: "https://wicg.github.io/local-network-access/#fetching",
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
  cookie: "https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-storage-model",
  exposed_headers: `${standard}#concept-filtered-response-cors`,
} as const;

type StepName = keyof typeof rules;

/** One thing that a browser does or checks. */
export interface Step {
  readonly name: StepName;
  /** `note`: it decides nothing, but deserves attention. */
  readonly result: "passed" | "failed" | "note";
  /** For people, one line. */
  readonly text: string;
  /** The section of the standard that the step obeys. */
  readonly rule: string;
  /** The request and its response; only in `preflight_sent` and `request_sent`. */
  readonly exchange: Exchange | null;
}

/** A request and what came back. */
export interface Exchange {
  readonly request: WireRequest;
  /** Null when there was none. */
  readonly response: WireResponse | null;
}

/** The first reason for which the browser blocks the page. */
export interface Failure extends Finding {
  readonly stage: "preflight" | "request";
  /** The URL of the request at fault. */
  readonly url: string;
  /** Whether a preflight allowed this request. */
  readonly preflighted: boolean;
  /** The value of the Origin header, which is null after some redirects. */
  readonly sentOrigin: string;
  /** The status of the response at fault; null when there was none. */
  readonly status: number | null;
  /** Everything that is wrong with that response, this failure first: browsers report different ones. */
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
  /** False when the page and all URLs have the same origin. */
  readonly crossOrigin: boolean;
  readonly steps: readonly Step[];
  /** Null when allowed. */
  readonly failure: Failure | null;
  /** Null when no preflight passed. */
  readonly preflightCache: PreflightCache | null;
  /** Null when blocked, or when only the preflight was requested. */
  readonly reply: Reply | null;
  /** Where the page was loaded from. */
  readonly place: PagePlace;
  /** The permissions for the local network that the page needs; empty for most pages. */
  readonly permissions: readonly NeededPermission[];
  /** The cookies that the replies set, redirects included. They do not change whether the page may read a reply. */
  readonly cookies: readonly JudgedCookie[];
}

/** A permission for the local network. */
export interface NeededPermission {
  readonly name: PermissionName;
  /** With `prompt`, the browser asks the user. */
  readonly state: "granted" | "prompt";
}

/** The header lines of the last response; empty when there was none. */
export function lastHeaders({ steps }: Diagnosis): readonly Header[] {
  return steps.findLast(({ exchange }) => exchange !== null)?.exchange?.response?.headers ?? [];
}

/** What a fetch has found so far. */
export interface FetchRecord {
  readonly steps: Step[];
  failure: Failure | null;
  preflightCache: PreflightCache | null;
  /** Whether the request to the current URL had a preflight that passed. */
  preflighted: boolean;
  readonly permissions: Set<PermissionName>;
  readonly cookies: JudgedCookie[];
}

/** Yields each request and receives its outcome. */
export type Conversation<Result> = Generator<WireRequest, Result, WireOutcome>;

/** Records a step. */
export function note(
  record: FetchRecord,
  name: StepName,
  result: Step["result"],
  text: string,
  exchange: Exchange | null = null,
): void {
  record.steps.push({ name, result, text, rule: rules[name], exchange });
}

/**
 * Records what a check saw, the rule for it and the mistake that it found, which is also returned as a list.
 *
 * @param fault the result of the step if there is a mistake; `note` if it only follows from the failure of another step.
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

/** Makes the first finding the failure. Does nothing if there is none. */
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
export function show(headers: readonly Header[], header: string): string {
  const value = getHeader(headers, header.toLowerCase());
  if (value === null) return `${header} is missing`;
  return `${header} is ${value === "" ? "empty" : value}`;
}
