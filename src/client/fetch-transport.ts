import type { Transport } from "./transport.ts";

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
      const response = await send(url, { method: "POST", headers, body, signal, redirect: "manual" });
      return {
        status: response.status,
        header: (name) => response.headers.get(name),
        body: new Uint8Array(await response.arrayBuffer()),
      };
    },
  };
}
