import { OverloadError, type OverloadReason } from "./overload-error.ts";

export interface RateLimitOptions {
  /** Calls a second in the long run; as many may come at once after a second's rest. */
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

  /** @returns 0 when the call may go on, else the milliseconds after which it may be tried again. */
  take(key: string): number {
    const nowMs = this.#now();
    const emptyAtMs = Math.max(this.#emptyAtMs.get(key) ?? nowMs, nowMs);
    const fullMs = 1000 - this.#intervalMs;
    const waitMs = emptyAtMs - nowMs - fullMs;
    // What rounding leaves of a thousand intervals is not worth a refusal.
    if (waitMs > 0.001) return Math.ceil(waitMs);
    this.#emptyAtMs.delete(key);
    this.#emptyAtMs.set(key, emptyAtMs + this.#intervalMs);
    if (this.#emptyAtMs.size > this.#keysMax) {
      const [oldest] = this.#emptyAtMs.keys();
      if (oldest !== undefined) this.#emptyAtMs.delete(oldest);
    }
    return 0;
  }
}

/** Makes the function that throws when a key calls too often; undefined when there is no limit. */
export function createRateLimiter(
  perSecond: number | undefined,
  reason: Extract<OverloadReason, "rate_per_address" | "rate_per_caller">,
): ((key: string) => void) | undefined {
  if (perSecond === undefined) return undefined;
  const limit = new RateLimit({ perSecond });
  const whose = reason === "rate_per_caller" ? "a caller" : "an address";
  return (key) => {
    const waitMs = limit.take(key);
    if (waitMs > 0) throw new OverloadError(reason, `${whose} may make ${perSecond} calls a second`, waitMs);
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
