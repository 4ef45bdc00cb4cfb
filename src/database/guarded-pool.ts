import { EventEmitter } from "node:events";
import pg, { type PoolClient } from "pg";
import type { Availability } from "./availability.ts";
import { clientConfig, requireWritable } from "./connection.ts";
import { brokenBy, type DatabaseLog, errorCode, PoolExhaustedError, READ_ONLY } from "./connection-errors.ts";
import { prepareSession, type SessionSettings } from "./session.ts";

/** How often to look for statements that have waited for {@link UNANSWERED_MS_MAX}; then a probe asks the server. */
const WATCH_INTERVAL_MS = 500;
const UNANSWERED_MS_MAX = 1000;

/** Idle time after which the system probes the other end; it finds a lost one in about 15 seconds. */
const KEEPALIVE_DELAY_MS = 5000;

/** Callers that may wait for a connection. More of them would wait for seconds and then fail all the same. */
const WAITING_MAX = 1000;

export interface GuardedPoolOptions {
  readonly availability: Availability;
  readonly settings: SessionSettings;
  readonly connectTimeoutMs: number;
  readonly config: pg.PoolConfig;
  readonly log: DatabaseLog;
}

/**
 * A pool that follows the current primary and fails fast while there is none.
 *
 * Its connections come from a pool of node-postgres that leads to one endpoint. When the database moves or comes back, a
 * new one replaces it; connections of the old one close when they are released.
 */
export class GuardedPool extends EventEmitter implements pg.Pool {
  readonly availability: Availability;
  readonly #options: GuardedPoolOptions;
  #current: pg.Pool;
  /** Settle when the connections of replaced pools have closed. */
  readonly #replaced = new Set<Promise<void>>();
  /** Connections in use, with the time by performance.now() at which each was taken. */
  readonly #inUse = new Map<PoolClient, number>();
  /** Callers that wait for a connection, in a queue of our own because that of node-postgres can't be refused at once. */
  readonly #waiters: ((refusal?: Error) => void)[] = [];
  readonly #watch: NodeJS.Timeout;

  constructor(options: GuardedPoolOptions) {
    super();
    this.#options = options;
    this.availability = options.availability;
    this.#current = this.#open();
    this.availability.join(this);
    this.#watch = setInterval(() => this.#lookForSilence(), WATCH_INTERVAL_MS).unref();
  }

  get options(): pg.Pool["options"] {
    return this.#current.options;
  }
  get totalCount(): number {
    return this.#current.totalCount;
  }
  get idleCount(): number {
    return this.#current.idleCount;
  }
  get waitingCount(): number {
    return this.#waiters.length;
  }
  get expiredCount(): number {
    return this.#current.expiredCount;
  }
  get ending(): boolean {
    return this.#current.ending;
  }
  get ended(): boolean {
    return this.#current.ended;
  }

  /**
   * @throws DatabaseAwayError at once while the database is away and no connection is left; PoolExhaustedError when too many
   * callers wait already, or no connection became free in time.
   */
  async connect(): Promise<PoolClient> {
    const { availability } = this;
    for (;;) {
      if (availability.away !== undefined && this.idleCount === 0) throw availability.away;
      if (!availability.isFound) await availability.find();
      // Between seeing room and taking it there must be no await.
      if (this.#waiters.length > 0 || !this.#hasRoom()) await this.#waitForTurn();
      const pool = this.#current;
      const client = await pool.connect().catch((error: Error) => {
        throw this.#explain(error);
      });
      if (pool === this.#current) return client;
      client.release(true);
    }
  }

  // It passes its arguments on, so it has the overloads of the method that it calls.
  readonly query = (async (...query: [string, unknown[]?]) => {
    const client = await this.connect();
    let broken: Error | undefined;
    try {
      return await client.query(...query);
    } catch (error) {
      broken = brokenBy(error);
      throw error;
    } finally {
      client.release(broken);
    }
  }) as pg.Pool["query"];

  async end(): Promise<void> {
    clearInterval(this.#watch);
    this.availability.leave(this);
    await Promise.all([this.#current.end(), ...this.#replaced]);
  }

  /** Makes new connections from now on, to the endpoint where the database is now. */
  renew(): void {
    const closing = this.#current.end().finally(() => this.#replaced.delete(closing));
    this.#replaced.add(closing);
    this.#current = this.#open();
  }

  /** Breaks every connection in use, so that nobody waits for an answer that will not come. */
  giveUpConnections(): void {
    for (const client of this.#inUse.keys()) client.connection.stream.destroy();
  }

  refuseWaiting(reason: Error): void {
    for (const answer of this.#waiters.splice(0)) answer(reason);
  }

  #open(): pg.Pool {
    const { availability, settings, connectTimeoutMs, config, log } = this.#options;
    const { target } = availability;
    const pool = new pg.Pool({
      ...clientConfig(target, availability.endpoint),
      ...config,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
      onConnect: async (client) => {
        if (target.mustWrite) await requireWritable(target, client, connectTimeoutMs);
        await prepareSession(client, settings, target.pgbouncer);
      },
    });
    // Without a listener a lost idle connection would end the process. The pool has removed it already.
    pool.on("error", (error) =>
      log.warn({ reason: error.message, code: errorCode(error) }, "lost an idle database connection"),
    );
    // The pool does not listen to a connection in use. Its queries fail with the same error.
    pool.on("connect", (client) =>
      client.on("error", (error) => log.debug({ reason: error.message }, "lost a database connection")),
    );
    pool.on("acquire", (client) => {
      this.#inUse.set(client, performance.now());
      this.emit("acquire", client);
    });
    pool.on("remove", () => this.#admitNext());
    pool.on("release", (error, client) => {
      this.#inUse.delete(client);
      if (!error) availability.answered();
      // The connection is free only after all listeners of this event.
      if (this.#waiters.length > 0) setImmediate(() => this.#admitNext());
      if (errorCode(error) === READ_ONLY && pool === this.#current) availability.turnedReadOnly(error);
    });
    return pool;
  }

  #explain(error: Error): Error {
    if (this.ending) return error;
    // Another caller was faster.
    if (error.message === "timeout exceeded when trying to connect") return this.#exhausted();
    return this.availability.lost(error);
  }

  #hasRoom(): boolean {
    return this.idleCount > 0 || this.totalCount < this.options.max;
  }

  #waitForTurn(): Promise<void> {
    if (this.#waiters.length >= WAITING_MAX) {
      throw new PoolExhaustedError(`${WAITING_MAX} callers wait for a database connection already`);
    }
    return new Promise((resolve, reject) => {
      const answer = (refusal?: Error) => {
        clearTimeout(timer);
        if (refusal === undefined) resolve();
        else reject(refusal);
      };
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(answer), 1);
        answer(this.#exhausted());
      }, this.#options.connectTimeoutMs);
      this.#waiters.push(answer);
    });
  }

  #admitNext(): void {
    if (this.#hasRoom()) this.#waiters.shift()?.();
  }

  #exhausted(): PoolExhaustedError {
    const { connectTimeoutMs } = this.#options;
    return new PoolExhaustedError(
      `all ${this.options.max} database connections were in use for ${connectTimeoutMs} ms`,
    );
  }

  #lookForSilence(): void {
    const before = performance.now() - UNANSWERED_MS_MAX;
    if ([...this.#inUse.values()].some((since) => since < before)) this.availability.suspectSilence();
  }
}
