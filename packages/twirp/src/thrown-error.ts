import { types } from "node:util";
import { TwirpError, TwirpErrorCode } from "twirp-ts";
import { withValidCode } from "./errors.ts";

/** A Twirp error and, when it hides one, the cause that belongs into the log only. */
export interface ExplainedError {
  readonly error: TwirpError;
  /** Set when the error is the server's fault and the client sees less than is known. */
  readonly unforeseen?: unknown;
}

/** How many causes are looked at: enough for any honest chain, and an end for a circular one. */
const CAUSE_DEPTH_MAX = 16;

/**
 * The Twirp error for anything that a method, an interceptor or a hook threw.
 *
 * A Twirp error anywhere in the chain of causes is that error. Another Error becomes `internal`, with `internal error`
 * for a message and the request id in its meta, so that nothing inside leaks. A thrown value that is no Error is what a
 * panic is in Go.
 */
export function explainThrown(thrown: unknown, requestId: string): ExplainedError {
  const found = findTwirpError(thrown);
  if (found !== undefined) {
    const error = withValidCode(found);
    return error === found && !isServerFault(error) ? { error } : { error, unforeseen: thrown };
  }
  if (!isError(thrown)) {
    return { error: new TwirpError(TwirpErrorCode.Internal, "Internal service panic"), unforeseen: thrown };
  }
  return { error: maskedError(requestId), unforeseen: thrown };
}

/** The Twirp error for an error of Fastify or of one of its plugins, which say with `statusCode` what they mean. */
export function explainPipelineError(thrown: unknown, requestId: string): ExplainedError {
  if (findTwirpError(thrown) === undefined && isError(thrown) && "statusCode" in thrown) {
    const code = CODE_OF_STATUS.get(thrown.statusCode);
    if (code !== undefined) return { error: new TwirpError(code, thrown.message).withCause(thrown) };
  }
  return explainThrown(thrown, requestId);
}

/** The first Twirp error in a chain of causes, also when another copy of twirp-ts made it. */
function findTwirpError(thrown: unknown): TwirpError | undefined {
  let current = thrown;
  for (let depth = 0; depth < CAUSE_DEPTH_MAX && isError(current); depth += 1) {
    if (isTwirpError(current)) return current;
    current = causeOf(current);
  }
  return undefined;
}

/** Whether something is an Error, from whichever realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** What the client is told of an unforeseen error. */
function maskedError(requestId: string): TwirpError {
  return new TwirpError(TwirpErrorCode.Internal, "internal error").withMeta("request_id", requestId);
}

const CODE_OF_STATUS: ReadonlyMap<unknown, TwirpErrorCode> = new Map([
  [400, TwirpErrorCode.Malformed],
  [401, TwirpErrorCode.Unauthenticated],
  [403, TwirpErrorCode.PermissionDenied],
  [404, TwirpErrorCode.BadRoute],
  [408, TwirpErrorCode.DeadlineExceeded],
  [413, TwirpErrorCode.Malformed],
  [415, TwirpErrorCode.BadRoute],
  [429, TwirpErrorCode.ResourceExhausted],
  [503, TwirpErrorCode.Unavailable],
]);

function isServerFault(error: TwirpError): boolean {
  return (
    error.code === TwirpErrorCode.Internal ||
    error.code === TwirpErrorCode.Unknown ||
    error.code === TwirpErrorCode.DataLoss
  );
}

/** Whether something is a Twirp error itself, also when another copy of twirp-ts made it. */
export function isTwirpError(error: unknown): error is TwirpError {
  if (error instanceof TwirpError) return true;
  if (!isError(error)) return false;
  return (
    "code" in error &&
    typeof error.code === "string" &&
    "msg" in error &&
    typeof error.msg === "string" &&
    "meta" in error &&
    typeof error.meta === "object"
  );
}

function causeOf(error: Error): unknown {
  // twirp-ts and its Go model have a method where the language has a property.
  return typeof error.cause === "function" ? error.cause() : error.cause;
}
