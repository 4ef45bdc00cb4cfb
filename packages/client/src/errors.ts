/** https://twitchtv.github.io/twirp/docs/spec_v7.html#error-codes */
const CODES = [
  "canceled",
  "unknown",
  "invalid_argument",
  "malformed",
  "deadline_exceeded",
  "not_found",
  "bad_route",
  "already_exists",
  "permission_denied",
  "unauthenticated",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
] as const;

/** A Twirp error code. */
export type FinanceErrorCode = (typeof CODES)[number];

/** The code of a reply; undefined for one that is none. */
export function errorCodeOf(code: string): FinanceErrorCode | undefined {
  // The specification's table has a misprint, which servers that follow it write.
  return CODES.find((known) => known === code || (known === "data_loss" && code === "dataloss"));
}

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
