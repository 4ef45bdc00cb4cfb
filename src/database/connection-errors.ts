/** What an error's code says about the database. */
interface Condition {
  /** The database was lost or never reached, so nobody knows what a statement did. */
  readonly isLost?: true;
  /** A few words for callers and /readyz: no address, no user, no password. */
  readonly brief?: string;
  /** For the person who starts the service. Default {@link WAY_OUT}. */
  readonly fix?: string;
}

/** In production, as in the image, there is no embedded PostgreSQL. */
const WAY_OUT =
  process.env["NODE_ENV"] === "production"
    ? "check DATABASE_URL"
    : "check DATABASE_URL, or unset it to use the embedded PostgreSQL";

/** A refused write, for example on a primary that has become a standby. */
export const READ_ONLY = "25006";

/**
 * By the system's code or the SQLSTATE. Class 08, connection exceptions, is lost as well.
 *
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CONDITIONS: Readonly<Record<string, Condition>> = {
  ECONNREFUSED: { isLost: true, brief: "nothing listens there", fix: `start PostgreSQL, or ${WAY_OUT}` },
  // isConnectionError distinguishes a missing unix socket from other missing files.
  ENOENT: { brief: "there is no such socket", fix: `start PostgreSQL, or ${WAY_OUT}` },
  ENOTFOUND: { isLost: true, brief: "its host name is unknown" },
  EAI_AGAIN: { isLost: true, brief: "its host name can't be looked up" },
  ECONNRESET: { isLost: true },
  ECONNABORTED: { isLost: true },
  EPIPE: { isLost: true },
  ETIMEDOUT: { isLost: true },
  EHOSTUNREACH: { isLost: true },
  ENETUNREACH: { isLost: true },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    brief: "its certificate is for another host",
    fix: "use the host name in the certificate, or sslmode=verify-ca",
  },
  // The server shut down, crashed, or ended a session that was idle.
  "57P01": { isLost: true },
  "57P02": { isLost: true },
  "57P05": { isLost: true },
  "25P03": { isLost: true },
  "57P03": { isLost: true, brief: "it is starting up or shutting down", fix: "try again in a moment" },
  "53300": {
    isLost: true,
    brief: "it has no free connection",
    fix: "raise its max_connections, or close other connections",
  },
  [READ_ONLY]: {
    isLost: true,
    brief: "it takes no writes",
    fix: "name the primary, or all hosts with target_session_attrs=read-write",
  },
  "28P01": { brief: "the password is wrong" },
  "28000": { brief: "it does not let this user in", fix: `see its pg_hba.conf, or ${WAY_OUT}` },
  "3D000": { brief: "there is no such database", fix: `create it, or ${WAY_OUT}` },
  "42501": { brief: "the user lacks a permission", fix: `grant it, or ${WAY_OUT}` },
};

/** Node's many codes for certificates that no trusted CA signed, such as SELF_SIGNED_CERT_IN_CHAIN. */
const UNTRUSTED: Condition = {
  brief: "its certificate is not trusted",
  fix: "set sslrootcert to the certificate of the CA that signed it",
};

function conditionOf(error: unknown): Condition {
  const code = errorCode(error) ?? "";
  return CONDITIONS[code] ?? (isCertificateCode(code) ? UNTRUSTED : {});
}

/** Says what is wrong with the database and how to fix it, for the person who starts the service. */
export function adviceOn(error: unknown): string {
  const { brief = firstLine(error), fix = WAY_OUT } = conditionOf(error);
  return `${brief}; ${fix}`;
}

export function firstLine(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return line === "" ? "it can't be reached" : line;
}

/** Messages of node-postgres for lost connections, which have no code. */
const DRIVER_MESSAGES: readonly string[] = [
  "Connection terminated",
  "Client has encountered a connection error and is not queryable",
  "Client was closed and is not queryable",
  "timeout expired",
  "timeout exceeded when trying to connect",
  "Query read timeout",
  "Cannot use a pool after calling end on the pool",
];

/** The database can't be reached, so no connection is tried. */
export class DatabaseAwayError extends Error {
  override readonly name = "DatabaseAwayError";
  /** A few words for /readyz: no address, no user, no password. */
  readonly reason: string;

  constructor(cause: unknown) {
    const reason = awayReason(cause instanceof AggregateError ? cause.errors[0] : cause);
    super(`the database can't be reached: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** Every connection of the pool was in use for as long as a caller may wait for one. */
export class PoolExhaustedError extends Error {
  override readonly name = "PoolExhaustedError";
}

function awayReason(cause: unknown): string {
  const { brief } = conditionOf(cause);
  if (brief !== undefined) return brief;
  if (isNoAnswer(cause)) return "it does not answer";
  const code = errorCode(cause);
  return code === undefined ? "the connection broke" : `the connection broke (${code})`;
}

/** Whether an attempt ended because no answer came in time. */
export function isNoAnswer(error: unknown): boolean {
  return error instanceof Error && /timeout/i.test(error.message);
}

export function isCertificateCode(code: string): boolean {
  return /CERT|LEAF_SIGNATURE/.test(code);
}

/**
 * Whether the database was lost or never reached. Nobody knows then what a statement did: a commit may have succeeded.
 */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof DatabaseAwayError) return true;
  if (error instanceof AggregateError && error.errors.some(isConnectionError)) return true;
  const code = errorCode(error);
  if (code === "ENOENT") return error instanceof Error && "syscall" in error && error.syscall === "connect";
  if (code !== undefined) return code.startsWith("08") || conditionOf(error).isLost === true;
  return error instanceof Error && DRIVER_MESSAGES.some((message) => error.message.startsWith(message));
}

/** @returns the error if it makes its connection useless, as `release` wants it. */
export function brokenBy(error: unknown): Error | undefined {
  return error instanceof Error && isConnectionError(error) ? error : undefined;
}

/** Whether the server rolled the transaction back in favour of another one (serialization failure, deadlock): try again. */
export function isRetryable(error: unknown): boolean {
  return ["40001", "40P01"].includes(errorCode(error) ?? "");
}

/** Whether a statement ran, or waited for a lock, longer than allowed. Its transaction is rolled back. */
export function isTimeout(error: unknown): boolean {
  return ["57014", "55P03"].includes(errorCode(error) ?? "");
}

/** The SQLSTATE of PostgreSQL's errors, the system's code of Node's. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Where this room reports; a pino or Fastify logger fits. */
export interface DatabaseLog {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Reports nothing. */
export const silentLog: DatabaseLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
