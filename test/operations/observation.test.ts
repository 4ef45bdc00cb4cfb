import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { version } from "../../package.json";
import { reasons } from "../../packages/cors/src/index.ts";
import { TwirpErrorCode } from "../../packages/twirp/src/index.ts";
import type { DatabaseStatistics } from "../../src/database/index.ts";
import { createTestDatabase } from "../setup/database.ts";
import { lockAccount, openAccount, openFunded, untilWaitingForLock } from "../setup/ledger.ts";
import { readSeries } from "../setup/metrics.ts";
import { startInstance } from "../setup/process.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "debug" });
});
afterAll(() => service.close());

/** Lines of calls and requests that are over. */
const answered = (requestId?: string) =>
  service.log.filter((line) => line["msg"] === "answered" && (requestId ?? line["requestId"]) === line["requestId"]);

const read = (series: string) => readSeries(service.url, series);

function post(method: string, body: string, headers: Record<string, string>) {
  return fetch(`${service.url}/twirp/finance.v1.FinanceService/${method}?token=secret`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

describe("a call is one line and one count", () => {
  const cases: [what: string, method: string, body: string, subject: string | undefined, expected: object][] = [
    [
      "that succeeds",
      "ListAccounts",
      "{}",
      "alice",
      { rpc: "finance.v1.FinanceService/ListAccounts", code: "ok", status: 200, caller: "alice" },
    ],
    [
      "that is refused",
      "GetAccount",
      '{"id":"987654321"}',
      "alice",
      { rpc: "finance.v1.FinanceService/GetAccount", code: "not_found", status: 404, caller: "alice" },
    ],
    [
      "whose body can't be read",
      "CreateTransfer",
      '{"description":"hush"',
      "alice",
      { rpc: "finance.v1.FinanceService/CreateTransfer", code: "malformed", status: 400, caller: "alice" },
    ],
    [
      "of nobody",
      "GetBalance",
      "{}",
      undefined,
      { rpc: "finance.v1.FinanceService/GetBalance", code: "unauthenticated", status: 401 },
    ],
    ["of no method", "GetRich", "{}", "alice", { method: "POST", route: "unmatched", code: "bad_route", status: 404 }],
  ];

  test.each(cases)("%s", async (_what, method, body, subject, expected) => {
    const known = "rpc" in expected;
    const { code } = expected as { code: string };
    const label = known ? method : "unmatched";
    const counted = `rpc_requests_total{method="${label}",code="${code}"}`;
    const timed = `rpc_request_duration_seconds_count{method="${label}"}`;
    const before = [await read(counted), await read(timed)];
    const bearer = subject === undefined ? undefined : await service.token(subject);
    const requestId = `${method}-${code}`;
    const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    await (await post(method, body, { "x-request-id": requestId, ...authorization })).text();

    await vi.waitFor(() => expect(answered(requestId)).toHaveLength(1));
    const { level, time, pid, hostname, msg, durationMs, requestId: id, ...fields } = answered(requestId)[0] ?? {};
    expect(fields).toEqual(expected);
    expect(durationMs).toBeGreaterThan(0);
    expect([await read(counted), await read(timed)]).toEqual(before.map((count) => count + 1));
    const lines = JSON.stringify(service.log);
    expect(lines).not.toContain("token=secret");
    expect(lines).not.toContain("hush");
    if (bearer !== undefined) expect(lines).not.toContain(bearer);
  });

  test("whose client disconnects before the reply", async () => {
    const from = await openFunded(service, "alice", 10);
    const to = await openAccount(service, "bob");
    const lock = await lockAccount(service.pool, from);
    const body = JSON.stringify({ debit_account_id: from, credit_account_id: to, amount: 1 });
    const socket = connect(Number(new URL(service.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      [
        "POST /twirp/finance.v1.FinanceService/CreateTransfer HTTP/1.1",
        "host: localhost",
        "content-type: application/json",
        "x-request-id: gone",
        `authorization: Bearer ${await service.token("alice")}`,
        `content-length: ${body.length}`,
        "",
        body,
      ].join("\r\n"),
    );
    await untilWaitingForLock(service.pool, 1);
    socket.destroy();
    await vi.waitFor(() =>
      expect(answered("gone")).toMatchObject([{ code: "canceled", status: 408, caller: "alice" }]),
    );
    await lock.release();
  });
});

test("every counter starts at 0, so that its first increase is seen", async () => {
  const fresh = await startTestService();
  const text = await (await fetch(`${fresh.url}/metrics`)).text();
  await fresh.close();
  const counters = /^(rpc|cors|overload|http_broken|ledger_(batch|events|seals?))_/;
  const counted = text.split("\n").filter((line) => counters.test(line));
  expect(counted.filter((line) => !line.endsWith(" 0"))).toEqual([]);
  const labels = (metric: string, label: string) => [
    ...new Set(
      counted.flatMap((line) =>
        line.startsWith(metric) ? (new RegExp(`${label}="(\\w+)"`).exec(line)?.[1] ?? []) : [],
      ),
    ),
  ];
  const guide = await readFile("docs/observability.md", "utf8");
  const limits = [...guide.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| .* \| .*\|$/gm)]
    .flatMap(([, reasons = ""]) => reasons.replaceAll("`", "").split(", "))
    .filter((reason) => labels("overload_refusals_total", "reason").includes(reason));
  expect(limits.sort()).toEqual(labels("overload_refusals_total", "reason").sort());
  expect(labels("cors_refusals_total", "reason")).toEqual(
    reasons.filter(({ about }) => about === "request").map(({ code }) => code),
  );
  const methods = FinanceService.methods.map(({ name }) => name);
  expect(labels("rpc_requests_total", "method")).toEqual([...methods, "unmatched"]);
  expect(labels("rpc_requests_total", "code")).toEqual(["ok", ...Object.values(TwirpErrorCode)]);
  expect(labels("rpc_request_duration_seconds_count", "method")).toEqual([...methods, "unmatched"]);
  for (const metric of ["ledger_batch_failures_total", "ledger_batch_size_count", "ledger_batch_seconds_count"])
    expect(labels(metric, "queue")).toEqual(["postings", "account_reads"]);
  expect(labels("ledger_seals_total", "result")).toEqual(["sealed", "empty", "failed"]);
  expect(counted).toContain("ledger_events_total 0");
  expect(counted).toContain("ledger_seal_lag_seconds_count 0");
});

test("the readiness gauge and the database's gauges follow what the service finds", async () => {
  let obstacle: string | undefined;
  let statistics: DatabaseStatistics | undefined = {
    database_size_bytes: 5,
    database_connections: 7,
    database_connections_max: 97,
    database_standbys: 2,
    database_replication_lag_bytes: null,
    database_slot_retained_bytes: 4096,
    database_replication_slots: { active: 2, inactive: 1, lost: 0 },
  };
  const service = await startTestService(
    {},
    { readiness: async () => obstacle, readDatabaseStatistics: async () => statistics },
  );
  const gauges = async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    return text.split("\n").filter((line) => /^(finance_ready|database_(?!pool))/.test(line));
  };
  expect(await gauges()).toEqual([
    "finance_ready 1",
    "database_size_bytes 5",
    "database_connections 7",
    "database_connections_max 97",
    "database_standbys 2",
    "database_slot_retained_bytes 4096",
    'database_replication_slots{state="active"} 2',
    'database_replication_slots{state="inactive"} 1',
    'database_replication_slots{state="lost"} 0',
  ]);
  obstacle = "the database can't be reached";
  statistics = undefined;
  expect(await gauges()).toEqual(["finance_ready 0"]);
  await service.close();
});

test("other requests are logged with their route: probes at debug, and never with their query", async () => {
  await fetch(`${service.url}/healthz?key=hidden`, { headers: { "x-request-id": "probe" } });
  await vi.waitFor(() =>
    expect(answered("probe")).toMatchObject([{ level: 20, method: "GET", route: "/healthz", status: 200 }]),
  );
  expect(JSON.stringify(service.log)).not.toContain("hidden");
});

test("a malformed URL is logged as well", async () => {
  await fetch(`${service.url}/%`, { method: "POST", headers: { "x-request-id": "bad-url" } });
  await vi.waitFor(() => expect(answered("bad-url")).toMatchObject([{ method: "POST", status: 404 }]));
});

test("batches, their queue and the pools are measured", async () => {
  const from = await openFunded(service, "alice", 1000);
  const to = await openAccount(service, "bob");
  const move = { debit_account_id: from, credit_account_id: to, amount: 1 };
  const lock = await lockAccount(service.pool, from);
  const first = service.call("CreateTransfer", move);
  await untilWaitingForLock(service.pool, 1);
  const rest = [1, 2, 3].map(() => service.call("CreateTransfer", move));
  await vi.waitFor(async () => expect(await read('ledger_queue_depth{queue="postings"}')).toBe(3));
  expect(await read('database_pool_connections{pool="lanes",state="busy"}')).toBe(1);
  expect(await read("http_requests_in_flight")).toBe(5);

  const batches = await read('ledger_batch_size_count{queue="postings"}');
  const orders = await read('ledger_batch_size_sum{queue="postings"}');
  await lock.release();
  for (const reply of await Promise.all([first, ...rest])) expect(reply.status).toBe(200);
  expect(await read('ledger_queue_depth{queue="postings"}')).toBe(0);
  expect(await read('ledger_batch_size_count{queue="postings"}')).toBe(batches + 2);
  expect(await read('ledger_batch_size_sum{queue="postings"}')).toBe(orders + 4);
  expect(await read('ledger_batch_seconds_count{queue="postings"}')).toBe(batches + 2);
});

describe("the feed of events", () => {
  const eventually = (assertion: () => unknown) => vi.waitFor(assertion, 20_000);
  const duration = 'rpc_request_duration_seconds_sum{method="ListEvents"}';

  /** What the log says of a call, and whether its wait is missing in the duration that is measured. */
  async function expectWaitLeftOut(requestId: string, before: number, expected: object): Promise<void> {
    await eventually(() => expect(answered(requestId)).toMatchObject([expected]));
    const { durationMs, waitedMs } = answered(requestId)[0] ?? {};
    expect(waitedMs).toBeGreaterThan(0);
    expect((await read(duration)) - before).toBeCloseTo((Number(durationMs) - Number(waitedMs)) / 1000, 4);
  }

  async function listen(requestId: string, signal?: AbortSignal): Promise<unknown> {
    const response = await fetch(`${service.url}/twirp/finance.v1.FinanceService/ListEvents`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-request-id": requestId,
        authorization: `Bearer ${await service.token("watcher")}`,
      },
      body: JSON.stringify({ from_end: true, wait_ms: 25_000 }),
      ...(signal && { signal }),
    });
    return await response.json();
  }

  test("the time that a call waits for an event does not count as slow", async () => {
    const before = await read(duration);
    const reply = listen("patient");
    await eventually(async () => expect(await read("ledger_waiting_callers")).toBe(1));
    const id = await openAccount(service, "watcher");
    expect(await reply).toMatchObject({ events: [{ account: { id } }] });
    await expectWaitLeftOut("patient", before, { code: "ok" });
  });

  test("nor does that of a call whose client leaves", async () => {
    const before = await read(duration);
    const leaving = new AbortController();
    const lost = expect(listen("leaving", leaving.signal)).rejects.toThrow();
    await eventually(async () => expect(await read("ledger_waiting_callers")).toBe(1));
    leaving.abort();
    await lost;
    await expectWaitLeftOut("leaving", before, { code: "canceled" });
    await eventually(async () => expect(await read("ledger_waiting_callers")).toBe(0));
  });

  test("seals are counted, and commits that wait for one are seen", async () => {
    await eventually(async () => expect(await read("ledger_unsealed_seconds")).toBe(0));
    const series = ["ledger_events_total", "ledger_seal_lag_seconds_count", 'ledger_seals_total{result="sealed"}'];
    const counts = () => Promise.all(series.map(read));
    const before = await counts();
    const failures = await read('ledger_seals_total{result="failed"}');
    const sealer = await service.pool.connect();
    await sealer.query("begin");
    await sealer.query("select pg_advisory_xact_lock(9707, 2)");
    await openAccount(service, "alice");
    await untilWaitingForLock(service.pool, 1);
    expect(await read("ledger_unsealed_seconds")).toBeGreaterThan(0);
    await service.pool.query(
      `select pg_cancel_backend(pid)
         from pg_stat_activity
        where datname = current_database()
          and wait_event = 'advisory'`,
    );
    await eventually(async () => expect(await read('ledger_seals_total{result="failed"}')).toBeGreaterThan(failures));
    expect(await read("ledger_unsealed_seconds")).toBeGreaterThan(0);
    await sealer.query("commit");
    sealer.release();
    await eventually(async () => expect(await read("ledger_unsealed_seconds")).toBe(0));
    expect(await counts()).toEqual(before.map((count) => count + 1));
  });
});

test("the build is told", async () => {
  expect(await read(`finance_build_info{version="${version}",node="${process.version}"}`)).toBe(1);
});

test("a line of a request's own has the id under the same name", async () => {
  await fetch(`${service.url}/twirp/finance.v1.FinanceService/GetAccount`, {
    method: "OPTIONS",
    headers: { origin: "https://evil.example", "access-control-request-method": "POST", "x-request-id": "stranger" },
  });
  expect(service.log.filter((line) => line["requestId"] === "stranger")).toContainEqual(
    expect.objectContaining({ cors: expect.objectContaining({ reason: "origin_not_allowed" }) }),
  );
  expect(await read('cors_refusals_total{reason="origin_not_allowed"}')).toBe(1);
});

test.each(["", "2"])("in production each line of the output is JSON, with WORKERS=%j", async (WORKERS) => {
  const database = await createTestDatabase();
  const { process: instance } = await startInstance(database.url, { WORKERS });
  instance.child.kill("SIGTERM");
  expect(await instance.ended).toBe(0);
  const lines = instance.output().trim().split("\n");
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) });
  await database.drop();
});
