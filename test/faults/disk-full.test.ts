import { execFile } from "node:child_process";
import { appendFile, mkdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { migrate, openPool } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import {
  giveToServers,
  makeServerDirectory,
  type PackagedPostgres,
  POSTGRES_PROGRAMS,
  startPackagedPostgres,
} from "../setup/debian-servers.ts";
import { freePort, startProcess } from "../setup/process.ts";
import { inspect, openAccounts, SECRET, startClients } from "./traffic.ts";

const run = promisify(execFile);

const DISK_MIB = 24;

/** Only root may mount, and a container may forbid it even to root. */
const canMount = process.platform === "linux" && process.getuid?.() === 0;

/** A disk small enough to fill. */
async function mountSmallDisk(
  path: string,
): Promise<{ fill(): Promise<void>; free(): Promise<void>; unmount(): Promise<void> }> {
  await mkdir(path);
  await run("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", path]);
  await giveToServers(path);
  const ballast = join(path, "ballast");
  return {
    async fill() {
      const { bavail, bsize } = await statfs(path);
      // Another process may have been faster.
      await appendFile(ballast, Buffer.alloc(bavail * bsize)).catch(() => undefined);
    },
    free: () => rm(ballast),
    async unmount() {
      await run("umount", [path]);
    },
  };
}

describe.skipIf((POSTGRES_PROGRAMS === undefined || !canMount) && !process.env["CI"])(
  "a write-ahead log on a disk of its own (skipped without Debian's postgresql or the right to mount)",
  () => {
    test("when the disk is full no transfer is acknowledged that is not kept, and once there is room all goes on", async ({
      annotate,
    }) => {
      const directory = await makeServerDirectory();
      const disk = await mountSmallDisk(join(directory.path, "disk"));
      const settings = { min_wal_size: "2MB", max_wal_size: "4MB", wal_recycle: "off" };
      let postgres: PackagedPostgres | undefined;
      try {
        postgres = await startPackagedPostgres(
          join(directory.path, "data"),
          settings,
          join(directory.path, "disk", "wal"),
        );
        await migrate({ connectionString: postgres.url, directory: migrationsDirectory() });
        const pool = openPool({ connectionString: postgres.url, max: 1 });
        await openAccounts(pool);

        const port = await freePort();
        const service = startProcess({
          NODE_ENV: "production",
          DATABASE_URL: postgres.url,
          AUTH_JWT_SECRET: SECRET,
          CORS_ALLOWED_ORIGINS: "none",
          PORT: `${port}`,
        });
        const url = `http://127.0.0.1:${port}`;
        await service.printed('"msg":"started"');
        const traffic = startClients(url, { clients: 16, seed: 11 });
        const isReady = async () => (await fetch(`${url}/readyz`)).status === 200;
        try {
          await traffic.progress(200);
          const isReadyOnFullDisk = async () => {
            // Checkpoints free space by removing old segments.
            await disk.fill();
            return await isReady();
          };
          await expect.poll(isReadyOnFullDisk, { timeout: 60_000 }).toBe(false);
          const acknowledged = traffic.acknowledgedKeys.size;
          await disk.free();
          await postgres.restart();
          traffic.faultEnded();
          await traffic.progress(200);
          await expect.poll(isReady, { timeout: 10_000 }).toBe(true);
          const { recoveryMsMax } = await traffic.stop();
          await annotate(
            `${acknowledged} acknowledged until the disk was full, ${traffic.acknowledgedKeys.size} in all; ` +
              `the first ${recoveryMsMax} ms after PostgreSQL was back`,
          );
          expect(await inspect(pool, traffic.acknowledgedKeys)).toEqual([]);
        } finally {
          await traffic.stop();
          await pool.end();
          service.child.kill("SIGTERM");
          await service.ended;
        }
      } finally {
        await postgres?.stop();
        await disk.unmount();
        await directory.remove();
      }
    }, 180_000);
  },
);
