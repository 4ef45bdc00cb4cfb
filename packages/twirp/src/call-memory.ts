/**
 * A bound on the bytes that calls hold for their clients.
 *
 * Goal: however many clients send slowly, ask for much or read nothing, the process lives, and small calls of others are
 * answered.
 *
 * Method: a call counts for its body as it arrives, then for what is made of it, then for its reply until the client has
 * it. Small calls are not counted at all: the bound on requests in flight is theirs. Past the limit a call is refused,
 * unless others wait for their clients for too long: those give way first.
 */
import type { ServerResponse } from "node:http";
import { TwirpError } from "./twirp-ts.ts";

/** A call as far as its memory is concerned. */
export interface HoldingCall {
  /** Bytes that are counted for it. Only {@link CallMemory} may change it. */
  heldBytes: number;
  readonly res: ServerResponse;
  /** Whether nothing but its client keeps it: its body is on its way, or its reply is. */
  readonly waitsForClient: boolean;
  /** Gives up what it holds: ends with this error, or cuts its connection where the reply has begun. */
  giveWay(error: TwirpError): void;
}

/** Options of {@link CallMemory}. */
export interface CallMemoryOptions {
  /** Bytes that all calls together may hold. */
  readonly bytesMax: number;
  /** Called for each call that is refused, or gives way. */
  readonly onRefusal?: () => void;
  /** Milliseconds without progress after which a call that waits for its client may have to give way. Default 2000. */
  readonly patienceMs?: number;
}

/** A call that holds no more is not counted: nearly all are like that, and they must cost nothing. */
const UNCOUNTED_BYTES = 4096;
/** A call that holds more leaves a quarter of the limit to those that hold less. */
const LARGE_BYTES = 65_536;
const LARGE_SHARE = 0.75;
const RETRY_AFTER_MS = 1000;

export class CallMemory {
  readonly #bytesMax: number;
  readonly #patienceMs: number;
  readonly #onRefusal: () => void;
  /** The calls that are counted, and when each last made progress; the one that did so last at the end. */
  readonly #progress = new Map<HoldingCall, number>();
  #held = 0;

  constructor({ bytesMax, onRefusal = () => undefined, patienceMs = 2000 }: CallMemoryOptions) {
    this.#bytesMax = bytesMax;
    this.#onRefusal = onRefusal;
    this.#patienceMs = patienceMs;
  }

  /** Bytes that are counted now. */
  get held(): number {
    this.#releaseLost();
    return this.#held;
  }

  /**
   * Counts that a call holds this many bytes from now on, until its reply is out or its connection is lost.
   *
   * @returns false when there is no room for them: then nothing has changed.
   */
  hold(call: HoldingCall, bytes: number): boolean {
    const counted = bytes > UNCOUNTED_BYTES ? bytes : 0;
    const more = counted - call.heldBytes;
    if (more === 0) return true;
    if (more > 0) {
      if (isOver(call)) return true;
      const limit = counted > LARGE_BYTES ? this.#bytesMax * LARGE_SHARE : this.#bytesMax;
      if (this.#held + more > limit && !this.#makeRoom(call, limit - more)) {
        this.#onRefusal();
        return false;
      }
      if (call.heldBytes === 0) call.res.once("close", () => this.#count(call, 0));
    }
    this.#count(call, counted);
    return true;
  }

  #count(call: HoldingCall, bytes: number): void {
    this.#held += bytes - call.heldBytes;
    call.heldBytes = bytes;
    this.#progress.delete(call);
    if (bytes > 0) this.#progress.set(call, performance.now());
  }

  /** Has the calls give way that have waited for their clients for longest, until no more than `goal` is held. */
  #makeRoom(asking: HoldingCall, goal: number): boolean {
    this.#releaseLost();
    if (goal < asking.heldBytes) return false;
    const latest = performance.now() - this.#patienceMs;
    for (const [call, progress] of this.#progress) {
      if (this.#held <= goal || progress > latest) break;
      if (call === asking || !call.waitsForClient) continue;
      this.#count(call, 0);
      this.#onRefusal();
      call.giveWay(memoryExhausted());
    }
    return this.#held <= goal;
  }

  /** Node closes no reply that waits behind another one when their connection is lost. */
  #releaseLost(): void {
    for (const call of this.#progress.keys()) if (isOver(call)) this.#count(call, 0);
  }
}

function isOver({ res }: HoldingCall): boolean {
  return res.closed || res.req.socket.destroyed;
}

/** The error of a call for which there is no memory: nothing was done. */
export function memoryExhausted(): TwirpError {
  const msg = `the server holds too many bytes of other calls already; try again in ${RETRY_AFTER_MS} ms`;
  return new TwirpError("resource_exhausted", msg).withMeta("retry_after_ms", `${RETRY_AFTER_MS}`);
}

/** The error of a call whose reply there is no memory for: what it asked may have been done. */
export function replyLost(): TwirpError {
  const msg = "the call was carried out, but the server holds too many unread replies to keep this one; ask again";
  return new TwirpError("unavailable", msg);
}
