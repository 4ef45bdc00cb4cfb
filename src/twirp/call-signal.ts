import type { ServerResponse } from "node:http";
import { TwirpError, TwirpErrorCode } from "twirp-ts";

/**
 * The signal of one call: it aborts when the client goes before the reply is out. Its reason is a `canceled` error, so
 * that a method which merely passes the signal on fails with the right code.
 *
 * Everything that may end a call early belongs here, so that the rest of the adapter knows one signal only.
 */
export function createCallSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(clientGone("context canceled"));
  if (isClientGone(response)) abort();
  else {
    response.once("close", () => {
      if (!response.writableFinished) abort();
    });
  }
  return controller.signal;
}

/** Whether the connection of a reply went away before the reply was out. */
export function isClientGone(response: ServerResponse): boolean {
  return response.destroyed && !response.writableFinished;
}

/** The error of a call that nobody waits for any more. */
export function clientGone(msg: string): TwirpError {
  return new TwirpError(TwirpErrorCode.Canceled, msg);
}
