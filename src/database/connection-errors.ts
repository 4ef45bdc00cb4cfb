/**
 * SQLSTATEs that say the connection or the server is gone, not that a statement was wrong: the server shuts down, has
 * crashed or still starts, has no room for another connection, or ended one that sat idle. Class 08, connection
 * exceptions, comes on top.
 *
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CONNECTION_STATES: ReadonlySet<string> = new Set(["57P01", "57P02", "57P03", "53300", "57P05", "25P03"]);

/** Serialization failure and deadlock: the same transaction, started again, can succeed. */
const RETRYABLE_STATES: ReadonlySet<string> = new Set(["40001", "40P01"]);

const NETWORK_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** node-postgres gives these conditions no code, only a message. */
const DRIVER_MESSAGES: readonly string[] = [
  "Connection terminated",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
  "timeout expired",
  "timeout exceeded when trying to connect",
  "Query read timeout",
  "Cannot use a pool after calling end on the pool",
];

/**
 * Whether the database was lost or never reached. What a statement did is then unknown: a commit may have been kept.
 */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.some(isConnectionError)) return true;
  const code = errorCode(error);
  // A unix socket whose server is gone, not any missing file.
  if (code === "ENOENT") return error instanceof Error && "syscall" in error && error.syscall === "connect";
  if (code !== undefined) return code.startsWith("08") || CONNECTION_STATES.has(code) || NETWORK_CODES.has(code);
  return error instanceof Error && DRIVER_MESSAGES.some((message) => error.message.startsWith(message));
}

/** Whether the transaction was rolled back for the sake of another one and is worth repeating as it stands. */
export function isRetryable(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && RETRYABLE_STATES.has(code);
}

/** A statement that ran, or waited for a lock, longer than the pool allows; nothing of its transaction was kept. */
const TIMEOUT_STATES: ReadonlySet<string> = new Set(["57014", "55P03"]);

/** Whether the database was too slow or too busy for a statement. */
export function isTimeout(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && TIMEOUT_STATES.has(code);
}

/** The SQLSTATE of PostgreSQL's errors, the system's code of Node's. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
