import { everyMethod } from "../../../generated/client/every-method.ts";
import { type CallOptions, type Connection, call } from "./call.ts";
import { type EventsCall, type EventsMethod, events } from "./events.ts";
import type { Format } from "./formats.ts";
import type { Input, Method } from "./method.ts";
import type { ListMethod } from "./paging.ts";
import { type TokenOption, tokenSource } from "./token.ts";
import type { Transport } from "./transports.ts";
import { type AxiosLike, type FetchLike, fetchTransport, overAxios } from "./transports.ts";

/** Where the service is, and how to call it. */
export interface ClientOptions {
  /** Everything before `prefix`: scheme, host, port, path, as "https://api.example.com". In a page it may begin with "/" or ".". */
  readonly baseUrl: string;
  /** The server's TWIRP_PREFIX. Default "/twirp". */
  readonly prefix?: string | undefined;
  /**
   * The bearer token, or a function that returns it, called before every try. If the service refuses the token, the function is
   * called with the reason and the call is sent once more with the new token. Default: no token.
   */
  readonly token?: TokenOption | undefined;
  /** Sends the calls: fetch, axios, an instance of axios, or a transport. Default: the global fetch. */
  readonly transport?: FetchLike | AxiosLike | Transport | undefined;
  /** Default "json", which a browser's network panel can show. "protobuf" is smaller. */
  readonly format?: Format | undefined;
  /** Milliseconds for a whole call, retries included; `Infinity` for no limit. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** How often a call may be repeated if that is safe. Default 2. */
  readonly maxRetries?: number | undefined;
  /** Headers of every call. Default none. Across origins the server must allow each (CORS_ALLOWED_HEADERS). */
  readonly headers?: HeadersInit | undefined;
  /**
   * Whether to send the timeout to the server in the header `twirp-timeout-ms`. Default: unless a page calls another origin.
   * There the server must list the header in CORS_ALLOWED_HEADERS, or every call is blocked.
   */
  readonly sendTimeout?: boolean | undefined;
}

/** Calls an RPC. It needs no `this`. */
export type Call<I, O, Request = Input<I>> = (...args: CallArguments<Request>) => Promise<O>;

/** `Request` includes undefined if the method needs no request. */
type CallArguments<Request> = undefined extends Request
  ? [request?: Request, options?: CallOptions]
  : [request: Request, options?: CallOptions];

/** Calls an RPC that returns pages. */
export interface ListCall<I, O, Item, Request = Input<I>> extends Call<I, O, Request> {
  /** All items from the request's page on. Fetches the next page when the previous one is used up; the options apply to each page. */
  each(...args: CallArguments<Request>): AsyncGenerator<Item, void, undefined>;
  /** All pages from the request's page on, each fetched on demand. */
  pages(...args: CallArguments<Request>): AsyncGenerator<O, void, undefined>;
}

/** A client with the given methods. */
export type Client<M> = {
  readonly [Name in keyof M]: M[Name] extends EventsMethod
    ? EventsCall
    : M[Name] extends ListMethod<infer I, infer O, infer Item>
      ? ListCall<I, O, Item, RequestOf<M[Name], I>>
      : M[Name] extends Method<infer I, infer O>
        ? Call<I, O, RequestOf<M[Name], I>>
        : never;
};

type RequestOf<M, I> = M extends { readonly needsNoRequest: true } ? Input<I> | undefined : Input<I>;

/** A client with every method of the service. */
export interface FinanceClient extends Client<typeof everyMethod & { readonly events: EventsMethod }> {}

/**
 * Makes a client with every method of the service.
 *
 * @throws TypeError when `baseUrl` is not a URL of http or https.
 * @example
 * const finance = createFinanceClient({ baseUrl: "https://api.example.com", token });
 * const account = await finance.getAccount({ id: 4n });
 */
export function createFinanceClient(options: ClientOptions): FinanceClient {
  return createClient({ ...everyMethod, events }, options);
}

/**
 * Makes a client with the given methods only, so that a bundler leaves out the messages of all others.
 *
 * @throws TypeError when `baseUrl` is not a URL of http or https.
 * @example
 * const finance = createClient({ getAccount, listEntries }, { baseUrl: "https://api.example.com", token });
 */
export function createClient<M extends object>(methods: M, options: ClientOptions): Client<M> {
  const connection = connect(options);
  const calls = Object.entries(methods).map(([name, method]) => [name, bind(connection, method)]);
  // Object.fromEntries loses the types of the single members.
  return Object.fromEntries(calls) as Client<M>;
}

const SERVICE = "finance.v1.FinanceService";

function connect(options: ClientOptions): Connection {
  const { baseUrl, prefix = "/twirp", token, transport = fetchTransport(), format = "json" } = options;
  const { timeoutMs = 30_000, maxRetries = 2, headers = {} } = options;
  // Only pages and their workers have a location, and CORS applies only to them.
  const page = globalThis.location?.href;
  const base = readBaseUrl(baseUrl, page);
  const isCrossOrigin = page !== undefined && base.origin !== new URL(page).origin;
  return {
    url: `${base.origin}${withoutTrailingSlashes(base.pathname)}${prefix}/${SERVICE}`,
    tokens: tokenSource(token),
    transport:
      "send" in transport ? transport : "request" in transport ? overAxios(transport) : fetchTransport(transport),
    format,
    timeoutMs,
    maxRetries,
    headers,
    sendsTimeout: options.sendTimeout ?? !isCrossOrigin,
    isCrossOrigin,
  };
}

/** Any method. Some make more than a call. */
type AnyMethod = Method<object, object> & { bind?(connection: Connection, method: AnyMethod): unknown };

function bind(connection: Connection, method: AnyMethod): unknown {
  if (method.bind) return method.bind(connection, method);
  return (request?: object, options?: CallOptions) => call(connection, method, request, options);
}

/** Refuses "localhost:9707", whose scheme would be "localhost:", and in a page "api.example.com", which would be a path. */
function readBaseUrl(baseUrl: string, page: string | undefined): URL {
  const isRelative = page !== undefined && /^([./]|$)/.test(baseUrl);
  if (isRelative || /^https?:\/\//i.test(baseUrl)) {
    const url = new URL(baseUrl || "/", page);
    // fetch refuses URLs with a password; without it, the call would fail for a reason that is hard to find.
    if (url.username || url.password) throw new TypeError("baseUrl must hold no password");
    return url;
  }
  // Addresses and names without a dot are local.
  const scheme = /\.[a-z]/i.test(baseUrl) ? "https" : "http";
  const isHost = /^\d*[a-z.]/i.test(baseUrl) && /^[^:/]*(:\d+)?(\/|$)/.test(baseUrl);
  const hint = isHost ? `; did you mean ${scheme}://${baseUrl}` : "";
  throw new TypeError(`baseUrl must start with http:// or https://, not "${baseUrl}"${hint}`);
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}
