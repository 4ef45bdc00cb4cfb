import { rmSync } from "node:fs";
import { access, chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg, { type Pool } from "pg";
import { silentLog } from "../src/database/connection-errors.ts";
import { lockDirectory } from "../src/database/embedded/lock.ts";
import { stopOrphan } from "../src/database/embedded/server.ts";
import { migrate, openPool, startEmbeddedPostgres } from "../src/database/index.ts";
import { migrationsDirectory } from "../src/package-files.ts";

/** A PostgreSQL for the benchmark: durable as in production, removed afterwards. */
export interface ScratchPostgres {
  /** Process id of the postmaster. */
  readonly pid: number;
  /** The server's values of the settings that figures depend on. */
  readonly settings: string;
  /** @param migrations a folder. Default: this version's. */
  createDatabase(name: string, migrations?: string): Promise<ScratchDatabase>;
  stop(): Promise<void>;
}

/** A migrated database. */
export interface ScratchDatabase {
  readonly url: string;
  /** For the benchmark itself: no statement timeout. */
  readonly pool: Pool;
}

const DIRECTORY_PREFIX = "finance-bench-";

/** Other settings are those of the service's embedded PostgreSQL. Each server of a suite has its own connections. */
const SETTINGS = { max_connections: "300" };

const SETTINGS_SHOWN = ["fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers"] as const;

export async function startScratchPostgres(): Promise<ScratchPostgres> {
  await removeLeftovers();
  const directory = await mkdtemp(join(tmpdir(), DIRECTORY_PREFIX));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 20 }));
  // Started by root, PostgreSQL runs as another user.
  await chmod(directory, 0o711);
  await lockDirectory(join(directory, "lock"));
  const server = await startEmbeddedPostgres({
    dataDir: join(directory, "server"),
    log: silentLog,
    settings: SETTINGS,
  });
  const stop = () => server.stop();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void stop().finally(() => process.exit(1)));
  }
  return await databasesOf(server.url, stop);
}

/** Uses a PostgreSQL that runs already. Its new databases are dropped afterwards. */
export async function runningPostgres(url: string): Promise<ScratchPostgres> {
  const made: string[] = [];
  const server = await databasesOf(url, async () => {
    for (const name of made) await administer(url, (client) => client.query(`drop database ${name} with (force)`));
  });
  return {
    ...server,
    createDatabase(name, migrations) {
      const own = `bench_${name}_${process.pid}`;
      made.push(own);
      return server.createDatabase(own, migrations);
    },
  };
}

async function databasesOf(serverUrl: string, stop: () => Promise<void>): Promise<ScratchPostgres> {
  const pools: Pool[] = [];
  return {
    ...(await describe(serverUrl)),
    async createDatabase(name, migrations = migrationsDirectory()) {
      await administer(serverUrl, (client) => client.query(`create database ${name}`));
      const target = new URL(serverUrl);
      target.pathname = name;
      const url = target.href;
      await migrate({ connectionString: url, directory: migrations });
      const pool = openPool({ connectionString: url, max: 2, statementTimeoutMs: 0 });
      pools.push(pool);
      return { url, pool };
    },
    async stop() {
      await Promise.all(pools.splice(0).map((pool) => pool.end()));
      await stop();
    },
  };
}

async function describe(url: string): Promise<Pick<ScratchPostgres, "pid" | "settings">> {
  return await administer(url, async (client) => {
    const { rows } = await client.query<{ pid: string; settings: string }>(
      `
select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid,
       'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) || ', '
         || string_agg(name || ' ' || current_setting(name), ', ' order by ordinal) as settings
  from unnest($1::text[]) with ordinality as shown (name, ordinal)`,
      [SETTINGS_SHOWN],
    );
    return { pid: Number(rows[0]?.pid), settings: rows[0]?.settings ?? "" };
  });
}

async function administer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return await work(client).finally(() => client.end());
}

/** Removes the directories of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  const entries = await readdir(tmpdir());
  for (const entry of entries.filter((name) => name.startsWith(DIRECTORY_PREFIX))) {
    const path = join(tmpdir(), entry);
    const lockFile = join(path, "lock");
    // A running benchmark holds its lock. Without one a run is starting or ending.
    const isAbandoned = await access(lockFile)
      .then(() => lockDirectory(lockFile))
      .then(
        () => true,
        () => false,
      );
    if (!isAbandoned) continue;
    await stopOrphan({ directory: join(path, "server", "postgres", "cluster") }, silentLog);
    await rm(path, { recursive: true, force: true, maxRetries: 20 });
  }
}
