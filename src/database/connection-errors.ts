/**
 * SQLSTATEs that say the connection or the server is gone, not that a statement was wrong: the server shuts down, has
 * crashed or still starts, has no room for another connection, or ended one that sat idle. Class 08, connection
 * exceptions, comes on top.
 *
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CONNECTION_STATES: ReadonlySet<string> = new Set(["57P01", "57P02", "57P03", "53300", "57P05", "25P03"]);

/** A write on a server that takes none: a primary that has become a standby, for one. */
const READ_ONLY = "25006";

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

/** The database is away and nobody was kept waiting to find out again. */
export class DatabaseAwayError extends Error {
  override readonly name = "DatabaseAwayError";
  /** What is the matter, in a few words fit for /readyz: no address, no user, no password. */
  readonly reason: string;

  constructor(cause: unknown) {
    const reason = awayReason(cause);
    super(`the database can't be reached: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** Every connection of the pool was in use for as long as a caller may wait for one. */
export class PoolExhaustedError extends Error {
  override readonly name = "PoolExhaustedError";
}

/** By SQLSTATE or system code: what is the matter, in a few words. */
const AWAY_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOENT: "there is no such socket",
  ENOTFOUND: "its host name is unknown",
  EAI_AGAIN: "its host name can't be looked up",
  "28P01": "the password is wrong",
  "28000": "it does not let this user in",
  "3D000": "there is no such database",
  "53300": "it has no free connection",
  "57P03": "it is starting up or shutting down",
  [READ_ONLY]: "it takes no writes",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
};

function awayReason(cause: unknown): string {
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  const code = errorCode(first) ?? "";
  const known = AWAY_REASONS[code];
  if (known !== undefined) return known;
  if (isCertificateCode(code)) return "its certificate is not trusted";
  if (isNoAnswer(first)) return "it does not answer";
  return code === "" ? "the connection broke" : `the connection broke (${code})`;
}

/** Whether an attempt ended because nothing came back in its time. */
export function isNoAnswer(error: unknown): boolean {
  return error instanceof Error && /timeout/i.test(error.message);
}

/** Node's codes for a certificate that a CA does not vouch for, such as SELF_SIGNED_CERT_IN_CHAIN. */
export function isCertificateCode(code: string): boolean {
  return /CERT|LEAF_SIGNATURE/.test(code);
}

/** Whether the server refused to write. */
export function isReadOnly(error: unknown): boolean {
  return errorCode(error) === READ_ONLY;
}

/**
 * Whether the database was lost or never reached. What a statement did is then unknown: a commit may have been kept.
 */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof DatabaseAwayError || isReadOnly(error)) return true;
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

/** Where this room reports what happened; a pino or Fastify logger fits as it is. */
export interface DatabaseLog {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Reports nothing; what is worth an exception is thrown regardless. */
export const silentLog: DatabaseLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
