import { errorCodeOf, FinanceError, type FinanceErrorCode } from "./errors.ts";
import type { TransportReply } from "./transports.ts";

/** The error that a reply with a status other than 200 stands for. */
export function refusalOf(reply: TransportReply): FinanceError {
  const { status } = reply;
  // 0 is a redirect that a browser keeps to itself.
  const isRedirect = status < 400 && (status >= 300 || status === 0);
  const body = new TextDecoder().decode(reply.body);
  const error = isRedirect ? undefined : twirpErrorOf(body);
  const of = (code: FinanceErrorCode, message: string, meta: Readonly<Record<string, string>>) =>
    new FinanceError(code, message, {
      status,
      meta,
      requestId: reply.header("x-request-id") ?? undefined,
      retryAfterMs: retryAfterMsOf(meta["retry_after_ms"], reply.header("retry-after")),
    });
  if (error === undefined) {
    // As Go's clients read a proxy: https://twitchtv.github.io/twirp/docs/errors.html#http-errors-from-intermediary-proxies
    const code = isRedirect ? "internal" : (CODE_OF_STATUS[status] ?? "unknown");
    return of(code, `HTTP status ${status} from an intermediary, not from the service`, {
      http_error_from_intermediary: "true",
      status_code: `${status}`,
      ...(isRedirect ? { location: reply.header("location") ?? "" } : { body }),
    });
  }
  const code = errorCodeOf(error.code);
  if (code === undefined) return of("internal", `the service has the unknown error code ${error.code}`, { body });
  return of(code, error.msg, error.meta);
}

const CODE_OF_STATUS: Readonly<Record<number, FinanceErrorCode>> = {
  400: "internal",
  401: "unauthenticated",
  403: "permission_denied",
  404: "bad_route",
  429: "resource_exhausted",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

interface TwirpError {
  readonly code: string;
  readonly msg: string;
  readonly meta: Readonly<Record<string, string>>;
}

/** Undefined for anything else than Twirp's form, in which Go's clients allow no further member. */
function twirpErrorOf(body: string): TwirpError | undefined {
  try {
    const { code, msg, meta, ...rest } = JSON.parse(body);
    const error: TwirpError = { code, msg: msg ?? "", meta: meta ?? {} };
    const isTwirps =
      code &&
      Object.keys(rest).length === 0 &&
      typeof error.meta === "object" &&
      !Array.isArray(error.meta) &&
      [code, error.msg, ...Object.values(error.meta)].every((text) => typeof text === "string");
    if (isTwirps) return error;
  } catch {
    // Not JSON, or no object.
  }
  return undefined;
}

/** https://www.rfc-editor.org/rfc/rfc9110#field.retry-after: seconds or a date. The meta is finer. */
function retryAfterMsOf(meta = "", header: string | null | undefined): number | undefined {
  if (DIGITS.test(meta)) return Number(meta);
  const text = header ?? "";
  if (DIGITS.test(text)) return Number(text) * 1000;
  // Date.parse makes a date of any text with a number in it; and one form of HTTP's dates does not say that it is GMT.
  const time = Date.parse(`${text.replace(" GMT", "")} GMT`);
  return HTTP_DATE.test(text) && time ? Math.max(0, time - Date.now()) : undefined;
}

const DIGITS = /^\d+(\.\d+)?$/;
const HTTP_DATE = /^[A-Z].*:\d\d/;
