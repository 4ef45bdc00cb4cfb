import { type FinanceError, overloaded } from "./errors.ts";
import type { LedgerWatch, WaitingRoom } from "./ledger-observer.ts";

/** How long a caller counts as active after each request. */
const ACTIVE_MS = 1000;

/** Remembers whether more than one caller has asked lately. */
class ActiveCallers {
  /** The last two. */
  #latest: readonly { readonly caller: string; readonly atMs: number }[] = [];

  note(caller: string, atMs: number): void {
    const other = this.#latest.find((each) => each.caller !== caller);
    this.#latest = [{ caller, atMs }, ...(other === undefined ? [] : [other])];
  }

  /** Whether anybody but `caller` has asked within a second. */
  hasOther(caller: string, nowMs: number): boolean {
    return this.#latest.some((each) => each.caller !== caller && nowMs - each.atMs < ACTIVE_MS);
  }
}

/**
 * Turns for callers. Goal: however much one caller asks for, another one's posting waits for little of it.
 *
 * Method: deficit round robin (https://doi.org/10.1109/90.502236) over lines, one for each caller. In each round a line
 * may send up to `turnSize` postings. A group is never split: one with more postings is taken when its line has credit, and
 * leaves a debt that later rounds pay off. While several callers are active such a large group is a batch of its own.
 * While another caller sends small groups, large ones pause after each for twice as long as it took: they have a third of
 * the time at most, even beside a caller who sends one posting after the other and so is seldom seen waiting. A caller alone
 * has no turns, and callers of large groups among themselves have no pauses.
 *
 * Nothing here waits or reads a clock: the caller passes the time.
 */

export interface FairQueueOptions {
  /** Postings that wait, of all callers. A caller may hold as many as then stay free: alone half of it. */
  readonly sizeMax: number;
  /** Postings that a caller may send in a round. A group with more is a large one. */
  readonly turnSize: number;
  /** Postings in a batch, unless one group alone has more. */
  readonly batchSizeMax: number;
}

interface Entry<Item> {
  readonly item: Item;
  readonly postings: number;
}

/** What one caller waits for, in the order of arrival. Without entries it is kept until its debt is paid. */
interface Line<Item> {
  readonly caller: string;
  readonly entries: Entry<Item>[];
  /** Postings of all entries. */
  size: number;
  /** Postings that may be taken in this round; what was taken beyond it is a debt. */
  credit: number;
}

export interface Batch<Item> {
  readonly items: readonly Item[];
  /** Who sent it, when it is a large group beside other active callers: `ended` must be told how long it took. */
  readonly largeOf?: string;
}

/** The reply to a large group takes the event loop about as long as its postings took the database. */
const PAUSE_FACTOR = 2;
/** A batch that takes longer waits for something else than its postings. */
const PAUSE_MS_MAX = 500;

export class FairQueue<Item> {
  readonly #options: FairQueueOptions;
  /** By caller, in the order of their turns. */
  readonly #lines = new Map<string, Line<Item>>();
  #size = 0;
  #largeFromMs = Number.NEGATIVE_INFINITY;
  readonly #active = new ActiveCallers();
  readonly #activeWithSmall = new ActiveCallers();

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** Postings that wait. */
  get size(): number {
    return this.#size;
  }

  /** @returns false when there is no room: nothing was added. */
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
    // A round that takes nothing pays off a part of the debts of all who may send.
    while (batch === undefined) batch = this.#takeRound(nowMs);
    // Nobody was kept waiting by what was taken before.
    if (this.#size === 0) this.#lines.clear();
    return batch;
  }

  /** The time from which something may be taken: now, or the end of a pause; infinite when nothing waits. */
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

  /** Begins the pause after a large group, if another caller sends small ones. */
  ended(caller: string, tookMs: number, nowMs: number): void {
    if (!this.#activeWithSmall.hasOther(caller, nowMs)) return;
    this.#largeFromMs = nowMs + Math.min(PAUSE_FACTOR * tookMs, PAUSE_MS_MAX);
  }

  /** A whole batch of the one caller who is active, if there is only one. */
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
    // If somebody comes now, this batch is what the caller owes.
    line.credit = this.#options.turnSize - size;
    this.#pass(line);
    return { items };
  }

  /** Gives each line its turn once, unless the batch is full before. */
  #takeRound(nowMs: number): Batch<Item> | undefined {
    const items: Item[] = [];
    let size = 0;
    for (const line of [...this.#lines.values()]) {
      let [head] = line.entries;
      if (head !== undefined && line.credit > 0 && this.#isLarge(head)) {
        // It keeps its place: first once the pause is over, or behind what others send in this batch.
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

  /** Puts a line behind the others, with the credit for its next turn; without entries it is gone once its debt is paid. */
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
  /** Works under way at once. */
  readonly slots: number;
  /** How many of them one caller may have while others are active. Default: a quarter. */
  readonly slotsBesideOthers?: number;
  /** How many of them one caller may have who is alone. Default: all. */
  readonly slotsAlone?: number;
  /** Works that wait, of which one caller may have half. Default 1000. */
  readonly waitingMax?: number;
  /** How long a work may wait, in milliseconds. Default 5000. */
  readonly waitMsMax?: number;
  /** Milliseconds of a clock that never goes back. Default: the process's. */
  readonly now?: () => number;
}

const RETRY_AFTER_MS = 500;

/** After a work that took longer, its caller's other works rest beside other callers. */
const SHORT_MS_MAX = 50;
const REST_MS_MAX = 500;
/** Writing a long answer takes the event loop about as long as reading it took. */
const REST_FACTOR = 2;

/**
 * Works that take long are begun by callers in turn, each caller's in order. A caller who has more works waiting rests after
 * a long one for twice as long as it took, while others are active: the database and the event loop are theirs meanwhile.
 */
export class Turns {
  readonly #options: Required<TurnsOptions>;
  readonly #active = new ActiveCallers();
  readonly #underWay = new Map<string, number>();
  readonly #resting = new Set<string>();
  #slotsTaken = 0;
  /** By caller, in the order of their turns; no list is empty. */
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
   * @throws FinanceError overloaded when too many of the caller's wait, or when no turn came in time; what `work` throws.
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
    return (this.#underWay.get(caller) ?? 0) < share;
  }

  #wait(caller: string): Promise<void> {
    const line = this.#waiting.get(caller) ?? [];
    const { waitingMax, waitMsMax } = this.#options;
    if (line.length + 1 > waitingMax - this.#waitingCount - 1) {
      throw this.#refuse("too many of your requests are waiting already");
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
    this.#underWay.set(caller, (this.#underWay.get(caller) ?? 0) + 1);
  }

  #end(caller: string, tookMs: number): void {
    this.#slotsTaken -= 1;
    const left = (this.#underWay.get(caller) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(caller);
    else this.#underWay.set(caller, left);
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

  /** @returns whether anybody was waiting who may begin. */
  #beginNext(): boolean {
    for (const [caller, line] of this.#waiting) {
      const [begin] = line;
      if (begin === undefined || !this.#mayBegin(caller)) continue;
      this.#remove(caller, begin);
      // Its next turn is behind the others'.
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
