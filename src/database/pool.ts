import pg, { type ClientBase, type Pool } from "pg";
import { cancelOnAbort } from "./cancellation.ts";
import { isConnectionError } from "./connection-errors.ts";
import { type DatabaseLog, silentLog } from "./log.ts";
import { parseTimestamptz } from "./timestamp.ts";

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
   * to plan anew, which costs more than looking up what is listed. For pools whose statements look up by key. Default
   * false.
   */
  readonly planOnce?: boolean;
  /** Where lost idle connections are reported. Default nowhere. */
  readonly log?: DatabaseLog;
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
 */
export function openPool(options: PoolOptions): Pool {
  const { log = silentLog, statementTimeoutMs = 30_000 } = options;
  const settings = {
    timezone: "UTC",
    datestyle: "ISO, YMD",
    statement_timeout: statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs ?? 10_000,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 15_000,
    plan_cache_mode: options.planOnce === true ? "force_generic_plan" : "auto",
  };
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max ?? 10,
    application_name: options.applicationName ?? "finance-service",
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5000,
    keepAlive: true,
    query_timeout: options.answerTimeoutMs ?? (statementTimeoutMs === 0 ? 0 : statementTimeoutMs + 5000),
    pipeline: true,
    types: { getTypeParser },
    // Not as start-up parameters: `options` in the URL would replace them, and connection poolers refuse them.
    onConnect: async (client) => {
      await client.query(
        Object.entries(settings)
          .map(([name, value]) => `set ${name} = '${value}'`)
          .join("; "),
      );
    },
  });
  // Without a listener a lost idle connection would end the process; the pool has removed it already.
  pool.on("error", (error) => log.warn({ err: error }, "lost an idle database connection"));
  // Nor does the pool listen to a connection that is lent; its queries fail with the same error.
  pool.on("connect", (client) =>
    client.on("error", (error) => log.debug({ err: error }, "lost a database connection")),
  );
  return pool;
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
  let broken = false;
  try {
    return await doUntil(signal, pool, client, work);
  } catch (error) {
    broken = isConnectionError(error);
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
  const client = await pool.connect();
  let broken = false;
  try {
    const begun = client.query("begin");
    begun.catch(() => undefined);
    const result = await doUntil(signal, pool, client, work);
    await begun;
    const { command } = await client.query("commit");
    if (command !== "COMMIT")
      throw new Error("the transaction had failed before its commit: everything was rolled back");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => {
      broken = true;
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
