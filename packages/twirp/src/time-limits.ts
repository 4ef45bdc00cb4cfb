/** The limits on a call's time: the deadline of its caller or of the server, and the grace period of a server that drains. */
import type { IncomingHttpHeaders } from "node:http";
import { quote } from "./paths.ts";
import { TwirpError } from "./twirp-ts.ts";

/** The request header in which a caller says for how many milliseconds it waits: 1 to 10 digits, not all zero. */
export const TIMEOUT_HEADER = "twirp-timeout-ms";

/** The longest time of a Node timer; more would make it fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** How long a call may take, or why that is unknown. */
type TimeLimit = { readonly ms: number | undefined } | { readonly failure: TwirpError };

const NO_LIMIT: TimeLimit = { ms: undefined };

/** The smaller of what the caller and the server allow. A header with anything but such a number is an error. */
export function timeLimitOf(headers: IncomingHttpHeaders, serverMs: number | undefined): TimeLimit {
  const header = headers[TIMEOUT_HEADER];
  if (header === undefined) return serverMs === undefined ? NO_LIMIT : { ms: serverMs };
  const callerMs = typeof header === "string" && /^\d{1,10}$/.test(header) ? Number(header) : 0;
  if (callerMs === 0) {
    const msg = `header ${TIMEOUT_HEADER} must be a whole number of milliseconds from 1 to 9999999999, got ${quote(String(header))}`;
    return { failure: new TwirpError("malformed", msg) };
  }
  return { ms: Math.min(callerMs, serverMs ?? TIMER_MS_MAX, TIMER_MS_MAX) };
}

/** The error of a call that took too long. */
export function deadlineExceeded(ms: number): TwirpError {
  return new TwirpError("deadline_exceeded", `deadline exceeded: the call took longer than ${ms} ms`);
}

/** A call that the drain may end. */
interface DrainedCall {
  /** The call's index in the drain; undefined while it is not there. Only the drain changes it. */
  drainSlot: number | undefined;
  /** Ends the call now with this error. */
  end(error: TwirpError): void;
}

/**
 * Takes one mount out of service: new calls are refused, those in flight get a grace period, and then the rest is ended.
 */
export class Drain {
  readonly #graceMs: number;
  // The last call moves into the place of one that leaves: a Set would allocate on every add.
  readonly #calls: DrainedCall[] = [];
  #state: "serving" | "draining" | "over" = "serving";
  #timer: NodeJS.Timeout | undefined;
  #onIdle: () => void = () => undefined;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Whether new calls are refused. */
  get started(): boolean {
    return this.#state !== "serving";
  }

  /** Starts; does nothing if it has started before. */
  start(): void {
    if (this.started) return;
    this.#state = "draining";
    this.#timer = setTimeout(() => this.#end(), this.#graceMs).unref();
  }

  /** Notes that a call begins something that may take long. After the grace period this ends the call. */
  enter(call: DrainedCall): void {
    if (this.#state === "over") call.end(graceOver());
    else if (call.drainSlot === undefined) call.drainSlot = this.#calls.push(call) - 1;
  }

  /** Notes that the call has finished this. */
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
    // A call that ends leaves, which changes the list.
    for (const call of [...this.#calls]) {
      this.leave(call);
      call.end(graceOver());
    }
  }
}

/** The error of a call that arrives while the server drains. */
export function shuttingDown(): TwirpError {
  return new TwirpError("unavailable", "the server is shutting down; try again");
}

function graceOver(): TwirpError {
  return new TwirpError("unavailable", "the server shut down before the call was finished; try again");
}
