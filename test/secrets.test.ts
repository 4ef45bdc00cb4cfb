import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { mintToken } from "../src/auth/index.ts";
import { grantApplicationRole } from "../src/database/index.ts";
import { migrationsDirectory } from "../src/package-files.ts";
import { type FaultyNetwork, openFaultyNetwork } from "./faults/network.ts";
import { createTestDatabase, type TestDatabase } from "./setup/database.ts";
import { freePort, type ServiceProcess, startProcess } from "./setup/process.ts";

const PASSWORD = "pässword/of:the@database";
const JWT_SECRET = "the-key-that-signs-tokens-0123456789";
const OTHER_SECRET = "the-key-of-somebody-else-9876543210";

const role = `keeper_${randomUUID().slice(0, 8)}`;
let database: TestDatabase;
let network: FaultyNetwork;
let url: string;
let running: ServiceProcess[];

beforeEach(async () => {
  running = [];
  database = await createTestDatabase();
  await database.pool.query(`create role ${role} login password '${PASSWORD}'`);
  await grantApplicationRole({ connectionString: database.url, directory: migrationsDirectory(), role });
  const direct = new URL(database.url);
  network = await openFaultyNetwork({ host: "127.0.0.1", port: Number(direct.port) });
  url = `postgres://${role}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${network.port}${direct.pathname}`;
});
afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill("SIGKILL");
    await ended;
  }
  await network.close();
  await database.pool.query(`drop owned by ${role}; drop role ${role}`);
  await database.drop();
});

async function start(change: Record<string, string> = {}): Promise<{ service: ServiceProcess; base: string }> {
  const port = await freePort();
  const service = startProcess({
    NODE_ENV: "production",
    DATABASE_URL: url,
    AUTH_JWT_SECRET: JWT_SECRET,
    CORS_ALLOWED_ORIGINS: "none",
    LOG_LEVEL: "trace",
    PORT: `${port}`,
    ...change,
  });
  running.push(service);
  return { service, base: `http://127.0.0.1:${port}` };
}

test("in production no secret appears in output, log, replies, metrics or the list of processes", async () => {
  const { service, base } = await start();
  await service.printed('"msg":"started"');
  const seen: string[] = [];
  const tokens: string[] = [];
  const mint = async (secret: string, lifetimeSeconds: number) => {
    const token = await mintToken(secret, { subject: "root", scope: "finance.admin", lifetimeSeconds });
    tokens.push(token);
    return token;
  };
  const call = async (method: string, body: string, token: string) => {
    const response = await fetch(`${base}/twirp/finance.v1.FinanceService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body,
    });
    seen.push(JSON.stringify([...response.headers]), await response.text());
    return response.status;
  };
  const look = async (path: string) => {
    const response = await fetch(`${base}${path}`);
    seen.push(await response.text());
    return response.status;
  };

  const good = await mint(JWT_SECRET, 600);
  const account = '{"name": "Bank", "type": "ACCOUNT_TYPE_ASSET", "currency": "USD"}';
  expect(await call("CreateAccount", account, good)).toBe(200);
  expect(await call("GetAccount", '{"id": 99}', good)).toBe(404);
  expect(await call("GetAccount", `{"id": "${good}"}`, "x")).toBe(401);
  expect(await call("GetAccount", '{"id": 1}', await mint(OTHER_SECRET, 600))).toBe(401);
  expect(await call("GetAccount", '{"id": 1}', await mint(JWT_SECRET, -600))).toBe(401);
  expect(await call("GetAccount", "{", good)).toBe(400);

  // Unreachable first because of the network, then because of a changed password.
  const untilReadyz = (text: RegExp) =>
    expect.poll(() => look("/readyz").then(() => seen.at(-1)), { timeout: 10_000 }).toMatch(text);
  network.refuse();
  network.cut();
  await expect.poll(() => call("ListAccounts", "{}", good), { timeout: 10_000 }).toBe(503);
  await untilReadyz(/the database can't be reached: the connection broke/);
  network.accept();
  await untilReadyz(/"ready"/);
  await database.pool.query(`alter role ${role} password 'another'`);
  network.cut();
  await expect.poll(() => call("ListAccounts", "{}", good), { timeout: 10_000 }).toBe(503);
  await untilReadyz(/the database can't be reached: the password is wrong/);
  expect(await look("/metrics")).toBe(200);
  seen.push(await readFile(`/proc/${service.child.pid}/cmdline`, "utf8").catch(() => ""));
  service.child.kill("SIGTERM");
  await service.ended;

  const wrong = await start();
  expect(await wrong.service.ended).toBe(1);
  expect(wrong.service.output()).toContain(` as ${role}: the password is wrong`);
  const mistaken = await start({ DATABASE_URL: `${url}:x?sslmode=maybe`, AUTH_JWT_SECRET: JWT_SECRET.slice(0, 20) });
  expect(await mistaken.service.ended).toBe(1);
  expect(mistaken.service.output()).toMatch(/AUTH_JWT_SECRET: .*\n.*DATABASE_URL: /);

  const everything = [...seen, ...running.map((each) => each.output())].join("\n");
  expect(everything).toContain("the database is away");
  const signatures = tokens.map((token) => token.slice(token.lastIndexOf(".") + 1));
  const passwords = [PASSWORD, encodeURIComponent(PASSWORD), "the@database"];
  for (const secret of [...passwords, JWT_SECRET, JWT_SECRET.slice(0, 20), OTHER_SECRET, ...signatures]) {
    expect(everything).not.toContain(secret);
  }
});

/** The command lines and environments of a process and of all those below it. */
async function processesFrom(pid: number | undefined): Promise<{ self: string; below: string[] }> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  const self = (await read("cmdline")) + (await read("environ"));
  const children = (await read(`task/${pid}/children`)).trim().split(" ").filter(Boolean);
  const below = await Promise.all(children.map((child) => processesFrom(Number(child))));
  return { self, below: below.flatMap((each) => [each.self, ...each.below]) };
}

const isLinux = process.platform === "linux";

test("secrets in files are in no output and no environment, and SIGHUP gives new ones to all workers", async () => {
  const passwords = ["p@ss/w:rd", "n€xt:p@ss/w%rd ?&+"];
  const folder = await mkdtemp(join(inject("scratch"), "secrets-"));
  const files = { PGPASSWORD_FILE: join(folder, "password"), AUTH_JWT_SECRET_FILE: join(folder, "key") };
  const write = async (password: string, key: string) => {
    await database.pool.query(`alter role ${role} password '${password}'`);
    await writeFile(files.PGPASSWORD_FILE, `${password}\n`);
    await writeFile(files.AUTH_JWT_SECRET_FILE, `${key}\n`);
  };
  await write(passwords[0] ?? "", JWT_SECRET);
  const withoutPassword = new URL(url);
  withoutPassword.password = "";
  const { service, base } = await start({
    DATABASE_URL: withoutPassword.href,
    AUTH_JWT_SECRET: "",
    WORKERS: "2",
    ...files,
  });
  await service.printed('"msg":"started"');
  const seen: string[] = [];
  const call = async (secret: string) => {
    const token = await mintToken(secret, { subject: "root", scope: "finance.admin", lifetimeSeconds: 600 });
    const response = await fetch(`${base}/twirp/finance.v1.FinanceService/ListAccounts`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: "{}",
    });
    seen.push(await response.text());
    return response.status;
  };
  const look = async () => {
    const { self, below } = await processesFrom(service.child.pid);
    if (isLinux) expect([self.includes("PGPASSWORD_FILE="), below.length]).toEqual([true, 2]);
    seen.push(self, ...below);
  };
  expect([await call(JWT_SECRET), await call(OTHER_SECRET)]).toEqual([200, 401]);
  await look();

  await write(passwords[1] ?? "", OTHER_SECRET);
  network.cut();
  service.child.kill("SIGHUP");
  const eight = async (secret: string) => [
    ...new Set(await Promise.all(Array.from({ length: 8 }, () => call(secret)))),
  ];
  await expect.poll(() => eight(OTHER_SECRET), { timeout: 20_000 }).toEqual([200]);
  await expect.poll(() => eight(JWT_SECRET), { timeout: 20_000 }).toEqual([401]);
  service.child.kill("SIGTERM");
  expect(await service.ended).toBe(0);

  const everything = [...seen, service.output()].join("\n");
  for (const secret of [...passwords, ...passwords.map(encodeURIComponent), JWT_SECRET, OTHER_SECRET]) {
    expect(everything).not.toContain(secret);
  }
});

test.runIf(isLinux)("the embedded PostgreSQL is not given the service's secrets", async () => {
  const { service } = await start({
    NODE_ENV: "development",
    DATABASE_URL: "",
    DATA_DIR: await mkdtemp(join(inject("scratch"), "embedded-")),
    CONSOLE_PORT: "off",
    DEMO_DATA: "false",
    PGPASSWORD: PASSWORD,
    OTEL_EXPORTER_OTLP_HEADERS: OTHER_SECRET,
  });
  await service.printed("  API ");
  const { self, below } = await processesFrom(service.child.pid);
  expect(self).toContain(JWT_SECRET);
  expect(below.length).toBeGreaterThan(1);
  for (const secret of [JWT_SECRET, OTHER_SECRET, PASSWORD]) expect(below.join("\n")).not.toContain(secret);
  service.child.kill("SIGTERM");
  expect(await service.ended).toBe(0);
});
