/** What holds for every connection, request and reply of the server: limits, request ids, security headers. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import type { FastifyHttpOptions, FastifyReply, FastifyRequest } from "fastify";

/** How slowly and how much a client may send. docs/observability.md gives the reasons. */
export interface ServerLimits {
  /** Milliseconds for a request's header to arrive, from the opening of the connection. */
  readonly headersTimeoutMs: number;
  /** Milliseconds for a request's body to arrive. */
  readonly bodyTimeoutMs: number;
  /** Milliseconds for a whole request to arrive, on routes without a limit for the body. */
  readonly requestTimeoutMs: number;
  /** Milliseconds without a byte in either direction, after which a connection is closed: the client reads no reply. */
  readonly silenceTimeoutMs: number;
  /** Milliseconds without progress after which a call that waits for its client gives way when memory is short. */
  readonly patienceMs: number;
  /**
   * Milliseconds that a connection may idle between two requests. It is longer than most clients and proxies allow, and
   * than the fixed 600 s of Google's load balancers. docs/operations.md says how to configure the others.
   */
  readonly keepAliveTimeoutMs: number;
  /** The same while more than half of the connections are taken. */
  readonly crowdedKeepAliveTimeoutMs: number;
  /** Milliseconds of idling after which TCP probes the client; a client that is gone is noticed 10 s later. */
  readonly probeAfterMs: number;
  /** Milliseconds between two checks of the header and request timeouts. */
  readonly checkIntervalMs: number;
  /** Unanswered requests of one connection. It is not read further until some are answered. */
  readonly unansweredMax: number;
  /** Milliseconds for which all scrapes share one text of the metrics. */
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

/** The limits as options of Fastify and Node. The number of requests on a connection is not limited. */
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
      // Otherwise Node answers a missing Host with an empty 400; strictHttp gives the reason.
      requireHostHeader: false,
      keepAlive: true,
      keepAliveInitialDelay: limits.probeAfterMs,
    },
  } satisfies FastifyHttpOptions<Server>;
}

/**
 * What browsers must not do with a reply of the API: guess its type, store it, render it, or load it into another origin's
 * page without CORS. They do not affect pages that CORS allows: the last header is about no-cors requests only.
 *
 * https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
 */
export const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
};

export const REQUEST_ID = "x-request-id";

/** For Fastify's `genReqId`: the caller's x-request-id when it is safe to log and send back, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, "headers">): string {
  const given = request.headers[REQUEST_ID];
  return typeof given === "string" && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Sets x-request-id on a reply. */
export function setRequestId(request: FastifyRequest, reply: FastifyReply): void {
  reply.header(REQUEST_ID, request.id);
}

/** x-request-id for the reply to broken HTTP, of which only some headers may have been read. */
export function requestIdHeader(header: (name: string) => string | undefined): { readonly [REQUEST_ID]: string } {
  return { [REQUEST_ID]: requestIdOf({ headers: { [REQUEST_ID]: header(REQUEST_ID) } }) };
}
