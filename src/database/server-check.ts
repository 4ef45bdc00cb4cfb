import pg from "pg";
import { connectFailure, DatabaseStartError, type DatabaseTarget } from "./errors.ts";

const VERSION_MIN = 15;

/**
 * Makes sure, before anything is built on it, that the database at `connectionString` answers and is new enough.
 *
 * @throws DatabaseStartError when it does not.
 */
export async function checkDatabase(connectionString: string): Promise<void> {
  const client = openClient(connectionString);
  const target = { host: client.host, port: client.port, user: client.user ?? "", database: client.database ?? "" };
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>("show server_version");
    requireVersion(rows[0]?.server_version ?? "", target);
  } catch (error) {
    throw error instanceof DatabaseStartError ? error : connectFailure(error, target);
  } finally {
    await client.end();
  }
}

/** @throws DatabaseStartError when the server's version, as `show server_version` tells it, is too old. */
export function requireVersion(version: string, { host, port }: Pick<DatabaseTarget, "host" | "port">): void {
  if (Number.parseInt(version, 10) >= VERSION_MIN) return;
  throw new DatabaseStartError(
    `the server at ${host}:${port} is PostgreSQL ${version}; upgrade it to ${VERSION_MIN} or newer, or set another DATABASE_URL`,
  );
}

function openClient(connectionString: string): pg.Client {
  const isUrl = URL.canParse(connectionString) && /^postgres(ql)?:/.test(connectionString);
  try {
    if (isUrl) return new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
  } catch {
    // node-postgres quotes the URL, and with it the password, in what it throws.
  }
  throw new DatabaseStartError(
    "DATABASE_URL is not a PostgreSQL URL; it reads postgresql://user:password@host:5432/database",
  );
}
