/**
 * The end of the feed as this process knows it: seals after the process's own commits, and wakes the callers that wait for
 * events. Requests for a seal are coalesced, so a thousand waiting callers cost one.
 *
 * There is no notification from other processes. While callers wait, their commits are found by sealing ten times a second,
 * which also works behind PgBouncer and seals what a killed process left.
 */
import type { Pool } from "pg";
import type { DatabaseLog } from "../../database/index.ts";
import type { LedgerWatch } from "../turns.ts";
import { type FeedHead, seal } from "./sealing.ts";

/** The least time between two seals while callers wait: events that are this close share one. */
const BUSY_PAUSE_MS = 3;
/** The same while nobody waits. */
const QUIET_PAUSE_MS = 250;
/** How often other processes' commits are looked for while callers wait. */
const POLL_MS = 100;

/** Measures how long a call waits. A lost call is reported while it still waits. */
export class WaitingTime {
  #ms = 0;
  #sinceMs: number | undefined;

  get ms(): number {
    return this.#sinceMs === undefined ? this.#ms : this.#ms + performance.now() - this.#sinceMs;
  }

  async during<T>(wait: Promise<T>): Promise<T> {
    this.#sinceMs = performance.now();
    try {
      return await wait;
    } finally {
      this.#ms = this.ms;
      this.#sinceMs = undefined;
    }
  }
}

interface Waiting {
  readonly position: bigint;
  readonly end: () => void;
}

export class Feed {
  readonly #pool: Pool;
  readonly #log: DatabaseLog;
  readonly #watch: LedgerWatch;
  readonly #waiting = new Set<Waiting>();
  #head: FeedHead | undefined;
  /** The seal that runs, and the one that starts when it has ended. */
  #sealing: Promise<FeedHead> | undefined;
  #next: Promise<FeedHead> | undefined;
  /** When this process made its oldest commit that is not sealed: one that the running seal covers, one that came later. */
  #sealingSinceMs: number | undefined;
  #unsealedSinceMs: number | undefined;
  #sealedAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #closed = false;
  #lastWarning = "";

  constructor(pool: Pool, log: DatabaseLog, watch: LedgerWatch) {
    this.#pool = pool;
    this.#log = log;
    this.#watch = watch;
  }

  /** Callers that wait for an event. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Milliseconds since this process's oldest commit that is not sealed; 0 if all are. */
  get unsealedMs(): number {
    const sinceMs = this.#sealingSinceMs ?? this.#unsealedSinceMs;
    return sinceMs === undefined ? 0 : performance.now() - sinceMs;
  }

  /**
   * Seals everything that was committed before the call.
   *
   * @returns the end of the feed.
   * @throws the database's error.
   */
  refresh(): Promise<FeedHead> {
    if (this.#sealing === undefined) return this.#seal();
    this.#next ??= this.#sealing
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#sealing ?? this.#seal();
      });
    return this.#next;
  }

  /** Tells that this process has committed something. */
  wake(): void {
    this.#unsealedSinceMs ??= performance.now();
    const pauseMs = this.#waiting.size > 0 ? BUSY_PAUSE_MS : QUIET_PAUSE_MS;
    this.#schedule(this.#sealedAtMs + pauseMs);
  }

  /**
   * Waits until the feed has events after `position`, at most `ms`; less if `signal` aborts or the feed closes.
   *
   * @returns the end of the feed; undefined if there are no events.
   */
  async wait(position: bigint, ms: number, signal: AbortSignal): Promise<FeedHead | undefined> {
    await this.#waitFor(position, ms, signal);
    return this.#head !== undefined && this.#head.position > position ? this.#head : undefined;
  }

  async #waitFor(position: bigint, ms: number, signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted || (this.#head !== undefined && this.#head.position > position)) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        this.#waiting.delete(waiting);
        resolve();
      };
      const waiting: Waiting = { position, end };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end, { once: true });
      this.#waiting.add(waiting);
      this.#schedule(performance.now() + POLL_MS);
    });
  }

  /** Ends all waits, now and from now on; callers get what there is. */
  endWaits(): void {
    this.#closed = true;
    for (const { end } of this.#waiting) end();
  }

  /** Ends all waits and stops sealing. The caller closes the pool. */
  async close(): Promise<void> {
    this.endWaits();
    clearTimeout(this.#timer);
    await Promise.allSettled([this.#sealing, this.#next]);
  }

  #seal(): Promise<FeedHead> {
    this.#sealing = this.#sealNow();
    return this.#sealing;
  }

  async #sealNow(): Promise<FeedHead> {
    const sinceMs = this.#unsealedSinceMs;
    this.#sealingSinceMs = sinceMs;
    this.#unsealedSinceMs = undefined;
    try {
      const { head, events } = await seal(this.#pool);
      const lagSeconds = sinceMs === undefined ? undefined : (performance.now() - sinceMs) / 1000;
      this.#watch.observer?.sealEnded({ failed: false, events, lagSeconds });
      this.#head = head;
      this.#lastWarning = "";
      for (const { position, end } of this.#waiting) if (head.position > position) end();
      return head;
    } catch (error) {
      this.#unsealedSinceMs = sinceMs ?? this.#unsealedSinceMs;
      this.#watch.observer?.sealEnded({ failed: true, events: 0, lagSeconds: undefined });
      throw error;
    } finally {
      this.#sealingSinceMs = undefined;
      this.#sealedAtMs = performance.now();
      this.#sealing = undefined;
    }
  }

  /** Seals at a time, unless that is due earlier anyway. */
  #schedule(atMs: number): void {
    if (this.#closed || this.#dueMs <= atMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = atMs;
    this.#timer = setTimeout(() => void this.#sealDue(), Math.max(0, atMs - performance.now())).unref();
  }

  async #sealDue(): Promise<void> {
    this.#dueMs = Number.POSITIVE_INFINITY;
    try {
      await this.refresh();
    } catch (error) {
      // While the database is away, every try fails; log it once.
      if (String(error) !== this.#lastWarning) this.#log.warn({ err: error }, "could not seal events; trying again");
      this.#lastWarning = String(error);
    }
    if (this.#waiting.size > 0) this.#schedule(performance.now() + POLL_MS);
    else if (this.#unsealedSinceMs !== undefined) this.#schedule(performance.now() + QUIET_PAUSE_MS);
  }
}
