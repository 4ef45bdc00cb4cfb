import pg, { type ClientBase, type PoolClient } from "pg";
import type { Availability } from "./availability.ts";
import { clientConfig, requireWritable } from "./connection.ts";
import type { DatabaseLog } from "./connection-errors.ts";
import { DatabaseAwayError, errorCode, PoolExhaustedError, READ_ONLY } from "./connection-errors.ts";
import { prepareSession, type SessionSettings } from "./session.ts";

/** How often connections that are lent are looked at, and for how long one may be before the server is asked. */
const WATCH_INTERVAL_MS = 500;
const UNANSWERED_MS_MAX = 1000;

/** After so long without traffic the system asks whether the other end is still there; lost in some 15 seconds. */
const KEEPALIVE_DELAY_MS = 5000;

export interface GuardedPoolOptions {
  readonly availability: Availability;
  readonly settings: SessionSettings;
  readonly connectTimeoutMs: number;
  readonly config: pg.PoolConfig;
  readonly log: DatabaseLog;
}

/** How many may wait for a connection; they would wait for seconds and then fail all the same. */
const WAITING_MAX = 1000;

/** Who waits for a connection while all are lent. */
interface Waiter {
  proceed(): void;
  refuse(error: Error): void;
}

type Lend = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: boolean | Error) => void,
) => void;

/** A pool whose connections go where the database is, and that refuses at once while it is nowhere. */
export class GuardedPool extends pg.Pool {
  readonly availability: Availability;
  readonly #connectTimeoutMs: number;
  readonly #generations = new WeakMap<ClientBase, number>();
  /** Since when a connection is lent, by performance.now(). */
  readonly #lent = new Map<PoolClient, number>();
  readonly #watch: NodeJS.Timeout;
  /** In a queue of our own: node-postgres's would try a connection for each caller before it refuses them. */
  readonly #waiters: Waiter[] = [];

  constructor({ availability, settings, connectTimeoutMs, config, log }: GuardedPoolOptions) {
    const { target } = availability;
    super({
      ...clientConfig(target, availability.endpoint),
      ...config,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
      onConnect: async (client) => {
        this.#generations.set(client, availability.generation);
        if (target.mustWrite) await requireWritable(target, client, connectTimeoutMs);
        await prepareSession(client, settings, target.pgbouncer);
      },
    });
    this.availability = availability;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#followEndpoint();
    Object.defineProperty(this, "waitingCount", { get: () => this.#waiters.length });
    availability.join(this);
    // Without a listener a lost idle connection would end the process; the pool has removed it already.
    this.on("error", (error) =>
      log.warn({ reason: error.message, code: errorCode(error) }, "lost an idle database connection"),
    );
    // Nor does the pool listen to a connection that is lent; its queries fail with the same error.
    this.on("connect", (client) =>
      client.on("error", (error) => log.debug({ reason: error.message }, "lost a database connection")),
    );
    this.on("acquire", (client) => this.#lent.set(client, performance.now()));
    this.on("remove", () => this.#admitNext());
    this.on("release", (error, client) => {
      this.#lent.delete(client);
      if (!error) availability.answered();
      // The connection is free once this event has been told to all.
      if (this.#waiters.length > 0) setImmediate(() => this.#admitNext());
      if (errorCode(error) === READ_ONLY) availability.turnedReadOnly(this.#generations.get(client) ?? 0, error);
    });
    this.#watch = setInterval(() => this.#lookForSilence(), WATCH_INTERVAL_MS).unref();
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: Lend): void;
  override connect(callback?: Lend): Promise<PoolClient> | undefined {
    const lending = this.#lend();
    if (callback === undefined) return lending;
    lending.then(
      (client) => callback(undefined, client, client.release),
      (error: Error) => callback(error, undefined, () => undefined),
    );
    return undefined;
  }

  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | undefined {
    clearInterval(this.#watch);
    this.availability.leave(this);
    if (callback === undefined) return super.end();
    super.end(callback);
    return undefined;
  }

  /** Breaks every connection, so that whoever waits for an answer on one learns that none will come. */
  giveUpConnections(): void {
    for (const client of this.#lent.keys()) client.connection.stream.destroy();
  }

  refuseWaiting(reason: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(reason);
  }

  async #lend(): Promise<PoolClient> {
    const { availability } = this;
    for (;;) {
      if (availability.away !== undefined && this.idleCount === 0) throw availability.away;
      const client = await this.#checkOut();
      if (this.#generations.get(client) === availability.generation) return client;
      client.release(true);
    }
  }

  async #checkOut(): Promise<PoolClient> {
    try {
      // Nothing is awaited between seeing room and taking it.
      if (!this.availability.isFound) await this.availability.find();
      if (this.#waiters.length > 0 || !this.#hasRoom()) await this.#waitForTurn();
      return await super.connect();
    } catch (error) {
      if (this.ending || error instanceof PoolExhaustedError || error instanceof DatabaseAwayError) throw error;
      // Somebody else was faster.
      if (error instanceof Error && error.message === "timeout exceeded when trying to connect")
        throw this.#exhausted();
      throw this.availability.lost(error);
    }
  }

  #hasRoom(): boolean {
    return this.idleCount > 0 || this.totalCount < this.options.max;
  }

  /** @throws PoolExhaustedError when too many wait already, or when no turn came in time. */
  #waitForTurn(): Promise<void> {
    if (this.#waiters.length >= WAITING_MAX) {
      throw new PoolExhaustedError(`${WAITING_MAX} are waiting for a database connection already`);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(this.#exhausted());
      }, this.#connectTimeoutMs);
      const waiter: Waiter = {
        proceed: () => {
          clearTimeout(timer);
          resolve();
        },
        refuse: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  #admitNext(): void {
    if (this.#hasRoom()) this.#waiters.shift()?.proceed();
  }

  #exhausted(): PoolExhaustedError {
    return new PoolExhaustedError(
      `all ${this.options.max} database connections were in use for ${this.#connectTimeoutMs} ms`,
    );
  }

  /** node-postgres makes connections of the pool's options, and reads them each time. */
  #followEndpoint(): void {
    const { availability } = this;
    for (const name of ["host", "port", "ssl"] as const) {
      Object.defineProperty(this.options, name, { enumerable: true, get: () => availability.endpoint[name] });
    }
  }

  #lookForSilence(): void {
    const before = performance.now() - UNANSWERED_MS_MAX;
    if ([...this.#lent.values()].some((since) => since < before)) this.availability.suspectSilence();
  }
}
