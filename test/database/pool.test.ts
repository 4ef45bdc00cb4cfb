import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  isConnectionError,
  isRetryable,
  openPool,
  PoolExhaustedError,
  withTransaction,
} from "../../src/database/index.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query("create table note (id int8 primary key, text text not null)");
});
afterAll(async () => {
  await database.drop();
});

describe("values", () => {
  test.each<[sql: string, value: unknown]>([
    ["9223372036854775807::int8", 9_223_372_036_854_775_807n],
    ["(-9223372036854775808)::int8", -9_223_372_036_854_775_808n],
    ["count(*)", 1n],
    ["null::int8", null],
    ["null::timestamptz", null],
    ["timestamptz '2026-01-01 01:00:00.000001+01'", 1_767_225_600_000_001n],
    ["7::int4", 7],
    ["sum(1::int8)", "1"],
    ["true", true],
    [`'{"a":1}'::jsonb`, { a: 1 }],
  ])("%s", async (sql, value) => {
    const { rows } = await database.pool.query(`select ${sql} as value`);
    expect(rows).toEqual([{ value }]);
  });
});

test.each([
  ["TimeZone", "UTC"],
  ["DateStyle", "ISO, YMD"],
  ["statement_timeout", "1s"],
  ["lock_timeout", "2s"],
  ["idle_in_transaction_session_timeout", "3s"],
  ["application_name", "a test"],
])("each connection has %s %s in spite of the URL", async (name, value) => {
  const url = new URL(database.url);
  url.searchParams.set("options", "-c timezone=Asia/Tokyo -c datestyle=German -c statement_timeout=0");
  const pool = openPool({
    connectionString: url.href,
    applicationName: "a test",
    statementTimeoutMs: 1000,
    lockTimeoutMs: 2000,
    idleInTransactionTimeoutMs: 3000,
  });
  try {
    expect((await pool.query("select current_setting($1) as value", [name])).rows).toEqual([{ value }]);
  } finally {
    await pool.end();
  }
});

describe("statements sent without awaiting the earlier ones", () => {
  test("are answered in order, and one that fails stops no other", async () => {
    const client = await database.pool.connect();
    const answers = await Promise.allSettled([
      client.query("select 1 as n"),
      client.query("select 1 / 0 as n"),
      client.query("select 3 as n"),
    ]);
    client.release();
    expect(answers.map(outcome)).toEqual([[{ n: 1 }], "22012", [{ n: 3 }]]);
  });

  test("all fail after the first failure in an open transaction", async () => {
    const client = await database.pool.connect();
    const answers = await Promise.allSettled([
      client.query("begin"),
      client.query("select 1 / 0 as n"),
      client.query("select 3 as n"),
      client.query("commit"),
      client.query("select 5 as n"),
    ]);
    client.release();
    expect(answers.map(outcome)).toEqual([[], "22012", "25P02", [], [{ n: 5 }]]);
    expect(answers[3]).toMatchObject({ value: { command: "ROLLBACK" } });
  });

  test("are all sent before the first answer", async () => {
    const { hostname, port, username, password, pathname } = new URL(database.url);
    const traffic: ("question" | "answer")[] = [];
    const proxy = createServer((socket) => {
      const upstream = connect(Number(port), hostname);
      socket.on("data", () => traffic.push("question")).pipe(upstream);
      upstream.on("data", () => traffic.push("answer")).pipe(socket);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const address = proxy.address();
    const proxyPort = typeof address === "object" ? address?.port : undefined;
    const pool = openPool({
      connectionString: `postgresql://${username}:${password}@127.0.0.1:${proxyPort}${pathname}`,
    });
    const client = await pool.connect();
    traffic.length = 0;
    // The first takes long enough to see the others arrive.
    await Promise.all([client.query("select pg_sleep(0.1)"), client.query("select 2"), client.query("select 3")]);
    const turns = traffic.filter((turn, index) => turn !== traffic[index - 1]);
    client.release();
    await pool.end();
    proxy.close();
    expect(turns).toEqual(["question", "answer"]);
  });
});

describe("a transaction", () => {
  test("keeps what its work did and returns its result", async () => {
    const result = await withTransaction(database.pool, async (client) => {
      await client.query("insert into note values (1, 'kept')");
      return "done";
    });
    expect(result).toBe("done");
    expect(await notes(1)).toEqual(["kept"]);
  });

  test("keeps nothing when its work throws, and leaves the connection usable", async () => {
    const pool = openPool({ connectionString: database.url, max: 1 });
    const backends = new Set<number>();
    const failing = withTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      backends.add(rows[0]?.pid ?? 0);
      await client.query("insert into note values (2, 'lost')");
      throw new Error("changed my mind");
    });
    await expect(failing).rejects.toThrow("changed my mind");
    const { rows } = await pool.query<{ pid: number }>("select pg_backend_pid() as pid");
    backends.add(rows[0]?.pid ?? 0);
    await pool.end();
    expect(await notes(2)).toEqual([]);
    expect(backends.size).toBe(1);
  });

  test("does not count as committed if its work ignored a failed statement", async () => {
    const work = withTransaction(database.pool, async (client) => {
      await client.query("insert into note values (3, 'lost')");
      await client.query("select 1 / 0").catch(() => undefined);
    });
    await expect(work).rejects.toThrow("everything was rolled back");
    expect(await notes(3)).toEqual([]);
  });

  test("fails as a lost connection when its connection ends, and its pool still works", async () => {
    const work = withTransaction(database.pool, async (client) => {
      await client.query("select pg_terminate_backend(pg_backend_pid())");
    });
    await expect(work).rejects.toSatisfy(isConnectionError);
    expect(await notes(4)).toEqual([]);
  });

  test("can be retried after a deadlock", async () => {
    await database.pool.query("insert into note values (10, ''), (11, '')");
    let isFirstLocked = (): void => undefined;
    let isSecondLocked = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      isFirstLocked = resolve;
    });
    const second = new Promise<void>((resolve) => {
      isSecondLocked = resolve;
    });
    const lock = async (ids: [number, number], isLocked: () => void, other: Promise<void>) =>
      await withTransaction(database.pool, async (client) => {
        await client.query("set local deadlock_timeout = '50ms'");
        await client.query("select from note where id = $1 for update", [ids[0]]);
        isLocked();
        await other;
        await client.query("select from note where id = $1 for update", [ids[1]]);
      });
    const outcomes = await Promise.allSettled([
      lock([10, 11], isFirstLocked, second),
      lock([11, 10], isSecondLocked, first),
    ]);
    const failures = outcomes.flatMap((settled) => (settled.status === "rejected" ? [settled.reason] : []));
    expect(failures.map(isRetryable)).toEqual([true]);
    expect(failures.map(isConnectionError)).toEqual([false]);
  });
});

test("a statement that waits too long for a lock fails, and is no lost connection", async () => {
  const pool = openPool({ connectionString: database.url, lockTimeoutMs: 50 });
  await database.pool.query("insert into note values (20, '')");
  const blocked = withTransaction(pool, async (holder) => {
    await holder.query("select from note where id = 20 for update");
    await pool.query("select from note where id = 20 for update");
  });
  const error = await blocked.catch((reason: unknown) => reason);
  await pool.end();
  expect(error).toMatchObject({ code: "55P03" });
  expect([isConnectionError(error), isRetryable(error)]).toEqual([false, false]);
});

test("a statement that is planned once uses the index of a table that was vacuumed when it was empty", async () => {
  await database.pool.query("create table vacuumed (id int8 primary key)");
  await database.pool.query("vacuum vacuumed");
  const pool = openPool({ connectionString: database.url, planOnce: true });
  const client = await pool.connect();
  try {
    await client.query("prepare look_up (int8) as select id from vacuumed where id = $1");
    const { rows } = await client.query<{ "QUERY PLAN": string }>("explain (costs off) execute look_up (1)");
    expect(rows[0]?.["QUERY PLAN"]).toMatch(/^Index Only Scan/);
    // Compiling would take longer than any of these statements.
    expect((await client.query("show jit")).rows).toEqual([{ jit: "off" }]);
  } finally {
    client.release();
    await pool.end();
  }
});

test("a pool that is full gives up after its time, and is not taken for a database that is away", async () => {
  const pool = openPool({ connectionString: database.url, max: 1, connectTimeoutMs: 1000 });
  const holder = await pool.connect();
  const error = await pool.query("select 1").catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(PoolExhaustedError);
  expect(error).not.toSatisfy(isConnectionError);
  holder.release();
  expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  await pool.end();
});

test("idle connections that the server ends are reported once each and replaced", async () => {
  const warnings: string[] = [];
  const ignore = (): void => undefined;
  const log = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (_: object, text: string) => void warnings.push(text),
  };
  const pool = openPool({ connectionString: database.url, applicationName: "doomed", log });
  await Promise.all([pool.query("select pg_sleep(0.01)"), pool.query("select pg_sleep(0.01)")]);
  expect(pool.idleCount).toBe(2);

  await database.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'doomed'");
  await expect.poll(() => pool.totalCount).toBe(0);
  expect(warnings).toEqual(["lost an idle database connection", "lost an idle database connection"]);
  expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  await pool.end();
});

async function notes(id: number): Promise<string[]> {
  const { rows } = await database.pool.query<{ text: string }>("select text from note where id = $1", [id]);
  return rows.map(({ text }) => text);
}

function outcome(settled: PromiseSettledResult<{ rows: unknown[] }>): unknown {
  return settled.status === "fulfilled" ? settled.value.rows : settled.reason.code;
}
