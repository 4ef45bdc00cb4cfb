import { type CallOptions, type Connection, call } from "./call.ts";
import type { Format } from "./codec.ts";
import { FinanceError } from "./error.ts";
import { type FetchLike, fetchTransport } from "./fetch-transport.ts";
import type { Input, ListMethod, Method, Page, Paged } from "./method.ts";
import type * as financeMethods from "./methods.ts";
import {
  batchCreateTransfers,
  captureTransfer,
  createAccount,
  createTransfer,
  getAccount,
  getBalance,
  getBalanceHistory,
  getTransfer,
  getTrialBalance,
  listAccounts,
  listEntries,
  listTransfers,
  reverseTransfer,
  updateAccount,
  voidTransfer,
} from "./methods.ts";
import { type AxiosLike, overAxios } from "./over-axios.ts";
import type { Transport } from "./transport.ts";

/** Where the service is, and how to call it. */
export interface ClientOptions {
  /** Scheme, host, port and what else comes before `prefix`, as "https://api.example.com". In a page it may be relative, as "/". */
  readonly baseUrl: string;
  /** The server's TWIRP_PREFIX. Default "/twirp". */
  readonly prefix?: string | undefined;
  /** The bearer token, or a function that gives it, asked before each try of each call. Default: none is sent. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
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
export type Call<I, O> = (request: Input<I>, options?: CallOptions) => Promise<O>;

/** An RPC that answers page by page. */
export interface ListCall<I, O, Item> extends Call<I, O> {
  /** Every item from the request's page on, asking for each next page when the ones before it are used up. The options hold for each page. */
  each(request: Input<I>, options?: CallOptions): AsyncGenerator<Item, void, undefined>;
}

/** A client with the given methods. */
export type Client<M> = {
  readonly [Name in keyof M]: M[Name] extends ListMethod<infer I, infer O, infer Item>
    ? ListCall<I, O, Item>
    : M[Name] extends Method<infer I, infer O>
      ? Call<I, O>
      : never;
};

/** A client with every method of the service. */
export interface FinanceClient extends Client<typeof financeMethods> {}

/**
 * Makes a client with every method of the service.
 *
 * @throws TypeError when `baseUrl` is no URL.
 * @example
 * const finance = createFinanceClient({ baseUrl: "https://api.example.com", token });
 * const account = await finance.getAccount({ id: 4n });
 */
export function createFinanceClient(options: ClientOptions): FinanceClient {
  return createClient(everyMethod, options);
}

/** Not the namespace of the module: built into one file, a bundler would keep every message for its sake. */
const everyMethod: typeof financeMethods = {
  createAccount,
  getAccount,
  listAccounts,
  updateAccount,
  createTransfer,
  batchCreateTransfers,
  captureTransfer,
  voidTransfer,
  reverseTransfer,
  getTransfer,
  listTransfers,
  listEntries,
  getBalance,
  getBalanceHistory,
  getTrialBalance,
};

/**
 * Makes a client with the methods that are named, so that a bundler leaves out the messages of all others.
 *
 * @throws TypeError when `baseUrl` is no URL.
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
  const base = new URL(baseUrl, page);
  const isCrossOrigin = page !== undefined && base.origin !== new URL(page).origin;
  return {
    url: `${base.origin}${withoutTrailingSlashes(base.pathname)}${prefix}/${SERVICE}`,
    token,
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

type AnyMethod = Method<object, object> | ListMethod<Paged, Page, unknown>;

function bind(connection: Connection, method: AnyMethod): Call<object, object> {
  const bound: Call<object, object> = (request, options) => call(connection, method, request, options);
  if (!("itemsOf" in method)) return bound;
  const list: ListMethod<Paged, Page, unknown> = method;
  return Object.assign(bound, {
    each: (request: Input<Paged>, options?: CallOptions) => eachItem(connection, list, request, options),
  });
}

async function* eachItem(
  connection: Connection,
  method: ListMethod<Paged, Page, unknown>,
  input: Input<Paged>,
  options?: CallOptions,
): AsyncGenerator<unknown, void, undefined> {
  for (let pageToken = input.pageToken; ; ) {
    const page = await call(connection, method, { ...input, pageToken }, options);
    yield* method.itemsOf(page);
    if (page.nextPageToken === "") return;
    if (page.nextPageToken === pageToken)
      throw new FinanceError("internal", `${method.name} gives the same page for ever`, { reason: "invalid_reply" });
    pageToken = page.nextPageToken;
  }
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}
