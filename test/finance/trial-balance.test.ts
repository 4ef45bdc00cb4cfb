/** The trial balance starts from running totals and gives what all entries give. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { findingsOf, openAccount, openFunded } from "../setup/ledger.ts";
import { seededRandom } from "../setup/random.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const TRANSFERS = 120;
const TRANSFERS_PER_TOTAL = 4;

let service: TestService;
/** The recorded times of entries, and the microseconds before and after them, in any order. */
let times: string[];

beforeAll(async () => {
  service = await startTestService({}, { transfersPerTotal: TRANSFERS_PER_TOTAL });
  const random = seededRandom(19);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const accounts: Record<string, string[]> = {};
  for (const currency of ["EUR", "JPY", "USD"]) {
    const asset = { currency, type: "ACCOUNT_TYPE_ASSET", unlimited_overdraft: true };
    accounts[currency] = [
      await openFunded(service, "alice", 1_000_000, { currency }),
      await openAccount(service, "bank", asset),
      await openAccount(service, "bank", { ...asset, type: "ACCOUNT_TYPE_EXPENSE" }),
    ];
  }
  for (let count = 0; count < TRANSFERS; count += 1) {
    const own = accounts[pick(["EUR", "JPY", "USD", "USD"])] ?? [];
    const debit = pick(own);
    const credit = pick(own.filter((id) => id !== debit));
    const pending = random() < 0.3;
    const move = {
      debit_account_id: debit,
      credit_account_id: credit,
      amount: 1 + Math.floor(random() * 1000),
      pending,
    };
    const { body } = await service.call("CreateTransfer", move);
    if (pending && random() < 0.7) await service.call("CaptureTransfer", { id: body.id });
  }
  const { rows } = await service.pool.query<{ time: string }>(`
    select to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time
      from (select created_at + interval '1 microsecond' * step as time
              from entry cross join generate_series(-1, 1) as step) moment
     group by time
     order by md5(time::text)`);
  times = rows.map(({ time }) => time);
});
afterAll(() => service.close());

/** What the entries up to a time add up to. */
async function addUp(time: string) {
  const { rows } = await service.pool.query<{ currency: string; debits: string; credits: string; accounts: bigint }>(
    `select a.currency, count(distinct a.id) as accounts,
            coalesce(sum(abs(e.amount)) filter (where (e.amount > 0) = b.debit_normal), 0)::text as debits,
            coalesce(sum(abs(e.amount)) filter (where (e.amount > 0) <> b.debit_normal), 0)::text as credits
       from account a
       join account_balance b on b.account_id = a.id
       left join entry e on e.account_id = a.id and e.created_at <= $1::timestamptz
      where a.created_at <= $1::timestamptz
      group by a.currency
      order by a.currency`,
    [time],
  );
  return rows.map(({ currency, debits, credits, accounts }) => ({
    currency,
    accounts: `${accounts}`,
    exact_total_debits: debits,
    exact_total_credits: credits,
    balanced: debits === credits,
  }));
}

async function keptTotals(): Promise<number> {
  return (await service.pool.query("select from running_total")).rowCount ?? 0;
}

test("gives what all entries up to the time give, for times in any order", async () => {
  for (const time of times) {
    const { body } = await service.call("GetTrialBalance", { as_of: time });
    expect(body.currencies).toMatchObject(await addUp(time));
  }
  expect(await keptTotals()).toBeGreaterThan(20);
  expect(await findingsOf(service.pool)).toEqual([]);
});

test("keeps running totals of final times only", async () => {
  const { rows } = await service.pool.query("select as_of from running_total, ledger_time where as_of > final");
  expect(rows).toEqual([]);
});

test("starts from the last running total, so the audit must find one that is wrong", async () => {
  const { body } = await service.call("GetTrialBalance", {});
  const falsify = (amount: number) =>
    service.pool.query(
      `update running_total set debits[3] = debits[3] + $1 where as_of = (select max(as_of) from running_total)`,
      [amount],
    );
  await service.pool.query("alter table running_total disable trigger user");
  await falsify(5);
  const { body: wrong } = await service.call("GetTrialBalance", { as_of: body.as_of });
  const [euros, yen, dollars] = body.currencies;
  const debits = `${Number(dollars.exact_total_debits) + 5}`;
  expect(wrong.currencies).toEqual([
    euros,
    yen,
    { ...dollars, total_debits: debits, exact_total_debits: debits, balanced: false },
  ]);
  expect(await findingsOf(service.pool)).toMatchObject([
    { check: "running_totals_match_entries", details: { currency: "USD" } },
  ]);
  await falsify(-5);
  expect((await service.call("GetTrialBalance", { as_of: body.as_of })).body).toEqual(body);
});
