import { setTimeout as delay } from "node:timers/promises";
import type { ClientBase, Pool, PoolClient } from "pg";
import pg from "pg";
import { Availability } from "./availability.ts";
import { parseTimestamptz } from "./column-values.ts";
import { brokenBy, type DatabaseLog, silentLog } from "./connection-errors.ts";
import { readTarget } from "./errors.ts";
import { GuardedPool } from "./guarded-pool.ts";
import { isBehindPooler, serverProcessOf } from "./session.ts";

/** The pause between two cancellations of the same work, whose next statement may have started. */
const REPEAT_AFTER_MS = 20;

/**
 * Does `work` on a connection of `pool`. When `signal` aborts, the server cancels the running statement, repeatedly until the
 * work ends, because cancelling one statement of a pipeline lets the next one start.
 *
 * It returns only after the last cancellation, so that none can hit a later use of the connection. Cancelling takes a
 * connection of its own, because those of the pool may all be waiting for the same lock.
 *
 * @throws the signal's reason if the work failed after the signal aborted, else the error of the work. Work that succeeds in
 * spite of the signal counts.
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

/** Never rejects: if cancelling fails, `statement_timeout` still ends the statement. */
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
 * Waits for all statements of a pipeline, then throws the first error, if any. Without waiting for all, the connection would
 * be used again while answers are still to come.
 */
export async function settleAll(statements: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(statements);
  await Promise.all(statements);
}

/** How {@link openPool} connects. */
export interface PoolOptions {
  /** A PostgreSQL URL, including the password. */
  readonly connectionString: string;
  /** The largest number of connections. Default 10. */
  readonly max?: number;
  /** The connections' name in `pg_stat_activity`. Default `finance-service`. */
  readonly applicationName?: string;
  /** The longest wait for a connection, free or new, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** The longest time that a statement may run, in milliseconds. Default 30000. */
  readonly statementTimeoutMs?: number;
  /**
   * The longest wait for a statement's answer, in milliseconds, before the connection counts as lost: when the network stalls,
   * the server's own limits don't help. Default `statementTimeoutMs` + 5000; 0 waits forever.
   */
  readonly answerTimeoutMs?: number;
  /** The longest wait for a lock, in milliseconds. Default 10000. */
  readonly lockTimeoutMs?: number;
  /** Milliseconds after which the server ends an idle open transaction. Default 15000. */
  readonly idleInTransactionTimeoutMs?: number;
  /**
   * Whether PostgreSQL plans a named statement once, and not again for each short list of values. For pools whose statements
   * look up by key, where planning costs more than the look-up. Default false.
   *
   * Such a plan never scans a table that has a fitting index, even if it is empty: the plan is kept while the table grows.
   */
  readonly planOnce?: boolean;
  /** Receives lost connections and an absent database. Default: none. */
  readonly log?: DatabaseLog;
  /** A pool of the same database that shares what it learns about the database being away. Default: none. */
  readonly together?: Pool;
}

const PLAN_EACH = { plan_cache_mode: "auto", enable_seqscan: "on" } as const;
/** Before PostgreSQL 18, a scan that can't be avoided gets so high a cost that each execution would be compiled for 80 ms. */
const PLAN_ONCE = { plan_cache_mode: "force_generic_plan", enable_seqscan: "off", jit: "off" } as const;

const INT8 = 20;
const TIMESTAMPTZ = 1184;

/**
 * Opens a pool of pipelining connections. It connects when a connection is needed.
 *
 * Values are exact: `int8` is a bigint, `timestamptz` is a bigint of microseconds since the epoch, `numeric` and arrays of
 * either are text.
 *
 * Pipelining: a connection sends queries at once, without awaiting the earlier ones, and gets the answers in order. Each
 * query is a message of its own: after one fails, the next ones still run, except in an open transaction, which refuses
 * them (25P02) until `rollback`, and answers `commit` with the command tag `ROLLBACK`.
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
      // Another default of the server or the database would turn waits into errors.
      default_transaction_isolation: "read committed",
      ...(options.planOnce === true ? PLAN_ONCE : PLAN_EACH),
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
 * @param signal when it aborts, the server cancels the statements of `work`; see {@link cancelOnAbort}.
 * @throws the error of `work`, or the database's.
 */
export async function withConnection<T>(
  pool: Pool,
  work: (client: ClientBase) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const client = await pool.connect();
  // Behind a pooler the connection keeps its server, and its limits, for one transaction only.
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
 * Runs `work` in a transaction on one connection and commits it, or rolls it back if `work` throws.
 *
 * `begin` is sent together with the first statement of `work`.
 *
 * @param signal when it aborts, the server cancels the statements of `work`; see {@link cancelOnAbort}.
 * @throws the error of `work`, or the database's. After a connection error during the commit, nobody knows whether the
 * transaction was committed.
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

// The signature of node-postgres is a list of overloads that no function meets.
const getTypeParser = ((type: number, format?: "text" | "binary") => {
  if (type === INT8) return BigInt;
  if (type === TIMESTAMPTZ) return parseTimestamptz;
  return format === "binary" ? pg.types.getTypeParser(type, format) : pg.types.getTypeParser(type, "text");
}) as typeof pg.types.getTypeParser;
