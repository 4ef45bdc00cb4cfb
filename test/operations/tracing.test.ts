import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Tracing } from "../../src/plugins/index.ts";
import { startTracing } from "../../src/server/serve.ts";
import { createTestDatabase } from "../setup/database.ts";
import { lockAccount, openAccount, openFunded, untilWaitingForLock } from "../setup/ledger.ts";
import { freePort, startProcess } from "../setup/process.ts";
import { startTestService, type TestService } from "../setup/service.ts";
import { type CollectedSpan, type SpanCollector, startSpanCollector } from "./span-collector.ts";

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;

let collector: SpanCollector;
let tracing: Tracing | undefined;
let service: TestService;
let from: string;
let to: string;

beforeAll(async () => {
  collector = await startSpanCollector();
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url);
  vi.stubEnv("OTEL_SERVICE_NAME", "books");
  // Milliseconds between two exports.
  vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "10");
  tracing = await startTracing(process.env);
  service = await startTestService({}, { tracing });
  from = await openFunded(service, "alice", 1000);
  to = await openAccount(service, "bob");
});
afterAll(async () => {
  await service.close();
  await tracing?.stop();
  collector.close();
  vi.unstubAllEnvs();
});

let calls = 0;

/** Calls as part of a trace of the caller's own, and gives its ids. */
async function callTraced(method: string, request: object, flags = "01") {
  calls += 1;
  const traceId = calls.toString(16).padStart(32, "a");
  const response = await fetch(`${service.url}/twirp/finance.v1.FinanceService/${method}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${await service.token("alice")}`,
      traceparent: `00-${traceId}-00f067aa0ba902b7-${flags}`,
    },
    body: JSON.stringify(request),
  });
  await response.text();
  return { traceId, response };
}

/** The spans of a trace once the call's own has come, which ends last of all. */
async function traceOf(traceId: string): Promise<{ server: CollectedSpan; spans: CollectedSpan[] }> {
  return await vi.waitFor(
    () => {
      const spans = collector.spans.filter((span) => span.traceId === traceId);
      const server = spans.find(({ kind }) => kind === SERVER);
      if (server === undefined) throw new Error("no server span yet");
      return { server, spans };
    },
    { timeout: 8000, interval: 10 },
  );
}

const move = (description = "") => ({ debit_account_id: from, credit_account_id: to, amount: 7, description });

test("a call is a child span of its caller's, and the reply names it", async () => {
  const { traceId, response } = await callTraced("GetAccount", { id: from });
  const { server } = await traceOf(traceId);
  expect(server).toMatchObject({
    name: "finance.v1.FinanceService/GetAccount",
    parentSpanId: "00f067aa0ba902b7",
    attributes: {
      "service.name": "books",
      "rpc.system": "twirp",
      "rpc.service": "finance.v1.FinanceService",
      "rpc.method": "GetAccount",
      "rpc.twirp.code": "ok",
      "http.request.method": "POST",
      "http.response.status_code": 200,
    },
    status: {},
  });
  expect(response.headers.get("traceresponse")).toBe(`00-${traceId}-${server.spanId}-01`);
});

test("the line of the call names the trace", async () => {
  const { traceId } = await callTraced("ListAccounts", {});
  await traceOf(traceId);
  expect(service.log).toContainEqual(expect.objectContaining({ msg: "answered", traceId }));
});

describe("statements are spans by their names", () => {
  test("of a posting below its batch", async () => {
    const { traceId } = await callTraced("CreateTransfer", move());
    const { server, spans } = await traceOf(traceId);
    const batch = spans.find(({ name }) => name === "batch postings");
    expect(batch).toMatchObject({ parentSpanId: server.spanId, links: [{ spanId: server.spanId }] });
    const statements = spans.filter(({ kind }) => kind === CLIENT);
    expect(statements.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["begin", "lock_accounts", "insert_transfers", "insert_entries", "commit"]),
    );
    for (const statement of statements) {
      expect(statement.parentSpanId).toBe(batch?.spanId);
      expect(statement.attributes).toMatchObject({
        "db.system.name": "postgresql",
        "db.query.summary": statement.name,
      });
    }
  });

  test("of a read on a connection of its own below the call", async () => {
    const { traceId } = await callTraced("ListAccounts", {});
    const { server, spans } = await traceOf(traceId);
    const statements = spans.filter(({ kind }) => kind === CLIENT);
    expect(statements.length).toBeGreaterThan(0);
    for (const { parentSpanId } of statements) expect(parentSpanId).toBe(server.spanId);
  });
});

test("a batch is linked to all sampled calls that share it, in any order", async () => {
  const lock = await lockAccount(service.pool, from);
  const first = callTraced("CreateTransfer", move());
  await untilWaitingForLock(service.pool, 1);
  const unsampled = callTraced("CreateTransfer", move(), "00");
  await vi.waitFor(() => expect(service.ledger.queue.length).toBe(1));
  const rest = [callTraced("CreateTransfer", move()), callTraced("CreateTransfer", move())];
  await vi.waitFor(() => expect(service.ledger.queue.length).toBe(3));
  await lock.release();
  await Promise.all([first, unsampled]);
  const traces = await Promise.all((await Promise.all(rest)).map(({ traceId }) => traceOf(traceId)));
  const servers = traces.map(({ server }) => server.spanId);
  const batches = traces.flatMap(({ spans }) => spans.filter(({ name }) => name === "batch postings"));
  expect(batches).toHaveLength(1);
  expect(batches[0]?.links.map(({ spanId }) => spanId).sort()).toEqual(servers.sort());
});

test("a refusal has its code and is not marked as an error", async () => {
  const { traceId } = await callTraced("GetAccount", { id: "987654321" });
  const { server } = await traceOf(traceId);
  expect(server.attributes).toMatchObject({ "error.type": "not_found", "http.response.status_code": 404 });
  expect(server.status.code).not.toBe(ERROR);
});

test("an error of the server is one of the span", async () => {
  const load = vi.spyOn(service.ledger.accounts, "load").mockRejectedValueOnce(new Error("secret cause"));
  const { traceId } = await callTraced("GetAccount", { id: from });
  load.mockRestore();
  const { server } = await traceOf(traceId);
  expect(server).toMatchObject({ attributes: { "error.type": "internal" }, status: { code: ERROR } });
});

test("a caller that is not sampled is not traced, nor are its statements", async () => {
  const { traceId } = await callTraced("CreateTransfer", move("unsampled"), "00");
  const { traceId: later } = await callTraced("GetAccount", { id: from });
  await traceOf(later);
  expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
});

test("probes are not traced", async () => {
  await fetch(`${service.url}/healthz`);
  const { traceId } = await callTraced("GetAccount", { id: from });
  await traceOf(traceId);
  expect(collector.spans.filter(({ name }) => name.startsWith("GET"))).toEqual([]);
});

test("no value, token or cause leaves with a span", async () => {
  const { traceId } = await callTraced("CreateTransfer", move("for the new hat"));
  await traceOf(traceId);
  expect(collector.text()).not.toMatch(/for the new hat|Bearer|eyJ|secret cause|alice/);
});

describe("the process", () => {
  /** The packages of OpenTelemetry that a run of the service loads, by V8's own account. */
  async function loadedPackages(environment: Record<string, string>): Promise<string[]> {
    const directory = await mkdtemp(join(tmpdir(), "finance-loaded-"));
    const database = await createTestDatabase();
    const process = startProcess({
      DATABASE_URL: database.url,
      DATA_DIR: directory,
      AUTH_JWT_SECRET: "s".repeat(32),
      PORT: `${await freePort()}`,
      CONSOLE_PORT: "off",
      NODE_V8_COVERAGE: join(directory, "coverage"),
      ...environment,
    });
    await process.printed("in two calls to paste");
    process.child.kill("SIGTERM");
    expect(await process.ended).toBe(0);
    const [report = ""] = await readdir(join(directory, "coverage"));
    const text = await readFile(join(directory, "coverage", report), "utf8");
    await rm(directory, { recursive: true });
    await database.drop();
    return [...new Set([...text.matchAll(/@opentelemetry\/([\w-]+)\//g)].map(([, name = ""]) => name))].sort();
  }

  test("loads no SDK unless it has an endpoint", async () => {
    // prom-client loads the API by itself, which does nothing.
    expect(await loadedPackages({})).toEqual(["api"]);
  });

  test("loads it with one", async () => {
    expect(await loadedPackages({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })).toContain("exporter-trace-otlp-http");
  });

  test("says which package is missing where OpenTelemetry is not installed", async () => {
    const root = await mkdtemp(join(tmpdir(), "finance-untraced-"));
    await mkdir(join(root, "node_modules"));
    for (const name of await readdir("node_modules")) {
      if (name === "@opentelemetry" || name.startsWith(".")) continue;
      await symlink(resolve("node_modules", name), join(root, "node_modules", name));
    }
    await cp("dist", join(root, "dist"), { recursive: true });
    await symlink(resolve("migrations"), join(root, "migrations"));
    await symlink(resolve("package.json"), join(root, "package.json"));
    const database = await createTestDatabase();
    const environment = {
      DATABASE_URL: database.url,
      AUTH_JWT_SECRET: "s".repeat(32),
      PORT: `${await freePort()}`,
      CONSOLE_PORT: "off",
    };
    const traced = startProcess({ ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, root);
    expect(await traced.ended).toBe(1);
    expect(traced.output()).toContain(
      "traces need @opentelemetry/api, which is not installed: run npm ci without --omit=dev, or unset OTEL_EXPORTER_OTLP_ENDPOINT",
    );
    const untraced = startProcess(environment, root);
    await untraced.printed("in two calls to paste");
    untraced.child.kill("SIGTERM");
    expect(await untraced.ended).toBe(0);
    await database.drop();
    await rm(root, { recursive: true });
  });
});
