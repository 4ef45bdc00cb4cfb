/**
 * The end of the feed as this process knows it: seals after the process's own commits, and wakes the callers that wait for
 * events. Requests for a seal are coalesced. New events are read once for all waiting callers, and only those that may see
 * one are woken: a thousand others cost a batch next to nothing.
 *
 * There is no notification from other processes. While callers wait, their commits are found by sealing ten times a second,
 * which also works behind PgBouncer and seals what a killed process left.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Pool } from "pg";
import type { DatabaseLog } from "../../database/index.ts";
import type { LedgerWatch } from "../turns.ts";
import type { Chunk, EventFilter, EventReader, FeedCursor, FeedPlace } from "./events.ts";
import { type FeedHead, seal } from "./sealing.ts";

/** The least time between two seals while callers wait: events that are this close share one. */
const BUSY_PAUSE_MS = 3;
/** The same while nobody waits. */
const QUIET_PAUSE_MS = 250;
/** How often other processes' commits are looked for while callers wait. */
const POLL_MS = 100;
/** Events that are sent in one turn of the event loop: a thousand callers must not hold up all other calls. */
const EVENTS_AT_ONCE = 500;

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

/** How a wait ended. */
export interface Waited {
  /** No event before it was asked for. */
  readonly place: FeedPlace;
  /** The end of the feed if it has events after `place`. */
  readonly head: FeedHead | undefined;
  /** The events after `place`, if they were read already. */
  readonly chunk: Chunk | undefined;
}

interface Waiting {
  place: FeedPlace;
  readonly filter: EventFilter;
  readonly end: (chunk?: Chunk) => void;
}

export interface FeedOptions {
  readonly pool: Pool;
  readonly log: DatabaseLog;
  readonly watch: LedgerWatch;
  readonly reader: EventReader;
}

export class Feed {
  readonly #pool: Pool;
  readonly #log: DatabaseLog;
  readonly #watch: LedgerWatch;
  readonly #reader: EventReader;
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
  #waking = false;
  #closed = false;
  #lastWarning = "";

  constructor({ pool, log, watch, reader }: FeedOptions) {
    this.#pool = pool;
    this.#log = log;
    this.#watch = watch;
    this.#reader = reader;
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
   * The end of the feed, for a call that continues there and waits long enough to meet the next poll. Without a seal of its
   * own, a thousand callers that come back after an event cost nothing.
   */
  endFor(cursor: FeedCursor | undefined, waitMs: number): FeedHead | undefined {
    const head = this.#head;
    if (cursor === undefined || head === undefined || waitMs < 10 * POLL_MS) return undefined;
    return isSame(cursor, head) && cursor.identity === head.identity ? head : undefined;
  }

  /**
   * Waits until the feed has events after `place` that the filter may let through, at most `ms`; less if `signal` aborts or
   * the feed closes.
   */
  async wait(place: FeedPlace, filter: EventFilter, ms: number, signal: AbortSignal): Promise<Waited> {
    const headAfter = ({ position }: FeedPlace) =>
      this.#head !== undefined && this.#head.position > position ? this.#head : undefined;
    if (this.#closed || signal.aborted || headAfter(place) !== undefined) {
      return { place, head: headAfter(place), chunk: undefined };
    }
    return await new Promise((resolve) => {
      const end = (chunk?: Chunk) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onEnd);
        this.#waiting.delete(waiting);
        resolve({ place: waiting.place, head: headAfter(waiting.place), chunk });
      };
      const onEnd = () => end();
      const waiting: Waiting = { place, filter, end };
      const timer = setTimeout(onEnd, ms);
      signal.addEventListener("abort", onEnd, { once: true });
      this.#waiting.add(waiting);
      const hasUnsealed = this.#unsealedSinceMs !== undefined;
      this.#schedule(hasUnsealed ? this.#sealedAtMs + BUSY_PAUSE_MS : performance.now() + POLL_MS);
    });
  }

  /** Wakes the callers that may see a new event; the others go on waiting from the end of the feed. */
  async #wakeCallers(): Promise<void> {
    if (this.#waking) return;
    this.#waking = true;
    for (;;) {
      const head = this.#head;
      if (head === undefined) break;
      const behind = [...this.#waiting].find(({ place }) => place.position < head.position);
      if (behind === undefined) break;
      const { place } = behind;
      const chunk = await this.#reader.read(place).catch(() => undefined);
      const last = chunk?.headers.at(-1);
      const here = [...this.#waiting].filter((waiting) => isSame(waiting.place, place));
      if (chunk === undefined || last === undefined || chunk.hasNext || last.position < head.position) {
        // The callers read for themselves: many events, or meet the error.
        for (const { end } of here) end();
        continue;
      }
      const woken = new Set(here.filter(({ filter }) => chunk.mayHave(filter)));
      const reached = { position: last.position, seal: last.seal };
      for (const waiting of here) if (!woken.has(waiting)) waiting.place = reached;
      // If it fails, each caller meets the error.
      if (woken.size > 1) await chunk.share().catch(() => undefined);
      let events = 0;
      for (const waiting of woken) {
        // It may have left during the last turn.
        if (!this.#waiting.has(waiting)) continue;
        waiting.end(chunk);
        events += Math.min(waiting.filter.sizeMax, chunk.headers.length);
        if (events < EVENTS_AT_ONCE) continue;
        events = 0;
        await nextTurn();
      }
    }
    this.#waking = false;
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
      void this.#wakeCallers();
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

function isSame(one: FeedPlace, other: FeedPlace): boolean {
  return one.position === other.position && one.seal === other.seal;
}
