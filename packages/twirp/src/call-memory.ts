/**
 * Limits the bytes that calls hold for their clients.
 *
 * Goal: many clients that send slowly, ask for much or read nothing can't exhaust the process's memory, and small calls of
 * others are still answered.
 *
 * Method: a call counts its body while it arrives, then the results, then its reply until the client has read it.
 * Small calls are not counted; the limit on requests in flight bounds them. Over the limit, calls that have waited too
 * long for their clients give way, and if that is not enough, the new call is refused.
 */
import type { ServerResponse } from "node:http";
import { TwirpError } from "./twirp-ts.ts";

/** A call whose memory is counted. */
export interface HoldingCall {
  /** Bytes that are counted for it. Only {@link CallMemory} changes it. */
  heldBytes: number;
  readonly res: ServerResponse;
  /** Whether it only waits for its client, to send the body or to read the reply. */
  readonly waitsForClient: boolean;
  /** Frees its memory: ends with this error, or closes its connection if the reply has begun. */
  giveWay(error: TwirpError): void;
}

/** Options of {@link CallMemory}. */
export interface CallMemoryOptions {
  /** Bytes of all calls together. */
  readonly bytesMax: number;
  /** Called for each call that is refused or gives way. */
  readonly onRefusal?: () => void;
  /** Milliseconds without progress after which a call that waits for its client may give way. Default 2000. */
  readonly patienceMs?: number;
}

/** Calls up to this size are not counted: nearly all are this small, and counting must cost them nothing. */
const UNCOUNTED_BYTES = 4096;
/** Larger calls leave a quarter of the limit to the others. */
const LARGE_BYTES = 65_536;
const LARGE_SHARE = 0.75;
const RETRY_AFTER_MS = 1000;

export class CallMemory {
  readonly #bytesMax: number;
  readonly #patienceMs: number;
  readonly #onRefusal: () => void;
  /** The counted calls and when each last made progress, in that order. */
  readonly #progress = new Map<HoldingCall, number>();
  #held = 0;

  constructor({ bytesMax, onRefusal = () => undefined, patienceMs = 2000 }: CallMemoryOptions) {
    this.#bytesMax = bytesMax;
    this.#onRefusal = onRefusal;
    this.#patienceMs = patienceMs;
  }

  /** Bytes that calls hold now. */
  get held(): number {
    this.#releaseLost();
    return this.#held;
  }

  /**
   * Counts the bytes that a call holds from now on, until its reply is sent or its connection is lost.
   *
   * @returns false when there is no room; then nothing has changed.
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

  /** Makes calls give way, the longest waiting first, until no more than `goal` is held. */
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

  /** When a connection is lost, Node does not close replies that wait behind another one. */
  #releaseLost(): void {
    for (const call of this.#progress.keys()) if (isOver(call)) this.#count(call, 0);
  }
}

function isOver({ res }: HoldingCall): boolean {
  return res.closed || res.req.socket.destroyed;
}

/** The error of a call without room in memory: nothing was done. */
export function memoryExhausted(): TwirpError {
  const msg = `the server holds too many bytes of other calls already; try again in ${RETRY_AFTER_MS} ms`;
  return new TwirpError("resource_exhausted", msg).withMeta("retry_after_ms", `${RETRY_AFTER_MS}`);
}

/** The error of a call whose reply has no room in memory: it was carried out. */
export function replyLost(): TwirpError {
  const msg = "the call was carried out, but the server holds too many unread replies to keep this one; ask again";
  return new TwirpError("unavailable", msg);
}
