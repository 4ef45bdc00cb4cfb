import { TwirpError, TwirpErrorCode } from "./twirp-ts.ts";

/** Seconds after which a client that was turned away may try again, presumably with another server. */
export const RETRY_AFTER_SECONDS = 1;

/** A call as far as draining is concerned. */
interface DrainedCall {
  /** Where the drain keeps the call; undefined while it does not. Only the drain may change it. */
  drainSlot: number | undefined;
  /** Ends the call now with this error. */
  end(error: TwirpError): void;
}

/**
 * The going out of service of one mount: new calls are turned away, those in flight get a grace period, and what is
 * left of them then is ended.
 */
export class Drain {
  readonly #graceMs: number;
  // An array whose gaps the last call fills: calls come and go too often for a Set, which leaves garbage behind.
  readonly #calls: DrainedCall[] = [];
  #state: "serving" | "draining" | "over" = "serving";
  #timer: NodeJS.Timeout | undefined;
  #onIdle: () => void = () => undefined;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Whether new calls are turned away. */
  get started(): boolean {
    return this.#state !== "serving";
  }

  /** Starts once; further calls change nothing. */
  start(): void {
    if (this.started) return;
    this.#state = "draining";
    this.#timer = setTimeout(() => this.#end(), this.#graceMs).unref();
  }

  /** Notes that a call does something that may last. After the grace period the call is ended instead. */
  enter(call: DrainedCall): void {
    if (this.#state === "over") call.end(graceOver());
    else if (call.drainSlot === undefined) call.drainSlot = this.#calls.push(call) - 1;
  }

  /** Notes that it no longer does. */
  leave(call: DrainedCall): void {
    const slot = call.drainSlot;
    if (slot === undefined) return;
    call.drainSlot = undefined;
    const last = this.#calls.pop();
    if (last !== undefined && last !== call) {
      this.#calls[slot] = last;
      last.drainSlot = slot;
    }
    if (this.#calls.length === 0) this.#onIdle();
  }

  /** Starts, and resolves when no call is in flight any more. */
  async finish(): Promise<void> {
    this.start();
    if (this.#calls.length > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    clearTimeout(this.#timer);
  }

  #end(): void {
    this.#state = "over";
    // A call that is ended leaves, so the list is not walked itself.
    for (const call of [...this.#calls]) {
      this.leave(call);
      call.end(graceOver());
    }
  }
}

/** The error of a call that comes while the server goes out of service. */
export function shuttingDown(): TwirpError {
  return new TwirpError(TwirpErrorCode.Unavailable, "the server is shutting down; try again");
}

function graceOver(): TwirpError {
  return new TwirpError(TwirpErrorCode.Unavailable, "the server shut down before the call was finished; try again");
}
