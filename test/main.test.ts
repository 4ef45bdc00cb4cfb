import { execFile } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase } from "./setup/database.ts";
import { freePort, type ServiceProcess, startProcess } from "./setup/process.ts";
import type { Reply } from "./setup/service.ts";

const READY = "in two calls to paste";

let directory: string;
let running: ServiceProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "finance-main-"));
  running = [];
});
afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill("SIGTERM");
    await ended;
  }
  await rm(directory, { recursive: true, force: true });
});

/** A data directory and two ports that no other test uses. */
async function ownEnvironment(): Promise<Record<string, string>> {
  return {
    DATA_DIR: join(directory, "data"),
    PORT: `${await freePort()}`,
    CONSOLE_PORT: `${await freePort()}`,
    LOG_LEVEL: "warn",
  };
}

function start(environment: Record<string, string>): ServiceProcess {
  const service = startProcess(environment);
  running.push(service);
  return service;
}

/** @param token default: the admin's token, from the calls to paste. */
async function call(
  environment: Record<string, string>,
  output: string,
  method: string,
  request: object,
  token = /Bearer ([\w.-]+)/.exec(output)?.[1],
): Promise<Reply> {
  const response = await fetch(`http://127.0.0.1:${environment["PORT"]}/twirp/finance.v1.FinanceService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(request),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe("a first start on an empty directory", () => {
  test("prints calls that work, serves the console on its own origin, has a year of data, and keeps it all", async () => {
    const environment = await ownEnvironment();
    const first = start(environment);
    await first.printed(READY);

    const curl = /^curl .*?-d '.*?'$/ms.exec(first.output())?.[0] ?? "";
    const { stdout } = await promisify(execFile)("sh", ["-c", curl.replace("curl", "curl -s")]);
    expect(JSON.parse(stdout)).toMatchObject({ id: "4", owner: "alice", currency: "USD" });

    const { body: statement } = await call(environment, first.output(), "ListEntries", {
      account_id: 4,
      page_size: 1000,
    });
    expect(statement.entries.length).toBeGreaterThan(200);
    const spanMs = Date.parse(statement.entries.at(-1).created_at) - Date.parse(statement.entries[0].created_at);
    expect(spanMs).toBeGreaterThan(350 * 86_400_000);
    expect(new Set(statement.entries.map((entry: { created_at: string }) => entry.created_at)).size).toBeGreaterThan(
      200,
    );

    const root = `http://127.0.0.1:${environment["PORT"]}/`;
    const page = await fetch(root, { headers: { accept: "text/html" } });
    expect(await page.text()).toContain(`http://localhost:${environment["CONSOLE_PORT"]}/`);
    expect(await (await fetch(root)).json()).toMatchObject({ code: "bad_route" });

    const console = `http://127.0.0.1:${environment["CONSOLE_PORT"]}`;
    expect(await (await fetch(console)).text()).toContain("<!doctype html>");
    expect(await (await fetch(`${console}/settings.json`)).json()).toMatchObject({ twirpPrefix: "/twirp" });

    const transfer = { debit_account_id: 4, credit_account_id: 6, amount: 1234, idempotency_key: "before-the-kill" };
    const { body: posted } = await call(environment, first.output(), "CreateTransfer", transfer);

    // Neither the service nor its database can shut down cleanly.
    first.child.kill("SIGKILL");
    await first.ended;
    const second = start(environment);
    await second.printed(READY);
    expect((await call(environment, second.output(), "GetTransfer", { id: posted.id })).body).toEqual(posted);
    expect((await call(environment, second.output(), "CreateTransfer", transfer)).body).toEqual(posted);
    const { body: accounts } = await call(environment, second.output(), "ListAccounts", {});
    expect(accounts.accounts.map(({ id }: { id: string }) => id)).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);

    second.child.kill("SIGTERM");
    expect(await second.ended).toBe(0);
  });

  test("prints a token for bob, which works and lacks finance.admin", async () => {
    const environment = await ownEnvironment();
    const service = start(environment);
    await service.printed(READY);
    const token = /^A token for bob, .* not finance\.admin:\n\n([\w.-]+)$/m.exec(service.output())?.[1] ?? "none";
    const asBob = (method: string, request: object) => call(environment, service.output(), method, request, token);

    expect(await asBob("GetAccount", { id: 5 })).toMatchObject({ status: 200, body: { id: "5", owner: "bob" } });
    const transfer = { debit_account_id: 5, credit_account_id: 6, amount: 1 };
    expect(await asBob("CreateTransfer", transfer)).toMatchObject({ status: 200, body: { created_by: "bob" } });
    expect(await asBob("GetAccount", { id: 4 })).toMatchObject({ status: 404 });
    expect(await asBob("GetTrialBalance", {})).toMatchObject({
      status: 403,
      body: { code: "permission_denied", meta: { scope: "finance.admin" } },
    });
  });

  test.each(["creating the embedded database", "filling the empty ledger"])(
    "that is stopped while it logs: %s, ends with 0, leaves no database running, and can be repeated",
    async (step) => {
      const environment = { ...(await ownEnvironment()), LOG_LEVEL: "info" };
      const first = start(environment);
      await first.printed(step);
      first.child.kill("SIGTERM");
      expect(await first.ended).toBe(0);
      expect(first.output()).not.toContain(READY);
      await expect(access(join(directory, "data/postgres/cluster/postmaster.pid"))).rejects.toThrow("ENOENT");
      const second = start(environment);
      await second.printed(READY);
      expect((await call(environment, second.output(), "GetAccount", { id: 4 })).status).toBe(200);
    },
  );

  test("refuses a second process on the same directory, and the first one continues", async () => {
    const environment = await ownEnvironment();
    const first = start(environment);
    await first.printed(READY);
    const second = start({ ...environment, ...(await ownEnvironment()), DATA_DIR: environment["DATA_DIR"] ?? "" });
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(new RegExp(`^.*DATA_DIR .*in use by process ${first.child.pid}.*\n$`));
    expect((await call(environment, first.output(), "GetAccount", { id: 4 })).status).toBe(200);
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
  });
});

describe("ends with 1 and one line that says how to fix it:", () => {
  async function refusal(environment: Record<string, string>): Promise<string> {
    const service = start(environment);
    expect(await service.ended).toBe(1);
    return service.output();
  }

  test.each([
    ["PORT", "the API"],
    ["CONSOLE_PORT", "the console"],
  ])("a port in use, with its variable %s, before anything is created", async (variable, what) => {
    const taken: Server = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const environment = { ...(await ownEnvironment()), [variable]: `${port}` };
    expect(await refusal(environment)).toBe(
      `port ${port}, for ${what}, is in use: stop the program that listens there, or set ${variable}\n`,
    );
    await expect(access(join(directory, "data"))).rejects.toThrow("ENOENT");
    taken.close();
    await once(taken, "close");
  });

  test("a data directory that is not writable", async () => {
    await writeFile(join(directory, "data"), "a file");
    expect(await refusal(await ownEnvironment())).toMatch(/^.*data.*set another DATA_DIR\n$/);
  });

  test("a database without a server", async () => {
    const DATABASE_URL = `postgres://finance:hunter2@127.0.0.1:${await freePort()}/finance`;
    const output = await refusal({ ...(await ownEnvironment()), DATABASE_URL });
    expect(output).toMatch(/^.*127\.0\.0\.1.*DATABASE_URL.*\n$/);
    expect(output).not.toContain("hunter2");
  });

  test("an environment with mistakes, all together", async () => {
    const output = await refusal({
      PORT: "http",
      CORS_ALLOWED_ORIGINS: "*",
      CORS_ALLOW_CREDENTIALS: "true",
      CORS_MAXAGE: "5",
    });
    expect(output).toMatch(/^The environment has 3 mistakes:\n( {2}[A-Z_]+: .+\n){3}$/);
  });
});

/** The names in the service's own order. */
async function migrationNames(): Promise<string> {
  const files = await readdir("migrations");
  return files
    .flatMap((file) => /^(\d{4}_\w+)\.sql$/.exec(file)?.[1] ?? [])
    .sort()
    .join(", ");
}

test("/readyz says that migrations are missing; with them, and with newer ones, the service is ready", async () => {
  const database = await createTestDatabase();
  await database.pool.query("drop schema public cascade; create schema public");
  const environment: Record<string, string> = {
    ...(await ownEnvironment()),
    DATABASE_URL: database.url,
    AUTH_JWT_SECRET: "s".repeat(32),
  };
  const service = start(environment);
  await service.printed(READY);
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${environment["PORT"]}/readyz`);
    return { status: response.status, body: await response.json() };
  };
  expect(await ready()).toEqual({
    status: 503,
    body: { status: "not ready", reason: `migrations are missing: ${await migrationNames()}` },
  });
  await promisify(execFile)(process.execPath, ["dist/cli/migrate.js"], {
    env: { PATH: process.env["PATH"], DATABASE_URL: database.url },
  });
  expect(await ready()).toEqual({ status: 200, body: { status: "ready" } });

  // While a newer version is rolled out, this one uses its database.
  await database.pool.query("insert into schema_migration (name, run_on) values ('9999_newer', now())");
  expect(await ready()).toEqual({ status: 200, body: { status: "ready" } });
  await database.drop();
});

test("after SIGTERM it finishes the call in flight, keeps its result, and ends with 0", async () => {
  const database = await createTestDatabase();
  const environment: Record<string, string> = {
    ...(await ownEnvironment()),
    DATABASE_URL: database.url,
    AUTH_JWT_SECRET: "s".repeat(32),
  };
  const service = start(environment);
  await service.printed(READY);
  const open = (fields: object) =>
    call(environment, service.output(), "CreateAccount", {
      type: "ACCOUNT_TYPE_LIABILITY",
      currency: "USD",
      ...fields,
    });
  const { body: bank } = await open({ name: "Bank", unlimited_overdraft: true });
  const { body: wallet } = await open({ name: "Wallet" });

  const lock = await database.pool.connect();
  await lock.query("begin; select from account_balance for update");
  const posting = call(environment, service.output(), "CreateTransfer", {
    debit_account_id: bank.id,
    credit_account_id: wallet.id,
    amount: 5,
  });
  const waiting =
    "select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  await expect.poll(async () => (await database.pool.query(waiting)).rows[0].count).toBe(1n);
  service.child.kill("SIGTERM");
  await expect
    .poll(() =>
      fetch(`http://127.0.0.1:${environment["PORT"]}/readyz`).then(
        () => "up",
        () => "gone",
      ),
    )
    .toBe("gone");
  await lock.query("rollback");
  lock.release();

  expect(await posting).toMatchObject({ status: 200, body: { amount: "5", credit_account_balance: "5" } });
  expect(await service.ended).toBe(0);
  expect((await database.pool.query("select amount from transfer")).rows).toEqual([{ amount: 5n }]);
  await database.drop();
});

test("a second signal of another kind ends it at once, with 1, and not as if it had finished", async () => {
  const database = await createTestDatabase();
  const environment: Record<string, string> = {
    ...(await ownEnvironment()),
    DATABASE_URL: database.url,
    AUTH_JWT_SECRET: "s".repeat(32),
    // It answers that it is not ready for this long before it closes anything.
    SHUTDOWN_DELAY_MS: "60000",
  };
  const service = start(environment);
  await service.printed(READY);
  service.child.kill("SIGINT");
  const ready = () => fetch(`http://127.0.0.1:${environment["PORT"]}/readyz`).then(({ status }) => status);
  await expect.poll(ready).toBe(503);
  service.child.kill("SIGTERM");
  expect(await service.ended).toBe(1);
  await database.drop();
});
