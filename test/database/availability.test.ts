import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DatabaseAwayError, findObstacle, openPool, withTransaction } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { type FaultyNetwork, openFaultyNetwork } from "../faults/network.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await database.drop();
});

/** The database's URL by way of these ports. */
function through(...ports: number[]): string {
  const { username, password, pathname } = new URL(database.url);
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",");
  return `postgres://${username}:${password}@${hosts}${pathname}?sslmode=disable`;
}

function openNetwork(): Promise<FaultyNetwork> {
  return openFaultyNetwork({ host: "127.0.0.1", port: Number(new URL(database.url).port) });
}

/** A listener that counts its connections and passes each to `greet`. */
async function listen(port: number, greet: (socket: Socket) => void): Promise<{ server: Server; count(): number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.on("error", () => undefined);
    greet(socket);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return { server, count: () => count };
}

async function close({ server }: { server: Server }): Promise<void> {
  server.close();
  await once(server, "close");
}

const portOf = ({ server }: { server: Server }): number => (server.address() as AddressInfo).port;

describe("while the database is away", () => {
  test("callers are refused without an attempt to connect, and served again when it is back", async () => {
    const closed = await listen(0, (socket) => socket.destroy());
    const port = portOf(closed);
    const pool = openPool({ connectionString: through(port), max: 4 });
    const refusals = await Promise.allSettled(Array.from({ length: 500 }, () => pool.query("select 1")));
    const reasons = refusals.map((each) => (each.status === "rejected" ? each.reason : undefined));
    expect(reasons.every((reason) => reason instanceof DatabaseAwayError)).toBe(true);
    const later = await Promise.allSettled(Array.from({ length: 500 }, () => pool.query("select 1")));
    expect(later.every(({ status }) => status === "rejected")).toBe(true);
    // The attempts of the first callers, which could not know, and of one probe.
    expect(closed.count()).toBeLessThan(20);
    expect(await findObstacle(pool, migrationsDirectory())).toMatch(/^the database can't be reached: /);

    await close(closed);
    const { port: serverPort, hostname } = new URL(database.url);
    const relay = await openFaultyNetwork({ host: hostname, port: Number(serverPort) }, port);
    await expect.poll(() => findObstacle(pool, "migrations"), { timeout: 10_000 }).toBeUndefined();
    expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    await pool.end();
    await relay.close();
  });

  test("a second pool that shares its knowledge with the first is refused too", async () => {
    const closed = await listen(0, (socket) => socket.destroy());
    const first = openPool({ connectionString: through(portOf(closed)) });
    const second = openPool({ connectionString: through(portOf(closed)), together: first });
    await expect(first.query("select 1")).rejects.toThrow(DatabaseAwayError);
    const before = closed.count();
    await expect(second.connect()).rejects.toThrow("the database can't be reached");
    expect(closed.count() - before).toBeLessThan(2);
    await Promise.all([first.end(), second.end()]);
    await close(closed);
  });
});

test("a network that stalls during a statement is noticed, and the connection given up", async () => {
  const network = await openNetwork();
  const pool = openPool({ connectionString: through(network.port), statementTimeoutMs: 0 });
  const stalled = withTransaction(pool, async (client) => {
    await client.query("select 1");
    network.stall();
    await client.query("select 2");
  });
  // Nothing else would ever end this, because there is no other limit.
  await expect(stalled).rejects.toThrow(/Connection terminated/);
  await expect(pool.query("select 3")).rejects.toThrow("the database can't be reached: it does not answer");
  network.resume();
  await expect
    .poll(() => pool.query("select 4 as n").then(({ rows }) => rows, String), { timeout: 10_000 })
    .toEqual([{ n: 4 }]);
  await pool.end();
  await network.close();
});

test("a slow statement continues while the server answers other connections", async () => {
  const pool = openPool({ connectionString: database.url });
  const { rows } = await pool.query("select pg_sleep(2), 7 as n");
  expect(rows).toMatchObject([{ n: 7 }]);
  await pool.end();
});

test("a slow statement continues if there is no free connection to ask whether the server answers", async () => {
  const name = new URL(database.url).pathname.slice(1);
  const role = `${name}_alone`;
  await database.pool.query(`create role ${role} login password 'secret' connection limit 1`);
  const own = new URL(database.url);
  own.username = role;
  own.password = "secret";
  const pool = openPool({ connectionString: own.href, max: 1 });
  const { rows } = await pool.query("select pg_sleep(2), 7 as n");
  expect(rows).toMatchObject([{ n: 7 }]);
  await pool.end();
  await expect
    .poll(() =>
      database.pool.query(`select from pg_stat_activity where usename = '${role}'`).then((found) => found.rowCount),
    )
    .toBe(0);
  await database.pool.query(`drop role ${role}`);
});

describe("several hosts", () => {
  test("the first one that answers is used", async () => {
    const closed = await listen(0, () => undefined);
    const nobody = portOf(closed);
    await close(closed);
    const network = await openNetwork();
    const pool = openPool({ connectionString: through(nobody, network.port) });
    expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    await pool.end();
    await network.close();
  });

  test("after a refused write, all connections are dropped and a server that takes writes is searched", async () => {
    const network = await openNetwork();
    const pool = openPool({ connectionString: `${through(network.port)}&target_session_attrs=read-write`, max: 3 });
    await database.pool.query("create table note (id int8)");
    await Promise.all([pool.query("select pg_sleep(0.05)"), pool.query("select pg_sleep(0.05)")]);
    const name = new URL(database.url).pathname.slice(1);
    await database.pool.query(`alter database ${name} set default_transaction_read_only = on`);
    // The old connections of a demoted primary answer like this.
    const write = withTransaction(pool, async (client) => {
      await client.query("set transaction read only");
      await client.query("insert into note values (1)");
    });
    await expect(write).rejects.toMatchObject({ code: "25006" });
    await expect(pool.query("select 1")).rejects.toThrow(DatabaseAwayError);
    await expect
      .poll(() => pool.query("select 1").then(String, (error: Error) => error.message), { timeout: 10_000 })
      .toBe("the database can't be reached: it takes no writes");

    await database.pool.query("set default_transaction_read_only = off");
    await database.pool.query(`alter database ${name} reset default_transaction_read_only`);
    await expect.poll(() => findObstacle(pool, "migrations"), { timeout: 10_000 }).toBeUndefined();
    await pool.query("insert into note values (2)");
    await pool.end();
    await network.close();
  });
});
