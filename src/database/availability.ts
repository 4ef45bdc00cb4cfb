/**
 * Whether the database can be reached, for everybody who asks it something.
 *
 * Goal: when the database is away nobody waits to find that out again, and when it is back nobody has to be told.
 *
 * Method: after the first connection that can't be made, callers are refused at once, while one probe connects again and
 * again, at growing intervals, to each host in turn. When it succeeds its way is the way of all new connections. A
 * statement that stays unanswered for long makes a probe look whether the server still answers at all; if it does not,
 * every connection is given up, so that callers learn it in seconds and not from their own limits.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionTarget } from "./connection.ts";
import { connectTo, type Endpoint, endpointsOf } from "./connection.ts";
import type { DatabaseLog } from "./connection-errors.ts";
import { DatabaseAwayError, errorCode, isNoAnswer } from "./connection-errors.ts";

/** Between two attempts: doubled from the first to the last, and up to half of it taken off at random. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 2000;
/** For an attempt to connect. */
const PROBE_TIMEOUT_MS = 5000;
/** For a server that is asked whether it still answers; it may be busy. */
const SILENCE_MS_MAX = 8000;
/** A server that answered a statement this recently is slow to let in, not away. */
const RECENT_MS = 1000;

/** Who has connections that may have to be given up, and callers who wait for one. */
export interface ConnectionHolder {
  giveUpConnections(): void;
  /** Refuses whoever waits for a connection. */
  refuseWaiting(reason: DatabaseAwayError): void;
}

export class Availability {
  readonly target: ConnectionTarget;
  readonly #log: DatabaseLog;
  readonly #holders = new Set<ConnectionHolder>();
  #endpoint: Endpoint;
  #finding: Promise<void> | undefined;
  #isFound: boolean;
  #away: DatabaseAwayError | undefined;
  #looking: Promise<void> | undefined;
  #closed = new AbortController();
  #generation = 0;
  /** When a statement was last answered, by performance.now(). */
  #answeredAtMs = Number.NEGATIVE_INFINITY;

  constructor(target: ConnectionTarget, log: DatabaseLog) {
    this.target = target;
    this.#log = log;
    const ways = target.hosts.flatMap((address) => endpointsOf(target, address));
    const [first] = ways;
    if (first === undefined) throw new Error("a connection target without a host");
    this.#endpoint = first;
    this.#isFound = ways.length === 1;
  }

  /** Whether the way is known; among several it has to be found first. */
  get isFound(): boolean {
    return this.#isFound;
  }

  /** Where new connections go. */
  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** Rises whenever connections that were made before must not be used again. */
  get generation(): number {
    return this.#generation;
  }

  /** Why callers are refused; undefined while they are not. */
  get away(): DatabaseAwayError | undefined {
    return this.#away;
  }

  join(holder: ConnectionHolder): void {
    this.#holders.add(holder);
  }

  /** Ends the probes with the last holder. */
  leave(holder: ConnectionHolder): void {
    this.#holders.delete(holder);
    if (this.#holders.size === 0) this.#closed.abort();
  }

  /** Chooses among several hosts or ways, the first time. */
  async find(): Promise<void> {
    this.#finding ??= this.#connect(PROBE_TIMEOUT_MS).finally(() => {
      this.#finding = undefined;
    });
    await this.#finding;
  }

  /** A connection was given back in order: the server is there. */
  answered(): void {
    this.#answeredAtMs = performance.now();
  }

  /** A connection could not be made: refuses callers until one can. */
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

  /** A connection of this generation leads to a server that takes no writes: none of its age is used again. */
  turnedReadOnly(generation: number, error: unknown): void {
    if (generation !== this.#generation) return;
    this.#generation += 1;
    if (this.target.mustWrite) this.lost(error);
  }

  /** Looks whether a server that owes an answer still gives any; gives up all connections if not. */
  suspectSilence(): void {
    if (this.#away !== undefined || this.#looking !== undefined) return;
    const sinceMs = performance.now();
    this.#looking = this.#connect(SILENCE_MS_MAX)
      .catch((error: unknown) => {
        // A server without room for one more connection is not silent, nor one that has answered others meanwhile.
        if (errorCode(error) === "53300" || this.#answeredAtMs > sinceMs || this.#closed.signal.aborted) return;
        this.lost(error);
        this.#generation += 1;
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
        if (attempt > 0) await delay(pauseBefore(attempt), undefined, { ref: false, signal });
        await this.#connect(PROBE_TIMEOUT_MS);
        this.#away = undefined;
        this.#generation += 1;
        const awayMs = Math.round(performance.now() - sinceMs);
        const { host, port } = this.#endpoint;
        this.#log.info({ awayMs, attempts: attempt + 1, host, port }, "the database is back");
        return;
      } catch (error) {
        if (!signal.aborted) this.#away = new DatabaseAwayError(error);
      }
    }
  }

  async #connect(connectTimeoutMs: number): Promise<void> {
    const { client, endpoint } = await connectTo(this.target, {
      applicationName: "finance-service probe",
      connectTimeoutMs,
    });
    this.#endpoint = endpoint;
    this.#isFound = true;
    client.end().catch(() => undefined);
  }
}

function pauseBefore(attempt: number): number {
  return Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
}
