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
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";

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
  },
);
