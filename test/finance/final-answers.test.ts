/** What was answered about a time that has passed never changes, whatever is on its way meanwhile. */
import type { PoolClient } from "pg";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { joinWriters } from "../../src/finance/records/final-time.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { makeServerDirectory, PGBOUNCER, startPgBouncer } from "../setup/debian-servers.ts";
import { findingsOf, openFunded, verdictOf } from "../setup/ledger.ts";
import { startInstance } from "../setup/process.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

let database: TestDatabase;
let one: TestService;
let other: TestService;
let accounts: string[];

beforeEach(async () => {
  database = await createTestDatabase();
  one = await startTestService({ LOG_LEVEL: "silent" }, { database });
  other = await startTestService({ LOG_LEVEL: "silent" }, { database });
  accounts = [];
  for (let index = 0; index < 4; index += 1) accounts.push(await openFunded(one, "alice", 1_000_000));
});
afterEach(async () => {
  expect(await findingsOf(database.pool)).toEqual([]);
  await one.close();
  await other.close();
  await database.drop();
});

type Call = (method: string, request: object) => Promise<Reply>;

/** Transfers without a pause: posted, held, captured, expired, in atomic groups and alone, on either server. */
function keepWriting(calls: readonly Call[], writers: number) {
  let running = true;
  let posted = 0;
  const accountAt = (index: number) => accounts[index % accounts.length];
  const run = async (writer: number) => {
    const call = calls[writer % calls.length] ?? one.call;
    for (let index = writer; running; index += 1) {
      const move = {
        debit_account_id: accountAt(index),
        credit_account_id: accountAt(index + 1 + (index % 3)),
        amount: 1,
      };
      const expires_at = new Date(Date.now() + 150).toISOString();
      const kind = index % 5;
      const transfers = [
        move,
        { ...move, debit_account_id: move.credit_account_id, credit_account_id: move.debit_account_id },
      ];
      const reply =
        kind === 0
          ? await call("BatchCreateTransfers", { transfers, atomic: true })
          : await call(
              "CreateTransfer",
              kind === 1 ? { ...move, pending: true, expires_at } : kind === 2 ? { ...move, pending: true } : move,
            );
      if (kind === 2 && reply.status === 200) await call("CaptureTransfer", { id: reply.body.id });
      if (reply.status === 200) posted += 1;
    }
  };
  const all = Array.from({ length: writers }, (_, writer) => run(writer));
  return {
    /** Transfers so far. */
    posted: () => posted,
    stop: async () => {
      running = false;
      await Promise.all(all);
    },
  };
}

interface Answer {
  readonly method: string;
  readonly request: object;
  readonly told: unknown;
}

/** What must stay of a reply: of transfers which they are, since their state is as of now. */
function toldBy(method: string, body: { transfers?: { id: string }[] }): unknown {
  return method === "ListTransfers" ? body.transfers?.map(({ id }) => id) : body;
}

/** Every kind of question about a time, answered once. */
async function ask(call: Call, time: string, account_id: string | undefined): Promise<Answer[]> {
  const span = { start: `${time.slice(0, 11)}00:00:00Z`, end: time };
  const questions: [method: string, request: object][] = [
    ["GetTrialBalance", { as_of: time }],
    ["GetBalance", { account_id, as_of: time }],
    ["GetBalanceHistory", { account_id, ...span, interval: "INTERVAL_DAY" }],
    ["ListEntries", { account_id, before: time, newest_first: true, page_size: 2 }],
    ["ListTransfers", { created_before: time, page_size: 2 }],
    ["ListTransfers", { account_id, created_before: time, page_size: 2 }],
    ["ListTransfers", { settled_before: time, page_size: 2 }],
  ];
  return await Promise.all(
    questions.map(async ([method, request]) => {
      const reply = await call(method, request);
      expect([method, verdictOf(reply)]).toEqual([method, "200"]);
      return { method, request, told: toldBy(method, reply.body) };
    }),
  );
}

/** The present, as a report and a balance tell it. */
async function askPresent(call: Call, account_id: string | undefined): Promise<Answer[]> {
  const { body: report } = await call("GetTrialBalance", {});
  const { body: balance } = await call("GetBalance", { account_id });
  return [
    { method: "GetTrialBalance", request: { as_of: report.as_of }, told: report },
    { method: "GetBalance", request: { account_id, as_of: balance.as_of }, told: balance },
  ];
}

async function expectToStay(call: Call, answers: readonly Answer[]): Promise<void> {
  for (const { method, request, told } of answers) {
    const { body } = await call(method, request);
    expect({ method, request, told: toldBy(method, body) }).toEqual({ method, request, told });
  }
}

const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

test("under eight writers on two servers", async () => {
  const writing = keepWriting([one.call, other.call], 8);
  const answers: Answer[] = [];
  const end = Date.now() + 5000;
  const enough = () => Date.now() > end && writing.posted() > 200 && answers.length > 200;
  for (let round = 0; !enough(); round += 1) {
    const call = round % 2 === 0 ? one.call : other.call;
    const account = accounts[round % accounts.length];
    answers.push(...(await ask(call, ago(round % 21), account)), ...(await askPresent(call, account)));
  }
  // While postings go on, and when they are over.
  await expectToStay(other.call, answers.slice(-40));
  await writing.stop();
  await expectToStay(one.call, answers);
}, 120_000);

test("while a commit stalls for three seconds", async () => {
  await database.pool.query(`
    create function stall() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return null; end $$;
    create constraint trigger stall after insert on transfer deferrable initially deferred
      for each row when (new.description = 'stalled') execute function stall();`);
  const [debit_account_id, credit_account_id] = accounts;
  const move = { debit_account_id, credit_account_id, amount: 5 };
  const stalled = one.call("CreateTransfer", { ...move, description: "stalled" });
  await expect
    .poll(
      async () => (await database.pool.query("select from pg_stat_activity where wait_event = 'PgSleep'")).rowCount,
      {
        timeout: 5000,
      },
    )
    .toBe(1);
  const answers = [
    ...(await ask(other.call, ago(0), credit_account_id)),
    ...(await askPresent(other.call, credit_account_id)),
  ];
  const { status, body } = await stalled;
  expect(status).toBe(200);
  await expectToStay(one.call, answers);
  const { body: report } = await one.call("GetTrialBalance", { as_of: body.created_at });
  expect(report.currencies[0].balanced).toBe(true);
});

/** A posting that another process has begun: it holds its locks, has read its times, and goes no further. */
async function beginPosting(): Promise<PoolClient> {
  const client = await database.pool.connect();
  client.on("error", () => undefined);
  await client.query("set idle_in_transaction_session_timeout = 3000");
  await client.query("begin");
  await client.query(joinWriters);
  await client.query("select from account_balance where account_id = $1 for no key update", [accounts[0]]);
  await client.query("select clock_timestamp(), closed from ledger_time");
  return client;
}

describe("while a posting process", () => {
  test("was killed in mid-transaction", async () => {
    const client = await beginPosting();
    const asking = ask(other.call, ago(0), accounts[1]);
    client.release(new Error("killed"));
    await expectToStay(one.call, await asking);
  });

  test("is stopped in mid-transaction: PostgreSQL ends the transaction, and the answer comes within five seconds", async () => {
    const client = await beginPosting();
    const answers = await ask(other.call, ago(0), accounts[1]);
    await expect(client.query("select 1")).rejects.toThrow();
    client.release(new Error("stopped"));
    await expectToStay(one.call, answers);
  });

  test("holds a transaction open for longer: the reader gets an error, and postings on other accounts continue", async () => {
    const client = await beginPosting();
    await client.query("set local idle_in_transaction_session_timeout = 0");
    const asking = other.call("GetTrialBalance", {});
    const [, debit_account_id, credit_account_id] = accounts;
    const { status } = await one.call("CreateTransfer", { debit_account_id, credit_account_id, amount: 1 });
    expect(status).toBe(200);
    // Who comes later waits no longer than the round under way.
    const later = other.call("GetBalance", { account_id: accounts[2], as_of: ago(0) });
    const { body } = await asking;
    expect((await later).body.code).toBe("unavailable");
    expect(body).toMatchObject({ code: "unavailable", msg: expect.stringContaining("have not ended within 5 s") });
    // A time that was final before needs nobody.
    await client.query("rollback");
    client.release();
    expect((await other.call("GetTrialBalance", {})).status).toBe(200);
  });
});

describe.skipIf(PGBOUNCER === undefined && !process.env["CI"])(
  "behind PgBouncer in transaction mode (skipped without Debian's pgbouncer)",
  () => {
    test("with two processes, one of which is stopped and continues", async () => {
      const directory = await makeServerDirectory();
      const pooler = await startPgBouncer(directory.path, inject("postgres").adminUrl, 6);
      const url = pooler.url(new URL(database.url).pathname.slice(1));
      const [first, second] = [await startInstance(url), await startInstance(url)];
      try {
        const writing = keepWriting([first.call, second.call], 8);
        const answers: Answer[] = [];
        const end = Date.now() + 4000;
        const enough = () => Date.now() > end && writing.posted() > 50 && answers.length > 100;
        for (let round = 0; !enough(); round += 1) {
          if (round === 20) first.process.child.kill("SIGSTOP");
          answers.push(...(await ask(second.call, ago(round % 7), accounts[round % 4])));
          if (round === 20) first.process.child.kill("SIGCONT");
        }
        await writing.stop();
        await expectToStay(second.call, answers);
      } finally {
        for (const { process: instance } of [first, second]) instance.child.kill("SIGTERM");
        await Promise.all([first, second].map(({ process: instance }) => instance.ended));
        await pooler.stop();
        await directory.remove();
      }
    }, 120_000);
  },
);
