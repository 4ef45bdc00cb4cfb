import { unreadable } from "./failure.ts";
import type { Transport } from "./transports.ts";

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
