import type { IncomingHttpHeaders } from "node:http";
import { quote } from "./paths.ts";
import { TwirpError, TwirpErrorCode } from "./twirp-ts.ts";

/** The request header in which a caller says for how many milliseconds it waits: 1 to 10 digits, not all zero. */
export const TIMEOUT_HEADER = "twirp-timeout-ms";

/** Longest time that a Node timer can wait; more would make it fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** How long a call may take, or why nobody can tell. */
export type TimeLimit = { readonly ms: number | undefined } | { readonly failure: TwirpError };

const NO_LIMIT: TimeLimit = { ms: undefined };

/** The smaller of what the caller and the server allow. A header that is no such number is never passed over in silence. */
export function timeLimitOf(headers: IncomingHttpHeaders, serverMs: number | undefined): TimeLimit {
  const header = headers[TIMEOUT_HEADER];
  if (header === undefined) return serverMs === undefined ? NO_LIMIT : { ms: serverMs };
  const callerMs = typeof header === "string" && /^\d{1,10}$/.test(header) ? Number(header) : 0;
  if (callerMs === 0) {
    const msg = `header ${TIMEOUT_HEADER} must be a whole number of milliseconds from 1 to 9999999999, got ${quote(String(header))}`;
    return { failure: new TwirpError(TwirpErrorCode.Malformed, msg) };
  }
  return { ms: Math.min(callerMs, serverMs ?? TIMER_MS_MAX, TIMER_MS_MAX) };
}

/** The error of a call whose time is over. */
export function deadlineExceeded(ms: number): TwirpError {
  return new TwirpError(TwirpErrorCode.DeadlineExceeded, `deadline exceeded: the call took longer than ${ms} ms`);
}
