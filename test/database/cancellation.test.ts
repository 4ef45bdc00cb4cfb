import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPool, withTransaction } from "../../src/database/index.ts";
import { cancelOnAbort } from "../../src/database/pool.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query("create table note (id int8 primary key)");
});
afterAll(async () => {
  await database.drop();
});

const LONG = "select pg_sleep(60)";
const tooLate = new Error("too late");

/** Resolves when `count` statements that contain `text` are running. */
async function running(text: string, count = 1): Promise<void> {
  const statement =
    "select count(*) as count from pg_stat_activity where state = 'active' and query like $1 and pid <> pg_backend_pid()";
  await expect
    .poll(async () => (await database.pool.query(statement, [`%${text}%`])).rows[0].count, { timeout: 10_000 })
    .toBe(BigInt(count));
}

describe("work under a signal", () => {
  test("is cancelled in the server when the signal aborts, and fails with the signal's reason", async () => {
    const client = await database.pool.connect();
    const abort = new AbortController();
    const work = cancelOnAbort(database.pool, client, abort.signal, () => client.query(LONG));
    const outcome = work.catch((error: unknown) => error);
    await running("pg_sleep");
    abort.abort(tooLate);
    expect(await outcome).toBe(tooLate);
    await running("pg_sleep", 0);
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    client.release();
  });

  test("is cancelled down to the last statement of a pipeline", async () => {
    const client = await database.pool.connect();
    const abort = new AbortController();
    const work = cancelOnAbort(database.pool, client, abort.signal, () =>
      Promise.allSettled([client.query(LONG), client.query(LONG), client.query(LONG)]),
    );
    await running("pg_sleep");
    abort.abort(tooLate);
    expect(await work).toEqual(
      Array(3).fill({ status: "rejected", reason: expect.objectContaining({ code: "57014" }) }),
    );
    client.release();
  });

  test("in a transaction is rolled back", async () => {
    const abort = new AbortController();
    const { pool } = database;
    const outcome = withTransaction(pool, (client) =>
      cancelOnAbort(pool, client, abort.signal, async () => {
        await client.query("insert into note values (1)");
        await client.query(LONG);
      }),
    ).catch((error: unknown) => error);
    await running("pg_sleep");
    abort.abort(tooLate);
    expect(await outcome).toBe(tooLate);
    expect((await pool.query("select * from note")).rows).toEqual([]);
  });

  test("is cancelled even if every connection of its pool waits", async () => {
    const pool = openPool({ connectionString: database.url, max: 1 });
    const client = await pool.connect();
    const abort = new AbortController();
    const outcome = cancelOnAbort(pool, client, abort.signal, () => client.query(LONG)).catch(
      (error: unknown) => error,
    );
    await running("pg_sleep");
    abort.abort(tooLate);
    expect(await outcome).toBe(tooLate);
    client.release();
    await pool.end();
  });

  test("does not begin after the signal has aborted", async () => {
    const client = await database.pool.connect();
    const work = () => Promise.reject(new Error("begun"));
    await expect(cancelOnAbort(database.pool, client, AbortSignal.abort(tooLate), work)).rejects.toBe(tooLate);
    client.release();
  });

  test("that succeeds counts, even if the signal aborts", async () => {
    const client = await database.pool.connect();
    const abort = new AbortController();
    const work = cancelOnAbort(database.pool, client, abort.signal, async () => {
      const { rows } = await client.query("select 1 as one");
      abort.abort(tooLate);
      return rows;
    });
    expect(await work).toEqual([{ one: 1 }]);
    client.release();
  });

  test("fails with its own error if that came first", async () => {
    const client = await database.pool.connect();
    const work = cancelOnAbort(database.pool, client, new AbortController().signal, () => client.query("select 1/0"));
    await expect(work).rejects.toMatchObject({ code: "22012" });
    client.release();
  });
});

test("a cancellation never hits the next use of the connection", async () => {
  const client = await database.pool.connect();
  for (let round = 0; round < 60; round += 1) {
    const abort = new AbortController();
    // Sleeps and aborts of similar lengths, so that each comes first sometimes.
    setTimeout(() => abort.abort(tooLate), round % 10);
    const seconds = (round % 7) / 1000;
    await cancelOnAbort(database.pool, client, abort.signal, () =>
      client.query("select pg_sleep($1)", [seconds]),
    ).catch((error: unknown) => expect(error).toBe(tooLate));
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  }
  client.release();
});
