import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import { silentLog } from "../../src/database/connection-errors.ts";
import { startEmbeddedPostgres } from "../../src/database/index.ts";

/** An empty directory for a database, accessible to the server of root too. */
export async function makeDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(inject("scratch"), "data-"));
  await chmod(dataDir, 0o711);
  return dataDir;
}

/** A directory with a stopped database that contains a note. */
export async function makeSeed(): Promise<string> {
  const dataDir = await makeDataDir();
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog });
  await query(server.url, "create table note (text text)");
  await query(server.url, "insert into note values ('seed')");
  await server.stop();
  return dataDir;
}

export async function removeDataDir(dataDir: string): Promise<void> {
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

/** The id of the server's main process; undefined without a pid file. */
export async function serverPid(dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, "postgres", "cluster", "postmaster.pid"), "utf8").catch(() => "");
  const pid = Number.parseInt(text, 10);
  return Number.isNaN(pid) ? undefined : pid;
}

/** One statement on a connection of its own. */
export async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(statement).finally(() => client.end());
  return rows;
}
