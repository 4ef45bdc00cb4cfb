import type { Pool } from "pg";
import { connectTo, type HostAddress } from "./connection.ts";
import { DatabaseAwayError, PoolExhaustedError } from "./connection-errors.ts";
import { connectFailure, DatabaseStartError, describeTarget, readTarget } from "./errors.ts";
import { pendingMigrations } from "./migrations.ts";

/** Short, because load balancers wait for /readyz. */
const ANSWER_MS_MAX = 1000;

/**
 * Says why the database can't take postings now, in a few words without address, user or password.
 *
 * @param directory the folder of the migrations.
 * @returns undefined if it can. The answer takes about a second at most.
 */
export async function findObstacle(pool: Pool, directory: string): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, ANSWER_MS_MAX, `the database gave no answer in ${ANSWER_MS_MAX} ms`);
  });
  try {
    return await Promise.race([silence, ask(pool, directory)]);
  } catch (error) {
    if (error instanceof DatabaseAwayError) return error.message;
    return error instanceof PoolExhaustedError
      ? "all database connections are in use"
      : "the database can't be reached";
  } finally {
    clearTimeout(timer);
  }
}

async function ask(pool: Pool, directory: string): Promise<string | undefined> {
  const missing = await pendingMigrations(pool, directory);
  if (missing.length > 0) return `migrations are missing: ${missing.join(", ")}`;
  const { rows } = await pool.query<{ transaction_read_only: string }>("show transaction_read_only");
  return rows[0]?.transaction_read_only === "on" ? "the database takes no writes" : undefined;
}

const VERSION_MIN = 15;

/**
 * Checks that the database at `connectionString` answers and is new enough.
 *
 * @returns its hosts and name, for people.
 * @throws DatabaseStartError if it does not, or is too old.
 */
export async function checkDatabase(connectionString: string): Promise<string> {
  const target = readTarget(connectionString);
  try {
    const { client, endpoint } = await connectTo(target, { applicationName: "finance-service check" });
    try {
      const { rows } = await client.query<{ server_version: string }>("show server_version");
      requireVersion(rows[0]?.server_version ?? "", endpoint);
    } finally {
      await client.end();
    }
  } catch (error) {
    throw error instanceof DatabaseStartError ? error : connectFailure(error, target);
  }
  return describeTarget(target);
}

/** @throws DatabaseStartError if the version, as in `show server_version`, is too old. */
export function requireVersion(version: string, { host, port }: HostAddress): void {
  if (Number.parseInt(version, 10) >= VERSION_MIN) return;
  throw new DatabaseStartError(
    `the server at ${host}:${port} is PostgreSQL ${version}; upgrade it to ${VERSION_MIN} or newer, or set another DATABASE_URL`,
  );
}

/** What the processes of the service share. */
export interface ConnectionRoom {
  /** Connections that the server allows to all roles that are no superusers, together. */
  readonly max: number;
  /** Other machines or containers from which the service uses this database. Those behind PgBouncer count as one. */
  readonly otherHosts: number;
}

export async function readConnectionRoom(pool: Pool): Promise<ConnectionRoom> {
  const { rows } = await pool.query<ConnectionRoom>(
    `
select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as max,
       (select count(distinct coalesce(host(client_addr), ''))::int
          from pg_stat_activity
         where datname = current_database()
           and usename = current_user
           and application_name like 'finance-service%'
           and client_addr is distinct from inet_client_addr()) as "otherHosts"`,
  );
  return rows[0] ?? { max: 0, otherHosts: 0 };
}

/** Settings that must be on, and what a crash may destroy if they are off. */
const DURABLE_SETTINGS = {
  synchronous_commit: "transfers that were acknowledged may be lost when the server crashes",
  fsync: "the whole database may be lost when the machine crashes",
  full_page_writes: "pages that were half written when the machine crashes can't be repaired",
};

/**
 * Describes, one per line, the settings of the pool's sessions that put acknowledged transfers at risk. Server, database and
 * role may each have set them.
 */
export async function findDurabilityRisks(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: keyof typeof DURABLE_SETTINGS }>(
    "select name from unnest($1::text[]) with ordinality as s (name, ordinal) where current_setting(name) = 'off' order by ordinal",
    [Object.keys(DURABLE_SETTINGS)],
  );
  return rows.map(({ name }) => `PostgreSQL has ${name} = off: ${DURABLE_SETTINGS[name]}; set it to on`);
}
