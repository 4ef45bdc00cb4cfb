import type { Caller } from "./caller.ts";

interface Remembered {
  readonly caller: Caller;
  readonly untilMs: number;
}

/** What a cache of callers is bounded by. */
export interface CallerCacheOptions {
  /** Tokens at most; the one that came first goes first. */
  readonly sizeMax: number;
  /** A key that was withdrawn must stop working: milliseconds at most from the check of a token to its next. */
  readonly lifetimeMsMax: number;
}

/** Remembers whose verified token is whose, until it expires at the latest: checking a signature costs more than a call. */
export class CallerCache {
  readonly #options: CallerCacheOptions;
  readonly #callers = new Map<string, Remembered>();
  #generation = 0;

  constructor(options: CallerCacheOptions) {
    this.#options = options;
  }

  /** Changes each time that everything is forgotten. */
  get generation(): number {
    return this.#generation;
  }

  /** Forgets every token: the keys that they were checked with may have been withdrawn. */
  clear(): void {
    this.#generation += 1;
    this.#callers.clear();
  }

  /** @returns undefined when the token must be checked (again). */
  get(token: string, nowMs: number): Caller | undefined {
    const remembered = this.#callers.get(token);
    if (remembered === undefined) return undefined;
    if (nowMs < remembered.untilMs) return remembered.caller;
    this.#callers.delete(token);
    return undefined;
  }

  set(token: string, caller: Caller, expiresAtMs: number, nowMs: number): void {
    const { sizeMax, lifetimeMsMax } = this.#options;
    if (this.#callers.size >= sizeMax) {
      const [oldest] = this.#callers.keys();
      if (oldest !== undefined) this.#callers.delete(oldest);
    }
    this.#callers.set(token, { caller, untilMs: Math.min(expiresAtMs, nowMs + lifetimeMsMax) });
  }
}
