import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VoidTransferRequest } from "../../generated/server/finance/v1/transfer.ts";
import { canChangePostings, grantApplicationRole, openPool } from "../../src/database/index.ts";
import { claimOf } from "../../src/finance/posting/idempotency.ts";
import { INT64_MAX } from "../../src/finance/values.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, fundsOf, openAccount, openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const ROLE = `app "${randomUUID().slice(0, 8)}"`;
const quoted = pg.escapeIdentifier(ROLE);

let owner: TestDatabase;
let application: TestDatabase;
let service: TestService;

beforeAll(async () => {
  owner = await createTestDatabase();
  await owner.pool.query(`create role ${quoted} login password 'app'`);
  await grantApplicationRole({ connectionString: owner.url, directory: migrationsDirectory(), role: ROLE });
  const url = Object.assign(new URL(owner.url), { username: encodeURIComponent(ROLE), password: "app" }).href;
  application = { url, pool: openPool({ connectionString: url }), drop: async () => undefined };
  service = await startTestService({}, { database: application });
});
afterAll(async () => {
  await service.close();
  await application.pool.end();
  await owner.pool.query(`drop owned by ${quoted}; drop role ${quoted}`);
  await owner.drop();
});

test("the whole service works as the application's role", async () => {
  const from = await openFunded(service, "alice", 100);
  const to = await openAccount(service, "bob", { idempotency_key: "opened" });
  const post = async (method: string, request: object) => {
    const { status, body } = await service.call(method, request);
    expect(status, `${method}: ${JSON.stringify(body)}`).toBe(200);
    return body;
  };
  const move = { debit_account_id: from, credit_account_id: to, amount: 10, idempotency_key: "moved" };
  const moved = await post("CreateTransfer", move);
  await post("CreateTransfer", move);
  const hold = await post("CreateTransfer", { ...move, idempotency_key: "held", pending: true });
  await post("CaptureTransfer", { id: hold.id, amount: 4 });
  const voided = await post("CreateTransfer", { ...move, idempotency_key: "void", pending: true });
  await post("VoidTransfer", { id: voided.id });
  await post("ReverseTransfer", { id: moved.id });
  // An earlier version used this key up by mistake; here it is used again.
  const { keyDigest } = claimOf("root", "mistaken", "VoidTransfer", VoidTransferRequest.create());
  await application.pool.query(
    `insert into idempotency (key_digest, request_digest, response)
     values ($1, gen_random_uuid(), '{"refusal": {"situation": "batch_refused"}}')`,
    [keyDigest],
  );
  const again = await post("CreateTransfer", { ...move, idempotency_key: "held again", pending: true });
  await post("VoidTransfer", { id: again.id, idempotency_key: "mistaken" });
  const refused = await service.call("CreateTransfer", { ...move, amount: 1000, idempotency_key: "too much" });
  expect(refused.body.meta.reason).toBe("insufficient_funds");
  await post("UpdateAccount", { id: to, name: "Purse", overdraft_limit: 5 });
  const closed = await openAccount(service, "carol");
  await post("UpdateAccount", { id: closed, status: "ACCOUNT_STATUS_CLOSED" });
  await post("UpdateAccount", { id: closed, name: "Gone" });
  // Its sums are carried over, because they would exceed int64.
  const full = await openFunded(service, "alice", INT64_MAX);
  const out = { debit_account_id: full, credit_account_id: await openAccount(service, "bob"), amount: 1 };
  const back = { ...out, debit_account_id: out.credit_account_id, credit_account_id: full };
  for (const request of [out, back]) await post("CreateTransfer", request);
  const { rows } = await owner.pool.query("select posted_carried from account_balance where account_id = $1", [full]);
  expect(rows).toEqual([{ posted_carried: "1" }]);
  for (const method of ["ListAccounts", "ListTransfers", "GetTrialBalance"]) await post(method, {});
  for (const method of ["ListEntries", "GetBalance"]) await post(method, { account_id: from });
  await post("GetBalance", { account_id: from, as_of: "2020-01-01T00:00:00Z" });
  expect(await fundsOf(service, from)).toBe("96/96");
  expect(await findingsOf(owner.pool)).toEqual([]);
});

describe("the application's role can't", () => {
  test.each([
    "update transfer set amount = amount + 1",
    "update entry set amount = amount + 1",
    "update hold set debit_account_id = credit_account_id",
    "update account set owner = 'mallory'",
    "update account set minor_unit_digits = 3",
    "update idempotency set key_digest = gen_random_uuid()",
    "update account_balance set debit_normal = not debit_normal",
    "delete from transfer",
    "delete from entry",
    "delete from account",
    "delete from idempotency",
    "truncate transfer",
    "truncate entry, hold",
    "alter table transfer disable trigger all",
    "alter table entry disable trigger entry_append_only",
    "drop trigger transfer_append_only on transfer",
    "create trigger own before insert on transfer for each row execute function refuse_change()",
    "create or replace function refuse_change() returns trigger language plpgsql as 'begin return new; end'",
    "create or replace function refuse_second_outcome() returns trigger language plpgsql as 'begin return new; end'",
    "alter table idempotency disable trigger idempotency_decided_once",
    "drop table entry",
    "alter table transfer owner to current_user",
    "select setval('transfer_id', 1)",
    "insert into schema_migration (name, run_on) values ('9999_x', now())",
    "create table own (id int8)",
    "set session_replication_role = replica",
  ])("%s", async (statement) => {
    const error = await application.pool.query(statement).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "42501" });
  });
});

test("the owner can change postings, the application's role can't", async () => {
  expect([await canChangePostings(owner.pool), await canChangePostings(application.pool)]).toEqual([true, false]);
});

describe("npm run migrate -- --app-role", () => {
  const migrateAs = (role: string) =>
    promisify(execFile)(process.execPath, ["dist/cli/migrate.js", "--app-role", role], {
      env: { PATH: process.env["PATH"], DATABASE_URL: owner.url },
    });

  test("can be repeated", async () => {
    expect((await migrateAs(ROLE)).stdout).toBe(`up to date\ngranted ${ROLE} the rights that the service needs\n`);
  });

  test.each<[what: string, role: () => string, message: RegExp]>([
    ["a role that is not there", () => "nobody here", /^there is no role "nobody here"; first: create role .*\n$/],
    ["the owner", () => new URL(owner.url).username, /^role "\w+" owns the tables or is a superuser, .*\n$/],
  ])("refuses %s in one line", async (_, role, message) => {
    await expect(migrateAs(role())).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  });
});
