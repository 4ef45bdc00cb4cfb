import { once } from "node:events";
import { createServer } from "node:net";
import pino from "pino";
import { describe, expect, inject, test, vi } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { silentLog } from "../../src/database/connection-errors.ts";
import { checkDatabase, findDurabilityRisks, openPool, startEmbeddedPostgres } from "../../src/database/index.ts";
import { readConnectionRoom, requireVersion } from "../../src/database/readiness.ts";
import { prepare } from "../../src/server/prepare.ts";
import { Shutdown } from "../../src/server/process.ts";
import { createTestDatabase } from "../setup/database.ts";
import { makeDataDir, removeDataDir } from "./data-directory.ts";

const PASSWORD = "top-secret";
const line = async (url: string): Promise<string> => {
  const error = await checkDatabase(url).catch((reason: unknown) => reason);
  if (!(error instanceof Error) || error.name !== "DatabaseStartError") throw error;
  return error.message;
};

/** The run's server through TCP, changed. */
const server = (change: { pathname?: string; password?: string; search?: string }): string =>
  Object.assign(new URL(inject("postgres").adminUrl), { search: "", ...change }).href;

test("a database that answers and is new enough passes", async () => {
  await expect(checkDatabase(inject("postgres").adminUrl)).resolves.toContain("/postgres");
});

test.skipIf(!inject("postgres").adminUrl.includes("host="))(
  "the service's connections from another host are counted, those from the same one are not",
  async () => {
    const database = await createTestDatabase();
    const { pathname } = new URL(database.url);
    const pools = [server({ pathname }), server({ pathname }), database.url].map((connectionString) =>
      openPool({ connectionString, max: 1 }),
    );
    const [here, alsoHere, throughSocket] = pools;
    if (here === undefined) throw new Error("there are three pools");
    await alsoHere?.query("select 1");
    expect(await readConnectionRoom(here)).toEqual({ max: expect.any(Number), otherHosts: 0 });
    await throughSocket?.query("select 1");
    expect((await readConnectionRoom(here)).otherHosts).toBe(1);
    await Promise.all(pools.map((pool) => pool.end()));
    await database.drop();
  },
);

describe("one line without the password describes a database that can't be used:", () => {
  test("nothing listens", async () => {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    const port = typeof address === "object" ? address?.port : undefined;
    listener.close();
    await once(listener, "close");
    expect(await line(`postgresql://ann:${PASSWORD}@127.0.0.1:${port}/books`)).toBe(
      `can't use the database at 127.0.0.1:${port}/books as ann: nothing listens there; start PostgreSQL, or check DATABASE_URL, or unset it to use the embedded PostgreSQL`,
    );
  });

  test.each<[what: string, url: () => string, message: RegExp]>([
    [
      "no such host",
      () => `postgresql://ann:${PASSWORD}@no-such-host.invalid/books`,
      /at no-such-host\.invalid:5432\/books as ann: its host name (is unknown|can't be looked up); check /,
    ],
    [
      "no such socket",
      () => `postgresql://ann:${PASSWORD}@localhost/books?host=/nowhere`,
      /at \/nowhere, books as ann: there is no such socket; start PostgreSQL, or check /,
    ],
    [
      "no such database",
      () => server({ pathname: "nowhere" }),
      /\/nowhere as \w+: there is no such database; create it, or check /,
    ],
    ["wrong password", () => server({ password: PASSWORD }), / as \w+: the password is wrong; check /],
    [
      "encryption that the server does not offer",
      () => server({ search: "sslmode=require" }),
      /: The server does not support SSL connections; check /,
    ],
    ["no URL", () => `host=db password=${PASSWORD}`, /^DATABASE_URL: must be a URL that starts with postgres:/],
    ["another kind of URL", () => `mysql://ann:${PASSWORD}@db/books`, /^DATABASE_URL: must be a URL that starts/],
    ["a malformed URL", () => `postgresql://ann:${PASSWORD}@db:port/books`, /^DATABASE_URL: the port must be a number/],
  ])("%s", async (_, url, message) => {
    const text = await line(url());
    expect(text).toMatch(message);
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain("\n");
  });
});

describe("settings that put acknowledged transfers at risk", () => {
  const risky = (name: string) => expect.stringMatching(`^PostgreSQL has ${name} = off: .*; set it to on$`);

  test("are none with the defaults of PostgreSQL", async () => {
    const directory = await makeDataDir();
    const own = await startEmbeddedPostgres({ dataDir: directory, log: silentLog });
    const pool = openPool({ connectionString: own.url });
    try {
      expect(await findDurabilityRisks(pool)).toEqual([]);
      // For the whole server.
      for (const name of ["fsync", "full_page_writes"]) await pool.query(`alter system set ${name} = off`);
      await pool.query("select pg_reload_conf()");
      await vi.waitFor(
        async () => expect(await findDurabilityRisks(pool)).toEqual([risky("fsync"), risky("full_page_writes")]),
        { timeout: 10_000, interval: 10 },
      );
    } finally {
      await pool.end();
      await own.stop();
      await removeDataDir(directory);
    }
  });

  test("include those of the role and the database", async () => {
    const database = await createTestDatabase();
    const set = (value: string) =>
      database.pool.query(
        `alter database "${new URL(database.url).pathname.slice(1)}" set synchronous_commit = ${value}`,
      );
    const risks = async () => {
      const pool = openPool({ connectionString: database.url });
      return await findDurabilityRisks(pool).finally(() => pool.end());
    };
    try {
      await set("off");
      expect(await risks()).toContainEqual(risky("synchronous_commit"));
      await set("on");
      expect(await risks()).not.toContainEqual(risky("synchronous_commit"));
    } finally {
      await database.drop();
    }
  });

  test("are logged once at the start, in development and in production", async () => {
    const database = await createTestDatabase();
    try {
      await database.pool.query(
        `alter database "${new URL(database.url).pathname.slice(1)}" set synchronous_commit = off`,
      );
      for (const environment of ["development", "production"]) {
        const logged: string[] = [];
        const logger = pino({ level: "warn" }, { write: (line: string) => logged.push(JSON.parse(line).msg) });
        const config = readConfig({
          NODE_ENV: environment,
          DATABASE_URL: database.url,
          AUTH_JWT_SECRET: "a secret of 32 bytes for a test!!",
          CORS_ALLOWED_ORIGINS: "none",
        });
        const shutdown = new Shutdown();
        await prepare(config, logger, shutdown, new AbortController().signal);
        await shutdown.closeAll();
        expect(logged.filter((message) => message.includes("synchronous_commit"))).toEqual([
          risky("synchronous_commit"),
        ]);
      }
    } finally {
      await database.drop();
    }
  });
});

describe("a server of version", () => {
  const target = { host: "db", port: 5432 };

  test.each(["15.0", "15.4 (Debian 15.4-1)", "16beta1", "18.4"])("%s is new enough", (version) => {
    expect(() => requireVersion(version, target)).not.toThrow();
  });

  test.each(["14.12", "9.6.24", ""])("%j is too old", (version) => {
    expect(() => requireVersion(version, target)).toThrow(
      `the server at db:5432 is PostgreSQL ${version}; upgrade it to 15 or newer, or set another DATABASE_URL`,
    );
  });
});
