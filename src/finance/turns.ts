import { ActiveCallers } from "./active-callers.ts";
import { type FinanceError, overloaded } from "./errors.ts";
import type { LedgerWatch, WaitingRoom } from "./ledger-observer.ts";

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
