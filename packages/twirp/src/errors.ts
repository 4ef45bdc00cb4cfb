import { types } from "node:util";
import { CODE_OF_SERVER_STATUS, isTwirpCode, STATUS_OF_CODE, type TwirpCode } from "./codes.ts";
import { TwirpError, TwirpErrorCode } from "./twirp-ts.ts";

/** A Twirp error. twirp-ts lists the same codes in an enum, which a test compares with the table. */
export function twirpError(code: TwirpCode, msg: string): TwirpError<TwirpCode> {
  return new TwirpError(code, msg);
}

/** Longest `msg` that is sent, in UTF-16 units; Go cuts there too. */
export const MSG_LENGTH_MAX = 1_000_000;

/** The reply to a Twirp error. */
export interface ErrorResponse {
  readonly code: TwirpCode;
  readonly status: number;
  readonly body: string;
}

/** The reply for an error: always valid JSON and valid Unicode, whatever text the error carries. */
export function errorResponse(error: TwirpError): ErrorResponse {
  const valid = withValidCode(error);
  let json = `{"code":${text(valid.code)},"msg":${text(cut(String(valid.msg)))}`;
  const meta = metaJson(valid.meta);
  if (meta !== "") json += `,"meta":{${meta}}`;
  return { code: valid.code, status: STATUS_OF_CODE[valid.code], body: `${json}}` };
}

/** An error whose code the protocol does not know becomes `internal`, as in Go. */
function withValidCode(error: TwirpError): TwirpError<TwirpCode> {
  return hasValidCode(error) ? error : twirpError("internal", `invalid error type ${error.code}`).withCause(error);
}

function hasValidCode(error: TwirpError): error is TwirpError<TwirpCode> {
  return isTwirpCode(error.code);
}

function metaJson(meta: Readonly<Record<string, unknown>> | undefined): string {
  if (meta === undefined || meta === null) return "";
  // Object.entries takes own members only, so that a key such as "__proto__" is just a key.
  return Object.entries(meta)
    .map(([key, value]) => `${text(key)}:${text(String(value))}`)
    .join(",");
}

function text(value: string): string {
  return JSON.stringify(value.replace(/\p{Surrogate}/gu, "\ufffd"));
}

function cut(msg: string): string {
  return msg.length <= MSG_LENGTH_MAX ? msg : msg.slice(0, MSG_LENGTH_MAX);
}

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
    const { statusCode } = thrown;
    const code = typeof statusCode === "number" ? CODE_OF_SERVER_STATUS[statusCode] : undefined;
    if (code !== undefined) return { error: twirpError(code, thrown.message).withCause(thrown) };
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
