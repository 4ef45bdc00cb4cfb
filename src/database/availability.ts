/**
 * Whether and where the database can be reached, known to all pools that share it.
 *
 * When a connection can't be made, callers are refused at once, while one probe tries each host in turn, at growing
 * intervals. When it succeeds, pools connect where it did. When a statement stays unanswered, a probe checks whether the
 * server still answers at all; if not, every connection is broken, so that callers get an error within seconds.
 */
import { setTimeout as delay } from "node:timers/promises";
import { waitAfter } from "../backoff.ts";
import type { ConnectionTarget } from "./connection.ts";
import { connectTo, type Endpoint, endpointsOf } from "./connection.ts";
import type { DatabaseLog } from "./connection-errors.ts";
import { DatabaseAwayError, errorCode, isNoAnswer } from "./connection-errors.ts";

const PROBE_BACKOFF = { firstMs: 50, mostMs: 2000 };
/** For one attempt to connect. */
const PROBE_TIMEOUT_MS = 5000;
/** For an attempt that decides whether the server still answers; it may be busy. */
const SILENCE_MS_MAX = 8000;
/** A server that answered a statement this recently is slow to accept a connection, not away. */
const RECENT_MS = 1000;

/** A pool: it has connections, and callers that wait for one. */
export interface ConnectionHolder {
  /** Makes new connections from now on, to the current endpoint. */
  renew(): void;
  /** Breaks the connections in use. */
  giveUpConnections(): void;
  /** Refuses the callers that wait for a connection. */
  refuseWaiting(reason: DatabaseAwayError): void;
}

export class Availability {
  readonly target: ConnectionTarget;
  readonly #log: DatabaseLog;
  readonly #holders = new Set<ConnectionHolder>();
  #endpoint: Endpoint;
  #isFound: boolean;
  #finding: Promise<void> | undefined;
  #away: DatabaseAwayError | undefined;
  #looking: Promise<void> | undefined;
  readonly #closed = new AbortController();
  /** When a statement was last answered, by performance.now(). */
  #answeredAtMs = Number.NEGATIVE_INFINITY;

  constructor(target: ConnectionTarget, log: DatabaseLog) {
    this.target = target;
    this.#log = log;
    const endpoints = target.hosts.flatMap((address) => endpointsOf(target, address));
    const [first] = endpoints;
    if (first === undefined) throw new Error("a connection target without a host");
    this.#endpoint = first;
    this.#isFound = endpoints.length === 1;
  }

  /** Whether the endpoint is known; of several, {@link find} chooses the first one. */
  get isFound(): boolean {
    return this.#isFound;
  }

  /** Where new connections lead. */
  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** The error for callers while the database is away. */
  get away(): DatabaseAwayError | undefined {
    return this.#away;
  }

  join(holder: ConnectionHolder): void {
    this.#holders.add(holder);
  }

  /** The last holder to leave ends the probes. */
  leave(holder: ConnectionHolder): void {
    this.#holders.delete(holder);
    if (this.#holders.size === 0) this.#closed.abort();
  }

  /**
   * Chooses among several endpoints for the first time.
   *
   * @throws DatabaseAwayError if none works.
   */
  async find(): Promise<void> {
    this.#finding ??= this.#connect(PROBE_TIMEOUT_MS)
      .then((endpoint) => {
        this.#isFound = true;
        this.#moveTo(endpoint);
      })
      .catch((error: unknown) => {
        throw this.lost(error);
      })
      .finally(() => {
        this.#finding = undefined;
      });
    await this.#finding;
  }

  /** A connection was released without an error, so the server is there. */
  answered(): void {
    this.#answeredAtMs = performance.now();
  }

  /** A connection could not be made: callers are refused until one can. @returns the error for the caller. */
  lost(error: unknown): DatabaseAwayError {
    if (this.#away !== undefined) return this.#away;
    const isSlow = isNoAnswer(error) && performance.now() - this.#answeredAtMs < RECENT_MS;
    if (isSlow) return new DatabaseAwayError(error);
    this.#away = new DatabaseAwayError(error);
    this.#log.warn(
      { reason: this.#away.reason, code: errorCode(error), host: this.#endpoint.host, port: this.#endpoint.port },
      "the database is away; callers are refused until it is back",
    );
    for (const holder of this.#holders) holder.refuseWaiting(this.#away);
    void this.#probe(performance.now());
    return this.#away;
  }

  /** A current connection leads to a server that takes no writes. */
  turnedReadOnly(error: unknown): void {
    this.#renew();
    if (this.target.mustWrite) this.lost(error);
  }

  /** Checks whether a server that owes an answer still answers anybody. */
  suspectSilence(): void {
    if (this.#away !== undefined || this.#looking !== undefined) return;
    const sinceMs = performance.now();
    this.#looking = this.#connect(SILENCE_MS_MAX)
      .then((endpoint) => this.#moveTo(endpoint))
      .catch((error: unknown) => {
        // A server that has no room for one more connection, or has answered another caller meanwhile, is not silent.
        if (errorCode(error) === "53300" || this.#answeredAtMs > sinceMs || this.#closed.signal.aborted) return;
        this.lost(error);
        this.#renew();
        for (const holder of this.#holders) holder.giveUpConnections();
      })
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async #probe(sinceMs: number): Promise<void> {
    const { signal } = this.#closed;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        if (attempt > 0) await delay(waitAfter(PROBE_BACKOFF, attempt - 1), undefined, { ref: false, signal });
        this.#endpoint = await this.#connect(PROBE_TIMEOUT_MS);
        this.#isFound = true;
        this.#away = undefined;
        this.#renew();
        const awayMs = Math.round(performance.now() - sinceMs);
        const { host, port } = this.#endpoint;
        this.#log.info({ awayMs, attempts: attempt + 1, host, port }, "the database is back");
        return;
      } catch (error) {
        if (!signal.aborted) this.#away = new DatabaseAwayError(error);
      }
    }
  }

  async #connect(connectTimeoutMs: number): Promise<Endpoint> {
    const { client, endpoint } = await connectTo(this.target, {
      applicationName: "finance-service probe",
      connectTimeoutMs,
    });
    client.end().catch(() => undefined);
    return endpoint;
  }

  #moveTo(endpoint: Endpoint): void {
    const { host, port, ssl } = this.#endpoint;
    this.#endpoint = endpoint;
    if (host !== endpoint.host || port !== endpoint.port || ssl !== endpoint.ssl) this.#renew();
  }

  #renew(): void {
    for (const holder of this.#holders) holder.renew();
  }
}
