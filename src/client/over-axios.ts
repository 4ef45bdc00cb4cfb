import { FinanceError } from "./error.ts";
import type { Transport } from "./transport.ts";

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
  validateStatus: null;
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
      const answer = await axios.request({
        url,
        method: "POST",
        headers: { ...headers },
        // Of a view, axios would send all the memory behind it.
        data: typeof body === "string" ? body : body.slice().buffer,
        signal,
        responseType: "arraybuffer",
        timeout: 0,
        maxRedirects: 0,
        validateStatus: null,
        transformRequest: [],
        transformResponse: [],
      });
      const { status, data } = answer;
      return {
        status,
        header(name) {
          const value: unknown = Reflect.get(answer.headers, name);
          return typeof value === "string" ? value : undefined;
        },
        body: bytesOf(data),
      };
    },
  };
}

/** An ArrayBuffer from a browser, a Buffer from Node; the copy shares no memory with its pool. */
function bytesOf(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer || data instanceof Uint8Array) return new Uint8Array(data);
  throw new FinanceError("internal", "an interceptor of this axios instance gave no response, or a changed one", {
    reason: "invalid_reply",
  });
}
