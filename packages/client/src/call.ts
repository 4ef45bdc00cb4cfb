import { CODE_OF_FOREIGN_STATUS, readCode, type TwirpCode } from "../../twirp/src/codes.ts";
import { FinanceError, failure, failureBy, failureOf, unreadable } from "./errors.ts";
import { decode, encode, type Format, mediaTypeOf } from "./formats.ts";
import { complete, isObject } from "./message.ts";
import type { Input, Method } from "./method.ts";
import type { TokenSource } from "./token.ts";
import type { Transport, TransportReply } from "./transports.ts";

/** The error in a reply whose status is not 200. */
function refusalOf(reply: TransportReply, { status, requestId }: ReplyInfo): FinanceError {
  // Browsers hide redirects from pages: 0.
  const isRedirect = status < 400 && (status >= 300 || status === 0);
  const body = new TextDecoder().decode(reply.body);
  const { code, message, meta } = (!isRedirect && twirpErrorOf(body)) || {
    // As Go's clients do: https://twitchtv.github.io/twirp/docs/errors.html#http-errors-from-intermediary-proxies
    code: isRedirect ? "internal" : (CODE_OF_FOREIGN_STATUS[status] ?? "unknown"),
    message: `HTTP status ${status} from an intermediary, not from the service`,
    meta: {
      http_error_from_intermediary: "true",
      status_code: `${status}`,
      ...(isRedirect ? { location: reply.header("location") ?? "" } : { body }),
    },
  };
  const retryAfterMs = retryAfterMsOf(meta["retry_after_ms"], reply.header("retry-after"));
  return new FinanceError(code, message, { status, meta, requestId, retryAfterMs });
}

interface TwirpError {
  readonly code: TwirpCode;
  readonly message: string;
  readonly meta: Readonly<Record<string, string>>;
}

/** Undefined unless it is a Twirp error. As in Go's clients, an object with other members is not one. */
function twirpErrorOf(body: string): TwirpError | undefined {
  try {
    const { code, msg, meta, ...others } = JSON.parse(body);
    const error = { message: msg ?? "", meta: meta ?? {} };
    const isTwirps =
      code &&
      Object.keys(others).length === 0 &&
      isObject(error.meta) &&
      [code, error.message, ...Object.values(error.meta)].every((text) => typeof text === "string");
    if (!isTwirps) return undefined;
    const known = readCode(code);
    return known
      ? { ...error, code: known }
      : { code: "internal", message: `the service has the unknown error code ${code}`, meta: { body } };
  } catch {
    // Not JSON, or not an object.
    return undefined;
  }
}

/** The header is in seconds or a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after), the meta in milliseconds. */
function retryAfterMsOf(meta = "", header: string | null | undefined): number | undefined {
  if (DIGITS.test(meta)) return Number(meta);
  const text = header ?? "";
  if (DIGITS.test(text)) return Number(text) * 1000;
  // HTTP_DATE is needed because Date.parse accepts any text with a number. One of HTTP's three formats lacks the GMT.
  const time = Date.parse(`${text.replace(" GMT", "")} GMT`);
  return HTTP_DATE.test(text) && time ? Math.max(0, time - Date.now()) : undefined;
}

const DIGITS = /^\d+(\.\d+)?$/;
const HTTP_DATE = /^[A-Z].*:\d\d/;

/**
 * How long to wait before the call is repeated; undefined if another try would not help.
 *
 * @param failures The number of failures before this one.
 */
export function retryDelayMs(error: FinanceError, failures: number): number | undefined {
  const { code, retryAfterMs } = error;
  return code === "unavailable" || (code === "resource_exhausted" && retryAfterMs !== undefined)
    ? backoffMs(failures, 2000, retryAfterMs)
    : undefined;
}

/**
 * A wait that doubles with each failure. Random, so that clients that failed together do not return together.
 *
 * @param atLeastMs What the server asks for.
 */
export function backoffMs(failures: number, mostMs: number, atLeastMs = 0): number {
  return atLeastMs + Math.random() * Math.min(mostMs, BACKOFF_MS * 2 ** failures);
}

const BACKOFF_MS = 100;

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call, which rejects with code `canceled`. Default none. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole call, retries included; `Infinity` for no limit. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Headers added to the client's; they replace those of the same name. Default none. Across origins the server must allow each (CORS_ALLOWED_HEADERS). */
  readonly headers?: HeadersInit | undefined;
  /** How often the call may be repeated if that is safe. Default: the client's. */
  readonly maxRetries?: number | undefined;
  /** Called with every reply, including refusals and those that lead to a retry. Default none. */
  readonly onReply?: ((reply: ReplyInfo) => void) | undefined;
}

/** A reply without its message. */
export interface ReplyInfo {
  /** HTTP status. */
  readonly status: number;
  /** Finds the call in the server's log. */
  readonly requestId: string | undefined;
  /** Whether an earlier request with the same idempotency key decided this outcome. */
  readonly isReplay: boolean;
}

/** A client's options with their defaults. */
export interface Connection {
  /** The URL of the service, without the method. */
  readonly url: string;
  readonly tokens: TokenSource;
  readonly transport: Transport;
  readonly format: Format;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly headers: HeadersInit;
  readonly sendsTimeout: boolean;
  /** Whether a page calls another origin, so that CORS applies. */
  readonly isCrossOrigin: boolean;
}

/** A longer timer would fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** The header has at most ten digits. */
const TIMEOUT_HEADER_MS_MAX = 9_999_999_999;

/** @throws FinanceError; other errors come only from `onReply`. */
export async function call<I extends object, O extends object>(
  connection: Connection,
  method: Method<I, O>,
  input: Input<I> | undefined,
  options: CallOptions = {},
): Promise<O> {
  const { timeoutMs = connection.timeoutMs, maxRetries = connection.maxRetries } = options;
  const deadlineMs = Date.now() + timeoutMs;
  const controller = new AbortController();
  const cancel = () => controller.abort(failure("canceled", "the caller gave up", { cause: options.signal?.reason }));
  const timer =
    timeoutMs <= TIMER_MS_MAX
      ? setTimeout(() => controller.abort(failure("timed_out", `no reply within ${timeoutMs} ms`)), timeoutMs)
      : undefined;
  options.signal?.addEventListener("abort", cancel);
  if (options.signal?.aborted) cancel();
  try {
    const { body, isRepeatable } = prepare(connection.format, method, input);
    for (let failures = 0; ; failures += 1) {
      try {
        return await within(
          controller.signal,
          attempt({ connection, method, body, options, signal: controller.signal, deadlineMs }),
        );
      } catch (error) {
        const delayMs =
          error instanceof FinanceError && isRepeatable && failures < maxRetries
            ? retryDelayMs(error, failures)
            : undefined;
        const isTooLate = delayMs === undefined || delayMs > TIMER_MS_MAX || Date.now() + delayMs >= deadlineMs;
        if (isTooLate) throw error;
        await pause(controller.signal, delayMs);
      }
    }
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", cancel);
  }
}

function prepare(format: Format, method: Method<object, object>, input: object = {}) {
  try {
    // A copy, so that the caller's object does not change and every try sends the same keys.
    const message = complete(method.request, input);
    const isRepeatable = method.isRead || (method.fillKeys?.(message) ?? false);
    return { isRepeatable, body: encode(format, method.request, message) };
  } catch (error) {
    throw failureBy(error, "invalid_request", "the request can't be sent");
  }
}

interface Attempt<O extends object> {
  readonly connection: Connection;
  readonly method: Method<object, O>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly options: CallOptions;
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
}

/** One try, or two if the service refuses the token and a new one is available. */
async function attempt<O extends object>(work: Attempt<O>): Promise<O> {
  const { signal, connection } = work;
  const { tokens } = connection;
  signal.throwIfAborted();
  const bearer = await tokens.current();
  try {
    return await send(work, bearer);
  } catch (error) {
    if (!(error instanceof FinanceError) || error.status !== 401) throw error;
    try {
      const other = await within(signal, tokens.insteadOf(bearer, error.reason ?? error.code));
      if (other === undefined) throw error;
      return await send(work, other);
    } catch (again) {
      // There was no new token, not in time, or it was refused too. A canceled call says nothing about the token.
      const isUseless = again instanceof FinanceError && /^(unauth|deadline)/.test(again.code);
      if (isUseless) tokens.forget(bearer);
      throw again;
    }
  }
}

async function send<O extends object>(work: Attempt<O>, bearer: string): Promise<O> {
  const { connection, method, body, options, signal } = work;
  const { url, transport, format, isCrossOrigin } = connection;
  signal.throwIfAborted();
  const headers = requestHeaders(work, bearer);
  let reply: TransportReply;
  let info: ReplyInfo;
  try {
    reply = await transport.send({ url: `${url}/${method.name}`, headers, body, signal });
    info = infoOf(reply);
  } catch (error) {
    throw failureOf(error, url, isCrossOrigin);
  }
  options.onReply?.(info);
  if (info.status !== 200) throw refusalOf(reply, info);
  try {
    return decode(format, method.response, reply);
  } catch (error) {
    throw unreadable(error, info);
  }
}

function infoOf(reply: TransportReply): ReplyInfo {
  return {
    status: reply.status,
    requestId: reply.header("x-request-id") ?? undefined,
    isReplay: reply.header("idempotent-replayed") === "true",
  };
}

function requestHeaders({ connection, options, deadlineMs }: Attempt<object>, bearer: string): Record<string, string> {
  try {
    const all = new Headers(connection.headers);
    new Headers(options.headers).forEach((value, name) => {
      all.set(name, value);
    });
    all.set("content-type", mediaTypeOf(connection.format));
    if (bearer) all.set("authorization", `Bearer ${bearer}`);
    const leftMs = Math.max(1, Math.ceil(deadlineMs - Date.now()));
    if (connection.sendsTimeout && leftMs <= TIMEOUT_HEADER_MS_MAX) all.set("twirp-timeout-ms", `${leftMs}`);
    return Object.fromEntries(all);
  } catch (error) {
    throw failureBy(error, "invalid_request", "the headers can't be sent");
  }
}

/** Settles like the work, or rejects as soon as the signal aborts, even if the work ignores the signal. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

export function pause(signal: AbortSignal, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return within(signal, over).finally(() => clearTimeout(timer));
}

/**
 * Adds a key to the request, or to each of its members, if they take one and have none.
 *
 * @returns Whether the request takes keys, so that it may be repeated.
 */
export function fillIdempotencyKeys(message: object): boolean {
  if (takesKey(message)) {
    message.idempotencyKey ||= newIdempotencyKey();
    return true;
  }
  let isKeyed = false;
  for (const members of Object.values(message)) {
    if (!Array.isArray(members)) continue;
    for (const member of members) isKeyed = fillIdempotencyKeys(member) || isKeyed;
  }
  return isKeyed;
}

/**
 * A new idempotency key, for applications that keep one over several calls, such as all submissions of one form.
 *
 * @returns 32 hexadecimal digits.
 */
export function newIdempotencyKey(): string {
  // Pages on plain http do not have crypto.randomUUID.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function takesKey(message: object): message is { idempotencyKey: string } {
  return "idempotencyKey" in message;
}
