/**
 * One PostgreSQL for the whole test run, with a template that has every migration applied. It is the embedded one, in a
 * temporary directory, or the server at TEST_DATABASE_URL, whose user must be allowed to create databases.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { access, chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { silentLog } from "../../src/database/connection-errors.ts";
import { lockDirectory } from "../../src/database/embedded/lock.ts";
import { stopOrphan } from "../../src/database/embedded/server.ts";
import { type EmbeddedPostgres, migrate, startEmbeddedPostgres } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The server of this run, for createTestDatabase. */
    postgres: { adminUrl: string; template: string };
    /** A directory for files of tests, deleted after the run. */
    scratch: string;
  }
}

const DIRECTORY_PREFIX = "finance-test-";

const SETTINGS = {
  // Tests need no durability.
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  max_connections: "300",
  shared_preload_libraries: "pg_stat_statements",
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers();
  const scratch = await makeScratch();
  const server = await openServer(join(scratch.path, "server"));
  const template = `finance_template_${randomUUID().slice(0, 8)}`;
  const close = async (): Promise<void> => {
    await administer(server.url, `drop database if exists ${template} with (force)`);
    await server.stop();
    scratch.remove();
  };
  try {
    await administer(server.url, `create database ${template}`);
    const templateUrl = new URL(server.url);
    templateUrl.pathname = template;
    await migrate({ connectionString: templateUrl.href, directory: migrationsDirectory() });
  } catch (error) {
    await close();
    throw error;
  }
  project.provide("postgres", { adminUrl: server.url, template });
  project.provide("scratch", scratch.path);
  return close;
}

async function openServer(dataDir: string): Promise<EmbeddedPostgres> {
  const url = process.env["TEST_DATABASE_URL"];
  if (url !== undefined && url !== "") return { url, stop: async () => undefined };
  return await startEmbeddedPostgres({ dataDir, log: silentLog, settings: SETTINGS });
}

async function makeScratch(): Promise<{ path: string; remove(): void }> {
  const path = await mkdtemp(join(tmpdir(), DIRECTORY_PREFIX));
  // PostgreSQL refuses root: started by root, it runs as another user.
  await chmod(path, 0o711);
  await lockDirectory(join(path, "lock"));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 20 });
  // An interrupted run skips its teardown.
  process.once("exit", remove);
  return { path, remove };
}

/** Removes the directories of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  const entries = await readdir(tmpdir());
  for (const entry of entries.filter((name) => name.startsWith(DIRECTORY_PREFIX))) {
    const path = join(tmpdir(), entry);
    const lockFile = join(path, "lock");
    // A live run holds its lock. Without one a run is starting or ending.
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

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
