import { everyMethod } from "../../../generated/client/every-method.ts";
import { type CallOptions, type Connection, call } from "./call.ts";
import type { Format } from "./codec.ts";
import type { Input, ListMethod, Method, Page, Paged } from "./method.ts";
import { type TokenOption, tokenSource } from "./token.ts";
import type { Transport } from "./transports.ts";
import { type AxiosLike, type FetchLike, fetchTransport, overAxios } from "./transports.ts";

/** Where the service is, and how to call it. */
export interface ClientOptions {
  /** Scheme, host, port and what else comes before `prefix`, as "https://api.example.com". In a page it may begin with "/" or ".". */
  readonly baseUrl: string;
  /** The server's TWIRP_PREFIX. Default "/twirp". */
  readonly prefix?: string | undefined;
  /**
   * The bearer token, or a function that gives it, asked before each try of each call. When the service refuses its token, it is
   * asked for another one and told why, and the call is sent once more. Default: none is sent.
   */
  readonly token?: TokenOption | undefined;
  /** What carries the calls: fetch, axios, an instance of axios, or a transport. Default: the global fetch. */
  readonly transport?: FetchLike | AxiosLike | Transport | undefined;
  /** Default "json", which a browser's network panel can show; "protobuf" is smaller on the wire. */
  readonly format?: Format | undefined;
  /** Milliseconds for a whole call, retries included; `Infinity` for no limit. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** How often a call may be repeated where that is safe. Default 2. */
  readonly maxRetries?: number | undefined;
  /** Headers of every call. Default none. A page needs the server's leave for each (CORS_ALLOWED_HEADERS). */
  readonly headers?: HeadersInit | undefined;
  /**
   * Tells the server in the header `twirp-timeout-ms` how long the call is waited for. Default: wherever CORS has no say in
   * it; from a page on another origin the server must list the header in CORS_ALLOWED_HEADERS, or every call is blocked.
   */
  readonly sendTimeout?: boolean | undefined;
}

/** An RPC, ready to be called; needs no `this`. */
export type Call<I, O, Request = Input<I>> = (...args: CallArguments<Request>) => Promise<O>;

/** Of a method whose request may be left out, `Request` includes undefined. */
type CallArguments<Request> = undefined extends Request
  ? [request?: Request, options?: CallOptions]
  : [request: Request, options?: CallOptions];

/** An RPC that answers page by page. */
export interface ListCall<I, O, Item, Request = Input<I>> extends Call<I, O, Request> {
  /** Every item from the request's page on, asking for each next page when the ones before it are used up. The options hold for each page. */
  each(...args: CallArguments<Request>): AsyncGenerator<Item, void, undefined>;
  /** Every page from the request's on, each when it is asked for. */
  pages(...args: CallArguments<Request>): AsyncGenerator<O, void, undefined>;
}

/** A client with the given methods. */
export type Client<M> = {
  readonly [Name in keyof M]: M[Name] extends ListMethod<infer I, infer O, infer Item>
    ? ListCall<I, O, Item, RequestOf<M[Name], I>>
    : M[Name] extends Method<infer I, infer O>
      ? Call<I, O, RequestOf<M[Name], I>>
      : never;
};

type RequestOf<M, I> = M extends { readonly needsNoRequest: true } ? Input<I> | undefined : Input<I>;

/** A client with every method of the service. */
export interface FinanceClient extends Client<typeof everyMethod> {}

/**
 * Makes a client with every method of the service.
 *
 * @throws TypeError when `baseUrl` is no URL of http or https.
 * @example
 * const finance = createFinanceClient({ baseUrl: "https://api.example.com", token });
 * const account = await finance.getAccount({ id: 4n });
 */
export function createFinanceClient(options: ClientOptions): FinanceClient {
  return createClient(everyMethod, options);
}

/**
 * Makes a client with the methods that are named, so that a bundler leaves out the messages of all others.
 *
 * @throws TypeError when `baseUrl` is no URL of http or https.
 * @example
 * const finance = createClient({ getAccount, listEntries }, { baseUrl: "https://api.example.com", token });
 */
export function createClient<M extends object>(methods: M, options: ClientOptions): Client<M> {
  const connection = connect(options);
  const calls = Object.entries(methods).map(([name, method]) => [name, bind(connection, method)]);
  // What each entry became is what the type says, which the compiler can't follow through entries.
  return Object.fromEntries(calls) as Client<M>;
}

const SERVICE = "finance.v1.FinanceService";

function connect(options: ClientOptions): Connection {
  const { baseUrl, prefix = "/twirp", token, transport = fetchTransport(), format = "json" } = options;
  const { timeoutMs = 30_000, maxRetries = 2, headers = {} } = options;
  // Only pages and their workers have a location, and only they are subject to CORS.
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

/** A method as far as it matters here: any request and reply will do. Only lists have items and pages. */
type AnyMethod = Method<Paged, Page> & Partial<Pick<ListMethod<Paged, Page, unknown>, "itemsOf" | "paging">>;

function bind(connection: Connection, method: AnyMethod) {
  const { name, itemsOf, paging } = method;
  const load = (request: Input<Paged> = {}, options?: CallOptions) => call(connection, method, request, options);
  return itemsOf && paging ? Object.assign(load, paging({ name, load, itemsOf })) : load;
}

/** Without this, "localhost:9707" would be a URL of the scheme "localhost:", and in a page "api.example.com" one of its folders. */
function readBaseUrl(baseUrl: string, page: string | undefined): URL {
  const isRelative = page !== undefined && /^([./]|$)/.test(baseUrl);
  if (isRelative || /^https?:\/\//i.test(baseUrl)) {
    const url = new URL(baseUrl || "/", page);
    // Else they would be dropped without a word, since fetch refuses them in a URL.
    if (url.username || url.password) throw new TypeError("baseUrl must hold no password");
    return url;
  }
  // Numbers and names without a dot are nearby.
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
