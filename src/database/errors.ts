import { resolve } from "node:path";
import { StartError } from "../start-error.ts";
import { type ConnectionTarget, readConnectionUrl } from "./connection.ts";
import { adviceOn, errorCode, firstLine } from "./connection-errors.ts";

/**
 * The database can't be used until a person changes something. The message is one line for that person: what is wrong and
 * how to fix it, without a password.
 */
export class DatabaseStartError extends StartError {
  override readonly name = "DatabaseStartError";
}

/** @throws DatabaseStartError that names all mistakes of the URL in one line. */
export function readTarget(connectionString: string): ConnectionTarget {
  const reading = readConnectionUrl(connectionString);
  if (reading.ok) return reading.target;
  throw new DatabaseStartError(`DATABASE_URL: ${reading.mistakes.join("; ")}`);
}

/** Names all hosts of a target and its database, without user or password. */
export function describeTarget({ hosts, user = "", database = user }: ConnectionTarget): string {
  const [first] = hosts;
  if (hosts.length === 1 && first?.host.startsWith("/")) return `${first.host}, ${database}`;
  const addresses = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
  return `${addresses.join(",")}/${database}`;
}

/** Describes in one line an error of connecting to, or preparing, the database at `target`. */
export function connectFailure(error: unknown, target: ConnectionTarget): DatabaseStartError {
  const cause = error instanceof AggregateError ? error.errors[0] : error;
  const place = `${describeTarget(target)}${target.user === undefined ? "" : ` as ${target.user}`}`;
  return new DatabaseStartError(`can't use the database at ${place}: ${adviceOn(cause)}`, { cause: error });
}

const NOT_WRITABLE = "is not writable for this user; allow writing, or set another DATA_DIR";
const DISK_FULL = "is on a full disk; make room, or set another DATA_DIR";

const DIRECTORY_FAILURES: Readonly<Record<string, string>> = {
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  EROFS: "is on a read-only file system; set another DATA_DIR",
  ENOTDIR: "is below a path that is not a directory; set another DATA_DIR",
  EEXIST: "is not a directory; set another DATA_DIR",
  ENOSPC: DISK_FULL,
  EDQUOT: DISK_FULL,
};

/** initdb or postgres failed; `output` is what it wrote. */
export class PostgresFailure extends Error {
  override readonly name = "PostgresFailure";
  readonly output: string;

  constructor(program: string, output: string) {
    super(`${program} failed`);
    this.output = output;
  }
}

/** Descriptions of what initdb and postgres write. The first match counts. */
const OUTPUT_FAILURES: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/No space left on device|Disk quota exceeded/, () => DISK_FULL],
  [
    /initialized by PostgreSQL version (\S+), which is not compatible with this version (\S+)\./,
    ([, theirs, ours]) =>
      `contains a database of PostgreSQL ${theirs}, but this is ${ours}; dump and restore it, or set another DATA_DIR`,
  ],
  [
    /\(PID (\d+)\) running in data directory/,
    ([, pid]) => `is in use by a PostgreSQL server, process ${pid}; stop it, or set another DATA_DIR`,
  ],
  [
    /pre-existing shared memory block/,
    () => "is still in use by processes of a killed PostgreSQL server; end them, or set another DATA_DIR",
  ],
  [
    /(?:FATAL: {2}|PANIC: {2}|error: |^postgres: )(.+)/m,
    ([, message]) => `can't be used (${message}); repair it, or set another DATA_DIR`,
  ],
];

/** Describes in one line why initdb or postgres failed in `dataDir`. */
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

/** Describes in one line a file system error in `dataDir`. @returns any other error as it is. */
export function directoryFailure(error: unknown, dataDir: string): unknown {
  const code = errorCode(error) ?? "";
  const reason = code === "ENOENT" ? missing(error, dataDir) : DIRECTORY_FAILURES[code];
  return reason === undefined ? error : new DatabaseStartError(`DATA_DIR ${dataDir} ${reason}`, { cause: error });
}

function missing(error: unknown, dataDir: string): string {
  const path = error instanceof Error && "path" in error ? String(error.path) : "a file";
  if (`${resolve(dataDir)}/`.startsWith(`${path}/`)) return "can't be made; set another DATA_DIR";
  return `lacks ${path}; restore it, or set another DATA_DIR`;
}
