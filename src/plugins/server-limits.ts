import type { Server } from "node:http";
import type { FastifyHttpOptions } from "fastify";

/** How long and how large what a client sends may be; docs/observability.md says why. */
export interface ServerLimits {
  /** Milliseconds for a request's header to arrive, from the opening of the connection on. */
  readonly headersTimeoutMs: number;
  /** Milliseconds for a request's body to arrive. */
  readonly bodyTimeoutMs: number;
  /** Milliseconds for a whole request to arrive, for routes that set no time for its body. */
  readonly requestTimeoutMs: number;
  /** Milliseconds without a byte in either direction, after which a connection is cut: a client that reads no reply. */
  readonly silenceTimeoutMs: number;
  /** Milliseconds without progress after which a call that waits for its client gives way when memory is short. */
  readonly patienceMs: number;
  /**
   * Milliseconds that a connection may idle between two requests: longer than most clients and proxies keep theirs, Google's
   * load balancers with their fixed 600 s included. docs/operations.md has what to set on the others.
   */
  readonly keepAliveTimeoutMs: number;
  /** The same while more than half of the connections are taken. */
  readonly crowdedKeepAliveTimeoutMs: number;
  /** Milliseconds of idling after which TCP asks whether the other end still exists; one that does not is gone 10 s later. */
  readonly probeAfterMs: number;
  /** How often the first and the third are looked after. */
  readonly checkIntervalMs: number;
  /** Unanswered requests of one connection; it is read no further until some are answered. */
  readonly unansweredMax: number;
  /** Milliseconds for which one rendering of the metrics is given to all who ask. */
  readonly metricsSharedMs: number;
  /** Bytes of a request's header. */
  readonly headerBytesMax: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  requestTimeoutMs: 60_000,
  silenceTimeoutMs: 90_000,
  patienceMs: 2000,
  keepAliveTimeoutMs: 620_000,
  crowdedKeepAliveTimeoutMs: 72_000,
  probeAfterMs: 60_000,
  checkIntervalMs: 1000,
  unansweredMax: 16,
  metricsSharedMs: 1000,
  headerBytesMax: 16_384,
};

/** The limits as Fastify and Node take them. Requests a connection are not limited: one that is used well may stay. */
export function serverOptions(limits: ServerLimits) {
  return {
    connectionTimeout: limits.silenceTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
      maxHeaderSize: limits.headerBytesMax,
      // Node would answer with an empty 400; strictHttp says why.
      requireHostHeader: false,
      keepAlive: true,
      keepAliveInitialDelay: limits.probeAfterMs,
    },
  } satisfies FastifyHttpOptions<Server>;
}
