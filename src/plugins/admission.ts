import type { Server } from "node:http";
import { BlockList, isIPv6, type Socket } from "node:net";
import { getHeapStatistics } from "node:v8";
import underPressure from "@fastify/under-pressure";
import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { createRateLimiter, networkOf, OverloadError, type OverloadReason } from "./rate-limit.ts";

/** Connections beyond the limits that are open at once, so that their requests can be told why they are refused. */
const SURPLUS_MAX = 100;

/** Which limit a connection is beyond. */
export type SurplusReason = "connections" | "connections_per_address";

export interface ConnectionsOptions {
  /** Open connections. */
  readonly max: number;
  /** Open connections of one address, or of one IPv6 network of 64 bits. */
  readonly maxPerAddress: number;
  /** Whether an address may have any number: a proxy, which stands for many. */
  readonly isProxy: (address: string) => boolean;
  /** Called for each connection that is closed without an answer. */
  readonly onDrop: (reason: SurplusReason) => void;
}

/**
 * The open connections of a server, all of them and by address.
 *
 * Those beyond a limit are open as well, though only the latest hundred of them: their calls are refused, while a health
 * check gets its answer, however many connections stand idle.
 */
export class Connections {
  readonly max: number;
  readonly #ofAddress = new Map<string, number>();
  /** In the order in which they were opened. */
  readonly #surplus = new Map<Socket, SurplusReason>();
  #open = 0;

  constructor(server: Server, { max, maxPerAddress, isProxy, onDrop }: ConnectionsOptions) {
    this.max = max;
    server.on("connection", (socket: Socket) => {
      const { remoteAddress } = socket;
      const address = remoteAddress === undefined || isProxy(remoteAddress) ? undefined : networkOf(remoteAddress);
      const ofAddress = this.#count(address, 1);
      this.#open += 1;
      socket.once("close", () => {
        this.#open -= 1;
        this.#count(address, -1);
        this.#surplus.delete(socket);
      });
      if (this.#open > max) this.#surplus.set(socket, "connections");
      else if (ofAddress > maxPerAddress) this.#surplus.set(socket, "connections_per_address");
      if (this.#surplus.size <= SURPLUS_MAX) return;
      for (const [oldest, reason] of this.#surplus) {
        this.#surplus.delete(oldest);
        onDrop(reason);
        oldest.destroy();
        break;
      }
    });
  }

  get open(): number {
    return this.#open;
  }

  /** The limit that a connection was opened beyond, if any. */
  surplusReason(socket: Socket): SurplusReason | undefined {
    return this.#surplus.get(socket);
  }

  #count(address: string | undefined, change: 1 | -1): number {
    if (address === undefined) return 0;
    const count = (this.#ofAddress.get(address) ?? 0) + change;
    if (count > 0) this.#ofAddress.set(address, count);
    else this.#ofAddress.delete(address);
    return count;
  }
}

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

/** The names that a list of proxies may hold instead of networks. https://www.npmjs.com/package/@fastify/proxy-addr */
const NAMED_NETWORKS: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

/**
 * Compiles a list of proxies: addresses, networks as `10.0.0.0/8`, and `loopback`, `linklocal` or `uniquelocal`.
 *
 * @returns whether an address is one of theirs.
 */
export function proxiesIn(list: readonly string[]): (address: string) => boolean {
  if (list.length === 0) return () => false;
  const proxies = new BlockList();
  for (const network of list.flatMap((entry) => NAMED_NETWORKS[entry] ?? [entry])) {
    const [address = "", bits] = network.split("/");
    const family = familyOf(address);
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  }
  return (address) => proxies.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}
