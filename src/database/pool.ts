import { setTimeout as delay } from "node:timers/promises";
import type { ClientBase, Pool, PoolClient } from "pg";
import pg from "pg";
import { Availability } from "./availability.ts";
import { brokenBy, type DatabaseLog, silentLog } from "./connection-errors.ts";
import { readTarget } from "./errors.ts";
import { GuardedPool } from "./guarded-pool.ts";
import { isBehindPooler, serverProcessOf } from "./session.ts";
import { parseTimestamptz } from "./timestamp.ts";

/** Between two cancellations of one piece of work, whose next statement may have started meanwhile. */
const REPEAT_AFTER_MS = 20;

/**
 * Does `work` on a connection of `pool`, and has the server cancel the statement that is running when `signal` aborts,
 * again and again until the work ends: cancelling one statement of a pipeline lets the next one start.
 *
 * It returns only once the last cancellation has been carried out, so that none can hit what the connection is used for
 * afterwards. Cancelling takes a connection of its own, since those of the pool may all be waiting for the same lock.
 *
 * @throws the signal's reason when the work failed after the signal aborted, else what the work throws. Work that is
 * done in spite of the signal counts as done.
 * @example
 * const rows = await withTransaction(pool, (client) =>
 *   cancelOnAbort(pool, client, call.signal, () => client.query("select ...")),
 * );
 */
export async function cancelOnAbort<T>(
  pool: Pool,
  client: ClientBase,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  let cancelling: Promise<void> | undefined;
  const onAbort = () => {
    cancelling = cancelUntil(ended.signal, pool, client);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    ended.abort();
    await cancelling;
  }
}

/** Never rejects: where cancelling fails, `statement_timeout` still ends the statement. */
async function cancelUntil(ended: AbortSignal, pool: Pool, client: ClientBase): Promise<void> {
  const canceller = new pg.Client(pool.options);
  canceller.on("error", () => undefined);
  try {
    await canceller.connect();
    while (!ended.aborted) {
      const backend = serverProcessOf(client);
      if (backend !== undefined) await canceller.query("select pg_cancel_backend($1)", [backend]);
      await delay(REPEAT_AFTER_MS, undefined, { signal: ended });
    }
  } catch {
    // Either the work ended during the delay, or the server cannot be reached.
  } finally {
    await canceller.end().catch(() => undefined);
  }
}

/**
 * Waits for all statements of a pipeline, then throws the first error, if any.
 *
 * Waiting for all matters: the connection is free for what follows only when every answer has come.
 */
export async function settleAll(statements: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(statements);
  await Promise.all(statements);
}

/** How {@link openPool} connects. */
export interface PoolOptions {
  /** A PostgreSQL URL, its password included. */
  readonly connectionString: string;
  /** Connections at most. Default 10. */
  readonly max?: number;
  /** How the connections call themselves in `pg_stat_activity`. Default `finance-service`. */
  readonly applicationName?: string;
  /** How long to wait for a connection, free or new, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may run, in milliseconds. Default 30000. */
  readonly statementTimeoutMs?: number;
  /**
   * How long to wait for a statement's answer, in milliseconds, before the connection counts as lost: for a network that
   * stalls, where the server's own limits don't help. Default `statementTimeoutMs` and 5000 more; 0 waits for ever.
   */
  readonly answerTimeoutMs?: number;
  /** How long a statement may wait for a lock, in milliseconds. Default 10000. */
  readonly lockTimeoutMs?: number;
  /** How long an open transaction may sit idle, in milliseconds, before the server ends it. Default 15000. */
  readonly idleInTransactionTimeoutMs?: number;
  /**
   * Whether a named statement is planned once and not for each list of values: PostgreSQL takes a short list for a reason
   * to plan again, which costs more than looking up what is listed. For pools whose statements look up by key. Default
   * false.
   */
  readonly planOnce?: boolean;
  /** Where lost connections and an absent database are reported. Default nowhere. */
  readonly log?: DatabaseLog;
  /** A pool of the same database, to learn together with it that the database is away. Default: alone. */
  readonly together?: Pool;
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;

/**
 * Opens a pool of pipelining connections; the first one is made when it is needed.
 *
 * Values come as PostgreSQL has them: `int8` as bigint, `timestamptz` as microseconds since the epoch in a bigint.
 * `numeric` and arrays of either come as text.
 *
 * Pipelining: queries given to one connection without awaiting the earlier ones are sent at once and answered in order.
 * Each is its own message to the server: after one fails, the next ones still run, unless a transaction is open, which
 * then refuses them (25P02) until `rollback`, and answers `commit` with the command tag `ROLLBACK`.
 *
 * While the database is away, asking for a connection fails at once: see {@link Availability}.
 *
 * @throws DatabaseStartError for a URL with mistakes.
 */
export function openPool(options: PoolOptions): Pool {
  const { log = silentLog, statementTimeoutMs = 30_000, together } = options;
  const availability =
    together instanceof GuardedPool
      ? together.availability
      : new Availability(readTarget(options.connectionString), log);
  const { target } = availability;
  return new GuardedPool({
    availability,
    log,
    settings: {
      statement_timeout: statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs ?? 10_000,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 15_000,
      // A server or a database may have another default, which turns waiting into errors.
      default_transaction_isolation: "read committed",
      plan_cache_mode: options.planOnce === true ? "force_generic_plan" : "auto",
    },
    connectTimeoutMs: target.connectTimeoutMs ?? options.connectTimeoutMs ?? 5000,
    config: {
      max: options.max ?? 10,
      application_name: target.applicationName ?? options.applicationName ?? "finance-service",
      query_timeout: options.answerTimeoutMs ?? (statementTimeoutMs === 0 ? 0 : statementTimeoutMs + 5000),
      pipeline: true,
      types: { getTypeParser },
    },
  });
}

/**
 * Runs `work` on one connection.
 *
 * @param signal has the server cancel what `work` is doing when it aborts; see {@link cancelOnAbort}.
 * @throws what `work` throws, or the database's error.
 */
export async function withConnection<T>(
  pool: Pool,
  work: (client: ClientBase) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const client = await pool.connect();
  // Behind a pooler the connection has one server, and its limits, for as long as a transaction.
  if (isBehindPooler(client)) return await transact(pool, client, work, signal);
  let broken: Error | undefined;
  try {
    return await doUntil(signal, pool, client, work);
  } catch (error) {
    broken = brokenBy(error);
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * Runs `work` in a transaction on one connection, commits what it did, and rolls back when it throws.
 *
 * `begin` is sent together with the first statement of `work`.
 *
 * @param signal has the server cancel what `work` is doing when it aborts; see {@link cancelOnAbort}.
 * @throws what `work` throws, or the database's error. After a connection error while committing nobody knows whether
 * the transaction was kept.
 */
export async function withTransaction<T>(
  pool: Pool,
  work: (client: ClientBase) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return await transact(pool, await pool.connect(), work, signal);
}

async function transact<T>(
  pool: Pool,
  client: PoolClient,
  work: (client: ClientBase) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  let broken: Error | undefined;
  try {
    const begun = client.query("begin isolation level read committed");
    begun.catch(() => undefined);
    const result = await doUntil(signal, pool, client, work);
    await begun;
    const { command } = await client.query("commit");
    if (command !== "COMMIT")
      throw new Error("the transaction had failed before its commit: everything was rolled back");
    return result;
  } catch (error) {
    broken = brokenBy(error);
    await client.query("rollback").catch((failure: Error) => {
      broken ??= failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

function doUntil<T>(
  signal: AbortSignal | undefined,
  pool: Pool,
  client: ClientBase,
  work: (client: ClientBase) => Promise<T>,
): Promise<T> {
  return signal === undefined ? work(client) : cancelOnAbort(pool, client, signal, () => work(client));
}

// node-postgres asks for a parser by type and format; its own signature is a list of overloads that no function meets.
const getTypeParser = ((type: number, format?: "text" | "binary") => {
  if (type === INT8) return BigInt;
  if (type === TIMESTAMPTZ) return parseTimestamptz;
  return format === "binary" ? pg.types.getTypeParser(type, format) : pg.types.getTypeParser(type, "text");
}) as typeof pg.types.getTypeParser;
