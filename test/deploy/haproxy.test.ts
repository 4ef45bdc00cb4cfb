import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { mintToken } from "../../src/auth/index.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { type Haproxy, hasHaproxy, startHaproxy } from "../setup/haproxy.ts";
import { findingsOf } from "../setup/ledger.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";
import { startTraffic } from "../setup/traffic.ts";

const SECRET = "a secret for a proxy, 32 bytes or more";
const FUNDS = 1_000_000;
const CLIENTS = 16;

vi.setConfig({ testTimeout: 120_000 });

describe.skipIf(!hasHaproxy && process.env["CI"] === undefined)(
  "behind HAProxy (skipped where it is not installed)",
  () => {
    let database: TestDatabase;
    let ports: number[];
    let services: ServiceProcess[];
    let proxy: Haproxy;

    beforeEach(async () => {
      database = await createTestDatabase();
      ports = [await freePort(), await freePort()];
      services = await Promise.all(ports.map(start));
      proxy = await startHaproxy(await freePort(), ports);
      await vi.waitUntil(
        () =>
          fetch(`${proxy.url}/readyz`).then(
            ({ ok }) => ok,
            () => false,
          ),
        { timeout: 30_000 },
      );
    });
    afterEach(async () => {
      await proxy.stop();
      for (const { child, ended } of services) {
        child.kill("SIGKILL");
        await ended;
      }
      await database.drop();
    });

    async function start(port: number): Promise<ServiceProcess> {
      const service = startProcess({
        DATABASE_URL: database.url,
        AUTH_JWT_SECRET: SECRET,
        PORT: `${port}`,
        CONSOLE_PORT: "off",
        LOG_LEVEL: "warn",
        SHUTDOWN_DELAY_MS: "3000",
      });
      await service.printed("in two calls to paste");
      return service;
    }

    // biome-ignore lint/suspicious/noExplicitAny: tests read the fields that they expect in a reply.
    async function call(method: string, request: object): Promise<any> {
      const token = await mintToken(SECRET, { subject: "root", scope: "finance.admin", lifetimeSeconds: 600 });
      const response = await fetch(`${proxy.url}/twirp/finance.v1.FinanceService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(request),
      });
      return await response.json();
    }

    async function openAccounts(count: number): Promise<string[]> {
      const account = { name: "A", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" };
      const { id: bank } = await call("CreateAccount", { ...account, unlimited_overdraft: true });
      const ids: string[] = [];
      for (let index = 0; index < count; index += 1) {
        const { id } = await call("CreateAccount", account);
        await call("CreateTransfer", { debit_account_id: bank, credit_account_id: id, amount: FUNDS });
        ids.push(id);
      }
      return ids;
    }

    test("the processes are restarted one after the other under load without one failed call", async () => {
      const accounts = await openAccounts(8);
      const traffic = await startTraffic({ url: proxy.url, secret: SECRET, accounts, clients: CLIENTS });
      for (const [index, port] of ports.entries()) {
        await traffic.progress(10);
        const service = services[index];
        service?.child.kill("SIGTERM");
        expect(await service?.ended).toBe(0);
        services[index] = await start(port);
        // Stop the next process only once the proxy knows that this one is back.
        await vi.waitUntil(() => proxy.complaints().includes(`api${port} is UP`), { timeout: 30_000 });
      }
      await traffic.progress(10);
      await traffic.stop();
      expect(traffic.failures, proxy.complaints()).toEqual([]);
      const { rows } = await database.pool.query<{ count: bigint }>(
        "select count(*) as count from transfer where idempotency_key like 'traffic-%'",
      );
      expect(rows).toEqual([{ count: BigInt(traffic.acknowledged.size) }]);
      expect(await findingsOf(database.pool)).toEqual([]);
    });

    test("a process that is killed costs calls that were on their way to it, which a repeated key makes good", async () => {
      const accounts = await openAccounts(8);
      const traffic = await startTraffic({ url: proxy.url, secret: SECRET, accounts, clients: CLIENTS, repeat: true });
      await traffic.progress(10);
      services[0]?.child.kill("SIGKILL");
      await traffic.progress(10);
      await traffic.stop();
      const { rows } = await database.pool.query<{ count: bigint; keys: bigint }>(
        "select count(*) as count, count(distinct idempotency_key) as keys from transfer where idempotency_key like 'traffic-%'",
      );
      const posted = BigInt(traffic.acknowledged.size);
      expect(rows).toEqual([{ count: posted, keys: posted }]);
      expect(await findingsOf(database.pool)).toEqual([]);
    });

    test("without any process a call is answered in Twirp's form", async () => {
      for (const { child, ended } of services) {
        child.kill("SIGKILL");
        await ended;
      }
      await vi.waitUntil(
        async () => (await call("GetTrialBalance", {})).msg === "no server takes calls now; try again",
        {
          timeout: 30_000,
        },
      );
    });

    test("metrics of a process are nobody's business outside", async () => {
      expect((await fetch(`${proxy.url}/metrics`)).status).toBe(404);
    });
  },
);
