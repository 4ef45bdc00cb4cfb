import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { buildPrograms, type Programs, startProgram } from "./programs.ts";

let programs: Programs;
let database: TestDatabase;
let empty: TestDatabase;
beforeAll(async () => {
  programs = await buildPrograms(["src/cli/verify.ts"]);
  database = await createTestDatabase();
  empty = await createEmptyDatabase();
});
afterAll(async () => {
  await programs.remove();
  await database.drop();
  await empty.drop();
});

async function verify(environment: Record<string, string>, args: string[] = []) {
  const { DATABASE_URL: _, ...env } = process.env;
  const program = await startProgram(programs.path("src/cli/verify"), args, { ...env, ...environment });
  const code = await program.ended;
  return { code, output: program.output(), errors: program.errors() };
}

test("it ends with 0 for a sound ledger, else with 1 and a line for each finding", async () => {
  expect(await verify({ DATABASE_URL: database.url })).toMatchObject({
    code: 0,
    output: "",
    errors: expect.stringMatching(/^sound: \d+ checks\n$/),
  });
  await database.pool.query(
    "insert into account (name, owner, type, currency, created_at) values ('A', 'a', 1, 'USD', now())",
  );
  const { code, output, errors } = await verify({ DATABASE_URL: database.url });
  expect([code, errors]).toEqual([1, "1 findings\n"]);
  expect(JSON.parse(output)).toMatchObject({ check: "account_has_balance", details: { account_id: "1" } });
});

test.each<[what: string, environment: () => Record<string, string>, line: RegExp]>([
  [
    "a database without tables",
    () => ({ DATABASE_URL: empty.url }),
    /^migrations are missing: .*0001_ledger.*; run npm run migrate\n$/,
  ],
  [
    "a directory without a database",
    () => ({ DATA_DIR: join(inject("scratch"), "nothing") }),
    /^there is no database in DATA_DIR .*\n$/,
  ],
  ["nobody who answers", () => ({ DATABASE_URL: "postgres://a@127.0.0.1:1/a" }), /^can't use the database .*\n$/],
  ["a mistake in the environment", () => ({ DATABASE_URL: "nonsense" }), /DATABASE_URL: /],
])("%s ends it with 2 and one line", async (_, environment, line) => {
  expect(await verify(environment())).toEqual({ code: 2, output: "", errors: expect.stringMatching(line) });
});

test("it ends with 2 if the audit fails", async () => {
  await database.pool.query("alter table hold rename to holding");
  const { code, errors } = await verify({ DATABASE_URL: database.url });
  expect([code, errors]).toEqual([2, 'the ledger could not be audited: relation "hold" does not exist\n']);
});

test("it ends with 2 for bad usage, and with 0 for --help", async () => {
  expect(await verify({}, ["--all"])).toMatchObject({ code: 2, errors: expect.stringContaining("usage:") });
  expect(await verify({}, ["--help"])).toMatchObject({ code: 0, output: expect.stringContaining("usage:") });
});
