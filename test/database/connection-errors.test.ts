import { once } from "node:events";
import { createServer, type Server } from "node:net";
import pg from "pg";
import { describe, expect, inject, test } from "vitest";
import { isConnectionError, isRetryable, openPool } from "../../src/database/index.ts";

const coded = (code: string): Error => Object.assign(new Error(code), { code });

describe("by code", () => {
  test.each<[code: string, isLost: boolean, canBeRetried: boolean]>([
    ["08000", true, false],
    ["08006", true, false],
    ["57P01", true, false],
    ["57P02", true, false],
    ["57P03", true, false],
    ["53300", true, false],
    ["25P03", true, false],
    ["ECONNREFUSED", true, false],
    ["ECONNRESET", true, false],
    ["EPIPE", true, false],
    ["ETIMEDOUT", true, false],
    ["ENOTFOUND", true, false],
    ["40001", false, true],
    ["40P01", false, true],
    ["23505", false, false],
    ["25P02", false, false],
    ["55P03", false, false],
    ["57014", false, false],
    ["53100", false, false],
    ["28P01", false, false],
    ["ENOENT", false, false],
  ])("%s: lost connection %s, can be retried %s", (code, isLost, canBeRetried) => {
    const error = coded(code);
    expect([isConnectionError(error), isRetryable(error)]).toEqual([isLost, canBeRetried]);
  });
});

test.each([undefined, null, "57P01", 0, {}, { code: 8000 }, new Error("Connection is fine"), new AggregateError([])])(
  "%j is neither",
  (error) => {
    expect([isConnectionError(error), isRetryable(error)]).toEqual([false, false]);
  },
);

test("several failed addresses of one host are one lost connection", () => {
  expect(isConnectionError(new AggregateError([coded("ECONNREFUSED"), coded("ECONNREFUSED")]))).toBe(true);
});

describe("a lost connection is", () => {
  test("a port where nothing listens", async () => {
    const server = await listen(() => undefined);
    await close(server.listener);
    expect(await errorOf(server.url)).toSatisfy(isConnectionError);
  });

  test("a server that hangs up", async () => {
    const { url, listener } = await listen((server) => server.on("connection", (socket) => socket.destroy()));
    expect(await errorOf(url)).toSatisfy(isConnectionError);
    await close(listener);
  });

  test("a server that never answers", async () => {
    const { url, listener } = await listen((server) => server.on("connection", (socket) => socket.resume()));
    expect(await errorOf(url)).toSatisfy(isConnectionError);
    await close(listener);
  });

  test("a unix socket that is not there", async () => {
    expect(await errorOf("postgresql://nobody@localhost/none?host=/nowhere")).toSatisfy(isConnectionError);
  });

  test("a pool that was closed", async () => {
    const pool = openPool({ connectionString: inject("postgres").adminUrl });
    await pool.end();
    expect(await pool.query("select 1").catch((error: unknown) => error)).toSatisfy(isConnectionError);
  });

  test("a connection that was closed", async () => {
    const client = new pg.Client({ connectionString: inject("postgres").adminUrl });
    await client.connect();
    await client.end();
    expect(await client.query("select 1").catch((error: unknown) => error)).toSatisfy(isConnectionError);
  });
});

async function errorOf(url: string): Promise<unknown> {
  const pool = openPool({ connectionString: url, connectTimeoutMs: 150 });
  const error = await pool.query("select 1").catch((reason: unknown) => reason);
  await pool.end();
  return error;
}

async function listen(prepare: (server: Server) => void): Promise<{ url: string; listener: Server }> {
  const listener = createServer();
  prepare(listener);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `postgresql://nobody:secret@127.0.0.1:${port}/none`, listener };
}

async function close(listener: Server): Promise<void> {
  listener.close();
  await once(listener, "close");
}
