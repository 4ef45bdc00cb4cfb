import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mintToken } from "../../src/auth/index.ts";
import { migrate } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { makeServerDirectory, POSTGRES_PROGRAMS, startPackagedPostgres, until } from "../setup/debian-servers.ts";
import { hasHaproxy, startHaproxy } from "../setup/haproxy.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";
import { hasPrometheus, metricsIn, shippedRules, startPrometheus } from "../setup/prometheus.ts";

const SECRET = "a secret for alarms, 32 bytes or more";
const CASES = "test/deploy/rules.test.yml";

test("each alert has a case in which it fires and one in which it doesn't, and no other cases", async () => {
  const cases = [...(await readFile(CASES, "utf8")).matchAll(/alertname: (\w+)\n +exp_alerts:( \[\])?/g)];
  const alerts = (await shippedRules()).filter(({ name }) => name.startsWith("Finance"));
  expect(alerts.length).toBeGreaterThan(30);
  for (const kind of ["fires", "doesn't"]) {
    const named = cases.filter(([, , none]) => (none === undefined) === (kind === "fires")).map(([, name]) => name);
    expect([...new Set(named)], kind).toEqual(alerts.map(({ name }) => name));
  }
});

test("each alert is in the guide's table", async () => {
  const guide = await readFile("docs/operations.md", "utf8");
  const documented = [...guide.matchAll(/^\| `Finance.*?\|/gm)].flatMap(([cell]) => cell.match(/Finance\w+/g) ?? []);
  const alerts = (await shippedRules()).filter(({ name }) => name.startsWith("Finance"));
  expect(documented.sort()).toEqual(alerts.map(({ name }) => name).sort());
});

test("every expression selects something by a job of prometheus.yml, or a recorded series", async () => {
  const configuration = await readFile("deploy/prometheus/prometheus.yml", "utf8");
  const jobs = [...configuration.matchAll(/job_name: (\S+)/g)].map(([, job]) => job);
  for (const { name, text } of await shippedRules()) {
    expect(metricsIn(text).length, name).toBeGreaterThan(0);
    const asked = [...text.matchAll(/\{job="([^"]+)"/g)].map(([, job]) => job);
    expect(jobs, name).toEqual(expect.arrayContaining(asked));
    if (asked.length === 0) expect(text, name).not.toContain("{");
  }
});

describe.skipIf(!hasPrometheus && process.env["CI"] === undefined)("with Prometheus (skipped without Debian's)", () => {
  test("promtool accepts configuration and rules, and every case holds", () => {
    execFileSync("promtool", ["check", "config", "deploy/prometheus/prometheus.yml"]);
    execFileSync("promtool", ["test", "rules", CASES]);
  }, 120_000);

  test.skipIf(!hasHaproxy || POSTGRES_PROGRAMS === undefined)(
    "a total outage is seen: the database away, then no process left",
    { timeout: 600_000 },
    async ({ onTestFinished }) => {
      const directory = await makeServerDirectory();
      onTestFinished(() => directory.remove());
      const database = await startPackagedPostgres(join(directory.path, "data"));
      onTestFinished(() => database.stop());
      await migrate({ connectionString: database.url, directory: migrationsDirectory() });
      const ports = [await freePort(), await freePort()];
      const services = await Promise.all(ports.map((port) => startService(database.url, port)));
      const end = async () => {
        for (const { child, ended } of services) {
          child.kill("SIGKILL");
          await ended;
        }
      };
      onTestFinished(end);
      const proxy = await startHaproxy(await freePort(), ports);
      onTestFinished(() => proxy.stop());
      const prometheus = await startPrometheus({
        finance: ports.map((port) => `127.0.0.1:${port}`),
        proxy: [`127.0.0.1:${proxy.metricsPort}`],
      });
      onTestFinished(() => prometheus.stop());
      await prometheus.untilAllUp();
      await prometheus.untilOver(["FinanceProxyEmpty", "FinanceNotReady", "FinanceAllDown"]);

      await database.stop();
      const token = await mintToken(SECRET, { subject: "root", scope: "finance.admin", lifetimeSeconds: 600 });
      let failures = 0;
      const callInVain = async () => {
        const response = await fetch(`${proxy.url}/twirp/finance.v1.FinanceService/GetAccount`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
          body: '{"id":"1"}',
        });
        await response.text();
        if (response.status === 503) failures += 1;
        return failures > 30;
      };
      await until(callInVain, 30_000, "the proxy refuses calls");
      await prometheus.untilFiring(["FinanceNotReady", "FinanceProxyEmpty", "FinanceErrorsFast"]);
      await database.restart();
      await prometheus.untilOver(["FinanceNotReady", "FinanceProxyEmpty"]);

      await end();
      // Docker's DNS no longer lists containers that are stopped.
      await prometheus.retarget("finance", []);
      await prometheus.untilFiring(["FinanceAllDown", "FinanceProxyEmpty"]);
    },
  );
});

async function startService(databaseUrl: string, port: number): Promise<ServiceProcess> {
  const service = startProcess({
    DATABASE_URL: databaseUrl,
    AUTH_JWT_SECRET: SECRET,
    PORT: `${port}`,
    CONSOLE_PORT: "off",
    LOG_LEVEL: "warn",
  });
  await service.printed("in two calls to paste");
  return service;
}
