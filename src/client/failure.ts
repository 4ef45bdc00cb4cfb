/** What the failure of a transport means. */
import { FinanceError, type FinanceErrorCode, type FinanceErrorDetails, type LocalReason } from "./error.ts";
import { isObject } from "./message.ts";

/** What is known of a failure besides its reason and message. */
type Details = Pick<FinanceErrorDetails, "cause" | "status" | "requestId">;

const CODES: Readonly<Record<LocalReason, FinanceErrorCode>> = {
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
  return new FinanceError(CODES[reason], message, { ...details, reason });
}

/** A reply whose body broke off, can't be decoded, or is none of the method. */
export function unreadable(cause: unknown, details: Details): FinanceError {
  return failure("invalid_reply", `the reply can't be read: ${cause}`, { ...details, cause });
}

/** What the application's own code threw. */
export function transportFailed(cause: unknown): FinanceError {
  return failure("transport_failed", `the transport or an interceptor failed: ${cause}`, { cause });
}

/**
 * Tells apart what a transport rejected with: fetch's and axios's own failures by what they look like, whatever carried them;
 * any other is the application's, thrown by an interceptor, a wrapper of fetch or a transport.
 */
export function failureOf(cause: unknown, url: string, isCrossOrigin: boolean): FinanceError {
  if (cause instanceof FinanceError) return cause;
  const { name, code, response } = tagsOf(cause);
  const isCanceled = name === "AbortError" || code === "ERR_CANCELED";
  if (isCanceled) return failure("canceled", "the transport canceled the call", { cause });
  if (UNREADABLE_CODE.test(code)) return unreadable(cause, { status: Number(tagsOf(response).status ?? 0) });
  if (!isNetworkFailure(cause)) return transportFailed(cause);
  return isCrossOrigin
    ? failure(
        "cors_or_network",
        `blocked by CORS or network: no answer that this page may read from ${url}; npx cors-doctor says which`,
        { cause },
      )
    : failure("network", `no answer from ${url}`, { cause });
}

/** axios's for a body that broke off or is too large, zlib's and brotli's. */
const UNREADABLE_CODE = /^(ERR_BAD_RESPONSE$|Z_|ERR__)/;

/** Of axios, Node and undici. `ERR_NETWORK` is also for transports of the application's own. */
const NETWORK_CODE =
  /^(ERR_NETWORK|E(CONN|TIMEDOUT|NOTFOUND|AI_|PIPE|HOST|NET|PROTO|ADDR)|UND_ERR_|HPE_|ERR_SSL_|UNABLE_TO_)|(^|_)CERT(_|$)/;

/** Of fetch in undici, Chromium, Firefox and WebKit; all are TypeErrors, as a mistake in the application may be. */
const NETWORK_MESSAGE = /^(fetch failed|terminated|failed to fetch|load failed|network|the (network|internet) )/i;

function isNetworkFailure(error: unknown): boolean {
  const { code, message, cause } = tagsOf(error);
  return (
    NETWORK_CODE.test(code) ||
    (error instanceof TypeError && (NETWORK_MESSAGE.test(message) || NETWORK_CODE.test(tagsOf(cause).code)))
  );
}

function tagsOf(error: unknown) {
  const { name, code, message, cause, response, status } = isObject(error) ? error : {};
  return { name, code: `${code}`, message: `${message}`, cause, response, status };
}
