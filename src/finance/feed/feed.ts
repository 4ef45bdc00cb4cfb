/**
 * The end of the feed as this process knows it: when it seals, and which callers wait for events. There is no notification
 * from other processes: while callers wait, their commits are found by sealing ten times a second, which also works behind
 * PgBouncer and seals what a killed process left. New events are read once for all waiting callers, and only those that may
 * see one are woken: a thousand others cost a batch next to nothing.
 *
 * States of a sealer: idle; due, with a timer; sealing; closed. A commit of this process or a waiting caller makes an idle
 * sealer due. A request, or the timer of a due one, makes it seal; requests that come meanwhile share the next seal. Then it
 * is due if something is unsealed or callers wait, and idle otherwise.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Pool } from "pg";
import type { DatabaseLog } from "../../database/index.ts";
import type { LedgerWatch } from "../turns.ts";
import type { Chunk, EventFilter, EventReader, FeedCursor, FeedPlace } from "./events.ts";
import { type FeedHead, seal } from "./sealing.ts";

/** The least time between the starts of two seals while callers wait: events that are this close share one. */
const BUSY_PAUSE_MS = 3;
/** The same while nobody waits, and after a failure. */
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

interface SealerOptions {
  readonly pool: Pool;
  readonly log: DatabaseLog;
  readonly watch: LedgerWatch;
  /** Whether callers wait for events. */
  readonly isAwaited: () => boolean;
  /** Is told the end of the feed after each seal. */
  readonly onSealed: (head: FeedHead) => void;
}

type State =
  | { readonly is: "idle" | "closed" }
  | { readonly is: "due"; readonly atMs: number; readonly timer: NodeJS.Timeout }
  | {
      readonly is: "sealing";
      readonly result: Promise<FeedHead>;
      /** When this process made its oldest commit that this seal covers. */
      readonly sinceMs: number | undefined;
      /** The seal that follows, if somebody asked for it. */
      next?: Promise<FeedHead>;
    };

/** Decides when this process seals. */
class Sealer {
  readonly #options: SealerOptions;
  #state: State = { is: "idle" };
  /** When this process made its oldest commit that no seal covers. */
  #unsealedSinceMs: number | undefined;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  /** The error of the last seal; undefined if it succeeded. */
  #failure: string | undefined;

  constructor(options: SealerOptions) {
    this.#options = options;
  }

  /** Milliseconds since this process's oldest commit that is not sealed; 0 if all are. */
  get unsealedMs(): number {
    const sinceMs = (this.#state.is === "sealing" ? this.#state.sinceMs : undefined) ?? this.#unsealedSinceMs;
    return sinceMs === undefined ? 0 : performance.now() - sinceMs;
  }

  /** Tells that this process has committed something. */
  committed(): void {
    this.#unsealedSinceMs ??= performance.now();
    this.schedule();
  }

  /** Makes the next seal due if something is unsealed or callers wait. */
  schedule(): void {
    const state = this.#state;
    if (state.is !== "idle" && state.is !== "due") return;
    const isAwaited = this.#options.isAwaited();
    const isUnsealed = this.#unsealedSinceMs !== undefined;
    if (!isAwaited && !isUnsealed) return;
    const pauseMs = !isAwaited || this.#failure !== undefined ? QUIET_PAUSE_MS : isUnsealed ? BUSY_PAUSE_MS : POLL_MS;
    const atMs = this.#startedAtMs + pauseMs;
    if (state.is === "due") {
      if (state.atMs <= atMs) return;
      clearTimeout(state.timer);
    }
    // #sealNow reports a failure.
    const onDue = () => void this.refresh().catch(() => undefined);
    this.#state = { is: "due", atMs, timer: setTimeout(onDue, Math.max(0, atMs - performance.now())).unref() };
  }

  /**
   * Seals everything that was committed before the call.
   *
   * @returns the end of the feed.
   * @throws the database's error.
   */
  refresh(): Promise<FeedHead> {
    const state = this.#state;
    if (state.is !== "sealing") return this.#seal();
    state.next ??= state.result
      .catch(() => undefined)
      // Another request may have started it already.
      .then(() => (this.#state.is === "sealing" ? this.#state.result : this.#seal()));
    return state.next;
  }

  /** Stops sealing after the seals that were asked for. */
  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { is: "closed" };
    if (state.is === "due") clearTimeout(state.timer);
    if (state.is === "sealing") await Promise.allSettled([state.result, state.next]);
  }

  #seal(): Promise<FeedHead> {
    const state = this.#state;
    if (state.is === "due") clearTimeout(state.timer);
    const sinceMs = this.#unsealedSinceMs;
    this.#unsealedSinceMs = undefined;
    const result = this.#sealNow(sinceMs);
    if (state.is !== "closed") this.#state = { is: "sealing", result, sinceMs };
    return result;
  }

  async #sealNow(sinceMs: number | undefined): Promise<FeedHead> {
    const { pool, watch, log, onSealed } = this.#options;
    this.#startedAtMs = performance.now();
    try {
      const { head, events } = await seal(pool);
      const lagSeconds = sinceMs === undefined ? undefined : (performance.now() - sinceMs) / 1000;
      watch.observer?.sealEnded({ failed: false, events, lagSeconds });
      this.#failure = undefined;
      onSealed(head);
      return head;
    } catch (error) {
      this.#unsealedSinceMs = sinceMs ?? this.#unsealedSinceMs;
      watch.observer?.sealEnded({ failed: true, events: 0, lagSeconds: undefined });
      // While the database is away, every try fails; log it once.
      if (String(error) !== this.#failure) log.warn({ err: error }, "could not seal events; trying again");
      this.#failure = String(error);
      throw error;
    } finally {
      if (this.#state.is === "sealing") this.#state = { is: "idle" };
      this.schedule();
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
  readonly #reader: EventReader;
  readonly #sealer: Sealer;
  readonly #waiting = new Set<Waiting>();
  #head: FeedHead | undefined;
  #waking = false;
  #closed = false;

  constructor({ pool, log, watch, reader }: FeedOptions) {
    this.#reader = reader;
    this.#sealer = new Sealer({
      pool,
      log,
      watch,
      isAwaited: () => this.#waiting.size > 0,
      onSealed: (head) => {
        this.#head = head;
        if (!this.#waking) void this.#wakeCallers();
      },
    });
  }

  /** Callers that wait for an event. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** As {@link Sealer.unsealedMs}. */
  get unsealedMs(): number {
    return this.#sealer.unsealedMs;
  }

  /** As {@link Sealer.refresh}. */
  refresh(): Promise<FeedHead> {
    return this.#sealer.refresh();
  }

  /** As {@link Sealer.committed}. */
  committed(): void {
    this.#sealer.committed();
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
      this.#sealer.schedule();
    });
  }

  /** Wakes callers until all have the end of the feed. */
  async #wakeCallers(): Promise<void> {
    this.#waking = true;
    try {
      for (;;) {
        const { position } = this.#head ?? { position: 0n };
        const behind = [...this.#waiting].find(({ place }) => place.position < position);
        if (behind === undefined) return;
        await this.#wakeFrom(behind.place, position);
      }
    } finally {
      this.#waking = false;
    }
  }

  /** Wakes the callers at a place that may see a new event; the others wait from the end of the feed on. */
  async #wakeFrom(place: FeedPlace, end: bigint): Promise<void> {
    const chunk = await this.#reader.read(place).catch(() => undefined);
    const last = chunk?.headers.at(-1);
    const here = [...this.#waiting].filter((waiting) => isSame(waiting.place, place));
    if (chunk === undefined || last === undefined || chunk.hasNext || last.position < end) {
      // The callers read for themselves: many events, or meet the error.
      for (const waiting of here) waiting.end();
      return;
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

  /** Ends all waits, now and from now on; callers get what there is. */
  endWaits(): void {
    this.#closed = true;
    for (const { end } of this.#waiting) end();
  }

  /** Ends all waits and stops sealing. The caller closes the pool. */
  async close(): Promise<void> {
    this.endWaits();
    await this.#sealer.close();
  }
}

function isSame(one: FeedPlace, other: FeedPlace): boolean {
  return one.position === other.position && one.seal === other.seal;
}
