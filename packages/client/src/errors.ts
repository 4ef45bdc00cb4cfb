import type { TwirpCode } from "../../twirp/src/codes.ts";
import { isObject, textOf, type Values } from "./message.ts";

/** A Twirp error code. */
export type FinanceErrorCode = TwirpCode;

/**
 * Why a call failed in the client, in `FinanceError.reason`. The service's own reasons are in its `meta.reason`, as
 * "insufficient_funds".
 *
 * - `canceled`: the call's `signal` aborted, or the transport canceled it. Code `canceled`.
 * - `timed_out`: `timeoutMs` passed, or the transport threw a TimeoutError. Code `deadline_exceeded`. A write may have happened nevertheless.
 * - `cors_or_network`: a page got no reply from another origin that it may read; browsers hide whether CORS or the network
 *   is the cause. Code `unavailable`.
 * - `network`: no reply, and CORS does not apply. Code `unavailable`.
 * - `transport_failed`: an interceptor, a wrapper of fetch or a transport of the application threw; `cause` is its error. Code
 *   `unknown`.
 * - `token_unavailable`: the function in the option `token` failed; `cause` is its error. Code `unauthenticated`.
 * - `invalid_request`: the request can't be sent as it is, such as an amount beyond int64. Code `invalid_argument`.
 * - `invalid_reply`: the reply is not one of this method, can't be decoded, or broke off. Code `internal`.
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

/** The details of a FinanceError. */
export interface FinanceErrorDetails {
  readonly status?: number;
  readonly meta?: Readonly<Record<string, string>>;
  readonly reason?: LocalReason;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The error of every failed call, whether the service refused it, a proxy answered, or there was no reply.
 *
 * Decide by `code` and `reason`; `message` is for people and may change.
 */
export class FinanceError extends Error {
  /** Twirp's error code. */
  readonly code: FinanceErrorCode;
  /** HTTP status of the reply; 0 without a reply that the client may read. */
  readonly status: number;
  /** Details from the service, as `account_id`. For a proxy's reply: `http_error_from_intermediary: "true"`, `status_code`, and `body` or `location`. */
  readonly meta: Readonly<Record<string, string>>;
  /** The service's `meta.reason`, or a `LocalReason`; undefined if there is only the code. */
  readonly reason: string | undefined;
  /** Finds the call in the server's log; undefined when no reply named it. */
  readonly requestId: string | undefined;
  /** Milliseconds that the server asks to wait before the next try; undefined if it does not ask. */
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

/** An error of the client itself. */
export function failure(reason: LocalReason, message: string, details: Details = {}): FinanceError {
  return new FinanceError(CODE_OF_REASON[reason], message, { ...details, reason });
}

/** The same, with the text of its cause. */
export function failureBy(cause: unknown, reason: LocalReason, message: string, details?: Details): FinanceError {
  return failure(reason, `${message}: ${textOf(cause)}`, { ...details, cause });
}

/** A reply that broke off, can't be decoded or is not one of the method; unless reading it was canceled. */
export function unreadable(cause: unknown, details: Details): FinanceError {
  return givenUp(cause) ?? failureBy(cause, "invalid_reply", "the reply can't be read", details);
}

/** An exception of the application's own code. */
export function transportFailed(cause: unknown): FinanceError {
  return failureBy(cause, "transport_failed", "the transport or an interceptor failed");
}

/**
 * Classifies the error of a transport. fetch's and axios's own errors are recognised by their form. All others come from the
 * application: an interceptor, a wrapper of fetch or its own transport.
 */
export function failureOf(cause: unknown, url: string, isCrossOrigin: boolean): FinanceError {
  if (cause instanceof FinanceError) return cause;
  const { response, request } = membersOf(cause);
  const isNetwork = isNetworkFailure(cause);
  // The connection broke during the reply: it is in axios's error, or in the request of Node that axios used.
  const begun = membersOf(response ?? membersOf(request)["res"]);
  const status = Number(begun["status"] ?? begun["statusCode"] ?? 0);
  if (isBrokenOff(cause) || (isNetwork && status > 0)) return unreadable(cause, { status });
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

/** The error if a transport or wrapper canceled or timed out by itself; undefined otherwise. */
function givenUp(cause: unknown): FinanceError | undefined {
  const { name, code } = membersOf(cause);
  const isCanceled = name === "AbortError" || code === "ERR_CANCELED";
  const reason = name === "TimeoutError" ? "timed_out" : isCanceled ? "canceled" : undefined;
  return reason && failureBy(cause, reason, "the transport gave up");
}

export function isBrokenOff(error: unknown): boolean {
  const { code, message } = membersOf(error);
  return matches(UNREADABLE, code) || matches(UNREADABLE, message);
}

/**
 * A body that broke off or is too large: codes of axios, zlib and brotli, and messages of undici, Chromium and Firefox. It
 * must not match axios's "Network Error".
 */
const UNREADABLE = /^(ERR_BAD_RESPONSE$|Z_|ERR__|terminated$|network error$|Error in body)/;

/** Codes of axios, Node and undici. Transports of the application use `ERR_NETWORK` too. */
const NETWORK_CODE =
  /^(ERR_NETWORK|E(CONN|TIMEDOUT|NOTFOUND|AI_|PIPE|HOST|NET|PROTO|ADDR)|UND_ERR_|HPE_|ERR_SSL_|UNABLE_TO_)|(^|_)CERT(_|$)/;

/** Messages of fetch in undici, Chromium, Firefox and WebKit. All are TypeErrors, like many bugs of applications. */
const NETWORK_MESSAGE = /^(fetch failed|failed to fetch|load failed|network|the (network|internet) )/i;

export function isNetworkFailure(error: unknown): boolean {
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

/** No members if it is not an object: anything can be thrown. */
export function membersOf(thrown: unknown): Values {
  return isObject(thrown) ? thrown : {};
}
