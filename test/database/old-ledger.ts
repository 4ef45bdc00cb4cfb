/** Ledgers of earlier versions, to upgrade them. */
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Pool } from "pg";
import { inject } from "vitest";
import { migrate } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { createEmptyDatabase, type TestDatabase } from "../setup/database.ts";

/** A call of an earlier version, with its answer. */
export interface OldCall {
  readonly subject: string;
  readonly method: string;
  readonly request: object;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The content of a file in fixtures/: the rows of each table as that version wrote them, and its answers. */
export interface OldLedger {
  readonly ids: Readonly<Record<string, string>>;
  /** Calls with idempotency keys. */
  readonly calls: readonly OldCall[];
  /** Reads after all calls. */
  readonly reads?: readonly OldCall[];
  readonly tables: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

/** Reads a fixture. Its text keeps every digit of an int64. */
export async function readFixture(name: string): Promise<{ readonly text: string; readonly ledger: OldLedger }> {
  const text = await readFile(new URL(`fixtures/${name}`, import.meta.url), "utf8");
  return { text, ledger: JSON.parse(text) };
}

/**
 * Creates a database with the migrations up to number `last` and fills it.
 *
 * @param text JSON with the rows of each table as the member `tables`.
 */
export async function createOldLedger(last: number, text: string): Promise<TestDatabase> {
  const database = await createEmptyDatabase();
  const directory = await mkdtemp(join(inject("scratch"), "old-migrations-"));
  const current = migrationsDirectory();
  for (const name of await readdir(current)) {
    if (Number.parseInt(name, 10) <= last) await cp(join(current, name), join(directory, name));
  }
  await migrate({ connectionString: database.url, directory });
  await rm(directory, { recursive: true });
  const { rows } = await database.pool.query<{ name: string }>(
    "select json_object_keys($1::json -> 'tables') as name",
    [text],
  );
  for (const { name } of rows) await insertRows(database.pool, name, text);
  await database.pool.query("select setval('account_id_seq', max(id)) from account");
  await database.pool.query("select setval('transfer_id', max(id)) from transfer");
  return database;
}

async function insertRows(pool: Pool, table: string, text: string): Promise<void> {
  // Parsed by PostgreSQL, which reads every digit of an int64.
  await pool.query(
    `insert into ${table} overriding system value
     select * from json_populate_recordset(null::${table}, $1::json -> 'tables' -> '${table}')`,
    [text],
  );
}

/** Applies the missing migrations. */
export async function upgrade(database: TestDatabase): Promise<string[]> {
  return await migrate({ connectionString: database.url, directory: migrationsDirectory() });
}
