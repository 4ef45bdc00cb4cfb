import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { migrate, pendingMigrations } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { buildPrograms, type Programs, startProgram } from "./programs.ts";

let database: TestDatabase;
let directory: string;
beforeEach(async () => {
  database = await createEmptyDatabase();
  directory = await mkdtemp(join(inject("scratch"), "migrations-"));
});
afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
};
const run = (): Promise<string[]> => migrate({ connectionString: database.url, directory });
const tables = async (): Promise<string[]> => {
  const { rows } = await database.pool.query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
  );
  return rows.map(({ name }) => name).filter((name) => name !== "schema_migration");
};

const ONE = { "0001_one.sql": "-- Up Migration\ncreate table one (id int);\n" };
const TWO = { "0002_two.sql": "create table two as select * from one;" };

describe("migrations", () => {
  test("are applied in the order of their numbers, once", async () => {
    await write({ ...TWO, ...ONE, "10_ten.sql": "create table ten as select * from two;" });
    expect(await pendingMigrations(database.pool, directory)).toEqual(["0001_one", "0002_two", "10_ten"]);
    expect(await run()).toEqual(["0001_one", "0002_two", "10_ten"]);
    expect(await tables()).toEqual(["one", "ten", "two"]);
    expect(await pendingMigrations(database.pool, directory)).toEqual([]);
    expect(await run()).toEqual([]);
  });

  test("that were added later are applied later", async () => {
    await write(ONE);
    await run();
    await write(TWO);
    expect(await pendingMigrations(database.pool, directory)).toEqual(["0002_two"]);
    expect(await run()).toEqual(["0002_two"]);
  });

  test("are SQL files with a number; other files are ignored", async () => {
    await write({ ...ONE, "README.md": "# how", "notes.sql": "nonsense", "0003_x.js": "throw 1", ".0004_x.sql": "x" });
    await mkdir(join(directory, "0005_folder.sql"));
    expect(await run()).toEqual(["0001_one"]);
    expect(await pendingMigrations(database.pool, directory)).toEqual([]);
  });

  test("are applied all together or not at all", async () => {
    await write({ ...ONE, ...TWO, "0003_three.sql": "create table three (id int); select 1 / 0;" });
    await expect(run()).rejects.toMatchObject({ code: "22012" });
    expect(await tables()).toEqual([]);
    expect(await pendingMigrations(database.pool, directory)).toHaveLength(3);
  });

  test("may contain functions and all kinds of comments", async () => {
    const body = "begin return 'a;b'; end";
    await write({
      "0001_f.sql": `/* a; b */\ncreate function f() returns text language plpgsql as $$ ${body} $$; -- the end`,
    });
    await run();
    expect((await database.pool.query("select f()")).rows).toEqual([{ f: "a;b" }]);
  });

  test("can't be inserted before an applied one", async () => {
    await write({ "0002_two.sql": "create table two (id int);" });
    await run();
    await write(ONE);
    await expect(run()).rejects.toThrow("0001_one is preceding already run migration 0002_two");
  });

  test("of a newer version do not disturb an older one, which finds none missing", async () => {
    await write({ ...ONE, ...TWO });
    await run();
    await rm(join(directory, "0002_two.sql"));
    expect(await pendingMigrations(database.pool, directory)).toEqual([]);
    expect(await run()).toEqual([]);
    expect(await tables()).toEqual(["one", "two"]);
  });

  test("are applied once when several processes do it at the same time", async () => {
    await write({ ...ONE, "0002_slow.sql": "select pg_sleep(0.2); create table slow (id int);" });
    const outcomes = await Promise.all([run(), run(), run()]);
    expect(outcomes.filter((names) => names.length > 0)).toEqual([["0001_one", "0002_slow"]]);
    expect(await tables()).toEqual(["one", "slow"]);
  });

  test("in a missing folder are an error", async () => {
    const missing = join(directory, "nowhere");
    await expect(migrate({ connectionString: database.url, directory: missing })).rejects.toThrow("ENOENT");
  });
});

test("the package's own migrations are found, and test databases have them", async () => {
  const own = migrationsDirectory();
  expect(await readdir(own)).toContain("0001_ledger.sql");
  const migrated = await createTestDatabase();
  expect(await pendingMigrations(migrated.pool, own)).toEqual([]);
  await migrated.drop();
});

describe("npm run migrate", () => {
  let programs: Programs;
  beforeAll(async () => {
    programs = await buildPrograms(["src/cli/migrate.ts"]);
  });
  afterAll(async () => {
    await programs.remove();
  });

  const runCommand = async (url: string | undefined) => {
    const { DATABASE_URL: _, ...env } = process.env;
    const program = await startProgram(programs.path("src/cli/migrate"), [], {
      ...env,
      ...(url !== undefined && { DATABASE_URL: url }),
    });
    const code = await program.ended;
    return { code, output: program.output(), errors: program.errors() };
  };

  test("names the migrations that it applied, and the next time says that none were missing", async () => {
    const own = migrationsDirectory();
    const names = await pendingMigrations(database.pool, own);
    const output = names.map((name) => `applied ${name}\n`).join("");
    expect(await runCommand(database.url)).toEqual({ code: 0, output, errors: "" });
    expect(await runCommand(database.url)).toEqual({ code: 0, output: "up to date\n", errors: "" });
  });

  test.each<[what: string, url: (url: URL) => string | undefined, line: RegExp]>([
    ["no DATABASE_URL", () => undefined, /^npm run migrate needs DATABASE_URL; .+$/],
    ["an empty one", () => "", /^npm run migrate needs DATABASE_URL; .+$/],
    [
      "a database that does not exist",
      (url) => at(url, "nowhere"),
      /^can't use the database at .+, nowhere as \w+: there is no such database; create it, or .+$/,
    ],
  ])("says in one line what is wrong with %s, and exits 1", async (_, url, line) => {
    const { code, output, errors } = await runCommand(url(new URL(database.url)));
    expect({ code, output }).toEqual({ code: 1, output: "" });
    expect(errors.trimEnd()).toMatch(line);
  });

  test("says in one line that a migration failed", async () => {
    await database.pool.query("create view transfer as select 1 as one");
    const { code, errors } = await runCommand(database.url);
    expect(code).toBe(1);
    expect(errors).toBe('the migration failed, nothing was applied: relation "transfer" already exists\n');
  });
});

function at(url: URL, database: string): string {
  url.pathname = database;
  return url.href;
}
