/** Why somebody was turned away. */
export type OverloadReason =
  | "event_loop_delay"
  | "heap"
  | "memory"
  | "requests_in_flight"
  | "connections"
  | "connections_per_address"
  | "rate_per_address"
  | "rate_per_caller";

/** A request is turned away for the sake of the others: nothing was done, and it is worth trying again. */
export class OverloadError extends Error {
  readonly reason: OverloadReason;
  readonly retryAfterMs: number;

  constructor(reason: OverloadReason, message: string, retryAfterMs: number) {
    super(message);
    this.name = "OverloadError";
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface RateLimitOptions {
  /** Calls, or orders of calls, a second in the long run; as many may come at once after a second's rest. */
  readonly perSecond: number;
  /** Keys that are remembered; past it the one that called longest ago is forgotten. Default 100,000. */
  readonly keysMax?: number;
  /** Milliseconds of a clock that never goes back. Default: the process's. */
  readonly now?: () => number;
}

/**
 * How often each of many callers may call: a bucket that leaks evenly, so that no caller gets two windows' worth at the
 * turn of a window, and that knows to the millisecond when the next call is due. One number is kept for each key, and
 * nothing waits, since every call passes here. (The generic cell rate algorithm, ITU-T I.371.)
 */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #keysMax: number;
  readonly #now: () => number;
  /** When each key's bucket is empty again, the key that called last at the end. */
  readonly #emptyAtMs = new Map<string, number>();

  constructor({ perSecond, keysMax = 100_000, now = () => performance.now() }: RateLimitOptions) {
    this.#intervalMs = 1000 / perSecond;
    this.#keysMax = keysMax;
    this.#now = now;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#emptyAtMs.size;
  }

  /**
   * Counts a call's orders. A call with more orders than a second's may go on when nothing is owed, and leaves a debt that
   * the next calls wait for; else it could never go on.
   *
   * @param orders how many. Default 1.
   * @param counted how many of them were counted before, by a `take` of their own. Default 0.
   * @returns 0 when the call may go on, else the milliseconds after which it may be tried again.
   */
  take(key: string, orders = 1, counted = 0): number {
    const nowMs = this.#now();
    const owedMs = Math.max((this.#emptyAtMs.get(key) ?? nowMs) - nowMs, 0);
    const roomMs = Math.max(1000 - orders * this.#intervalMs, 0);
    const waitMs = owedMs - counted * this.#intervalMs - roomMs;
    // What rounding leaves of a thousand intervals is not worth a refusal.
    if (waitMs > 0.001) return Math.ceil(waitMs);
    this.#emptyAtMs.delete(key);
    this.#emptyAtMs.set(key, nowMs + owedMs + (orders - counted) * this.#intervalMs);
    if (this.#emptyAtMs.size > this.#keysMax) {
      const [oldest] = this.#emptyAtMs.keys();
      if (oldest !== undefined) this.#emptyAtMs.delete(oldest);
    }
    return 0;
  }
}

/** Throws an {@link OverloadError} when a key asks too often. The numbers are those of {@link RateLimit.take}. */
export type RateLimiter = (key: string, orders?: number, counted?: number) => void;

/** @returns undefined when there is no limit. */
export function createRateLimiter(
  perSecond: number | undefined,
  reason: Extract<OverloadReason, "rate_per_address" | "rate_per_caller">,
): RateLimiter | undefined {
  if (perSecond === undefined) return undefined;
  const limit = new RateLimit({ perSecond });
  const rule =
    reason === "rate_per_caller"
      ? `a caller may make ${perSecond} calls a second, of which a batch counts as many as it has transfers`
      : `an address may make ${perSecond} calls a second`;
  return (key, orders, counted) => {
    const waitMs = limit.take(key, orders, counted);
    if (waitMs > 0) throw new OverloadError(reason, rule, waitMs);
  };
}

/** The network that one client has to itself: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const zeros = tail === undefined ? 0 : Math.max(8 - left.length - right.length, 0);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}
