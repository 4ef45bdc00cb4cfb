import { expect, test, vi } from "vitest";
import { createStatisticsReader, DATABASE_GAUGES, openPool } from "../../src/database/index.ts";
import { createTestDatabase } from "../setup/database.ts";

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };

test("the server is measured once in fifteen seconds", async ({ onTestFinished }) => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const asked = vi.spyOn(database.pool, "query");
  const read = createStatisticsReader(database.pool, log);
  const [statistics, again] = await Promise.all([read(), read()]);
  expect(again).toBe(statistics);
  expect(await read()).toBe(statistics);
  expect(asked).toHaveBeenCalledTimes(1);
  expect(Object.keys(statistics ?? {}).sort()).toEqual(Object.keys(DATABASE_GAUGES).sort());
  expect(statistics?.database_size_bytes).toBeGreaterThan(1_000_000);
  expect(statistics?.database_connections).toBeGreaterThanOrEqual(1);
  expect(statistics?.database_connections_max).toBeGreaterThan(Number(statistics?.database_connections));
  expect(statistics).toMatchObject({
    database_standbys: 0,
    database_replication_lag_bytes: 0,
    database_replication_slots: { active: 0, inactive: 0, lost: 0 },
  });
});

test("an absent database is not asked, and one that can't answer the question is reported once", async ({
  onTestFinished,
}) => {
  const pool = openPool({ connectionString: "postgres://nobody@127.0.0.1:1/nowhere" });
  onTestFinished(() => pool.end());
  const readAbsent = createStatisticsReader(pool, log);
  expect(await readAbsent()).toBeUndefined();
  expect(await readAbsent()).toBeUndefined();
  expect(log.warn).not.toHaveBeenCalled();

  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  vi.spyOn(database.pool, "query").mockRejectedValue(Object.assign(new Error("no such view"), { code: "42P01" }));
  const readStrange = createStatisticsReader(database.pool, log);
  expect(await readStrange()).toBeUndefined();
  expect(await readStrange()).toBeUndefined();
  expect(log.warn).toHaveBeenCalledTimes(1);
  expect(database.pool.query).toHaveBeenCalledTimes(1);
});
