import { TwirpError, TwirpErrorCode } from "twirp-ts";

/** HTTP status of each code. https://twitchtv.github.io/twirp/docs/spec_v7.html#error-codes */
export const STATUS_OF_CODE: ReadonlyMap<string, number> = new Map<TwirpErrorCode, number>([
  [TwirpErrorCode.Canceled, 408],
  [TwirpErrorCode.Unknown, 500],
  [TwirpErrorCode.InvalidArgument, 400],
  [TwirpErrorCode.Malformed, 400],
  [TwirpErrorCode.DeadlineExceeded, 408],
  [TwirpErrorCode.NotFound, 404],
  [TwirpErrorCode.BadRoute, 404],
  [TwirpErrorCode.AlreadyExists, 409],
  [TwirpErrorCode.PermissionDenied, 403],
  [TwirpErrorCode.Unauthenticated, 401],
  [TwirpErrorCode.ResourceExhausted, 429],
  [TwirpErrorCode.FailedPrecondition, 412],
  [TwirpErrorCode.Aborted, 409],
  [TwirpErrorCode.OutOfRange, 400],
  [TwirpErrorCode.Unimplemented, 501],
  [TwirpErrorCode.Internal, 500],
  [TwirpErrorCode.Unavailable, 503],
  [TwirpErrorCode.DataLoss, 500],
]);

/** Whether the protocol knows a code. */
export function isTwirpErrorCode(code: string): code is TwirpErrorCode {
  return STATUS_OF_CODE.has(code);
}

/** Longest `msg` that is sent, in UTF-16 units; Go cuts there too. */
export const MSG_LENGTH_MAX = 1_000_000;

/** What goes on the wire for a Twirp error. */
export interface ErrorResponse {
  readonly status: number;
  readonly body: string;
}

/** The reply for an error: always valid JSON and valid Unicode, whatever text the error carries. */
export function errorResponse(error: TwirpError): ErrorResponse {
  const valid = withValidCode(error);
  let json = `{"code":${text(valid.code)},"msg":${text(cut(String(valid.msg)))}`;
  const meta = metaJson(valid.meta);
  if (meta !== "") json += `,"meta":{${meta}}`;
  return { status: STATUS_OF_CODE.get(valid.code) ?? 500, body: `${json}}` };
}

/** An error whose code the protocol does not know becomes `internal`, as in Go. */
export function withValidCode(error: TwirpError): TwirpError {
  return isTwirpErrorCode(error.code)
    ? error
    : new TwirpError(TwirpErrorCode.Internal, `invalid error type ${error.code}`).withCause(error);
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
