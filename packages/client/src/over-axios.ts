import { membersOf, transportFailed } from "./failure.ts";
import { isObject } from "./message.ts";
import type { Transport } from "./transports.ts";

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
