import { afterEach, beforeEach, expect, test } from "vitest";
import { openPool, PoolExhaustedError } from "../../src/database/index.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

const WAITING_MAX = 1000;

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

test("only the caller that exceeds the limit of waiting callers is refused at once", async () => {
  const pool = openPool({ connectionString: database.url, max: 1, connectTimeoutMs: 30_000 });
  const client = await pool.connect();
  const waiting = Array.from({ length: WAITING_MAX }, () => pool.query("select 1 as one"));
  await expect(pool.query("select 2")).rejects.toThrow(PoolExhaustedError);
  await expect(pool.connect()).rejects.toThrow(`${WAITING_MAX} callers wait for a database connection already`);
  client.release();
  for (const { rows } of await Promise.all(waiting)) expect(rows).toEqual([{ one: 1 }]);
  expect((await pool.query("select 3 as three")).rows).toEqual([{ three: 3 }]);
  await pool.end();
});
