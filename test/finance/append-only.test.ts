import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
/** A role that may do with rows whatever can be granted, as the service's own may. */
const role = `clerk_${randomUUID().replaceAll("-", "")}`;

beforeAll(async () => {
  service = await startTestService();
  const from = await openFunded(service, "alice", 100);
  const to = await openAccount(service, "bob");
  const move = { debit_account_id: from, credit_account_id: to, amount: 10 };
  const { body: held } = await service.call("CreateTransfer", { ...move, pending: true });
  const verdicts = [
    await service.call("CaptureTransfer", { id: held.id }),
    await service.call("CreateTransfer", { ...move, amount: 999, idempotency_key: "refused" }),
    await service.call("CreateTransfer", { ...move, pending: true, idempotency_key: "posted" }),
    await service.call("UpdateAccount", { id: await openAccount(service, "bob"), status: "ACCOUNT_STATUS_CLOSED" }),
  ];
  expect(verdicts.map(verdictOf)).toEqual(["200", "insufficient_funds", "200", "200"]);
  await service.ledger.feed.refresh();
  await service.pool.query(`create role ${role}; grant all on all tables in schema public to ${role}`);
});
afterAll(async () => {
  await service.pool.query(`drop owned by ${role}; drop role ${role}`);
  await service.close();
});

const statements = [
  "update transfer set amount = amount + 1",
  "update transfer set description = 'changed' where id = 1",
  "delete from transfer",
  "truncate transfer cascade",
  "update entry set balance_after = 0",
  "delete from entry where sequence = 1",
  "truncate entry",
  "delete from hold",
  "truncate hold",
  "update hold set state = 4 where state = 3",
  "update settlement set captured_amount = 1",
  "delete from settlement",
  "truncate settlement",
  "update account_change set changed_by = 'mallory'",
  "delete from account_change where sequence = 1",
  "truncate account_change",
  "update feed set position = position + 1 where position = 1",
  "update feed set position = null, seal = null where position = 1",
  "update feed set subjects = array[2] where id = 1",
  "delete from feed",
  "truncate feed",
  "update feed_identity set id = 1",
  "delete from feed_identity",
  "truncate feed_identity",
  "update former_key set transfer_id = 1",
  "delete from former_key",
  "truncate former_key",
  "update running_total set debits = credits",
  "delete from running_total",
  "truncate running_total",
  "delete from account",
  "truncate account cascade",
  "update account set owner = 'mallory'",
  "update account set currency = 'EUR'",
  "update account set type = 1",
  "update account set minor_unit_digits = 4",
  "delete from account_balance",
  "truncate account_balance",
  "update account_balance set status = 1 where status = 3",
  "update account_balance set posted_carried = 1 where status = 3",
  "delete from idempotency",
  "truncate idempotency",
];
/** An outcome is remembered once. Two requests that race for a key meet here, as they would at a unique index. */
const secondOutcomes = [
  "update idempotency set response = null where response is not null",
  `update idempotency set response = '{"refusal": {}}' where response is not null`,
  "update idempotency set transfer_id = transfer_id + 1 where transfer_id is not null",
  "update idempotency set message_digest = gen_random_uuid()",
];
/** Totals of a time that is not final, or that no call could have. */
const totalsAt = (time: string) => `insert into running_total values (${time}, '{}', '{}', '{}')`;
const refusals: [statement: string, refusal: object][] = [
  [totalsAt("clock_timestamp() + interval '1 hour'"), { code: "23001", message: expect.stringMatching(/not final/) }],
  [totalsAt("'infinity'"), { code: "23001" }],
  [totalsAt("'-infinity'"), { code: "23514", table: "running_total" }],
  ...statements.map((each): [string, object] => [
    each,
    { code: "23001", message: expect.stringMatching(/append-only/) },
  ]),
  ...secondOutcomes.map((each): [string, object] => [
    each,
    { code: "23505", constraint: "idempotency_decided_once", table: "idempotency" },
  ]),
];

test.each(refusals)("the database refuses: %s", async (statement, refusal) => {
  const client = await service.pool.connect();
  try {
    for (const user of ["none", role]) {
      await client.query(`set role ${user}`);
      await expect(client.query(statement)).rejects.toMatchObject(refusal);
    }
  } finally {
    await client.query("reset role");
    client.release();
  }
});

test("the application's role can't turn the refusals off", async () => {
  const client = await service.pool.connect();
  try {
    await client.query(`set role ${role}`);
    for (const statement of [
      "alter table entry disable trigger all",
      "drop trigger entry_append_only on entry",
      "set session_replication_role = replica",
    ]) {
      await expect(client.query(statement)).rejects.toMatchObject({ code: "42501" });
    }
  } finally {
    await client.query("reset role");
    client.release();
  }
});
