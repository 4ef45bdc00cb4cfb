import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { mintToken } from "../../src/auth/index.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf } from "../setup/ledger.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";
import { startTraffic, type Traffic } from "../setup/traffic.ts";

const SECRET = "a secret for workers, 32 bytes or more";
const FUNDS = 1_000_000;
const WORKERS = 3;
const PATIENTLY = { timeout: 60_000, interval: 20 };

// Each test starts up to seven processes, on a machine that may have two cores.
vi.setConfig({ testTimeout: 120_000 });

let database: TestDatabase;
let url: string;
let environment: Record<string, string>;
let running: ServiceProcess[];

beforeEach(async () => {
  database = await createTestDatabase();
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  environment = {
    DATABASE_URL: database.url,
    AUTH_JWT_SECRET: SECRET,
    PORT: `${port}`,
    CONSOLE_PORT: "off",
    LOG_LEVEL: "info",
    WORKERS: `${WORKERS}`,
  };
  running = [];
});
afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill("SIGKILL");
    await ended;
  }
  await database.drop();
});

async function start(change: Record<string, string> = {}): Promise<ServiceProcess> {
  const service = startProcess({ ...environment, ...change });
  running.push(service);
  await service.printed("in two calls to paste");
  return service;
}

// biome-ignore lint/suspicious/noExplicitAny: tests read the fields that they expect in a reply.
async function call(method: string, request: object): Promise<any> {
  const token = await mintToken(SECRET, { subject: "root", scope: "finance.admin", lifetimeSeconds: 600 });
  const response = await fetch(`${url}/twirp/finance.v1.FinanceService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(request),
  });
  expect(response.status).toBe(200);
  return await response.json();
}

/** Opens accounts with {@link FUNDS} each. */
async function openAccounts(count: number): Promise<string[]> {
  const open = async (change: object): Promise<string> =>
    (await call("CreateAccount", { name: "A", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", ...change })).id;
  const bank = await open({ unlimited_overdraft: true });
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = await open({});
    await call("CreateTransfer", { debit_account_id: bank, credit_account_id: id, amount: FUNDS });
    ids.push(id);
  }
  return ids;
}

/** Process ids of the workers, as the kernel lists the children of the parent. */
async function workersOf({ child }: ServiceProcess): Promise<number[]> {
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
  return children.trim().split(" ").filter(Boolean).map(Number);
}

async function metric(name: string): Promise<number> {
  // A connection that was given to a process just before its death is never answered.
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5000) });
  const text = await response.text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Acknowledged transfers that are not in the database exactly once, findings of the audit, and deadlocks. */
async function flawsOf(traffic: Traffic): Promise<unknown[]> {
  const { rows } = await database.pool.query<{ key: string; count: bigint }>(
    "select idempotency_key as key, count(*) as count from transfer where idempotency_key like 'traffic-%' group by 1",
  );
  const posted = new Map(rows.map(({ key, count }) => [key, count]));
  const { rows: deadlocks } = await database.pool.query<{ deadlocks: bigint }>(
    "select deadlocks from pg_stat_database where datname = current_database() and deadlocks > 0",
  );
  return [
    ...[...traffic.acknowledged].filter((key) => !posted.has(key)).map((key) => `${key} is gone`),
    ...rows.filter(({ count }) => count !== 1n),
    ...deadlocks,
    ...(await findingsOf(database.pool)),
  ];
}

describe("three workers on one database", () => {
  test("post concurrently, also with the same keys, with exact results and without a deadlock", async () => {
    await start();
    const accounts = await openAccounts(4);
    const traffic = await startTraffic({ url, secret: SECRET, accounts, clients: 24 });
    await traffic.progress(10);
    const shared = Array.from({ length: 60 }, (_, index) =>
      call("CreateTransfer", {
        debit_account_id: accounts[0],
        credit_account_id: accounts[1],
        amount: 7,
        idempotency_key: `shared-${index % 5}`,
      }),
    );
    const answers = await Promise.all(shared);
    await traffic.stop();
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(5);
    expect(traffic.failures).toEqual([]);
    expect(await flawsOf(traffic)).toEqual([]);
    const { rows: sums } = await database.pool.query<{ sum: string; transfers: bigint }>(
      `select (select sum(credits_posted - debits_posted) from account_balance where not unlimited_overdraft) as sum,
              (select count(*) from transfer) as transfers`,
    );
    const transfers = BigInt(traffic.acknowledged.size + accounts.length + 5);
    expect(sums).toEqual([{ sum: `${FUNDS * accounts.length}`, transfers }]);
  });

  test("continue when one is killed: it is replaced, and clients that repeat their keys lose nothing", async () => {
    const service = await start();
    const before = await workersOf(service);
    expect(before).toHaveLength(WORKERS);
    const traffic = await startTraffic({
      url,
      secret: SECRET,
      accounts: await openAccounts(4),
      clients: 12,
      repeat: true,
    });
    await traffic.progress(10);
    const counted = await metric("rpc_requests_total");
    process.kill(before[0] ?? 0, "SIGKILL");
    await vi.waitUntil(
      async () => (await workersOf(service)).filter((pid) => !before.includes(pid)).length === 1,
      PATIENTLY,
    );
    await expect.poll(() => metric("workers_serving"), PATIENTLY).toBe(WORKERS);
    await traffic.progress(10);
    await traffic.stop();
    expect(service.output()).toMatch(
      new RegExp(`"worker":${before[0]},"code":null,"signal":"SIGKILL".*a worker ended`),
    );
    expect(await flawsOf(traffic)).toEqual([]);
    // The metrics may be a second old.
    await expect.poll(() => metric("worker_crashes_total"), PATIENTLY).toBe(1);
    await expect.poll(() => metric("rpc_requests_total"), PATIENTLY).toBeGreaterThan(counted);
  });

  test("are all renewed on SIGHUP under load, and again after a second SIGHUP meanwhile, without a failed call", async () => {
    const service = await start();
    const before = await workersOf(service);
    const traffic = await startTraffic({ url, secret: SECRET, accounts: await openAccounts(4), clients: 16 });
    await traffic.progress(5);
    service.child.kill("SIGHUP");
    await service.printed("renewing the workers");
    service.child.kill("SIGHUP");
    const renewals = () => service.output().match(/all workers are new/g)?.length;
    await expect.poll(renewals, PATIENTLY).toBe(2);
    await traffic.progress(5);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    const after = await workersOf(service);
    expect(after).toHaveLength(WORKERS);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    expect(await metric("worker_crashes_total")).toBe(0);
    expect(await flawsOf(traffic)).toEqual([]);
  });

  test("answer a scrape for all of them, including those that have ended", async () => {
    const service = await start();
    const asked = 12;
    for (let index = 0; index < asked; index += 1) {
      // Each on its own connection, because workers get connections in turn.
      const headers = { connection: "close", "content-type": "application/json" };
      await (
        await fetch(`${url}/twirp/finance.v1.FinanceService/GetAccount`, { method: "POST", headers, body: "{}" })
      ).text();
    }
    const refused = 'rpc_requests_total{method="GetAccount",code="unauthenticated"}';
    await expect.poll(() => metric(refused), PATIENTLY).toBe(asked);
    service.child.kill("SIGHUP");
    await service.printed("all workers are new");
    expect(await metric(refused)).toBe(asked);
    expect(await metric("workers_serving")).toBe(WORKERS);
    // Readiness and the database's gauges are not added up.
    expect(await metric("finance_ready")).toBe(1);
    const reserved = "current_setting('superuser_reserved_connections')::int";
    const limit = `select current_setting('max_connections')::int - ${reserved} as count`;
    expect(await metric("database_connections_max")).toBe((await database.pool.query(limit)).rows[0].count);
  });

  test("finish the calls in flight on SIGTERM, keep their results, and the service ends with 0", async () => {
    const service = await start();
    const [from, to] = await openAccounts(2);
    const lock = await database.pool.connect();
    await lock.query("begin; select from account_balance for update");
    const posting = call("CreateTransfer", { debit_account_id: from, credit_account_id: to, amount: 5 });
    const waiting =
      "select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    await expect.poll(async () => (await database.pool.query(waiting)).rows[0].count, PATIENTLY).toBe(1n);
    service.child.kill("SIGTERM");
    const stopping = () => service.output().match(/"msg":"stopping"/g)?.length;
    await expect.poll(stopping, PATIENTLY).toBe(1 + WORKERS);
    await lock.query("rollback");
    lock.release();
    expect(await posting).toMatchObject({ amount: "5", credit_account_balance: `${FUNDS + 5}` });
    expect(await service.ended).toBe(0);
    expect(await findingsOf(database.pool)).toEqual([]);
  });

  test("end when the process that supervises them is killed", async () => {
    const service = await start();
    const workers = await workersOf(service);
    expect(workers).toHaveLength(WORKERS);
    service.child.kill("SIGKILL");
    await service.ended;
    const left = () => workers.filter(isAlive);
    await expect.poll(left, PATIENTLY).toEqual([]);
  });
});

describe("a start that fails is reported once:", () => {
  test("a mistake in the environment", async () => {
    const service = startProcess({ ...environment, BODY_LIMIT: "much" });
    expect(await service.ended).toBe(1);
    expect(service.output().match(/BODY_LIMIT/g)).toHaveLength(1);
  });

  test("a port in use", async () => {
    await start({ WORKERS: "1" });
    const service = startProcess(environment);
    expect(await service.ended).toBe(1);
    const { PORT } = environment;
    expect(service.output()).toBe(
      `port ${PORT}, for the API, is in use: stop the program that listens there, or set PORT\n`,
    );
  });
});

describe("one process", () => {
  test("that is supervised is renewed on SIGHUP; one that is not ends, like any process", async () => {
    const supervised = await start({ WORKERS: "1" });
    supervised.child.kill("SIGHUP");
    await supervised.printed("all workers are new");
    supervised.child.kill("SIGTERM");
    expect(await supervised.ended).toBe(0);
    const { WORKERS: _, ...alone } = environment;
    const service = startProcess(alone);
    running.push(service);
    await service.printed("in two calls to paste");
    service.child.kill("SIGHUP");
    expect(await service.ended).toBe("SIGHUP");
  });

  test("with a shutdown delay reports at once that it is not ready, keeps serving, and then ends with 0", async () => {
    const { WORKERS: _, ...alone } = environment;
    const service = startProcess({ ...alone, SHUTDOWN_DELAY_MS: "1500" });
    running.push(service);
    await service.printed("in two calls to paste");
    service.child.kill("SIGTERM");
    await service.printed("stopping");
    const readiness = await fetch(`${url}/readyz`);
    expect([readiness.status, await readiness.json()]).toEqual([503, { status: "not ready", reason: "shutting down" }]);
    expect(readiness.headers.get("connection")).toBe("close");
    expect(await call("GetTrialBalance", {})).toMatchObject({ currencies: [] });
    expect(await service.ended).toBe(0);
  });

  test("ends in spite of clients that connect and send nothing", async () => {
    const { WORKERS: _, ...alone } = environment;
    const service = startProcess(alone);
    running.push(service);
    await service.printed("in two calls to paste");
    const silent = connect(Number(environment["PORT"]), "127.0.0.1");
    const closed = new Promise((resolve) => silent.once("close", resolve));
    await new Promise((resolve) => silent.once("connect", resolve));
    service.child.kill("SIGTERM");
    expect(await service.ended).toBe(0);
    await closed;
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
