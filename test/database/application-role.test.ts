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
  const { changes } = await post("ListAccountChanges", { account_id: to });
  expect(changes.map(({ field }: { field: string }) => field)).toEqual(["opened", "name", "overdraft_limit"]);
  const { events, cursor } = await post("ListEvents", { page_size: 1000 });
  expect(events.length).toBeGreaterThan(20);
  await post("CreateTransfer", { ...move, idempotency_key: "followed" });
  expect((await post("ListEvents", { cursor, wait_ms: 1000 })).events).toMatchObject([
    { id: `${events.length + 1}`, type: "EVENT_TYPE_TRANSFER_POSTED", actor: "root" },
  ]);
  expect(await fundsOf(service, from)).toBe("86/86");
  expect(await findingsOf(owner.pool)).toEqual([]);
});

describe("the application's role can't", () => {
  test.each([
    "update transfer set amount = amount + 1",
    "update entry set amount = amount + 1",
    "update settlement set captured_amount = 1",
    "update settlement set settled_by = 'mallory'",
    "update account_change set changed_by = 'mallory'",
    "update feed set types = types",
    "update feed set id = id + 1",
    "update feed set subjects = '{1}' where position is null",
    "update feed_identity set id = id + 1",
    "update hold set debit_account_id = credit_account_id",
    "update account set owner = 'mallory'",
    "update account set minor_unit_digits = 3",
    "update idempotency set key_digest = gen_random_uuid()",
    "update account_balance set debit_normal = not debit_normal",
    "delete from transfer",
    "delete from entry",
    "delete from account",
    "delete from idempotency",
    "delete from settlement",
    "delete from account_change",
    "delete from feed",
    "delete from feed where position is null",
    "delete from feed_identity",
    "delete from former_key",
    "update running_total set debits = credits",
    "delete from running_total",
    "with gone as (delete from settlement returning *) insert into settlement select * from gone",
    "merge into account_change c using account a on a.id = c.account_id when matched then delete",
    "merge into settlement s using hold h on h.transfer_id = s.transfer_id when matched then update set state = 4",
    `insert into settlement select * from settlement
       on conflict (transfer_id, ordinal) do update set settled_by = 'mallory'`,
    "insert into account_change select * from account_change on conflict (account_id, sequence) do update set name = 'x'",
    "insert into feed (id, types, subjects, sequences, credit_sequences) values (-1, '{3}', '{1}', '{1}', '{1}')",
    `insert into feed (types, subjects, sequences, credit_sequences, position, seal)
     values ('{3}', '{1}', '{1}', '{1}', 1000000, 1)`,
    "insert into feed_identity (singleton, id) values (false, 1)",
    "insert into former_key (idempotency_key, transfer_id) values ('moved', 1)",
    "truncate transfer",
    "truncate entry, hold",
    "truncate settlement",
    "truncate account_change",
    "truncate feed",
    "truncate feed_identity",
    "copy settlement to program 'cat'",
    "alter table transfer disable trigger all",
    "alter table entry disable trigger entry_append_only",
    "alter table settlement disable trigger settlement_append_only",
    "alter table account_change disable trigger user",
    "alter table feed disable trigger feed_sealed_once",
    "drop trigger feed_kept on feed",
    "drop trigger transfer_append_only on transfer",
    "create trigger own before insert on transfer for each row execute function refuse_change()",
    "create or replace function refuse_change() returns trigger language plpgsql as 'begin return new; end'",
    "create or replace function refuse_second_outcome() returns trigger language plpgsql as 'begin return new; end'",
    "alter table idempotency disable trigger idempotency_decided_once",
    "drop table entry",
    "drop table feed",
    "drop index feed_position",
    "create rule quiet as on insert to feed do instead nothing",
    "create policy quiet on settlement",
    "alter table transfer owner to current_user",
    "select setval('transfer_id', 1)",
    "select setval('feed_id', 1)",
    "alter sequence feed_id restart",
    "insert into schema_migration (name, run_on) values ('9999_x', now())",
    "create table own (id int8)",
    "set session_replication_role = replica",
  ])("%s", async (statement) => {
    const error = await application.pool.query(statement).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "42501" });
  });
});

describe("the database refuses the application's role", () => {
  test.each([
    "update feed set position = position + 1",
    "update feed set seal = seal + 1",
    "update feed set position = null, seal = null",
  ])("%s", async (statement) => {
    await expect(application.pool.query(statement)).rejects.toMatchObject({
      code: "23001",
      message: "feed is append-only: update refused",
    });
  });

  test("a second settlement of a hold, a second change with its number", async () => {
    for (const table of ["settlement", "account_change"]) {
      const copy = `insert into ${table} select * from ${table} limit 1`;
      await expect(application.pool.query(copy)).rejects.toMatchObject({ code: "23505" });
    }
  });

  test.each(["settlement", "account_change", "feed", "feed_identity"])(
    "and the owner: a change of what is in %s",
    async (table) => {
      const [column] = { settlement: ["settled_by"], account_change: ["changed_by"], feed: ["seal"] }[table] ?? ["id"];
      for (const statement of [
        `update ${table} set ${column} = ${column}`,
        `delete from ${table}`,
        `truncate ${table}`,
      ]) {
        await expect(owner.pool.query(statement)).rejects.toMatchObject({ code: "23001" });
      }
    },
  );
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
