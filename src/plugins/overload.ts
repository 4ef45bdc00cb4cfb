import { getHeapStatistics } from "node:v8";
import underPressure from "@fastify/under-pressure";
import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { type Connections, networkOf, type SurplusReason } from "./connections.ts";
import { OPEN_ROUTES } from "./health.ts";

/** The limit that a request exceeds. */
export type OverloadReason =
  | SurplusReason
  | "event_loop_delay"
  | "heap"
  | "memory"
  | "requests_in_flight"
  | "rate_per_address"
  | "rate_per_caller";

const RETRY_AFTER_MS = 1000;

/** A request is refused to protect the others: nothing was done, and the caller may try again. */
export class OverloadError extends Error {
  override readonly name = "OverloadError";
  readonly reason: OverloadReason;
  readonly retryAfterMs: number;

  constructor(reason: OverloadReason, message: string, retryAfterMs = RETRY_AFTER_MS) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** How much work the process accepts. */
export interface OverloadLimits {
  /** Requests without a finished reply. One connection may send many before it reads a reply. */
  readonly requestsInFlightMax: number;
  /** Average delay of the event loop over a second, in milliseconds; 0 is no limit. */
  readonly eventLoopDelayMs: number;
  /** Bytes of the heap in use; 0 is no limit. Default: nine tenths of V8's limit. */
  readonly heapBytes: number | undefined;
  /** Bytes of the process's memory; 0 is no limit. */
  readonly memoryBytes: number;
  /** Requests a second from one address. Default: no limit. */
  readonly perAddress: number | undefined;
}

export interface OverloadOptions {
  readonly limits: OverloadLimits;
  readonly connections: Pick<Connections, "surplusReason">;
  readonly requestsInFlight: () => number;
  /** Called for each request that this plugin refuses. */
  readonly onRefusal: (reason: OverloadReason) => void;
}

const HEAP_PART = 0.9;

/**
 * Refuses requests with an {@link OverloadError} when the process has too much to do or an address asks too often.
 *
 * Register it after CORS, so that pages can read the refusal. Preflights are answered before they get here.
 */
export const overload = fp<OverloadOptions>(
  async (app, { limits, connections, requestsInFlight, onRefusal }) => {
    const limitAddress = createRateLimiter(limits.perAddress, "rate_per_address");

    const refusalOf = (request: FastifyRequest, reply: FastifyReply): OverloadError | undefined => {
      const surplus = connections.surplusReason(request.raw.socket);
      // The count includes this request.
      const isOneTooMany = requestsInFlight() > limits.requestsInFlightMax;
      // Looking up the route takes longer than everything else here, and few requests meet a limit.
      if (surplus === undefined && !isOneTooMany && limitAddress === undefined) return undefined;
      if (OPEN_ROUTES.has(request.routeOptions.url)) return undefined;
      if (surplus !== undefined) {
        reply.header("connection", "close");
        const whose = surplus === "connections" ? "" : " from your address";
        return new OverloadError(surplus, `too many connections are open${whose}`);
      }
      if (isOneTooMany) {
        return new OverloadError("requests_in_flight", `${limits.requestsInFlightMax} requests are being worked on`);
      }
      return limitAddress?.(networkOf(request.ip));
    };

    app.addHook("onRequest", (request, reply, next) => {
      const refusal = refusalOf(request, reply);
      if (refusal !== undefined) onRefusal(refusal.reason);
      next(refusal);
    });

    await app.register(underPressure, {
      maxEventLoopDelay: limits.eventLoopDelayMs,
      maxHeapUsedBytes: limits.heapBytes ?? Math.floor(getHeapStatistics().heap_size_limit * HEAP_PART),
      maxRssBytes: limits.memoryBytes,
      sampleInterval: 1000,
      pressureHandler: (request: FastifyRequest, _reply, type) => {
        if (OPEN_ROUTES.has(request.routeOptions.url)) return;
        const reason = REASON_OF_PRESSURE[type] ?? "event_loop_delay";
        onRefusal(reason);
        throw new OverloadError(reason, "the server has too much to do");
      },
    });
  },
  { name: "overload", fastify: "5.x" },
);

const REASON_OF_PRESSURE: Readonly<Record<string, OverloadReason>> = {
  eventLoopDelay: "event_loop_delay",
  heapUsedBytes: "heap",
  rssBytes: "memory",
};

const HELD_PART = 0.25;
const HELD_BYTES_DEFAULT_MAX = 268_435_456;

/**
 * Bytes that all calls together may hold; infinite without a limit.
 *
 * @param configured 0 is no limit. Default: a quarter of V8's heap limit, at most 256 MiB and at least eight bodies.
 */
export function heldBytesMaxOf(configured: number | undefined, bodyLimit: number): number {
  if (configured !== undefined) return configured === 0 ? Number.POSITIVE_INFINITY : configured;
  const part = Math.floor(getHeapStatistics().heap_size_limit * HELD_PART);
  return Math.max(Math.min(part, HELD_BYTES_DEFAULT_MAX), 8 * bodyLimit);
}

export interface RateLimitOptions {
  /** Units a second in the long run. After a second's rest, a second's units may come at once. */
  readonly perSecond: number;
  /** Remembered keys; beyond it the key that called longest ago is forgotten. Default 100,000. */
  readonly keysMax?: number;
  /** Milliseconds of a monotonic clock. Default: the process's. */
  readonly now?: () => number;
}

/**
 * Limits how often each key may call, by the generic cell rate algorithm (ITU-T I.371): a bucket that leaks evenly. It
 * has no windows, at whose turn a caller would get twice the rate, and it knows to the millisecond when the next call may
 * come. It keeps one number a key.
 */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #keysMax: number;
  readonly #now: () => number;
  /** When each key's bucket is empty again, in the order of the keys' last calls. */
  readonly #emptyAtMs = new Map<string, number>();

  constructor({ perSecond, keysMax = 100_000, now = () => performance.now() }: RateLimitOptions) {
    this.#intervalMs = 1000 / perSecond;
    this.#keysMax = keysMax;
    this.#now = now;
  }

  get size(): number {
    return this.#emptyAtMs.size;
  }

  /**
   * Counts a call. A call that costs more than a second's units passes when the bucket is empty, and the next calls wait
   * until its debt is paid; otherwise it could never pass.
   *
   * @param cost units of the call.
   * @param paid units of it that an earlier `take` has counted.
   * @returns 0 when the call may pass, else the milliseconds after which it may be tried again.
   */
  take(key: string, cost = 1, paid = 0): number {
    const nowMs = this.#now();
    const owedMs = Math.max((this.#emptyAtMs.get(key) ?? nowMs) - nowMs, 0);
    const roomMs = Math.max(1000 - cost * this.#intervalMs, 0);
    const waitMs = owedMs - paid * this.#intervalMs - roomMs;
    // Tolerates the rounding error of a thousand intervals.
    if (waitMs > 0.001) return Math.ceil(waitMs);
    this.#emptyAtMs.delete(key);
    this.#emptyAtMs.set(key, nowMs + owedMs + (cost - paid) * this.#intervalMs);
    if (this.#emptyAtMs.size > this.#keysMax) {
      const [oldest] = this.#emptyAtMs.keys();
      if (oldest !== undefined) this.#emptyAtMs.delete(oldest);
    }
    return 0;
  }
}

const RULES = {
  rate_per_caller: (perSecond: number) =>
    `a caller may make ${perSecond} calls a second, of which a batch counts as many as it has transfers`,
  rate_per_address: (perSecond: number) => `an address may make ${perSecond} calls a second`,
};

/** Returns the error for a key that calls too often. The numbers are those of {@link RateLimit.take}. */
export type RateLimiter = (key: string, cost?: number, paid?: number) => OverloadError | undefined;

/** @returns undefined when there is no limit. */
export function createRateLimiter(perSecond: number | undefined, reason: keyof typeof RULES): RateLimiter | undefined {
  if (perSecond === undefined) return undefined;
  const limit = new RateLimit({ perSecond });
  return (key, cost, paid) => {
    const waitMs = limit.take(key, cost, paid);
    return waitMs > 0 ? new OverloadError(reason, RULES[reason](perSecond), waitMs) : undefined;
  };
}
