import { readdir } from "node:fs/promises";
import type { Pool } from "pg";
import { connectTo } from "./connection.ts";
import { type DatabaseLog, errorCode, silentLog } from "./connection-errors.ts";
import { DatabaseStartError, readTarget } from "./errors.ts";
import { isDirect } from "./session.ts";

/** The table of applied migrations. */
const MIGRATIONS_TABLE = "schema_migration";

/** Such as `0001_ledger.sql`. Files are applied in the order of their numbers. */
const MIGRATION_FILE = /^(\d+)_[a-z0-9_-]+\.sql$/;

/** node-pg-migrate ignores matching files: those that are no migrations, such as the SQL of the grants. */
const NO_MIGRATION_FILE = "(?!\\d+_[a-z0-9_-]+\\.sql$).*";

const UNDEFINED_TABLE = "42P01";

/** How {@link migrate} runs. */
export interface MigrateOptions {
  /** A PostgreSQL URL whose user may create tables. */
  readonly connectionString: string;
  /** The folder of the SQL files. */
  readonly directory: string;
  /** Receives the progress. Default: none. */
  readonly log?: DatabaseLog;
}

/**
 * Applies the missing migrations, all of them or none. If two processes do it at once, one waits for the other and then
 * finds none missing.
 *
 * @returns the names of the migrations that this call applied, in order.
 * @throws the database's error, or an error that names the file that is missing, out of order or wrong.
 */
export async function migrate({ connectionString, directory, log = silentLog }: MigrateOptions): Promise<string[]> {
  const { client } = await connectTo(readTarget(connectionString), { applicationName: "finance-service migrate" });
  try {
    if (!(await isDirect(client))) {
      throw new DatabaseStartError(
        "migrations need a lock that a pooler like PgBouncer can't keep; give the address of PostgreSQL itself",
      );
    }
    // Loaded only here, which saves a tenth of a second at the start of a service that does not migrate.
    const { runner } = await import("node-pg-migrate");
    const applied = await runner({
      dbClient: client,
      dir: directory,
      ignorePattern: NO_MIGRATION_FILE,
      migrationsTable: MIGRATIONS_TABLE,
      direction: "up",
      checkOrder: true,
      singleTransaction: true,
      advisoryLockMode: "wait",
      logger: progressLog(log),
    });
    return applied.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

/** @returns the names of the missing migrations, in order. One short query. */
export async function pendingMigrations(pool: Pool, directory: string): Promise<string[]> {
  const [names, applied] = await Promise.all([listMigrations(directory), appliedMigrations(pool)]);
  return names.filter((name) => !applied.has(name));
}

async function listMigrations(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .flatMap(({ name }) => {
      const match = MIGRATION_FILE.exec(name);
      return match === null ? [] : { name: name.slice(0, -".sql".length), number: Number(match[1]) };
    })
    .sort((a, b) => a.number - b.number)
    .map(({ name }) => name);
}

async function appliedMigrations(pool: Pool): Promise<ReadonlySet<string>> {
  try {
    const { rows } = await pool.query<{ name: string }>(`select name from ${MIGRATIONS_TABLE}`);
    return new Set(rows.map(({ name }) => name));
  } catch (error) {
    if (errorCode(error) === UNDEFINED_TABLE) return new Set();
    throw error;
  }
}

/** node-pg-migrate logs each step as information, and logs each failure as well as throwing it. */
function progressLog(log: DatabaseLog) {
  const debug = (message: string): void => log.debug({}, message);
  return { debug, info: debug, warn: (message: string): void => log.warn({}, message), error: debug };
}
