import { randomUUID } from "node:crypto";
import pg, { type Pool } from "pg";
import { inject } from "vitest";
import { openPool } from "../../src/database/index.ts";

/** A database that belongs to one test or test file. */
export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  /** Closes the pool and deletes the database, even while others are connected to it. */
  drop(): Promise<void>;
}

/** Creates a migrated, empty database. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return await createDatabase(inject("postgres").template);
}

/** Creates a database without migrations. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return await createDatabase("template0");
}

async function createDatabase(template: string): Promise<TestDatabase> {
  const { adminUrl } = inject("postgres");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  // Without fsync, copying files is faster than copying pages.
  await administer(adminUrl, `create database ${name} template ${template} strategy file_copy`);

  const target = new URL(adminUrl);
  target.pathname = name;
  const url = target.href;
  const pool = openPool({ connectionString: url });
  return {
    url,
    pool,
    drop: async () => {
      if (!pool.ended) await pool.end();
      await administer(adminUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
