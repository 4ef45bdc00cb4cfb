import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INT64_MAX } from "../../src/finance/values.ts";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let alice: string;
let id: string;
let shop: string;
/** The times of the account's entries 1, 2, 3. */
let times: string[];

beforeAll(async () => {
  service = await startTestService();
  alice = await service.token("alice");
  id = await openFunded(service, "alice", 100);
  shop = await openAccount(service, "shop");
  for (const amount of [30, 20]) {
    await service.call("CreateTransfer", { debit_account_id: id, credit_account_id: shop, amount }, alice);
  }
  const { body } = await service.call("ListEntries", { account_id: id });
  times = body.entries.map(({ created_at }: { created_at: string }) => created_at);
});
afterAll(() => service.close());

const shifted = (time: string, micros: number) => {
  const [, second = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  const total = Date.parse(`${second}Z`) * 1000 + Number(fraction.padEnd(6, "0")) + micros;
  return `${new Date(Math.floor(total / 1e6) * 1000).toISOString().slice(0, 19)}.${String(total % 1e6).padStart(6, "0")}Z`;
};

describe("GetBalance", () => {
  test("answers for now when no time is given", async () => {
    const { body } = await service.call("GetBalance", { account_id: id }, alice);
    expect(body).toMatchObject({ balance: "50", sequence: "3" });
    expect(Math.abs(Date.parse(body.as_of) - Date.now())).toBeLessThan(60_000);
  });

  test("answers for each moment by the last entry created until then, to the microsecond", async () => {
    const at = async (as_of: string) => {
      const { body } = await service.call("GetBalance", { account_id: id, as_of }, alice);
      return `${body.sequence}: ${body.balance}`;
    };
    expect(await at("2001-01-01T00:00:00Z")).toBe("0: 0");
    const expected = ["0: 0", "1: 100", "2: 70", "3: 50"];
    for (const [index, time] of times.entries()) {
      expect(await at(shifted(time, -1))).toBe(expected[index]);
      expect(await at(time)).toBe(expected[index + 1]);
    }
  });

  test("for a time before the last change does not wait for a posting that has locked the account", async () => {
    const posting = await service.pool.connect();
    await posting.query("begin; select from account_balance for no key update");
    try {
      const { body } = await service.call("GetBalance", { account_id: id, as_of: shifted(times[2] ?? "", -1) }, alice);
      expect(body).toMatchObject({ sequence: "2", balance: "70" });
    } finally {
      await posting.query("rollback");
      posting.release();
    }
  });

  test("refuses the future and accounts of others", async () => {
    const future = await service.call("GetBalance", { account_id: id, as_of: "2999-01-01T00:00:00Z" }, alice);
    expect(future.body).toMatchObject({ code: "invalid_argument", meta: { argument: "as_of" } });
    expect((await service.call("GetBalance", { account_id: shop }, alice)).status).toBe(404);
  });

  test("for the present never changes afterwards, despite postings in flight", async () => {
    const busy = await openFunded(service, "alice", 10_000);
    const answers: { as_of: string; balance: string }[] = [];
    const post = () =>
      service.call("CreateTransfer", { debit_account_id: busy, credit_account_id: shop, amount: 1 }, alice);
    const ask = async () => {
      const { body } = await service.call("GetBalance", { account_id: busy }, alice);
      answers.push(body);
    };
    for (let round = 0; round < 10; round += 1) await Promise.all([post(), ask(), post(), ask(), post(), ask()]);
    for (const { as_of, balance } of answers) {
      const { body } = await service.call("GetBalance", { account_id: busy, as_of }, alice);
      expect(body.balance).toBe(balance);
    }
  });
});

describe("GetBalanceHistory", () => {
  /** An account with entries at given times, which only an import can make. */
  async function withHistory(entries: [time: string, amount: number | bigint][]): Promise<string> {
    const account = await openAccount(service, "alice");
    let balance = 0n;
    for (const [index, [time, amount]] of entries.entries()) {
      balance += BigInt(amount);
      await service.pool.query(
        "insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at) values ($1, $2, 1, $3, $4, $5)",
        [account, index + 1, amount, balance, time],
      );
    }
    return account;
  }
  const history = async (request: object) => {
    const { status, body } = await service.call("GetBalanceHistory", request, alice);
    expect(status).toBe(200);
    return body.points.map((point: Record<string, string>) => {
      const { time, balance, total_credits, total_debits } = point;
      expect([point["credits"], point["debits"]]).toEqual([saturated(total_credits), saturated(total_debits)]);
      return `${time} ${balance} +${total_credits} -${total_debits}`;
    });
  };
  const saturated = (total = "") => `${BigInt(total) > INT64_MAX ? INT64_MAX : total}`;

  test("by day, in UTC, with the bounds inside", async () => {
    const account = await withHistory([
      ["2024-02-27T23:59:59.999999Z", 100],
      ["2024-02-28T00:00:00Z", 50],
      ["2024-02-28T23:59:59Z", -20],
      ["2024-03-01T12:00:00Z", -5],
    ]);
    const request = { account_id: account, start: "2024-02-28T10:00:00Z", end: "2024-03-02T00:00:00Z" };
    expect(await history({ ...request, interval: "INTERVAL_DAY" })).toEqual([
      "2024-02-28T00:00:00Z 130 +50 -20",
      "2024-02-29T00:00:00Z 130 +0 -0",
      "2024-03-01T00:00:00Z 125 +0 -5",
    ]);
    expect(await history({ ...request, interval: "INTERVAL_MONTH" })).toEqual([
      "2024-02-01T00:00:00Z 130 +150 -20",
      "2024-03-01T00:00:00Z 125 +0 -5",
    ]);
    expect(await history({ ...request, interval: "INTERVAL_WEEK" })).toEqual(["2024-02-26T00:00:00Z 125 +150 -25"]);
    const hours = await history({ ...request, end: "2024-02-28T12:00:00Z", interval: "INTERVAL_HOUR" });
    expect(hours).toEqual(["2024-02-28T10:00:00Z 150 +0 -0", "2024-02-28T11:00:00Z 150 +0 -0"]);
  });

  test("gives exact sums of an interval beside int64 sums that stop at the maximum", async () => {
    const account = await withHistory([
      ["2024-02-27T10:00:00Z", INT64_MAX],
      ["2024-02-28T10:00:00Z", -INT64_MAX],
      ["2024-02-28T11:00:00Z", INT64_MAX - 3n],
      ["2024-02-28T12:00:00Z", -5],
      ["2024-02-28T13:00:00Z", 8],
    ]);
    const request = { account_id: account, start: "2024-02-27T00:00:00Z", end: "2024-02-29T00:00:00Z" };
    expect(await history({ ...request, interval: "INTERVAL_DAY" })).toEqual([
      `2024-02-27T00:00:00Z ${INT64_MAX} +${INT64_MAX} -0`,
      `2024-02-28T00:00:00Z ${INT64_MAX} +${INT64_MAX + 5n} -${INT64_MAX + 5n}`,
    ]);
    expect(await history({ ...request, interval: "INTERVAL_MONTH" })).toEqual([
      `2024-02-01T00:00:00Z ${INT64_MAX} +${INT64_MAX * 2n + 5n} -${INT64_MAX + 5n}`,
    ]);
  });

  test.each([
    [{ interval: "INTERVAL_DAY" }, "start"],
    [{ start: "2024-01-01T00:00:00Z" }, "interval"],
    [{ start: "2024-01-02T00:00:00Z", end: "2024-01-02T00:00:00Z", interval: "INTERVAL_DAY" }, "end"],
    [{ start: "1990-01-01T00:00:00Z", interval: "INTERVAL_HOUR" }, "start"],
  ])("refuses %o", async (request, argument) => {
    const { body } = await service.call("GetBalanceHistory", { account_id: id, ...request }, alice);
    expect(body).toMatchObject({ code: "invalid_argument", meta: { argument } });
  });
});

describe("GetTrialBalance", () => {
  const balancedTotal = (currency: string, accounts: number, exact: bigint) => {
    const total = `${exact > INT64_MAX ? INT64_MAX : exact}`;
    const exactTotals = { exact_total_debits: `${exact}`, exact_total_credits: `${exact}` };
    return {
      currency,
      accounts: `${accounts}`,
      total_debits: total,
      total_credits: total,
      balanced: true,
      minor_unit_digits: 2,
      ...exactTotals,
    };
  };

  test("proves the books in each currency, now and earlier, and finds books that do not balance", async () => {
    const own = await startTestService();
    try {
      await openFunded(own, "alice", 70);
      await openFunded(own, "alice", 5, { currency: "EUR" });
      const { body } = await own.call("GetTrialBalance", {});
      const euros = balancedTotal("EUR", 2, 5n);
      const dollars = balancedTotal("USD", 2, 70n);
      expect(body.currencies).toEqual([euros, dollars]);
      const { rows } = await own.pool.query("select max(created_at) as time from entry");
      const before = await own.call("GetTrialBalance", {
        as_of: new Date(Number(rows[0].time / 1000n) - 1).toISOString(),
      });
      expect(before.body.currencies).toContainEqual(dollars);
      expect(before.body.currencies).not.toContainEqual(euros);

      await own.pool.query("alter table entry disable trigger user");
      await own.pool.query("update entry set amount = amount + 1 where account_id = 1");
      const { body: tampered } = await own.call("GetTrialBalance", {});
      expect(tampered.currencies[1]).toMatchObject({ currency: "USD", balanced: false });
    } finally {
      await own.close();
    }
  });

  test("proves a currency whose totals pass int64, and the others beside it", async () => {
    const own = await startTestService();
    try {
      await openFunded(own, "alice", 5, { currency: "EUR" });
      await openFunded(own, "alice", INT64_MAX);
      expect((await own.call("GetTrialBalance", {})).body.currencies).toEqual([
        balancedTotal("EUR", 2, 5n),
        balancedTotal("USD", 2, INT64_MAX),
      ]);
      await openFunded(own, "alice", INT64_MAX);
      expect((await own.call("GetTrialBalance", {})).body.currencies).toEqual([
        balancedTotal("EUR", 2, 5n),
        balancedTotal("USD", 4, INT64_MAX * 2n),
      ]);

      await own.pool.query("alter table entry disable trigger user");
      await own.pool.query("update entry set amount = amount - 1 where account_id = 4");
      const { body: tampered } = await own.call("GetTrialBalance", {});
      expect(tampered.currencies).toMatchObject([
        balancedTotal("EUR", 2, 5n),
        { currency: "USD", balanced: false, exact_total_credits: `${INT64_MAX * 2n - 1n}` },
      ]);
    } finally {
      await own.close();
    }
  });
});
