import { afterAll, beforeAll, expect, test } from "vitest";
import { openAccount } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let account: string;
beforeAll(async () => {
  service = await startTestService();
  account = await openAccount(service, "alice");
});
afterAll(async () => {
  await service.close();
});

async function waitingForLocks(): Promise<bigint> {
  const { rows } = await service.pool.query(
    "select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows[0].count;
}

const start = "2026-01-01T00:00:00Z";

test.each<[method: string, table: string, request: () => object]>([
  ["ListAccounts", "account", () => ({})],
  ["ListTransfers", "transfer", () => ({})],
  ["ListEntries", "entry", () => ({ account_id: account })],
  ["GetBalance", "entry", () => ({ account_id: account, as_of: new Date().toISOString() })],
  ["GetBalanceHistory", "entry", () => ({ account_id: account, start, interval: "INTERVAL_DAY" })],
  ["GetTrialBalance", "entry", () => ({})],
])("%s stops in the database when the call's time is over", async (method, table, request) => {
  const lock = await service.pool.connect();
  try {
    await lock.query(`begin; lock table ${table} in access exclusive mode`);
    const response = await fetch(`${service.url}/twirp/finance.v1.FinanceService/${method}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "twirp-timeout-ms": "300",
        authorization: `Bearer ${await service.token("root", "finance.admin")}`,
      },
      body: JSON.stringify(request()),
    });
    expect({ status: response.status, body: await response.json() }).toMatchObject({
      status: 408,
      body: { code: "deadline_exceeded" },
    });
    await expect.poll(waitingForLocks).toBe(0n);
  } finally {
    await lock.query("rollback");
    lock.release();
  }
  expect((await service.call(method, request())).status).toBe(200);
});
