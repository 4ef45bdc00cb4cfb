import { afterAll, beforeAll, expect, test } from "vitest";
import { TIMEOUT_HEADER } from "../../packages/twirp/src/index.ts";
import { withConnection } from "../../src/database/index.ts";
import { WireConnection } from "../conformance/twirp-http.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { listenOn, serve } from "./serve.ts";
import { type Hats, hatService } from "./service.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
});

const Make: Hats["Make"] = async ({ signal }, hat) => {
  await withConnection(database.pool, (client) => client.query("select pg_sleep(60)"), signal);
  return hat;
};

async function sleeping(): Promise<bigint> {
  const { rows } = await database.pool.query(
    "select count(*) as count from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(60)' and state = 'active'",
  );
  return rows[0].count;
}

test("a query that gets the call's signal ends at the caller's deadline", async () => {
  const { call } = await serve({ services: [hatService({ Make })] });
  expect(await call("Make", {}, { [TIMEOUT_HEADER]: "300" })).toMatchObject({
    status: 408,
    body: { code: "deadline_exceeded" },
  });
  await expect.poll(sleeping, { timeout: 10_000 }).toBe(0n);
});

test("and when its connection is lost", async () => {
  const { app } = await serve({ services: [hatService({ Make })] });
  const connection = new WireConnection(await listenOn(app));
  await connection.write({
    method: "POST",
    target: "/twirp/hats.HatService/Make",
    headers: { "Content-Type": "application/json" },
    body: Buffer.from("{}"),
  });
  await expect.poll(sleeping, { timeout: 10_000 }).toBe(1n);
  connection.destroy();
  await expect.poll(sleeping, { timeout: 10_000 }).toBe(0n);
  await app.close();
});
