import { membersOf, transportFailed, unreadable } from "./errors.ts";
import { isObject } from "./message.ts";

/** One HTTP POST. */
export interface TransportRequest {
  readonly url: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Aborts when the call is canceled or its time is up. */
  readonly signal: AbortSignal;
}

/** A reply with any status. */
export interface TransportReply {
  /** HTTP status; 0 for a redirect that a browser hides. */
  readonly status: number;
  /** The header by its lower-case name; null or undefined when it is absent or may not be read. */
  header(name: string): string | null | undefined;
  readonly body: Uint8Array;
}

/**
 * Sends the calls. It must not follow redirects. Without a reply it rejects with the error of fetch, axios or Node, or with one
 * whose `code` is "ERR_NETWORK"; such calls are repeated. Any other error is the application's own: the call fails with
 * `transport_failed`. A FinanceError is passed on unchanged.
 */
export interface Transport {
  send(request: TransportRequest): Promise<TransportReply>;
}

/** axios itself, or an instance that `axios.create()` made. */
export interface AxiosLike {
  request(config: AxiosCall): Promise<AxiosAnswer>;
}

/** The options that the client passes to axios. */
export interface AxiosCall {
  url: string;
  method: "POST";
  headers: Record<string, string>;
  data: string | ArrayBuffer;
  signal: AbortSignal;
  responseType: "arraybuffer";
  timeout: number;
  maxRedirects: number;
  transformRequest: [];
  transformResponse: [];
}

/** axios's response. */
export interface AxiosAnswer {
  status: number;
  headers: object;
  data: unknown;
}

/** The instance keeps its interceptors, adapter, proxy and cookies; options that would change the meaning of a call are set here. */
export function overAxios(axios: AxiosLike): Transport {
  return {
    async send({ url, headers, body, signal }) {
      const call: AxiosCall = {
        url,
        method: "POST",
        headers: { ...headers },
        // axios would send a view's whole ArrayBuffer.
        data: typeof body === "string" ? body : body.slice().buffer,
        signal,
        responseType: "arraybuffer",
        timeout: 0,
        maxRedirects: 0,
        transformRequest: [],
        transformResponse: [],
      };
      // Interceptors get an error for each status that the instance's `validateStatus` refuses; the client needs the reply.
      const answer: unknown = await axios.request(call).catch((error) => responseOf(error, url));
      if (!isAnswer(answer)) throw new TypeError("an interceptor changed the response");
      return {
        status: answer.status,
        header(name) {
          // Adapters write the names in any case.
          const [, value] = Object.entries(answer.headers).find(([key]) => key.toLowerCase() === name) ?? [];
          return typeof value === "string" ? value : undefined;
        },
        // An ArrayBuffer in browsers, a Buffer in Node, whose pool the copy does not share.
        body: new Uint8Array(answer.data),
      };
    },
  };
}

/** @throws the error itself when there was no complete reply. */
function responseOf(error: unknown, url: string): unknown {
  const { config, response } = membersOf(error);
  const { url: called = url } = membersOf(config);
  // An interceptor may have made a call of its own, as for a token, which failed.
  if (called !== url) throw transportFailed(error);
  if (isAnswer(response)) return response;
  throw error;
}

function isAnswer(answer: unknown): answer is AxiosAnswer & { data: ArrayBuffer | Uint8Array } {
  const { headers, data } = membersOf(answer);
  return isObject(headers) && (data instanceof ArrayBuffer || data instanceof Uint8Array);
}

/**
 * Sends calls with axios.
 *
 * @param instance Default: a new instance, without the application's settings of axios. The package `axios` is loaded with the
 * first call.
 */
export function axiosTransport(instance?: AxiosLike): Transport {
  if (instance !== undefined) return overAxios(instance);
  let own: Promise<Transport> | undefined;
  return {
    async send(request) {
      own ??= import("axios").then(({ default: axios }) => overAxios(axios.create()));
      return await (await own).send(request);
    },
  };
}

/** `fetch`, or a function that behaves like it. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Sends calls with fetch.
 *
 * @param fetchLike Default: the global `fetch` at the time of each call.
 */
export function fetchTransport(fetchLike?: FetchLike): Transport {
  return {
    async send({ url, headers, body, signal }) {
      // Browsers refuse to run fetch as a method of another object.
      const send = fetchLike ?? fetch;
      // Following a redirect could turn the POST into a GET, or send the token elsewhere.
      const init = { method: "POST", headers, body, signal, redirect: "manual" } as const;
      const response = await send(url, init).catch((error: unknown) => {
        // Every TypeError of fetch itself is a network failure, in any language.
        if (send === fetch && error instanceof TypeError) Object.assign(error, { code: "ERR_NETWORK" });
        throw error;
      });
      const { status, headers: replyHeaders } = response;
      const header = (name: string) => replyHeaders.get(name);
      try {
        return { status, header, body: new Uint8Array(await response.arrayBuffer()) };
      } catch (error) {
        throw unreadable(error, { status, requestId: header("x-request-id") ?? undefined });
      }
    },
  };
}
