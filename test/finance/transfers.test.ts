import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreateTransferRequest } from "../../generated/server/finance/v1/transfer.ts";
import { claimOf } from "../../src/finance/posting/idempotency.ts";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let alice: string;
let bob: string;

beforeAll(async () => {
  service = await startTestService();
  alice = await service.token("alice");
  bob = await service.token("bob");
});
afterAll(() => service.close());

const INT64_MAX = "9223372036854775807";

const open = (owner: string, change: object = {}) => openAccount(service, owner, change);
const funded = (owner: string, amount: bigint | number) => openFunded(service, owner, amount);
const transfer = (request: object, token?: string) => service.call("CreateTransfer", request, token);

async function balanceOf(id: string): Promise<string> {
  return (await service.call("GetAccount", { id })).body.balance;
}

describe("CreateTransfer", () => {
  test("answers the whole transfer and moves the money", async () => {
    const from = await funded("alice", 500);
    const to = await open("alice", { type: "ACCOUNT_TYPE_EXPENSE", unlimited_overdraft: true });
    const request = {
      debit_account_id: to,
      credit_account_id: from,
      amount: 120,
      description: "Refund",
      metadata: { order: "77" },
      effective_at: "2024-02-29T12:00:00.123456Z",
      idempotency_key: "refund-77",
    };
    const { status, body } = await transfer(request);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.stringMatching(/^\d+$/),
      debit_account_id: to,
      credit_account_id: from,
      amount: "120",
      currency: "USD",
      minor_unit_digits: 2,
      state: "TRANSFER_STATE_POSTED",
      description: "Refund",
      metadata: { order: "77" },
      idempotency_key: "refund-77",
      debit_account_balance: "120",
      credit_account_balance: "620",
      captured_amount: "0",
      reverses_transfer_id: "0",
      reversed_by_transfer_id: "0",
      created_at: expect.any(String),
      effective_at: "2024-02-29T12:00:00.123456Z",
      expires_at: null,
      settled_at: null,
      created_by: "root",
      settled_by: "",
    });
    expect((await service.call("GetTransfer", { id: body.id })).body).toEqual(body);
    expect((await service.call("GetTransfer", { id: body.id }, alice)).body).toEqual({
      ...body,
      idempotency_key: "",
      created_by: "",
    });
    expect([await balanceOf(from), await balanceOf(to)]).toEqual(["620", "120"]);
  });

  test("moves the largest amount to a balance that no JSON number can represent, to the last unit", async () => {
    const to = await funded("alice", 9_223_372_036_854_775_807n - 10n ** 15n);
    const from = await funded("alice", 10n ** 15n + 1n);
    const request = { debit_account_id: from, credit_account_id: to, amount: "1000000000000000" };
    const { status, body } = await transfer(request, alice);
    expect(status).toBe(200);
    expect(body).toMatchObject({ debit_account_balance: "1", credit_account_balance: INT64_MAX });
    expect([await balanceOf(from), await balanceOf(to)]).toEqual(["1", INT64_MAX]);
  });

  describe("refuses", () => {
    let from: string;
    let to: string;
    beforeAll(async () => {
      from = await funded("alice", 100);
      to = await open("bob");
    });
    const base = () => ({ debit_account_id: from, credit_account_id: to, amount: 10 });

    test("more than the balance, with nothing moved", async () => {
      const { status, body } = await transfer({ ...base(), amount: 101 }, alice);
      expect(status).toBe(412);
      expect(body).toEqual({
        code: "failed_precondition",
        msg: `account ${from} can spend 100 including its overdraft limit, not 101`,
        meta: { reason: "insufficient_funds", account_id: from },
      });
      expect(await balanceOf(from)).toBe("100");
    });

    test("an account that does not exist", async () => {
      const { status, body } = await transfer({ ...base(), credit_account_id: INT64_MAX }, alice);
      expect(status).toBe(404);
      expect(body).toMatchObject({ code: "not_found", meta: { resource: "account", id: INT64_MAX } });
    });

    test("to debit an account that is not the caller's", async () => {
      const { status, body } = await transfer(base(), bob);
      expect(status).toBe(403);
      expect(body).toMatchObject({ code: "permission_denied", meta: { account_id: from } });
    });

    test("another currency", async () => {
      const euros = await open("bob", { currency: "EUR" });
      const { body } = await transfer({ ...base(), credit_account_id: euros }, alice);
      expect(body).toMatchObject({ code: "failed_precondition", meta: { reason: "currency_mismatch" } });
    });

    test.each(["ACCOUNT_STATUS_FROZEN", "ACCOUNT_STATUS_CLOSED"])("%s accounts", async (status) => {
      const shut = await open("bob");
      await service.call("UpdateAccount", { id: shut, status });
      const { body } = await transfer({ ...base(), credit_account_id: shut }, alice);
      expect(body).toMatchObject({
        code: "failed_precondition",
        meta: { reason: "account_not_open", account_id: shut },
      });
    });

    test("a balance past int64, alone: the others in the batch are posted", async () => {
      const source = await open("bank", { unlimited_overdraft: true });
      const full = await funded("bob", 9_223_372_036_854_775_000n);
      const amounts = [1, 807, 807, 2];
      const replies = await Promise.all(
        amounts.map((amount) => transfer({ debit_account_id: source, credit_account_id: full, amount })),
      );
      const refused = replies.filter(({ status }) => status !== 200);
      expect(refused.length).toBeGreaterThan(0);
      for (const { status, body } of refused) {
        expect(status).toBe(400);
        expect(body).toMatchObject({ code: "out_of_range", meta: { account_id: full } });
      }
      const posted = replies.flatMap(({ status }, index) => (status === 200 ? [BigInt(amounts[index] ?? 0)] : []));
      const sum = posted.reduce((total, amount) => total + amount, 9_223_372_036_854_775_000n);
      expect(await balanceOf(full)).toBe(`${sum}`);
    });

    test.each([
      ["0", "invalid_argument"],
      ["-1", "invalid_argument"],
      ["1000000000000001", "invalid_argument"],
      [INT64_MAX, "invalid_argument"],
      ["9223372036854775808", "malformed"],
      ["NaN", "malformed"],
      ["1.5", "malformed"],
      ["0x10", "malformed"],
      ["١٢", "malformed"],
      [" 5", "malformed"],
      ["", "malformed"],
    ])("the amount %o", async (amount, code) => {
      const { status, body } = await transfer({ ...base(), amount }, alice);
      expect(status).toBe(400);
      expect(body.code).toBe(code);
      expect(await balanceOf(from)).toBe("100");
    });

    test("the same account on both sides", async () => {
      const { body } = await transfer({ ...base(), credit_account_id: from }, alice);
      expect(body).toMatchObject({ code: "invalid_argument", meta: { argument: "credit_account_id" } });
    });
  });

  test("hides the payee's balance from the payer, and the key from the payee", async () => {
    const from = await funded("alice", 100);
    const to = await funded("bob", 70);
    const request = { debit_account_id: from, credit_account_id: to, amount: 5, idempotency_key: "to-bob" };
    const { body } = await transfer(request, alice);
    expect(body).toMatchObject({ debit_account_balance: "95", credit_account_balance: "0", idempotency_key: "to-bob" });
    const seenByBob = await service.call("GetTransfer", { id: body.id }, bob);
    expect(seenByBob.body).toMatchObject({
      debit_account_balance: "0",
      credit_account_balance: "75",
      idempotency_key: "",
    });
  });
});

describe("an idempotency key", () => {
  test("posts once and gives the first outcome again, whatever has changed since", async () => {
    const from = await funded("alice", 100);
    const to = await open("bob");
    const request = { debit_account_id: from, credit_account_id: to, amount: 40, idempotency_key: "once" };
    const first = await transfer(request, alice);
    await transfer({ debit_account_id: from, credit_account_id: to, amount: 1 }, alice);
    const again = await transfer(request, alice);
    expect(again.body).toEqual(first.body);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await balanceOf(from)).toBe("59");
  });

  test("remembers a refusal, even after the money has arrived", async () => {
    const from = await open("alice");
    const to = await open("bob");
    const request = { debit_account_id: from, credit_account_id: to, amount: 40, idempotency_key: "refused" };
    const first = await transfer(request, alice);
    expect(first.body.meta.reason).toBe("insufficient_funds");
    const source = await open("bank", { unlimited_overdraft: true });
    await transfer({ debit_account_id: source, credit_account_id: from, amount: 1000 });
    const again = await transfer(request, alice);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await balanceOf(from)).toBe("1000");
  });

  test("is refused for another request, and the refusal is not a replay", async () => {
    const from = await funded("alice", 100);
    const to = await open("bob");
    const request = { debit_account_id: from, credit_account_id: to, amount: 1, idempotency_key: "reused" };
    await transfer(request, alice);
    for (const change of [
      { amount: 2 },
      { description: "x" },
      { metadata: { a: "b" } },
      { credit_account_id: await open("bob") },
    ]) {
      const { status, body, headers } = await transfer({ ...request, ...change }, alice);
      expect(status).toBe(409);
      expect(body).toMatchObject({ code: "already_exists", meta: { reason: "idempotency_key_reused" } });
      expect(headers.get("idempotent-replayed")).toBeNull();
    }
  });

  test("stays free after a request that was never decided", async () => {
    const from = await funded("alice", 100);
    const to = await open("bob");
    const request = { debit_account_id: from, credit_account_id: to, idempotency_key: "undecided" };
    expect((await transfer({ ...request, amount: 0 }, alice)).body.code).toBe("invalid_argument");
    expect((await transfer({ ...request, amount: "x" }, alice)).body.code).toBe("malformed");
    const unscoped = await service.token("alice", "finance.read");
    expect((await transfer({ ...request, amount: 3 }, unscoped)).body.code).toBe("permission_denied");
    const { status, headers } = await transfer({ ...request, amount: 3 }, alice);
    expect(status).toBe(200);
    expect(headers.get("idempotent-replayed")).toBeNull();
  });

  test.each(["batch_refused", "invalid_argument"])("that an earlier version used for %s is free", async (situation) => {
    const from = await funded("alice", 100);
    const to = await open("bob");
    const request = { debit_account_id: from, credit_account_id: to, amount: 3, idempotency_key: `old ${situation}` };
    const { idempotency_key: key } = request;
    const { formerKeyDigest } = claimOf("alice", key, "CreateTransfer", CreateTransferRequest.create());
    await service.pool.query("update ledger_time set has_former_digests = true");
    await service.pool.query(
      "insert into idempotency (key_digest, request_digest, response) values ($1, gen_random_uuid(), $2)",
      [formerKeyDigest, { refusal: { situation, msg: "refused", meta: {} } }],
    );
    const first = await transfer(request, alice);
    expect([first.status, first.headers.get("idempotent-replayed")]).toEqual([200, null]);
    const again = await transfer(request, alice);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await balanceOf(from)).toBe("97");
  });

  test("used 20 times at once posts once and all callers get the same transfer", async () => {
    const from = await funded("alice", 100);
    const to = await open("bob");
    const request = { debit_account_id: from, credit_account_id: to, amount: 7, idempotency_key: "parallel" };
    const replies = await Promise.all(Array.from({ length: 20 }, () => transfer(request, alice)));
    expect(new Set(replies.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(replies.filter(({ headers }) => headers.get("idempotent-replayed") === null)).toHaveLength(1);
    expect(await balanceOf(from)).toBe("93");
  });

  test("used by two requests at once serves one and refuses the other", async () => {
    const from = await funded("alice", 100);
    const to = await open("bob");
    const request = { debit_account_id: from, credit_account_id: to, idempotency_key: "clash" };
    const replies = await Promise.all([1, 2].map((amount) => transfer({ ...request, amount }, alice)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

describe("under concurrency", () => {
  test("200 racing debits of 1 on a balance of 50 post exactly 50", async () => {
    const from = await funded("alice", 50);
    const to = await open("bob");
    const replies = await Promise.all(
      Array.from({ length: 200 }, () => transfer({ debit_account_id: from, credit_account_id: to, amount: 1 }, alice)),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(replies.filter(({ body }) => body.meta?.reason === "insufficient_funds")).toHaveLength(150);
    expect([await balanceOf(from), await balanceOf(to)]).toEqual(["0", "50"]);
  });

  test("crossing transfers and account changes on the same accounts neither deadlock nor lose an update", async () => {
    const ids = [await funded("alice", 1000), await funded("alice", 1000), await funded("alice", 1000)];
    const pairs = [
      [0, 1],
      [1, 0],
      [1, 2],
      [2, 1],
      [2, 0],
      [0, 2],
    ] as const;
    const calls = Array.from({ length: 180 }, (_, index) => {
      const [debit, credit] = pairs[index % pairs.length] ?? [0, 1];
      return index % 10 === 9
        ? service.call("UpdateAccount", { id: ids[debit], metadata: { n: `${index}` } })
        : transfer({ debit_account_id: ids[debit], credit_account_id: ids[credit], amount: 1 + (index % 7) }, alice);
    });
    const replies = await Promise.all(calls);
    expect(replies.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([]);
    const balances = await Promise.all(ids.map(balanceOf));
    expect(balances.reduce((sum, balance) => sum + BigInt(balance), 0n)).toBe(3000n);
  });

  test("entries of each account are a chain without gaps, in time order, that ends at the balance", async () => {
    const { rows } = await service.pool.query(`
      select count(*) as broken
        from (select e.*,
                     lag(sequence, 1, 0::bigint) over w as previous_sequence,
                     lag(balance_after, 1, 0::bigint) over w as previous_balance,
                     lag(created_at) over w as previous_time
                from entry e
              window w as (partition by account_id order by sequence)) chain
       where sequence <> previous_sequence + 1
          or balance_after <> previous_balance + amount
          or created_at < previous_time`);
    expect(rows).toEqual([{ broken: 0n }]);
    const { rows: unequal } = await service.pool.query(`
      select b.account_id
        from account_balance b
        left join (select account_id, sum(amount) as balance, count(*) as entries from entry group by 1) e using (account_id)
       where coalesce(e.balance, 0) <> case when debit_normal then debits_posted - credits_posted else credits_posted - debits_posted end
          or coalesce(e.entries, 0) <> last_sequence`);
    expect(unequal).toEqual([]);
    const { rows: books } = await service.pool.query(
      "select sum(debits_posted) = sum(credits_posted) as balanced from account_balance",
    );
    expect(books).toEqual([{ balanced: true }]);
  });
});

describe("what is posted", () => {
  test.each([
    "update transfer set amount = amount + 1",
    "delete from transfer",
    "truncate transfer cascade",
    "update entry set amount = 1",
    "delete from entry",
    "truncate entry",
    "delete from account_balance",
    "delete from account",
    "update account set currency = 'EUR'",
    "delete from idempotency",
  ])("refuses: %s", async (statement) => {
    await funded("alice", 1);
    await expect(service.pool.query(statement)).rejects.toThrow(/append-only/);
  });

  test("keeps its floor even against a statement that forgets it", async () => {
    const id = await funded("alice", 5);
    const statement = `update account_balance set debits_posted = debits_posted + 6 where account_id = ${id}`;
    await expect(service.pool.query(statement)).rejects.toThrow(/account_balance_floor/);
  });
});

describe("ListTransfers", () => {
  let mine: string;
  let other: string;
  const ids: string[] = [];

  beforeAll(async () => {
    mine = await funded("erin", 10_000);
    other = await open("frank");
    const { body } = await service.call("ListTransfers", { account_id: mine });
    ids.push(body.transfers[0].id);
    for (let index = 1; index <= 8; index += 1) {
      const request = {
        debit_account_id: mine,
        credit_account_id: other,
        amount: index * 10,
        metadata: { parity: index % 2 ? "odd" : "even", n: `${index}` },
      };
      ids.push((await transfer(request)).body.id);
    }
  });

  const listed = async (filter: object, token?: string) => {
    const { status, body } = await service.call("ListTransfers", filter, token);
    expect(status).toBe(200);
    return body.transfers.map(({ amount }: { amount: string }) => Number(amount));
  };

  test("of an account pages newest first and loses nothing during postings", async () => {
    const seen: string[] = [];
    let page_token = "";
    do {
      const { body } = await service.call("ListTransfers", { account_id: mine, page_size: 2, page_token });
      seen.push(...body.transfers.map(({ id }: { id: string }) => id));
      page_token = body.next_page_token;
      await transfer({ debit_account_id: mine, credit_account_id: other, amount: 1 });
    } while (page_token !== "");
    expect(seen).toEqual([...ids].reverse());
  });

  test("lists only rows that pass every filter", async () => {
    const filter = { account_id: mine, max_amount: 9_999, min_amount: 10 };
    expect(await listed(filter)).toEqual([80, 70, 60, 50, 40, 30, 20, 10]);
    expect(await listed({ ...filter, min_amount: 65 })).toEqual([80, 70]);
    expect(await listed({ ...filter, max_amount: 20 })).toEqual([20, 10]);
    expect(await listed({ ...filter, metadata: { parity: "odd" } })).toEqual([70, 50, 30, 10]);
    expect(await listed({ ...filter, metadata: { parity: "odd", n: "3" } })).toEqual([30]);
    expect(await listed({ ...filter, metadata: { parity: "ODD" } })).toEqual([]);
    expect(await listed({ ...filter, state: "TRANSFER_STATE_POSTED", min_amount: 80 })).toEqual([80]);
    expect(await listed({ ...filter, state: "TRANSFER_STATE_VOIDED" })).toEqual([]);
    expect(await listed({ ...filter, created_before: "2001-01-01T00:00:00Z" })).toEqual([]);
    const { body } = await service.call("GetTransfer", { id: ids[3] });
    expect(await listed({ ...filter, created_after: body.created_at, max_amount: 40 })).toEqual([40, 30]);
  });

  test("shows a caller only transfers that touch an account of theirs", async () => {
    const erin = await service.token("erin");
    const all = await listed({ page_size: 1000 }, erin);
    expect(all).toEqual(await listed({ account_id: mine, page_size: 1000 }));
    expect(await listed({ account_id: mine }, bob)).toEqual([]);
    const { status } = await service.call("GetTransfer", { id: ids[1] }, bob);
    expect(status).toBe(404);
  });
});

describe("ListEntries", () => {
  test("is the statement: signed amounts, running balance, counterparty, both directions", async () => {
    const id = await funded("alice", 100);
    const shop = await open("shop");
    await transfer({ debit_account_id: id, credit_account_id: shop, amount: 30, description: "Coffee" }, alice);
    await transfer({ debit_account_id: id, credit_account_id: shop, amount: 20 }, alice);
    const { body } = await service.call("ListEntries", { account_id: id }, alice);
    const lines = body.entries.map((entry: Record<string, string>) => [
      entry["sequence"],
      entry["amount"],
      entry["balance_after"],
    ]);
    expect(lines).toEqual([
      ["1", "100", "100"],
      ["2", "-30", "70"],
      ["3", "-20", "50"],
    ]);
    expect(body.entries[1]).toMatchObject({ account_id: id, counterparty_account_id: shop, description: "Coffee" });
    const newest = await service.call("ListEntries", { account_id: id, newest_first: true, page_size: 2 }, alice);
    expect(newest.body.entries.map(({ sequence }: { sequence: string }) => sequence)).toEqual(["3", "2"]);
    const rest = await service.call(
      "ListEntries",
      { account_id: id, newest_first: true, page_size: 2, page_token: newest.body.next_page_token },
      alice,
    );
    expect(rest.body).toMatchObject({ entries: [{ sequence: "1" }], next_page_token: "" });
    const after = body.entries[1].created_at;
    const since = await service.call("ListEntries", { account_id: id, after }, alice);
    expect(since.body.entries).toHaveLength(2);
    expect((await service.call("ListEntries", { account_id: id, before: after }, alice)).body.entries).toHaveLength(1);
  });

  test("of an account that is not the caller's is not found", async () => {
    const id = await funded("alice", 1);
    expect((await service.call("ListEntries", { account_id: id }, bob)).status).toBe(404);
  });
});

test("random transfers over HTTP agree with a model that only adds and subtracts", async () => {
  const ids = [await funded("alice", 300), await funded("alice", 200), await funded("alice", 100), await open("alice")];
  const step = fc.record({
    debit: fc.nat(3),
    credit: fc.nat(3),
    amount: fc.integer({ min: 1, max: 150 }),
    key: fc.option(fc.nat(6), { nil: undefined }),
  });
  let run = 0;
  const model = [300n, 200n, 100n, 0n];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
      run += 1;
      const decided = new Map<string, { request: string; outcome: string }>();
      for (const { debit, credit, amount, key } of steps) {
        if (debit === credit) continue;
        const request = { debit_account_id: ids[debit], credit_account_id: ids[credit], amount };
        const idempotency_key = key === undefined ? "" : `model-${run}-${key}`;
        const earlier = decided.get(idempotency_key);
        const [from = 0n, to = 0n] = [model[debit], model[credit]];
        let expected: string;
        if (earlier !== undefined) {
          expected = earlier.request === JSON.stringify(request) ? earlier.outcome : "idempotency_key_reused";
        } else if (from < BigInt(amount)) {
          expected = "insufficient_funds";
        } else {
          model[debit] = from - BigInt(amount);
          model[credit] = to + BigInt(amount);
          expected = `${model[debit]} ${model[credit]}`;
        }
        if (earlier === undefined && idempotency_key !== "") {
          decided.set(idempotency_key, { request: JSON.stringify(request), outcome: expected });
        }
        const { body } = await transfer({ ...request, idempotency_key }, alice);
        expect(body.meta?.reason ?? `${body.debit_account_balance} ${body.credit_account_balance}`).toBe(expected);
      }
      expect(await Promise.all(ids.map(balanceOf))).toEqual(model.map(String));
    }),
    { numRuns: 25 },
  );
});
