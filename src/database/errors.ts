import { resolve } from "node:path";
import { type ConnectionTarget, readConnectionUrl } from "./connection.ts";
import { errorCode, isCertificateCode } from "./connection-errors.ts";

/**
 * The database can't be used, and a person has to change something. The message is one line that names what is wrong
 * and the way out, fit to be printed as it is; it never holds a password.
 */
export class DatabaseStartError extends Error {
  override readonly name = "DatabaseStartError";
}

/** What a refusal is about, as people may see it. */
export interface DatabaseTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

const WAY_OUT = "check DATABASE_URL, or unset it to use the embedded PostgreSQL";

/** By SQLSTATE or system code: what to tell about a database that refuses or can't be reached. */
const CONNECT_FAILURES: Readonly<Record<string, (target: DatabaseTarget) => string>> = {
  ECONNREFUSED: ({ host, port }) => `nothing listens there; start PostgreSQL on ${host}:${port}, or ${WAY_OUT}`,
  ENOENT: () => `there is no such socket; start PostgreSQL, or ${WAY_OUT}`,
  ENOTFOUND: ({ host }) => `the host name ${host} is unknown; ${WAY_OUT}`,
  EAI_AGAIN: ({ host }) => `the host name ${host} can't be looked up; ${WAY_OUT}`,
  "28P01": ({ user }) => `wrong password for user ${user}; ${WAY_OUT}`,
  "28000": ({ user }) => `the server does not let user ${user} in from here; see its pg_hba.conf, or ${WAY_OUT}`,
  "3D000": ({ database }) => `the database ${database} does not exist; create it, or ${WAY_OUT}`,
  "42501": ({ user }) => `user ${user} lacks a permission; grant it, or ${WAY_OUT}`,
  "53300": () => "the server has no free connection; raise its max_connections, or close others",
  "57P03": () => "the server is starting up or shutting down; try again in a moment",
  "25006": () => "the server takes no writes; give the primary, or all hosts with target_session_attrs=read-write",
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host }) =>
    `the server's certificate is not for ${host}; give the name that it is for, or sslmode=verify-ca`,
};

const UNTRUSTED = "the server's certificate is not signed by the CA in sslrootcert; give the CA that signed it";

/**
 * Reads a connection string that a person gave.
 *
 * @throws DatabaseStartError that names all mistakes in one line.
 */
export function readTarget(connectionString: string): ConnectionTarget {
  const reading = readConnectionUrl(connectionString);
  if (reading.ok) return reading.target;
  throw new DatabaseStartError(`DATABASE_URL: ${reading.mistakes.join("; ")}`);
}

/** Where a target leads, for people: all its hosts and the database, without user or password. */
export function describeTarget({ hosts, user = "", database = user }: ConnectionTarget): string {
  const [first] = hosts;
  if (hosts.length === 1 && first?.host.startsWith("/")) return `${first.host}, ${database}`;
  const addresses = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
  return `${addresses.join(",")}/${database}`;
}

/** @returns the one line for an error met while connecting to, or preparing, the database at `target`. */
export function connectFailure(error: unknown, target: ConnectionTarget): DatabaseStartError {
  const cause = error instanceof AggregateError ? error.errors[0] : error;
  const code = errorCode(cause) ?? "";
  const { host = "", port = 0 } = target.hosts.at(-1) ?? {};
  const { user = "", database = user } = target;
  const known = CONNECT_FAILURES[code]?.({ host, port, user, database });
  const reason = known ?? (isCertificateCode(code) ? UNTRUSTED : `${firstLine(cause)}; ${WAY_OUT}`);
  return new DatabaseStartError(`can't use the database at ${describeTarget(target)}: ${reason}`, { cause: error });
}

const DIRECTORY_FAILURES: Readonly<Record<string, string>> = {
  EACCES: "is not writable for this user; make it so, or set another DATA_DIR",
  EPERM: "is not writable for this user; make it so, or set another DATA_DIR",
  EROFS: "is on a read-only file system; set another DATA_DIR",
  ENOTDIR: "lies below something that is not a directory; set another DATA_DIR",
  EEXIST: "is not a directory; set another DATA_DIR",
  ENOSPC: "is on a full disk; make room, or set another DATA_DIR",
  EDQUOT: "is on a full disk; make room, or set another DATA_DIR",
};

/** A program of PostgreSQL's ended instead of doing its work; `output` is what it wrote. */
export class PostgresFailure extends Error {
  override readonly name = "PostgresFailure";
  readonly output: string;

  constructor(program: string, output: string) {
    super(`${program} failed`);
    this.output = output;
  }
}

/** By what a program of PostgreSQL's wrote: what to tell about it. The first match counts. */
const OUTPUT_FAILURES: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/No space left on device|Disk quota exceeded/, () => "is on a full disk; make room, or set another DATA_DIR"],
  [
    /initialized by PostgreSQL version (\S+), which is not compatible with this version (\S+)\./,
    ([, theirs, ours]) =>
      `holds a database of PostgreSQL ${theirs}, and this is ${ours}; dump and restore it, or set another DATA_DIR`,
  ],
  [
    /\(PID (\d+)\) running in data directory/,
    ([, pid]) => `is in use by a PostgreSQL server, process ${pid}; stop it, or set another DATA_DIR`,
  ],
  [
    /pre-existing shared memory block/,
    () => "is still in use by what remains of a killed PostgreSQL server; end its processes, or set another DATA_DIR",
  ],
  [
    /(?:FATAL: {2}|PANIC: {2}|error: |^postgres: )(.+)/m,
    ([, message]) => `can't be used (${message}); repair it, or set another DATA_DIR`,
  ],
];

/** @returns the one line for a program of PostgreSQL's that failed on `dataDir`. */
export function outputFailure(failure: PostgresFailure, dataDir: string): DatabaseStartError {
  for (const [pattern, reason] of OUTPUT_FAILURES) {
    const match = pattern.exec(failure.output);
    if (match !== null) return new DatabaseStartError(`DATA_DIR ${dataDir} ${reason(match)}`, { cause: failure });
  }
  const text = firstLine(failure.output.trim());
  return new DatabaseStartError(
    `the embedded PostgreSQL does not run here (${failure.message}: ${text}); set DATABASE_URL to another PostgreSQL`,
    { cause: failure },
  );
}

/** @returns the one line for a file system error met in `dataDir`; any other error as it is. */
export function directoryFailure(error: unknown, dataDir: string): unknown {
  const code = errorCode(error) ?? "";
  const reason = code === "ENOENT" ? missing(error, dataDir) : DIRECTORY_FAILURES[code];
  return reason === undefined ? error : new DatabaseStartError(`DATA_DIR ${dataDir} ${reason}`, { cause: error });
}

function missing(error: unknown, dataDir: string): string {
  const path = error instanceof Error && "path" in error ? String(error.path) : "a file";
  if (`${resolve(dataDir)}/`.startsWith(`${path}/`)) return "can't be made; set another DATA_DIR";
  return `has lost ${path}; restore it, or set another DATA_DIR`;
}

function firstLine(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return line === "" ? "it can't be reached" : line;
}
