import type { TwirpError } from "twirp-ts";
import type { CallContext } from "../../packages/twirp/src/index.ts";
import { AuthenticationError, KeysUnavailableError } from "../auth/index.ts";
import { isConnectionError, isRetryable, isTimeout, PoolExhaustedError } from "../database/index.ts";
import { FinanceError, overloaded, type Refusal, refuse, toTwirpError } from "./errors.ts";
import { CommitUnknownError } from "./posting/batch.ts";
import { isKeyCollision } from "./posting/idempotency.ts";

const RETRY_AFTER_SECONDS = 1;
const BUSY_RETRY_MS = 500;

/**
 * Turns errors of the service into Twirp errors with their reply headers.
 *
 * @returns undefined for an unexpected error: the adapter then answers `internal error` and logs the cause.
 */
export function mapFinanceError(error: unknown, call: Pick<CallContext, "headers">): TwirpError | undefined {
  const refusal = toRefusal(error);
  if (refusal === undefined) return undefined;
  if (refusal.situation === "unauthenticated") call.headers.set("www-authenticate", challenge(refusal));
  if (refusal.situation === "unavailable") call.headers.set("retry-after", `${RETRY_AFTER_SECONDS}`);
  if (refusal.situation === "overloaded") {
    call.headers.set("retry-after", `${Math.ceil(Number(refusal.meta["retry_after_ms"]) / 1000)}`);
  }
  return toTwirpError(refusal);
}

function toRefusal(error: unknown): Refusal | undefined {
  if (error instanceof FinanceError) return error.refusal;
  if (error instanceof AuthenticationError) return refuse("unauthenticated", error.message, { reason: error.reason });
  if (error instanceof KeysUnavailableError) return refuse("unavailable", error.message, {});
  if (error instanceof CommitUnknownError) {
    const msg =
      "the connection was lost during the commit; only a request with an idempotency_key can be repeated safely";
    return refuse("unavailable", msg, {});
  }
  if (error instanceof PoolExhaustedError) {
    return overloaded("every database connection is in use", BUSY_RETRY_MS).refusal;
  }
  if (isKeyCollision(error)) {
    return refuse("unavailable", "other requests keep using the same idempotency keys; try again", {});
  }
  if (isRetryable(error) || isTimeout(error)) return refuse("unavailable", "the database is too busy; try again", {});
  if (isConnectionError(error)) return refuse("unavailable", "the database can't be reached; try again", {});
  return undefined;
}

// https://www.rfc-editor.org/rfc/rfc6750#section-3: without a token the challenge carries no error code.
function challenge({ meta }: Refusal): string {
  return meta["reason"] === "token_missing" ? "Bearer" : 'Bearer error="invalid_token"';
}
