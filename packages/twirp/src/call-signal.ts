import type { ServerResponse } from "node:http";
import { TwirpError, TwirpErrorCode } from "twirp-ts";

/**
 * What aborts the signal of one call: `abort`, or the client when it goes before the reply is out. The reason is always
 * a Twirp error, so that a method which merely passes the signal on fails with the right code.
 *
 * Few calls ask for their signal, so it is made when they do.
 */
export class CallSignal {
  readonly #response: ServerResponse;
  #controller: AbortController | undefined;
  #reason: TwirpError | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#open();
    return this.#controller.signal;
  }

  /** Aborts the signal, or sees to it that it is aborted from the start. The first reason stays. */
  abort(reason: TwirpError): void {
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }

  #open(): AbortController {
    const controller = new AbortController();
    const response = this.#response;
    if (this.#reason !== undefined) controller.abort(this.#reason);
    else if (isClientGone(response)) controller.abort(clientGone("context canceled"));
    else {
      response.once("close", () => {
        // Once the reply is given there is nothing left to stop.
        if (!response.writableEnded) controller.abort(clientGone("context canceled"));
      });
    }
    return controller;
  }
}

/** Whether the connection of a reply went away before the reply was out. */
export function isClientGone(response: ServerResponse): boolean {
  return response.destroyed && !response.writableFinished;
}

/** The error of a call that nobody waits for any more. */
export function clientGone(msg: string): TwirpError {
  return new TwirpError(TwirpErrorCode.Canceled, msg);
}
