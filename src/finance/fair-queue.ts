/**
 * Turns for callers. Goal: however much one caller asks for, another one's order waits for little of it.
 *
 * Method: deficit round robin (https://doi.org/10.1109/90.502236) over lines, one for each caller. In each round a line
 * may send up to `turnSize` orders. A group is never split: one with more orders is taken when its line has credit, and
 * leaves a debt that later rounds pay off. While several callers are active such a large group is a batch of its own.
 * While another caller sends small groups, large ones pause after each for twice as long as it took: they have a third of
 * the time at most, even beside a caller who sends one order after the other and so is seldom seen waiting. A caller alone
 * has no turns, and callers of large groups among themselves have no pauses.
 *
 * Nothing here waits or reads a clock; whoever takes batches tells the time.
 */

import { ActiveCallers } from "./active-callers.ts";

export interface FairQueueOptions {
  /** Orders that wait, of all callers. A caller may hold as many as then stay free: alone half of it. */
  readonly sizeMax: number;
  /** Orders that a caller may send in a round. A group with more is a large one. */
  readonly turnSize: number;
  /** Orders in a batch, unless one group alone has more. */
  readonly batchSizeMax: number;
}

interface Entry<Item> {
  readonly item: Item;
  readonly orders: number;
}

/** What one caller waits for, in the order of arrival. Without entries it is kept until its debt is paid. */
interface Line<Item> {
  readonly caller: string;
  readonly entries: Entry<Item>[];
  /** Orders of all entries. */
  size: number;
  /** Orders that may be taken in this round; what was taken beyond it is a debt. */
  credit: number;
}

export interface Batch<Item> {
  readonly items: readonly Item[];
  /** Who sent it, when it is a large group beside other active callers: `ended` must be told how long it took. */
  readonly largeOf?: string;
}

/** The reply to a large group takes the event loop about as long as its orders took the database. */
const PAUSE_FACTOR = 2;
/** A batch that takes longer waits for something else than its orders. */
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

  /** Orders that wait. */
  get size(): number {
    return this.#size;
  }

  /** @returns false when there is no room: nothing was added. */
  add(caller: string, orders: number, item: Item, nowMs: number): boolean {
    const line = this.#lines.get(caller) ?? { caller, entries: [], size: 0, credit: this.#options.turnSize };
    if (line.size + orders > this.#options.sizeMax - this.#size - orders) return false;
    const entry = { item, orders };
    line.entries.push(entry);
    line.size += orders;
    this.#size += orders;
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
      if (items.length > 0 && size + head.orders > this.#options.batchSizeMax) break;
      items.push(this.#takeHead(line, head, nowMs));
      size += head.orders;
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
        if (size + head.orders > this.#options.batchSizeMax) return { items };
        size += head.orders;
        items.push(this.#takeHead(line, head, nowMs));
        [head] = line.entries;
      }
      this.#pass(line);
    }
    return items.length === 0 ? undefined : { items };
  }

  #takeHead(line: Line<Item>, entry: Entry<Item>, nowMs: number): Item {
    const { item, orders } = entry;
    line.entries.shift();
    line.size -= orders;
    line.credit -= orders;
    this.#size -= orders;
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

  #isLarge({ orders }: Entry<Item>): boolean {
    return orders > this.#options.turnSize;
  }
}
