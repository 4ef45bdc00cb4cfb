import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, openAccount, openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let database: TestDatabase;
let service: TestService;
let from: string;
let to: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await database.pool.query(`alter database ${name} set default_transaction_isolation = 'serializable'`);
  service = await startTestService({ LOG_LEVEL: "silent" }, { database });
  from = await openFunded(service, "alice", 1_000_000);
  to = await openAccount(service, "bob");
});
afterAll(async () => {
  expect(await findingsOf(database.pool)).toEqual([]);
  await service.close();
  await database.drop();
});

test("the default isolation of the database does not affect concurrent callers", async () => {
  const as_of = () => new Date().toISOString();
  const calls: [method: string, request: (index: number) => object][] = [
    [
      "CreateAccount",
      (index) => ({ name: "A", type: "ACCOUNT_TYPE_ASSET", currency: "USD", idempotency_key: `a${index % 5}` }),
    ],
    ["UpdateAccount", (index) => ({ id: to, metadata: { index: `${index}` } })],
    [
      "CreateTransfer",
      (index) => ({ debit_account_id: from, credit_account_id: to, amount: 1, idempotency_key: `t${index % 20}` }),
    ],
    ["GetBalance", () => ({ account_id: to, as_of: as_of() })],
    ["GetTrialBalance", () => ({})],
    ["ListEntries", () => ({ account_id: to, before: as_of() })],
  ];
  const replies = await Promise.all(
    Array.from({ length: 240 }, async (_, index) => {
      const [method, request] = calls[index % calls.length] ?? ["", () => ({})];
      const { status, body } = await service.call(method, request(index));
      return status === 200 ? "200" : `${method}: ${JSON.stringify(body)}`;
    }),
  );
  expect(new Set(replies)).toEqual(new Set(["200"]));
});
