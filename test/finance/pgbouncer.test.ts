import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { makeServerDirectory, PGBOUNCER, startPgBouncer } from "../setup/debian-servers.ts";
import { findingsOf, lockAccount, untilWaitingForLock } from "../setup/ledger.ts";
import { type Instance, startInstance } from "../setup/process.ts";

/** Server connections: fewer than two service processes together open to the pooler. */
const SERVER_CONNECTIONS = 4;

describe.skipIf(PGBOUNCER === undefined && !process.env["CI"])(
  "two services behind PgBouncer in transaction mode (skipped without Debian's pgbouncer)",
  () => {
    let database: TestDatabase;
    let directory: Awaited<ReturnType<typeof makeServerDirectory>>;
    let pooler: Awaited<ReturnType<typeof startPgBouncer>>;
    let through: string;
    let first: Instance;
    let second: Instance;
    let bank: string;
    let wallet: string;

    beforeAll(async () => {
      database = await createTestDatabase();
      directory = await makeServerDirectory();
      pooler = await startPgBouncer(directory.path, inject("postgres").adminUrl, SERVER_CONNECTIONS);
      through = pooler.url(new URL(database.url).pathname.slice(1));
      [first, second] = await Promise.all([startInstance(through), startInstance(through)]);
      bank = await open({ name: "Bank", unlimited_overdraft: true });
      wallet = await open({ name: "Wallet" });
    });
    afterAll(async () => {
      for (const instance of [first, second]) {
        instance.process.child.kill("SIGTERM");
        expect(await instance.process.ended, instance.process.output()).toBe(0);
      }
      await pooler.stop();
      await directory.remove();
      await database.drop();
    });

    async function open(fields: object): Promise<string> {
      const account = { type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", ...fields };
      const { status, body } = await first.call("CreateAccount", account);
      expect(status, JSON.stringify(body)).toBe(200);
      return body.id;
    }

    const transfer = (change: object = {}) => ({
      debit_account_id: bank,
      credit_account_id: wallet,
      amount: 1,
      ...change,
    });

    test("postings of both at once are all done, each key once, and the books are sound", async () => {
      const keys = Array.from({ length: 200 }, (_, index) => `both-${index}`);
      const replies = await Promise.all(
        keys.flatMap((key) =>
          [first, second].map((each) => each.call("CreateTransfer", transfer({ idempotency_key: key }))),
        ),
      );
      expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(replies.map(({ body }) => body.id)).size).toBe(200);
      const replayed = replies.filter(({ headers }) => headers.get("idempotent-replayed") === "true");
      expect(replayed).toHaveLength(200);
      expect((await second.call("GetAccount", { id: wallet })).body.balance).toBe("200");
      expect(await findingsOf(database.pool)).toEqual([]);
    });

    test("every kind of read and change answers as it does without a pooler", async () => {
      const hold = (await first.call("CreateTransfer", transfer({ pending: true }))).body;
      const calls: readonly [method: string, request: object][] = [
        ["CaptureTransfer", { id: hold.id }],
        ["ReverseTransfer", { id: hold.id }],
        ["GetTransfer", { id: hold.id }],
        ["ListTransfers", { account_id: wallet }],
        ["ListAccounts", {}],
        ["ListEntries", { account_id: wallet, page_size: 1000 }],
        ["GetBalance", { account_id: wallet }],
        ["GetBalance", { account_id: wallet, as_of: "2020-01-01T00:00:00Z" }],
        ["GetBalanceHistory", { account_id: wallet, interval: "INTERVAL_DAY", start: "2026-01-01T00:00:00Z" }],
        ["GetTrialBalance", {}],
        ["UpdateAccount", { id: wallet, name: "Purse" }],
      ];
      // More at once than there are server connections.
      const rounds = Array.from({ length: 5 }, () => calls.slice(2)).flat();
      const replies = [];
      for (const [method, request] of calls) replies.push([method, await second.call(method, request)] as const);
      for (const [method, request] of rounds) replies.push([method, first.call(method, request)] as const);
      for (const [method, reply] of replies) {
        const { status, body } = await reply;
        expect(status, `${method}: ${JSON.stringify(body)}`).toBe(200);
      }
    });

    test("a deadline cancels the statement that waits, and no other", async () => {
      const lock = await database.pool.connect();
      await lock.query("begin; lock table entry in access exclusive mode");
      const late = first.call("ListEntries", { account_id: wallet }, { "twirp-timeout-ms": "300" });
      await untilWaitingForLock(database.pool, 1);
      // Others go on meanwhile, on what server connections are left.
      const reads = Array.from({ length: 20 }, () => second.call("ListAccounts", {}));
      expect((await late).body.code).toBe("deadline_exceeded");
      await untilWaitingForLock(database.pool, 0);
      await lock.query("rollback");
      lock.release();
      for (const read of reads) expect((await read).status).toBe(200);
      expect((await first.call("ListEntries", { account_id: wallet })).status).toBe(200);
    });

    test("limits hold within each transaction and stay with no server connection", async () => {
      const lock = await lockAccount(database.pool, wallet);
      const refused = await first.call("CreateTransfer", transfer());
      await lock.release();
      expect([refused.status, refused.body.msg]).toEqual([503, "the database is too busy; try again"]);

      const clients = Array.from({ length: SERVER_CONNECTIONS }, () => new pg.Client({ connectionString: through }));
      await Promise.all(clients.map((client) => client.connect()));
      await Promise.all(clients.map((client) => client.query("begin")));
      const settings = await Promise.all(
        clients.map(async (client) => (await client.query("show lock_timeout")).rows[0].lock_timeout),
      );
      await Promise.all(clients.map((client) => client.end()));
      expect(settings).toEqual(clients.map(() => "0"));
    });
  },
);
