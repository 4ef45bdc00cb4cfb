import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { mintToken } from "../../src/auth/index.ts";
import { type FaultyNetwork, openFaultyNetwork } from "../faults/network.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { type Haproxy, hasHaproxy, startHaproxy } from "../setup/haproxy.ts";
import { findingsOf } from "../setup/ledger.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";
import { startTraffic, type Traffic } from "../setup/traffic.ts";

const SECRET = "a secret for a proxy, 32 bytes or more";
const FUNDS = 1_000_000;
const CLIENTS = 16;
const PAGE = "http://localhost:5173";

vi.setConfig({ testTimeout: 120_000 });

describe.skipIf(!hasHaproxy && process.env["CI"] === undefined)(
  "behind HAProxy (skipped where it is not installed)",
  () => {
    let database: TestDatabase;
    let network: FaultyNetwork;
    let ports: number[];
    let spare: number;
    let services: ServiceProcess[];
    let proxy: Haproxy;

    beforeEach(async () => {
      database = await createTestDatabase();
      network = await openFaultyNetwork({ host: "127.0.0.1", port: Number(new URL(database.url).port) });
      ports = [await freePort(), await freePort()];
      spare = await freePort();
      services = await Promise.all(ports.map(start));
      proxy = await startHaproxy(await freePort(), [...ports, spare], { allowedOrigins: PAGE });
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
      await network.close();
      await database.drop();
    });

    async function start(port: number): Promise<ServiceProcess> {
      const url = new URL(database.url);
      // A socket's directory would win over the port.
      url.searchParams.delete("host");
      url.host = `127.0.0.1:${network.port}`;
      const service = startProcess({
        DATABASE_URL: url.href,
        CORS_ALLOWED_ORIGINS: PAGE,
        AUTH_JWT_SECRET: SECRET,
        PORT: `${port}`,
        CONSOLE_PORT: "off",
        LOG_LEVEL: "warn",
        SHUTDOWN_DELAY_MS: "3000",
      });
      await service.printed("in two calls to paste");
      return service;
    }

    async function send(method: string, request: object, headers: Record<string, string> = {}): Promise<Response> {
      const token = await mintToken(SECRET, { subject: "root", scope: "finance.admin", lifetimeSeconds: 600 });
      return await fetch(`${proxy.url}/twirp/finance.v1.FinanceService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
        body: JSON.stringify(request),
      });
    }

    // biome-ignore lint/suspicious/noExplicitAny: tests read the fields that they expect in a reply.
    async function call(method: string, request: object): Promise<any> {
      return await (await send(method, request)).json();
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

    /** The old process first: it may start again on its port. The new one first: what deploy/roll does with containers. */
    const replacements = {
      "a restart": async (index: number) => {
        await stopProcess(index);
        await startOn(index, ports[index] ?? 0);
      },
      "a new process before the old one stops": async (index: number) => {
        const old = services[index];
        await startOn(index, spare);
        old?.child.kill("SIGTERM");
        expect(await old?.ended).toBe(0);
        [spare, ports[index]] = [ports[index] ?? 0, spare];
      },
    };

    async function stopProcess(index: number): Promise<void> {
      services[index]?.child.kill("SIGTERM");
      expect(await services[index]?.ended).toBe(0);
    }

    async function startOn(index: number, port: number): Promise<void> {
      const seen = proxy.complaints().length;
      services[index] = await start(port);
      // Stop the next process only once the proxy knows that this one is back.
      await vi.waitUntil(() => proxy.complaints().slice(seen).includes(`processes/api${port} is UP`), {
        timeout: 30_000,
      });
    }

    test.each(Object.entries(replacements))(
      "every process is replaced by %s under load without one failed call",
      async (_name, replace) => {
        const accounts = await openAccounts(8);
        const traffic = await startTraffic({ url: proxy.url, secret: SECRET, accounts, clients: CLIENTS });
        for (const index of ports.keys()) {
          await traffic.progress(25);
          await replace(index);
        }
        await traffic.progress(25);
        await traffic.stop();
        expect(traffic.failures, proxy.complaints()).toEqual([]);
        expect(traffic.acknowledged.size).toBeGreaterThan(1000);
        const { rows } = await database.pool.query<{ count: bigint }>(
          "select count(*) as count from transfer where idempotency_key like 'traffic-%'",
        );
        expect(rows).toEqual([{ count: BigInt(traffic.acknowledged.size) }]);
        expect(await findingsOf(database.pool)).toEqual([]);
      },
    );

    /** Kills each process once under load; the other one serves meanwhile. */
    async function killEach(traffic: Pick<Traffic, "progress" | "stop">): Promise<void> {
      for (const index of ports.keys()) {
        await traffic.progress(10);
        services[index]?.child.kill("SIGKILL");
        await services[index]?.ended;
        await traffic.progress(10);
        await startOn(index, ports[index] ?? 0);
      }
      await traffic.stop();
    }

    async function postedTransfers() {
      const { rows } = await database.pool.query<{ count: number; keys: number }>(
        "select count(*)::int as count, count(distinct idempotency_key)::int as keys from transfer where idempotency_key like 'traffic-%'",
      );
      return rows[0];
    }

    test("a process that is killed costs no call that has its key in the header: the proxy repeats it", async () => {
      const accounts = await openAccounts(8);
      const options = { url: proxy.url, secret: SECRET, accounts, clients: CLIENTS };
      const traffic = await startTraffic({ ...options, keyInHeader: true });
      await killEach(traffic);
      expect(traffic.failures, proxy.complaints()).toEqual([]);
      const posted = traffic.acknowledged.size;
      expect(await postedTransfers()).toEqual({ count: posted, keys: posted });
      expect(await findingsOf(database.pool)).toEqual([]);
    });

    test("a process that is killed costs no read", async () => {
      const [account] = await openAccounts(1);
      const failures: string[] = [];
      let reads = 0;
      let reading = true;
      const readers = Array.from({ length: CLIENTS }, async () => {
        while (reading) {
          const outcome = await send("GetAccount", { id: account }).then(
            async (reply) => (reply.status === 200 ? undefined : await reply.text()),
            (error: Error) => String(error.cause ?? error),
          );
          if (outcome !== undefined) failures.push(outcome);
          reads += 1;
        }
      });
      const progress = async (count: number) => {
        const goal = reads + count;
        await vi.waitUntil(() => reads > goal, { timeout: 60_000 });
      };
      const stop = async () => {
        reading = false;
        await Promise.all(readers);
      };
      await killEach({ progress: (calls) => progress(calls * CLIENTS), stop });
      expect(failures, proxy.complaints()).toEqual([]);
    });

    test("the proxy does not repeat a call with its key in the body; the client does, and it happens once", async () => {
      const accounts = await openAccounts(8);
      const options = { url: proxy.url, secret: SECRET, accounts, clients: CLIENTS };
      const traffic = await startTraffic({ ...options, repeat: true });
      await killEach(traffic);
      // Without a reply if the connection to the process was used before.
      for (const failure of traffic.failures)
        expect(failure).toMatch(/^502 .*the server was lost|socket hang up|ECONNRESET/);
      const posted = traffic.acknowledged.size;
      expect(await postedTransfers()).toEqual({ count: posted, keys: posted });
      expect(await findingsOf(database.pool)).toEqual([]);
    });

    async function preflight(origin: string): Promise<Response> {
      return await fetch(`${proxy.url}/twirp/finance.v1.FinanceService/GetTrialBalance`, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,content-type",
        },
      });
    }

    test("while the database is away, the processes say so to the page, and calls succeed once it is back", async () => {
      network.refuse();
      network.cut();
      await vi.waitUntil(async () => (await fetch(`${proxy.url}/readyz`)).status === 503, { timeout: 30_000 });
      await vi.waitUntil(() => proxy.complaints().includes("backend processes has no server available"), {
        timeout: 30_000,
      });
      const permitted = await preflight(PAGE);
      expect(permitted.status).toBe(204);
      // A process has answered: HAProxy sends no Max-Age.
      expect(permitted.headers.get("access-control-max-age")).toBe("86400");
      const reply = await send("GetTrialBalance", {}, { origin: PAGE, "x-request-id": "outage-1" });
      expect(reply.status).toBe(503);
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        "access-control-allow-origin": PAGE,
        vary: "Origin",
        "x-request-id": "outage-1",
      });
      expect(await reply.json()).toMatchObject({
        code: "unavailable",
        msg: "the database can't be reached; try again",
      });
      network.accept();
      await vi.waitUntil(async () => (await send("GetTrialBalance", {})).status === 200, { timeout: 30_000 });
    });

    test("without any process, the page that is allowed can read the proxy's own reply", async () => {
      for (const { child, ended } of services) {
        child.kill("SIGKILL");
        await ended;
      }
      await vi.waitUntil(
        async () => (await call("GetTrialBalance", {})).msg === "no server takes calls now; try again",
        { timeout: 30_000 },
      );
      const reply = await send("GetTrialBalance", {}, { origin: PAGE, "x-request-id": "outage-2" });
      expect(reply.status).toBe(503);
      expect(await reply.json()).toEqual({
        code: "unavailable",
        msg: "no server takes calls now; try again",
        meta: {},
      });
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        "access-control-allow-origin": PAGE,
        "access-control-expose-headers": "idempotent-replayed, retry-after, www-authenticate, x-request-id",
        "cache-control": "no-store",
        "retry-after": "1",
        vary: "Origin",
        "x-request-id": "outage-2",
      });
      const permitted = await preflight(PAGE);
      expect([permitted.status, await permitted.text()]).toEqual([204, ""]);
      expect(Object.fromEntries(permitted.headers)).toMatchObject({
        "access-control-allow-headers": expect.stringContaining("authorization, content-type"),
        "access-control-allow-methods": "POST",
        "access-control-allow-origin": PAGE,
        vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        "x-request-id": expect.stringMatching(/^[\da-f-]{36}$/),
      });
      const refused = await preflight("http://localhost:5174");
      expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([503, null]);
      const unreadable = await send("GetTrialBalance", {}, { origin: "http://localhost:5174", "x-request-id": "<b>" });
      expect(unreadable.headers.get("access-control-allow-origin")).toBeNull();
      expect(unreadable.headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
    });

    test("metrics of a process are nobody's business outside", async () => {
      const reply = await fetch(`${proxy.url}/metrics`, { headers: { origin: PAGE } });
      expect(reply.status).toBe(404);
      expect(reply.headers.get("access-control-allow-origin")).toBe(PAGE);
      expect(await reply.json()).toMatchObject({ code: "bad_route" });
    });

    test("a header that is too large is refused by the service, readable for the page", async () => {
      const reply = await send("GetTrialBalance", {}, { origin: PAGE, "x-large": "a".repeat(20_000) });
      expect(reply.status).toBe(431);
      expect(reply.headers.get("access-control-allow-origin")).toBe(PAGE);
      expect(await reply.json()).toMatchObject({ code: "malformed" });
    });
  },
);
