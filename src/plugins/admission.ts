import { getHeapStatistics } from "node:v8";
import underPressure from "@fastify/under-pressure";
import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import type { Connections } from "./connections.ts";
import { OverloadError, type OverloadReason } from "./overload-error.ts";
import { createRateLimiter, networkOf } from "./rate-limit.ts";

/** What the process takes on before it turns requests away. */
export interface AdmissionLimits {
  /** Requests whose reply is not out yet: one connection may send many without awaiting their replies. */
  readonly requestsInFlightMax: number;
  /** Milliseconds by which the event loop runs late, on an average over a second; 0 is no limit. */
  readonly eventLoopDelayMs: number;
  /** Bytes of the heap in use; 0 is no limit. Default: nine tenths of what V8 may have. */
  readonly heapBytes: number | undefined;
  /** Bytes of the process's memory; 0 is no limit. */
  readonly memoryBytes: number;
  /** Requests a second from one address; default: no limit. */
  readonly perAddress: number | undefined;
}

export interface AdmissionOptions {
  readonly limits: AdmissionLimits;
  readonly connections: Pick<Connections, "surplusReason">;
  readonly requestsInFlight: () => number;
  /** Called for each request that is turned away here. */
  readonly onRefusal: (reason: OverloadReason) => void;
  /** How often delay and memory are measured, in milliseconds. Default 1000. */
  readonly sampleIntervalMs?: number;
}

/** Probes and scrapes. Who asks here needs no token, and must get an answer above all when the process is overloaded. */
export const OPEN_ROUTES: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz", "/metrics"]);
const HEAP_PART = 0.9;
/** The part of V8's heap that calls may hold, and the bytes past which more would not help. */
const HELD_PART = 0.25;
const HELD_BYTES_DEFAULT_MAX = 268_435_456;
const RETRY_AFTER_MS = 1000;

/**
 * Turns requests away, by an {@link OverloadError}, when the process has too much to do or an address asks too often.
 *
 * Register it after CORS, so that a page can read the refusal; preflights are answered before they come here.
 */
export const admission = fp<AdmissionOptions>(
  async (app, options) => {
    const { limits, connections, requestsInFlight, onRefusal } = options;
    const takeOfAddress = createRateLimiter(limits.perAddress, "rate_per_address");

    app.addHook("onRequest", (request, reply, next) => {
      if (OPEN_ROUTES.has(request.routeOptions.url)) return next();
      try {
        const surplus = connections.surplusReason(request.raw.socket);
        if (surplus !== undefined) {
          reply.header("connection", "close");
          const whose = surplus === "connections" ? "" : " from your address";
          throw new OverloadError(surplus, `too many connections are open${whose}`, RETRY_AFTER_MS);
        }
        // This one is in flight already.
        if (requestsInFlight() > limits.requestsInFlightMax) {
          const message = `${limits.requestsInFlightMax} requests are being worked on`;
          throw new OverloadError("requests_in_flight", message, RETRY_AFTER_MS);
        }
        takeOfAddress?.(networkOf(request.ip));
      } catch (error) {
        if (error instanceof OverloadError) onRefusal(error.reason);
        return next(error instanceof Error ? error : new Error("the limits could not be checked", { cause: error }));
      }
      next();
    });

    await app.register(underPressure, {
      maxEventLoopDelay: limits.eventLoopDelayMs,
      maxHeapUsedBytes: limits.heapBytes ?? Math.floor(getHeapStatistics().heap_size_limit * HEAP_PART),
      maxRssBytes: limits.memoryBytes,
      sampleInterval: options.sampleIntervalMs ?? 1000,
      pressureHandler: (request: FastifyRequest, _reply, type) => {
        if (OPEN_ROUTES.has(request.routeOptions.url)) return;
        const reason = REASON_OF_PRESSURE[type] ?? "event_loop_delay";
        onRefusal(reason);
        throw new OverloadError(reason, "the server has too much to do", RETRY_AFTER_MS);
      },
    });
  },
  { name: "admission", fastify: "5.x" },
);

const REASON_OF_PRESSURE: Readonly<Record<string, OverloadReason>> = {
  eventLoopDelay: "event_loop_delay",
  heapUsedBytes: "heap",
  rssBytes: "memory",
};

/**
 * Bytes that calls may hold together; infinite without a limit.
 *
 * @param configured 0 is no limit. Default: a quarter of what V8 may have, at most 256 MiB, yet enough for eight bodies.
 */
export function heldBytesMaxOf(configured: number | undefined, bodyLimit: number): number {
  if (configured !== undefined) return configured === 0 ? Number.POSITIVE_INFINITY : configured;
  const part = Math.floor(getHeapStatistics().heap_size_limit * HELD_PART);
  return Math.max(Math.min(part, HELD_BYTES_DEFAULT_MAX), 8 * bodyLimit);
}
