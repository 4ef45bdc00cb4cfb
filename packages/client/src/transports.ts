import { membersOf, transportFailed, unreadable } from "./errors.ts";
import { isObject } from "./message.ts";

/** One HTTP POST, ready to be sent. */
export interface TransportRequest {
  readonly url: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** An answer, whatever its status. */
export interface TransportReply {
  /** HTTP status; 0 for a redirect of which a browser tells no more. */
  readonly status: number;
  /** The header by its lower-case name; null or undefined when it is absent or may not be read. */
  header(name: string): string | null | undefined;
  readonly body: Uint8Array;
}

/**
 * What carries the calls. It must follow no redirect. When there is no answer it rejects with the error of fetch, axios or Node,
 * or with one whose `code` is "ERR_NETWORK"; such calls are repeated. Any other error is the application's own: the call fails
 * with `transport_failed`. A FinanceError is passed on as it is.
 */
export interface Transport {
  send(request: TransportRequest): Promise<TransportReply>;
}

/** axios itself, or an instance that `axios.create()` made. */
export interface AxiosLike {
  request(config: AxiosCall): Promise<AxiosAnswer>;
}

/** What axios is asked. */
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

/** What axios answers. */
export interface AxiosAnswer {
  status: number;
  headers: object;
  data: unknown;
}

/** Interceptors, adapter, proxy and cookies of the instance stay; what would change the meaning of a call is set here. */
export function overAxios(axios: AxiosLike): Transport {
  return {
    async send({ url, headers, body, signal }) {
      const call: AxiosCall = {
        url,
        method: "POST",
        headers: { ...headers },
        // Of a view, axios would send all the memory behind it.
        data: typeof body === "string" ? body : body.slice().buffer,
        signal,
        responseType: "arraybuffer",
        timeout: 0,
        maxRedirects: 0,
        transformRequest: [],
        transformResponse: [],
      };
      // Interceptors see as errors what the instance's `validateStatus` makes errors of. The client sees a reply.
      const answer: unknown = await axios.request(call).catch((error) => responseOf(error, url));
      if (!isAnswer(answer)) throw new TypeError("an interceptor changed the response");
      return {
        status: answer.status,
        header(name) {
          // An adapter may write the names as it likes.
          const [, value] = Object.entries(answer.headers).find(([key]) => key.toLowerCase() === name) ?? [];
          return typeof value === "string" ? value : undefined;
        },
        // An ArrayBuffer from a browser, a Buffer from Node; the copy shares no memory with its pool.
        body: new Uint8Array(answer.data),
      };
    },
  };
}

/** @throws the error itself when there was no reply, or none that came whole. */
function responseOf(error: unknown, url: string): unknown {
  const { config, response } = membersOf(error);
  const { url: called = url } = membersOf(config);
  // An interceptor may have made another call, such as one for a token: its failure is the interceptor's.
  if (called !== url) throw transportFailed(error);
  if (isAnswer(response)) return response;
  throw error;
}

function isAnswer(answer: unknown): answer is AxiosAnswer & { data: ArrayBuffer | Uint8Array } {
  const { headers, data } = membersOf(answer);
  return isObject(headers) && (data instanceof ArrayBuffer || data instanceof Uint8Array);
}

/**
 * Carries calls by axios.
 *
 * @param instance default: an instance of its own, free of what the application set on axios itself. The package `axios` is
 * loaded with the first call.
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
 * Carries calls by fetch.
 *
 * @param fetchLike default: the global `fetch` as it is when a call is made.
 */
export function fetchTransport(fetchLike?: FetchLike): Transport {
  return {
    async send({ url, headers, body, signal }) {
      // Browsers refuse fetch as a method of another object, so it is called as the function it is.
      const send = fetchLike ?? fetch;
      // A POST that is redirected may arrive as a GET, or elsewhere with the token: a redirect is an answer in itself.
      const init = { method: "POST", headers, body, signal, redirect: "manual" } as const;
      const response = await send(url, init).catch((error: unknown) => {
        // Of fetch itself each is the network's, whatever the language that the browser says it in.
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
