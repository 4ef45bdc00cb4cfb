import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { migrate, openPool } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { inspect, openAccounts, SECRET, startClients } from "../faults/traffic.ts";
import {
  dumpDatabase,
  makeServerDirectory,
  POSTGRES_PROGRAMS,
  restoreDatabase,
  startPackagedPostgres,
} from "../setup/debian-servers.ts";
import { findingsOf, openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const run = promisify(execFile);

async function serve(databaseUrl: string): Promise<ServiceProcess & { readonly url: string }> {
  const port = await freePort();
  const service = startProcess({
    NODE_ENV: "production",
    DATABASE_URL: databaseUrl,
    AUTH_JWT_SECRET: SECRET,
    CORS_ALLOWED_ORIGINS: "none",
    PORT: `${port}`,
  });
  await service.printed('"msg":"started"');
  return { ...service, url: `http://127.0.0.1:${port}` };
}

async function stop(service: ServiceProcess | undefined): Promise<void> {
  service?.child.kill("SIGTERM");
  await service?.ended;
}

/** The output of `npm run verify`, which fails if it finds an error. */
async function verify(databaseUrl: string): Promise<string> {
  const { stderr } = await run(process.execPath, ["dist/cli/verify.js"], {
    env: { PATH: process.env["PATH"], DATABASE_URL: databaseUrl },
  });
  return stderr;
}

describe.skipIf(POSTGRES_PROGRAMS === undefined && !process.env["CI"])(
  "a backup by pg_dump (skipped without Debian's postgresql)",
  () => {
    test("taken during transfers restores a sound ledger with all transfers acknowledged before, and takes new ones", async () => {
      const directory = await makeServerDirectory();
      const postgres = await startPackagedPostgres(join(directory.path, "data"));
      const restoredUrl = postgres.url.replace(/postgres$/, "restored");
      const pool = openPool({ connectionString: postgres.url, max: 1 });
      const restored = openPool({ connectionString: restoredUrl, max: 1 });
      let first: Awaited<ReturnType<typeof serve>> | undefined;
      let second: Awaited<ReturnType<typeof serve>> | undefined;
      try {
        await migrate({ connectionString: postgres.url, directory: migrationsDirectory() });
        await openAccounts(pool);
        first = await serve(postgres.url);
        const traffic = startClients(first.url, { clients: 8, seed: 3 });
        await traffic.progress(100);
        const before = new Set(traffic.acknowledgedKeys);
        const file = join(directory.path, "finance.dump");
        await dumpDatabase(postgres.url, file);
        await traffic.progress(20);
        await traffic.stop();

        await pool.query("create database restored");
        await restoreDatabase(file, restoredUrl);
        expect(await inspect(restored, before)).toEqual([]);
        expect(await verify(restoredUrl)).toMatch(/^sound: \d+ checks/);

        second = await serve(restoredUrl);
        const after = startClients(second.url, { clients: 2, seed: 4 });
        await after.progress(10);
        await after.stop();
        expect(await inspect(restored, new Set([...before, ...after.acknowledgedKeys]))).toEqual([]);
      } finally {
        await stop(first);
        await stop(second);
        await pool.end();
        await restored.end();
        await postgres.stop();
        await directory.remove();
      }
    }, 120_000);

    test("keeps the cursors of its events; those of events that it does not have are refused", async () => {
      const directory = await makeServerDirectory();
      const postgres = await startPackagedPostgres(join(directory.path, "data"));
      const urls = { original: postgres.url, restored: postgres.url.replace(/postgres$/, "restored") };
      const services: TestService[] = [];
      const start = async (url: string) => {
        const pool = openPool({ connectionString: url, max: 1 });
        const service = await startTestService({}, { database: { url, pool, drop: async () => undefined } });
        services.push({ ...service, close: () => service.close().finally(() => pool.end()) });
        return service;
      };
      try {
        await migrate({ connectionString: urls.original, directory: migrationsDirectory() });
        const original = await start(urls.original);
        const from = await openFunded(original, "alice", 100);
        const to = await openAccount(original, "bob");
        const post = async (service: TestService, description: string) => {
          const transfer = { debit_account_id: from, credit_account_id: to, amount: 1, description };
          expect((await service.call("CreateTransfer", transfer)).status).toBe(200);
        };
        const follow = (service: TestService, cursor: string) => service.call("ListEvents", { cursor });
        await post(original, "before the dump");
        const { body: before } = await original.call("ListEvents", {});
        const file = join(directory.path, "finance.dump");
        await dumpDatabase(urls.original, file);
        await post(original, "lost 1");
        await post(original, "lost 2");
        const { body: lost } = await follow(original, before.cursor);
        expect(lost.events).toHaveLength(2);

        await original.pool.query("create database restored");
        await restoreDatabase(file, urls.restored);
        const restored = await start(urls.restored);
        const refusal = expect.objectContaining({
          status: 412,
          body: expect.objectContaining({
            code: "failed_precondition",
            msg: expect.stringMatching(
              /restore.*; read the state again, and follow the feed with from_end or from its first event/,
            ),
            meta: { reason: "feed_diverged" },
          }),
        });
        const expectRefusals = async () => {
          for (const cursor of [lost.events[0].cursor, lost.events[1].cursor, lost.cursor]) {
            expect(await follow(restored, cursor)).toEqual(refusal);
          }
        };
        // Their positions are beyond the end of the restored feed.
        await expectRefusals();
        expect((await follow(restored, before.cursor)).body).toEqual({ events: [], cursor: before.cursor });
        expect((await restored.call("ListEvents", {})).body).toEqual(before);

        for (const description of ["other 1", "other 2", "other 3"]) await post(restored, description);
        // Now the restored feed has other events at these positions.
        await expectRefusals();
        const { body: other } = await follow(restored, before.cursor);
        expect(other.events.map((event: { transfer: { description: string } }) => event.transfer.description)).toEqual([
          "other 1",
          "other 2",
          "other 3",
        ]);
        expect(other.events[0].id).toBe(lost.events[0].id);
        for (const cursor of before.events.map((event: { cursor: string }) => event.cursor)) {
          expect(verdictOf(await follow(restored, cursor))).toBe("200");
        }
        expect(await follow(original, other.events[0].cursor)).toEqual(refusal);
        expect(await findingsOf(restored.pool)).toEqual([]);
      } finally {
        for (const service of services) await service.close();
        await postgres.stop();
        await directory.remove();
      }
    }, 120_000);
  },
);
