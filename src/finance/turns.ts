import { type FinanceError, overloaded } from "./errors.ts";

/** How long a caller counts as active after a request. */
const ACTIVE_MS = 1000;

/** Knows whether more than one caller is active. */
class ActiveCallers {
  #latest: string | undefined;
  #latestAtMs = 0;
  /** The latest caller but one. */
  #other: string | undefined;
  #otherAtMs = 0;

  note(caller: string, atMs: number): void {
    if (caller !== this.#latest) {
      this.#other = this.#latest;
      this.#otherAtMs = this.#latestAtMs;
      this.#latest = caller;
    }
    this.#latestAtMs = atMs;
  }

  /** Whether another caller is active. */
  hasOther(caller: string, nowMs: number): boolean {
    const isLatest = caller === this.#latest;
    const [other, atMs] = isLatest ? [this.#other, this.#otherAtMs] : [this.#latest, this.#latestAtMs];
    return other !== undefined && nowMs - atMs < ACTIVE_MS;
  }
}

/**
 * Turns for callers. Goal: a caller's posting waits only a short time, however much another caller sends.
 *
 * Method: deficit round robin (https://doi.org/10.1109/90.502236) over lines, one for each caller. In each round a line may
 * send up to `turnSize` postings. A group is never split: a larger group is taken when its line has credit, and leaves a
 * debt that later rounds pay off. While several callers are active, such a large group is a batch of its own. While another
 * caller sends small groups, large groups pause after each one for twice as long as it took. So they get at most a third of
 * the time, even next to a caller that sends one posting after the other and is rarely seen in the queue. A single active
 * caller has no turns, and callers of large groups do not pause for each other.
 *
 * FairQueue never waits and reads no clock: its user passes the time.
 */

export interface FairQueueOptions {
  /** Queued postings of all callers. A caller's own may not exceed the free places: a single caller gets half. */
  readonly sizeMax: number;
  /** Postings that a caller may send in a round. A group with more postings is a large group. */
  readonly turnSize: number;
  /** Postings in a batch, unless one group alone has more. */
  readonly batchSizeMax: number;
}

interface Entry<Item> {
  readonly item: Item;
  readonly postings: number;
}

/** The queued groups of one caller, in the order of arrival. An empty line is kept until its debt is paid. */
interface Line<Item> {
  readonly caller: string;
  readonly entries: Entry<Item>[];
  /** Postings in all entries. */
  size: number;
  /** Postings that the line may still send in this round; negative is a debt. */
  credit: number;
}

export interface Batch<Item> {
  readonly items: readonly Item[];
  /** The caller of a large group while others are active: report its end to `ended`. */
  readonly largeOf?: string;
}

/** The event loop spends about as long on the reply to a large group as the database on its postings. */
const PAUSE_FACTOR = 2;
/** A batch that takes longer is waiting for something else. */
const PAUSE_MS_MAX = 500;

export class FairQueue<Item> {
  readonly #options: FairQueueOptions;
  /** By caller, in the order of turns. */
  readonly #lines = new Map<string, Line<Item>>();
  #size = 0;
  #largeFromMs = Number.NEGATIVE_INFINITY;
  readonly #active = new ActiveCallers();
  readonly #activeWithSmall = new ActiveCallers();

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** Queued postings. */
  get size(): number {
    return this.#size;
  }

  /** @returns false when there is no room; then nothing was added. */
  add(caller: string, postings: number, item: Item, nowMs: number): boolean {
    const line = this.#lines.get(caller) ?? { caller, entries: [], size: 0, credit: this.#options.turnSize };
    if (line.size + postings > this.#options.sizeMax - this.#size - postings) return false;
    const entry = { item, postings };
    line.entries.push(entry);
    line.size += postings;
    this.#size += postings;
    this.#lines.set(caller, line);
    this.#note(caller, entry, nowMs);
    return true;
  }

  /** @returns the next batch; undefined when nothing may be taken before `nextMs`. */
  take(nowMs: number): Batch<Item> | undefined {
    if (this.nextMs(nowMs) > nowMs) return undefined;
    let batch = this.#takeAlone(nowMs);
    // A round that takes nothing still pays off a part of the debts.
    while (batch === undefined) batch = this.#takeRound(nowMs);
    // Nobody is waiting, so debts no longer matter.
    if (this.#size === 0) this.#lines.clear();
    return batch;
  }

  /** The time of the next batch: now, or the end of a pause; infinite when the queue is empty. */
  nextMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { entries } of this.#lines.values()) {
      const [head] = entries;
      if (head === undefined) continue;
      if (!this.#isLarge(head)) return nowMs;
      next = Math.max(nowMs, this.#largeFromMs);
    }
    return next;
  }

  /** Starts the pause after a large group, if another caller sends small ones. */
  ended(caller: string, tookMs: number, nowMs: number): void {
    if (!this.#activeWithSmall.hasOther(caller, nowMs)) return;
    this.#largeFromMs = nowMs + Math.min(PAUSE_FACTOR * tookMs, PAUSE_MS_MAX);
  }

  /** A whole batch of the only active caller, if there is only one. */
  #takeAlone(nowMs: number): Batch<Item> | undefined {
    const [line] = this.#lines.values();
    const hasOthers = this.#lines.size > 1 || (line !== undefined && this.#active.hasOther(line.caller, nowMs));
    if (line === undefined || hasOthers) return undefined;
    const items: Item[] = [];
    let size = 0;
    for (let [head] = line.entries; head !== undefined; [head] = line.entries) {
      if (items.length > 0 && size + head.postings > this.#options.batchSizeMax) break;
      items.push(this.#takeHead(line, head, nowMs));
      size += head.postings;
    }
    // If another caller comes now, this batch counts as a debt.
    line.credit = this.#options.turnSize - size;
    this.#pass(line);
    return { items };
  }

  /** Gives each line one turn, until the batch is full. */
  #takeRound(nowMs: number): Batch<Item> | undefined {
    const items: Item[] = [];
    let size = 0;
    for (const line of [...this.#lines.values()]) {
      let [head] = line.entries;
      if (head !== undefined && line.credit > 0 && this.#isLarge(head)) {
        // It keeps its place until the pause is over, or until the others' batch has been taken.
        if (nowMs < this.#largeFromMs || items.length > 0) continue;
        const item = this.#takeHead(line, head, nowMs);
        this.#pass(line);
        return { items: [item], largeOf: line.caller };
      }
      while (head !== undefined && line.credit > 0 && !this.#isLarge(head)) {
        if (size + head.postings > this.#options.batchSizeMax) return { items };
        size += head.postings;
        items.push(this.#takeHead(line, head, nowMs));
        [head] = line.entries;
      }
      this.#pass(line);
    }
    return items.length === 0 ? undefined : { items };
  }

  #takeHead(line: Line<Item>, entry: Entry<Item>, nowMs: number): Item {
    const { item, postings } = entry;
    line.entries.shift();
    line.size -= postings;
    line.credit -= postings;
    this.#size -= postings;
    this.#note(line.caller, entry, nowMs);
    return item;
  }

  #note(caller: string, entry: Entry<Item>, nowMs: number): void {
    this.#active.note(caller, nowMs);
    if (!this.#isLarge(entry)) this.#activeWithSmall.note(caller, nowMs);
  }

  /** Puts a line behind the others with credit for its next turn, and removes an empty line whose debt is paid. */
  #pass(line: Line<Item>): void {
    const { turnSize } = this.#options;
    line.credit = Math.min(line.credit + turnSize, turnSize);
    this.#lines.delete(line.caller);
    if (line.entries.length > 0 || line.credit <= 0) this.#lines.set(line.caller, line);
  }

  #isLarge({ postings }: Entry<Item>): boolean {
    return postings > this.#options.turnSize;
  }
}

export interface TurnsOptions {
  readonly room: WaitingRoom;
  readonly watch: LedgerWatch;
  /** Tasks that run at once. */
  readonly slots: number;
  /** Slots of one caller while others are active. Default: a quarter. */
  readonly slotsBesideOthers?: number;
  /** Slots of the only active caller. Default: all. */
  readonly slotsAlone?: number;
  /** Queued tasks of all callers; one caller may have half of them. Default 1000. */
  readonly waitingMax?: number;
  /** How long a task may wait, in milliseconds. Default 5000. */
  readonly waitMsMax?: number;
  /** A monotonic clock in milliseconds. Default: the process's. */
  readonly now?: () => number;
}

const RETRY_AFTER_MS = 500;

/** After a longer task, its caller's queued tasks rest while others are active. */
const SHORT_MS_MAX = 50;
const REST_MS_MAX = 500;
/** The event loop spends about as long on writing a long answer as the database on reading it. */
const REST_FACTOR = 2;

/**
 * Starts long tasks by callers in turn, each caller's in order. While others are active, a caller with more queued tasks
 * rests after a long one for twice as long as it took, so that the others get the database and the event loop.
 */
export class Turns {
  readonly #options: Required<TurnsOptions>;
  readonly #active = new ActiveCallers();
  readonly #running = new Map<string, number>();
  readonly #resting = new Set<string>();
  #slotsTaken = 0;
  /** By caller, in the order of turns; no list is empty. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #waitingCount = 0;

  constructor(options: TurnsOptions) {
    const { slots } = options;
    this.#options = {
      slotsBesideOthers: Math.max(1, Math.floor(slots / 4)),
      slotsAlone: slots,
      waitingMax: 1000,
      waitMsMax: 5000,
      now: () => performance.now(),
      ...options,
    };
  }

  /**
   * Does the work when it is the caller's turn.
   *
   * @throws FinanceError overloaded when the caller has too many queued tasks, or gets no turn in time; the error of `work`.
   */
  async run<T>(caller: string, work: () => Promise<T>): Promise<T> {
    this.#active.note(caller, this.#options.now());
    if (this.#waiting.has(caller) || !this.#mayBegin(caller)) await this.#wait(caller);
    else this.#begin(caller);
    const startedMs = this.#options.now();
    try {
      return await work();
    } finally {
      this.#end(caller, this.#options.now() - startedMs);
    }
  }

  #mayBegin(caller: string): boolean {
    const { slots, slotsAlone, slotsBesideOthers, now } = this.#options;
    if (this.#slotsTaken >= slots || this.#resting.has(caller)) return false;
    const share = this.#active.hasOther(caller, now()) ? slotsBesideOthers : slotsAlone;
    return (this.#running.get(caller) ?? 0) < share;
  }

  #wait(caller: string): Promise<void> {
    const line = this.#waiting.get(caller) ?? [];
    const { waitingMax, waitMsMax } = this.#options;
    if (line.length + 1 > waitingMax - this.#waitingCount - 1) {
      throw this.#refuse("too many of your requests are already waiting");
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer);
        this.#begin(caller);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#remove(caller, begin);
        reject(this.#refuse(`your request had no turn for ${waitMsMax / 1000} s`));
      }, waitMsMax);
      line.push(begin);
      this.#waiting.set(caller, line);
      this.#waitingCount += 1;
    });
  }

  #refuse(msg: string): FinanceError {
    this.#options.watch.refused(this.#options.room);
    return overloaded(msg, RETRY_AFTER_MS);
  }

  #begin(caller: string): void {
    this.#slotsTaken += 1;
    this.#running.set(caller, (this.#running.get(caller) ?? 0) + 1);
  }

  #end(caller: string, tookMs: number): void {
    this.#slotsTaken -= 1;
    const left = (this.#running.get(caller) ?? 1) - 1;
    if (left === 0) this.#running.delete(caller);
    else this.#running.set(caller, left);
    const isLong = tookMs > SHORT_MS_MAX && this.#waiting.has(caller);
    if (isLong && this.#active.hasOther(caller, this.#options.now())) this.#rest(caller, tookMs);
    while (this.#beginNext());
  }

  #rest(caller: string, tookMs: number): void {
    this.#resting.add(caller);
    const end = () => {
      this.#resting.delete(caller);
      while (this.#beginNext());
    };
    setTimeout(end, Math.min(REST_FACTOR * tookMs, REST_MS_MAX));
  }

  /** @returns whether a queued task could start. */
  #beginNext(): boolean {
    for (const [caller, line] of this.#waiting) {
      const [begin] = line;
      if (begin === undefined || !this.#mayBegin(caller)) continue;
      this.#remove(caller, begin);
      // The caller's next turn comes after the others'.
      this.#waiting.delete(caller);
      if (line.length > 0) this.#waiting.set(caller, line);
      begin();
      return true;
    }
    return false;
  }

  #remove(caller: string, begin: () => void): void {
    const line = this.#waiting.get(caller) ?? [];
    line.splice(line.indexOf(begin), 1);
    if (line.length === 0) this.#waiting.delete(caller);
    this.#waitingCount -= 1;
  }
}

/** The batches of the ledger. */
export type BatchKind = "postings" | "account_reads";

/** The queues in which callers wait. */
export type WaitingRoom = BatchKind | "reads" | "account_changes";

/** Observes the ledger's batches. */
export interface LedgerObserver {
  /** A batch has ended: committed, answered or failed. */
  batchEnded(batch: {
    readonly kind: BatchKind;
    /** Postings or accounts in it. */
    readonly size: number;
    readonly seconds: number;
    readonly failed: boolean;
  }): void;
  /** A seal has ended: events have got their positions in the feed. */
  sealEnded(seal: {
    readonly failed: boolean;
    readonly events: number;
    /** Since the oldest commit of this process among them; undefined if it made none. */
    readonly lagSeconds: number | undefined;
  }): void;
  /** A caller was refused because it has too much in this queue. */
  refused(room: WaitingRoom): void;
  /** Default: batches are not traced. */
  readonly tracing?: BatchTracing | undefined;
}

/** Links a batch to its callers. */
export interface BatchTracing {
  /** Called when a caller starts to wait; the result is among the `origins` of its batch. */
  origin(): unknown;
  /** Calls `work` once and returns its result. */
  run<T>(kind: BatchKind, origins: readonly unknown[], work: () => Promise<T>): Promise<T>;
}

/** The observer of a ledger, if it has one. */
export class LedgerWatch {
  observer: LedgerObserver | undefined = undefined;

  /** The origin of the current caller; undefined unless batches are traced. */
  origin(): unknown {
    return this.observer?.tracing?.origin();
  }

  refused(room: WaitingRoom): void {
    this.observer?.refused(room);
  }

  /** Carries out a batch and reports it to the observer. */
  async run<T>(kind: BatchKind, size: number, origins: () => readonly unknown[], work: () => Promise<T>): Promise<T> {
    const { observer } = this;
    if (observer === undefined) return await work();
    const startedMs = performance.now();
    let failed = true;
    try {
      const { tracing } = observer;
      const result = await (tracing === undefined ? work() : tracing.run(kind, origins(), work));
      failed = false;
      return result;
    } finally {
      observer.batchEnded({ kind, size, seconds: (performance.now() - startedMs) / 1000, failed });
    }
  }
}
