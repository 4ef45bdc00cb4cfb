/** A permission in a token. `finance.admin` implies the others. */
export type Scope = "finance.read" | "finance.write" | "finance.admin";

/** The caller, from their token. */
export interface Caller {
  /** The token's `sub`. */
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
}

/** Whether the caller has a scope, directly or through finance.admin. */
export function hasScope(caller: Caller, scope: Scope): boolean {
  return caller.scopes.has(scope) || caller.scopes.has("finance.admin");
}

interface Remembered {
  readonly caller: Caller;
  readonly untilMs: number;
}

/** The bounds of a cache. */
export interface CallerCacheOptions {
  /** The largest number of tokens; the oldest is dropped first. */
  readonly sizeMax: number;
  /** Milliseconds until a token is verified again, so that withdrawn keys stop working. */
  readonly lifetimeMsMax: number;
}

/** Remembers the callers of verified tokens until they expire: verifying a signature costs more than a call. */
export class CallerCache {
  readonly #options: CallerCacheOptions;
  readonly #callers = new Map<string, Remembered>();
  #generation = 0;

  constructor(options: CallerCacheOptions) {
    this.#options = options;
  }

  /** Changes with every {@link clear}. */
  get generation(): number {
    return this.#generation;
  }

  /** Forgets every token: their signing keys may have been withdrawn. */
  clear(): void {
    this.#generation += 1;
    this.#callers.clear();
  }

  /** @returns undefined when the token must be verified. */
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
