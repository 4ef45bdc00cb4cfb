import { types } from "node:util";
import { CODE_OF_SERVER_STATUS, isTwirpCode, STATUS_OF_CODE, type TwirpCode } from "./codes.ts";
import { TwirpError } from "./twirp-ts.ts";

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
  return hasValidCode(error) ? error : new TwirpError("internal", `invalid error type ${error.code}`).withCause(error);
}

function hasValidCode(error: TwirpError): error is TwirpError<TwirpCode> {
  return isTwirpCode(error.code);
}

function metaJson(meta: Readonly<Record<string, unknown>> | undefined): string {
  if (meta === undefined || meta === null) return "";
  // Object.entries takes own members only, so a key such as "__proto__" does no harm.
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

/** A Twirp error, with its cause if only the log may have it. */
export interface ExplainedError {
  readonly error: TwirpError;
  /** Set when the server is at fault. */
  readonly unforeseen?: unknown;
}

/** Longest chain of causes that is searched; a chain may be circular. */
const CAUSE_DEPTH_MAX = 16;

/**
 * The Twirp error for anything that a method, an interceptor or a hook threw.
 *
 * If there is a Twirp error in the chain of causes, it is that one. Any other Error becomes `internal` with the message
 * `internal error` and the request id in its meta, so that nothing leaks. A value that is not an Error counts as a panic in
 * Go does.
 */
export function explainThrown(thrown: unknown, requestId: string): ExplainedError {
  const found = findTwirpError(thrown);
  if (found !== undefined) {
    const error = withValidCode(found);
    // Codes with status 500 say that the server is at fault.
    return error === found && STATUS_OF_CODE[error.code] !== 500 ? { error } : { error, unforeseen: thrown };
  }
  if (!isError(thrown)) return { error: new TwirpError("internal", "Internal service panic"), unforeseen: thrown };
  return { error: new TwirpError("internal", "internal error").withMeta("request_id", requestId), unforeseen: thrown };
}

/** The Twirp error for an error of Fastify or of one of its plugins, which have a `statusCode`. */
export function explainPipelineError(thrown: unknown, requestId: string): ExplainedError {
  if (findTwirpError(thrown) === undefined && isError(thrown) && "statusCode" in thrown) {
    const { statusCode } = thrown;
    const code = typeof statusCode === "number" ? CODE_OF_SERVER_STATUS[statusCode] : undefined;
    if (code !== undefined) return { error: new TwirpError(code, thrown.message).withCause(thrown) };
  }
  return explainThrown(thrown, requestId);
}

/** The first Twirp error in a chain of causes. */
function findTwirpError(thrown: unknown): TwirpError | undefined {
  let current = thrown;
  for (let depth = 0; depth < CAUSE_DEPTH_MAX && isError(current); depth += 1) {
    if (isTwirpError(current)) return current;
    current = causeOf(current);
  }
  return undefined;
}

/** Whether a value is an Error, also one of another realm. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** Whether an error is a Twirp error itself, also one of another copy of twirp-ts. */
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
  // In twirp-ts `cause` is a method.
  return typeof error.cause === "function" ? error.cause() : error.cause;
}
