import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { migrate, openPool } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { makeServerDirectory, POSTGRES_PROGRAMS, startPackagedPostgres } from "../setup/debian-servers.ts";
import { freePort, startInstance, startProcess } from "../setup/process.ts";
import { inspect, openAccounts, SECRET, startClients } from "./traffic.ts";

describe.skipIf(POSTGRES_PROGRAMS === undefined && !process.env["CI"])(
  "two PostgreSQL servers in synchronous replication (skipped without Debian's postgresql)",
  () => {
    test("when the primary dies and the standby is promoted, the service goes on by itself and no acknowledged transfer is lost", async ({
      annotate,
      onTestFinished,
    }) => {
      const directory = await makeServerDirectory();
      onTestFinished(() => directory.remove());
      const primary = await startPackagedPostgres(join(directory.path, "first"));
      onTestFinished(() => primary.stop());
      const standby = await primary.addStandby(join(directory.path, "second"));
      onTestFinished(() => standby.stop());
      await migrate({ connectionString: primary.url, directory: migrationsDirectory() });
      const setup = openPool({ connectionString: primary.url, max: 1 });
      await openAccounts(setup);
      await setup.end();

      const port = await freePort();
      const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
      const service = startProcess({
        NODE_ENV: "production",
        DATABASE_URL: `postgres://postgres@${hosts}/postgres?target_session_attrs=read-write`,
        AUTH_JWT_SECRET: SECRET,
        CORS_ALLOWED_ORIGINS: "none",
        PORT: `${port}`,
      });
      const url = `http://127.0.0.1:${port}`;
      const ready = async () => {
        const response = await fetch(`${url}/readyz`);
        const body: { reason?: string } = JSON.parse(await response.text());
        return { status: response.status, reason: body.reason };
      };
      await service.printed('"msg":"started"');
      const traffic = startClients(url, { clients: 16, seed: 7 });
      const successor = openPool({ connectionString: standby.url, max: 1 });
      try {
        await traffic.progress(300);
        expect(await ready()).toMatchObject({ status: 200 });

        const diedAt = performance.now();
        primary.child.kill("SIGKILL");
        await expect
          .poll(ready, { timeout: 20_000 })
          .toMatchObject({ status: 503, reason: expect.stringMatching(/^the database can't be reached: /) });
        const beforePromotion = traffic.acknowledgedKeys.size;
        await standby.promote();
        traffic.faultEnded();
        await traffic.progress(300);
        const seconds = ((performance.now() - diedAt) / 1000).toFixed(1);
        expect(await ready()).toMatchObject({ status: 200 });

        const { recoveryMsMax } = await traffic.stop();
        await annotate(
          `${traffic.acknowledgedKeys.size} acknowledged, ${beforePromotion} of them by the old primary; ` +
            `the first by the new one ${recoveryMsMax} ms after its promotion, 300 within ${seconds} s of the death`,
        );
        expect(await inspect(successor, traffic.acknowledgedKeys)).toEqual([]);
        expect(service.output()).toContain("the database is back");
      } finally {
        await traffic.stop();
        await successor.end();
        service.child.kill("SIGTERM");
        await service.ended;
      }
    }, 120_000);

    test("a posting that the synchronous standby lacks is not acknowledged, however long the standby is away", async ({
      onTestFinished,
    }) => {
      const directory = await makeServerDirectory();
      onTestFinished(() => directory.remove());
      const primary = await startPackagedPostgres(join(directory.path, "first"));
      onTestFinished(() => primary.stop());
      const standby = await primary.addStandby(join(directory.path, "second"));
      onTestFinished(() => standby.stop());
      await migrate({ connectionString: primary.url, directory: await migrationsDirectory() });
      const setup = openPool({ connectionString: primary.url, max: 1 });
      onTestFinished(() => setup.end());
      await openAccounts(setup);
      const instance = await startInstance(primary.url);
      onTestFinished(async () => {
        instance.process.child.kill("SIGKILL");
        await instance.process.ended;
      });
      const transfer = (idempotency_key: string) =>
        instance.call("CreateTransfer", { debit_account_id: 1, credit_account_id: 2, amount: 1, idempotency_key });
      const rename = () => instance.call("UpdateAccount", { id: 3, name: "renamed" }, { "twirp-timeout-ms": "6000" });
      expect(await transfer("before")).toMatchObject({ status: 200 });

      await standby.stop();
      // Each waits longer than every limit of statements, which must not end the commit's wait for the standby.
      const [during, too, renamed] = await Promise.all([transfer("during"), transfer("during too"), rename()]);
      expect([during.body, too.body, renamed.body]).toMatchObject([
        { code: "unavailable" },
        { code: "unavailable" },
        { code: "deadline_exceeded" },
      ]);
      expect(await transfer("during")).toMatchObject({ body: { code: "unavailable" } });

      await standby.restart();
      const eventually = { timeout: 30_000, interval: 100 };
      await expect.poll(() => transfer("during"), eventually).toMatchObject({ status: 200 });
      await expect.poll(() => transfer("during too"), eventually).toMatchObject({ status: 200 });
      await expect.poll(rename, eventually).toMatchObject({ status: 200 });
      expect(await inspect(setup, new Set(["before", "during", "during too"]))).toEqual([]);
    }, 180_000);
  },
);
