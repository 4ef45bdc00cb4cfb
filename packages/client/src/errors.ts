import type { TwirpCode } from "../../twirp/src/codes.ts";
import { isObject, textOf, type Values } from "./message.ts";

/** A Twirp error code. */
export type FinanceErrorCode = TwirpCode;

/**
 * Why a call failed on this side of the wire, in `FinanceError.reason`. Reasons of the service itself are those of its
 * `meta.reason`, as "insufficient_funds".
 *
 * - `canceled`: the call's `signal` aborted, or the transport canceled it. Code `canceled`.
 * - `timed_out`: `timeoutMs` passed, or the transport threw a TimeoutError. Code `deadline_exceeded`. A write may have happened all the same.
 * - `cors_or_network`: a page got no answer from another origin that it may read; the browser keeps to itself whether CORS
 *   or the network is to blame. Code `unavailable`.
 * - `network`: no answer, where CORS plays no part. Code `unavailable`.
 * - `transport_failed`: an interceptor, a wrapper of fetch or a transport of the application threw; `cause` is its error. Code
 *   `unknown`.
 * - `token_unavailable`: the function in the option `token` failed; `cause` is its error. Code `unauthenticated`.
 * - `invalid_request`: the request can't be sent as it is, such as an amount beyond int64. Code `invalid_argument`.
 * - `invalid_reply`: what came is no reply of this method, can't be decoded, or broke off. Code `internal`.
 */
export type LocalReason =
  | "canceled"
  | "timed_out"
  | "cors_or_network"
  | "network"
  | "transport_failed"
  | "token_unavailable"
  | "invalid_request"
  | "invalid_reply";

/** What is known of a failure besides its code and message. */
export interface FinanceErrorDetails {
  readonly status?: number;
  readonly meta?: Readonly<Record<string, string>>;
  readonly reason?: LocalReason;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Every failed call rejects with this error: a refusal of the service, the word of a proxy before it, or the lack of any
 * answer.
 *
 * Decide by `code` and `reason`; `message` is for people and may change.
 */
export class FinanceError extends Error {
  /** Twirp's error code. */
  readonly code: FinanceErrorCode;
  /** HTTP status of the answer; 0 when there was none, or none that the page may read. */
  readonly status: number;
  /** What the service adds to its refusal, as `account_id`. Of a proxy's answer: `http_error_from_intermediary: "true"`, `status_code`, and `body` or `location`. */
  readonly meta: Readonly<Record<string, string>>;
  /** The service's `meta.reason`, or a `LocalReason`; undefined where the code says it all. */
  readonly reason: string | undefined;
  /** Finds the call in the server's log; undefined when no answer named it. */
  readonly requestId: string | undefined;
  /** How long the server asks to wait before the next try, milliseconds; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(code: FinanceErrorCode, message: string, details: FinanceErrorDetails = {}) {
    super(message, details);
    this.name = "FinanceError";
    this.code = code;
    this.status = details.status ?? 0;
    this.meta = details.meta ?? {};
    this.reason = details.reason ?? this.meta["reason"];
    this.requestId = details.requestId ?? this.meta["request_id"];
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** What the failure of a transport means. */

/** What is known of a failure besides its reason and message. */
type Details = Pick<FinanceErrorDetails, "cause" | "status" | "requestId">;

const CODE_OF_REASON: Readonly<Record<LocalReason, FinanceErrorCode>> = {
  canceled: "canceled",
  timed_out: "deadline_exceeded",
  cors_or_network: "unavailable",
  network: "unavailable",
  transport_failed: "unknown",
  token_unavailable: "unauthenticated",
  invalid_request: "invalid_argument",
  invalid_reply: "internal",
};

/** A failure on this side of the wire. */
export function failure(reason: LocalReason, message: string, details: Details = {}): FinanceError {
  return new FinanceError(CODE_OF_REASON[reason], message, { ...details, reason });
}

/** A failure that something thrown says more about. */
export function failureBy(cause: unknown, reason: LocalReason, message: string, details?: Details): FinanceError {
  return failure(reason, `${message}: ${textOf(cause)}`, { ...details, cause });
}

/** A reply whose body broke off, can't be decoded, or is none of the method; unless its reading was given up. */
export function unreadable(cause: unknown, details: Details): FinanceError {
  return givenUp(cause) ?? failureBy(cause, "invalid_reply", "the reply can't be read", details);
}

/** What the application's own code threw. */
export function transportFailed(cause: unknown): FinanceError {
  return failureBy(cause, "transport_failed", "the transport or an interceptor failed");
}

/**
 * Tells apart what a transport rejected with: fetch's and axios's own failures by what they look like, whatever carried them;
 * any other is the application's, thrown by an interceptor, a wrapper of fetch or a transport.
 */
export function failureOf(cause: unknown, url: string, isCrossOrigin: boolean): FinanceError {
  if (cause instanceof FinanceError) return cause;
  const { code, message, response, request } = membersOf(cause);
  const isNetwork = isNetworkFailure(cause);
  // An answer that had begun when the connection broke: axios, or Node's request that it used, has it.
  const begun = membersOf(response ?? membersOf(request)["res"]);
  const status = Number(begun["status"] ?? begun["statusCode"] ?? 0);
  const isCut = matches(UNREADABLE, code) || matches(UNREADABLE, message) || (isNetwork && status > 0);
  if (isCut) return unreadable(cause, { status });
  const stopped = givenUp(cause);
  if (stopped !== undefined || !isNetwork) return stopped ?? transportFailed(cause);
  return isCrossOrigin
    ? failure(
        "cors_or_network",
        `blocked by CORS or network: no answer that this page may read from ${url}; npx cors-doctor says which`,
        { cause },
      )
    : failure("network", `no answer from ${url}`, { cause });
}

/** A transport's or wrapper's own signal aborted, or its own time passed; undefined for anything else. */
function givenUp(cause: unknown): FinanceError | undefined {
  const { name, code } = membersOf(cause);
  const isCanceled = name === "AbortError" || code === "ERR_CANCELED";
  const reason = name === "TimeoutError" ? "timed_out" : isCanceled ? "canceled" : undefined;
  return reason && failureBy(cause, reason, "the transport gave up");
}

/**
 * For a body that broke off or is too large: codes of axios, zlib and brotli, and messages of undici, Chromium and Firefox. The
 * "Network Error" of axios is another.
 */
const UNREADABLE = /^(ERR_BAD_RESPONSE$|Z_|ERR__|terminated$|network error$|Error in body)/;

/** Of axios, Node and undici. `ERR_NETWORK` is also for transports of the application's own. */
const NETWORK_CODE =
  /^(ERR_NETWORK|E(CONN|TIMEDOUT|NOTFOUND|AI_|PIPE|HOST|NET|PROTO|ADDR)|UND_ERR_|HPE_|ERR_SSL_|UNABLE_TO_)|(^|_)CERT(_|$)/;

/** Of fetch in undici, Chromium, Firefox and WebKit; all are TypeErrors, as a mistake in the application may be. */
const NETWORK_MESSAGE = /^(fetch failed|failed to fetch|load failed|network|the (network|internet) )/i;

function isNetworkFailure(error: unknown): boolean {
  const { code, message, cause } = membersOf(error);
  return (
    matches(NETWORK_CODE, code) ||
    (error instanceof TypeError &&
      (matches(NETWORK_MESSAGE, message) || matches(NETWORK_CODE, membersOf(cause)["code"])))
  );
}

function matches(pattern: RegExp, text: unknown): boolean {
  return typeof text === "string" && pattern.test(text);
}

/** None of what is no object, as anything may be thrown. */
export function membersOf(thrown: unknown): Values {
  return isObject(thrown) ? thrown : {};
}
