import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fundsOf, lockAccount, microsOf, openAccount, openFunded, rowsDigest, verdictOf } from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let alice: string;
let bob: string;
let from: string;
let to: string;

beforeAll(async () => {
  service = await startTestService();
  alice = await service.token("alice");
  bob = await service.token("bob");
});
afterAll(() => service.close());

async function given(funds: number): Promise<void> {
  from = await openFunded(service, "alice", funds);
  to = await openAccount(service, "bob");
}

const hold = (amount: number, change: object = {}) =>
  service.call(
    "CreateTransfer",
    { debit_account_id: from, credit_account_id: to, amount, pending: true, ...change },
    alice,
  );
const pay = (amount: number) =>
  service.call("CreateTransfer", { debit_account_id: from, credit_account_id: to, amount }, alice);
let keys = 0;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

describe("a hold", () => {
  test("of 60 on 100 leaves 40 available and moves nothing", async () => {
    await given(100);
    const { status, body } = await hold(60);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      state: "TRANSFER_STATE_PENDING",
      amount: "60",
      debit_account_balance: "100",
      settled_at: null,
      expires_at: null,
    });
    expect([await fundsOf(service, from), await fundsOf(service, to)]).toEqual(["100/40", "0/0"]);
    expect((await service.call("GetAccount", { id: from })).body).toMatchObject({ debits_pending: "60" });
    expect((await service.call("GetAccount", { id: to })).body).toMatchObject({ credits_pending: "60" });
    expect(verdictOf(await pay(41))).toBe("insufficient_funds");
    expect(verdictOf(await hold(41))).toBe("insufficient_funds");
    expect(verdictOf(await pay(40))).toBe("200");
  });

  test("captured in part posts that part and frees the rest", async () => {
    await given(100);
    const { body: held } = await hold(60);
    const { status, body } = await service.call("CaptureTransfer", { id: held.id, amount: 25 }, alice);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...held,
      state: "TRANSFER_STATE_CAPTURED",
      captured_amount: "25",
      debit_account_balance: "75",
      settled_by: "alice",
      settled_at: body.settled_at,
    });
    expect(microsOf(body.settled_at)).toBeGreaterThanOrEqual(microsOf(held.created_at));
    expect([await fundsOf(service, from), await fundsOf(service, to)]).toEqual(["75/75", "25/25"]);
    expect((await service.call("GetTransfer", { id: held.id }, alice)).body).toEqual(body);
    const { body: statement } = await service.call("ListEntries", { account_id: from, newest_first: true }, alice);
    expect(statement.entries[0]).toMatchObject({ transfer_id: held.id, amount: "-25", balance_after: "75" });
  });

  test("captured without an amount posts all of it, and the amount 0 is refused", async () => {
    await given(100);
    const { body: held } = await hold(60);
    for (const amount of [0, "0"]) {
      const refused = await service.call("CaptureTransfer", { id: held.id, amount }, alice);
      expect(refused.body).toMatchObject({ code: "invalid_argument", meta: { argument: "amount" } });
      expect(await fundsOf(service, from)).toBe("100/40");
    }
    const { body } = await service.call("CaptureTransfer", { id: held.id }, alice);
    expect(body.captured_amount).toBe("60");
    expect(await fundsOf(service, from)).toBe("40/40");
  });

  test("can't be captured for more than it holds", async () => {
    await given(100);
    const { body: held } = await hold(60);
    const { body } = await service.call("CaptureTransfer", { id: held.id, amount: 61 }, alice);
    expect(body).toMatchObject({ code: "invalid_argument", meta: { argument: "amount" } });
    expect(await fundsOf(service, from)).toBe("100/40");
  });

  test("voided frees all of it", async () => {
    await given(100);
    const { body: held } = await hold(60);
    const { body } = await service.call("VoidTransfer", { id: held.id }, alice);
    expect(body).toMatchObject({ state: "TRANSFER_STATE_VOIDED", captured_amount: "0" });
    expect(await fundsOf(service, from)).toBe("100/100");
    expect((await service.call("GetAccount", { id: to })).body.credits_pending).toBe("0");
  });

  test.each(["CaptureTransfer", "VoidTransfer"])("is settled once: %s after either", async (method) => {
    for (const first of ["CaptureTransfer", "VoidTransfer"]) {
      await given(100);
      const { body: held } = await hold(10);
      expect(verdictOf(await service.call(first, { id: held.id }, alice))).toBe("200");
      expect(verdictOf(await service.call(method, { id: held.id }, alice))).toBe("transfer_not_pending");
    }
  });

  test("is captured by the caller that placed it, voided by that caller or the payee, and hidden from others", async () => {
    await given(100);
    const { body: held } = await hold(10);
    const carol = await service.token("carol");
    expect(held.created_by).toBe("alice");
    expect(verdictOf(await service.call("CaptureTransfer", { id: held.id }, bob))).toBe("hold_not_owned");
    for (const method of ["CaptureTransfer", "VoidTransfer"]) {
      expect(verdictOf(await service.call(method, { id: held.id }, carol))).toBe("not_found");
    }
    expect(await fundsOf(service, from)).toBe("100/90");
    expect((await service.call("GetTransfer", { id: held.id }, bob)).body.state).toBe("TRANSFER_STATE_PENDING");
    expect(verdictOf(await service.call("VoidTransfer", { id: held.id }, bob))).toBe("200");
    expect(await fundsOf(service, from)).toBe("100/100");
  });

  test("that an admin placed is not the payer's to settle", async () => {
    await given(100);
    const request = { debit_account_id: from, credit_account_id: to, amount: 10, pending: true };
    const { body: held } = await service.call("CreateTransfer", request);
    for (const method of ["CaptureTransfer", "VoidTransfer"]) {
      expect(verdictOf(await service.call(method, { id: held.id }, alice))).toBe("hold_not_owned");
    }
    expect(await fundsOf(service, from)).toBe("100/90");
    expect(verdictOf(await service.call("CaptureTransfer", { id: held.id }))).toBe("200");
  });

  test("on a frozen account can be voided and not captured", async () => {
    await given(100);
    const { body: held } = await hold(10);
    expect(verdictOf(await service.call("UpdateAccount", { id: from, status: "ACCOUNT_STATUS_FROZEN" }))).toBe("200");
    expect(verdictOf(await service.call("CaptureTransfer", { id: held.id }, alice))).toBe("account_not_open");
    expect(verdictOf(await service.call("VoidTransfer", { id: held.id }, alice))).toBe("200");
  });

  test("keeps its accounts from being closed", async () => {
    await given(100);
    await hold(10);
    expect(verdictOf(await service.call("UpdateAccount", { id: to, status: "ACCOUNT_STATUS_CLOSED" }, bob))).toBe(
      "account_not_empty",
    );
  });

  test("with a posted transfer's id is refused as not pending", async () => {
    await given(100);
    const { body: posted } = await pay(5);
    expect(verdictOf(await service.call("CaptureTransfer", { id: posted.id }, alice))).toBe("transfer_not_pending");
    expect(verdictOf(await service.call("VoidTransfer", { id: "987654" }, alice))).toBe("not_found");
  });

  test("captured, voided and repeated by many callers at once has one winner, and the money moves once", async () => {
    for (let round = 0; round < 5; round += 1) {
      await given(100);
      const { body: held } = await hold(60);
      const replies = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          service.call(index % 2 === 0 ? "CaptureTransfer" : "VoidTransfer", { id: held.id }, alice),
        ),
      );
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      const { body } = await service.call("GetTransfer", { id: held.id }, alice);
      expect(await fundsOf(service, from)).toBe(body.state === "TRANSFER_STATE_CAPTURED" ? "40/40" : "100/100");
    }
  });
});

describe("a dry run of", () => {
  const replayedBy = ({ headers }: Reply) => headers.get("idempotent-replayed");
  /** What a reply says, without the id and the times that only the real call gives. */
  const answerOf = ({ status, body, headers }: Reply) => ({
    status,
    body: { ...body, id: "", created_at: "", effective_at: "", settled_at: "" },
    replayed: headers.get("idempotent-replayed"),
  });

  const calls: [method: string, what: string, of: "held" | "paid", change: object, verdict: string][] = [
    ["CaptureTransfer", "all of a hold", "held", {}, "200"],
    ["CaptureTransfer", "a part of a hold", "held", { amount: 25 }, "200"],
    ["CaptureTransfer", "more than a hold", "held", { amount: 61 }, "invalid_argument"],
    ["CaptureTransfer", "a payment", "paid", {}, "transfer_not_pending"],
    ["VoidTransfer", "a hold", "held", {}, "200"],
    ["VoidTransfer", "a payment", "paid", {}, "transfer_not_pending"],
    ["ReverseTransfer", "a payment", "paid", { description: "Refund" }, "200"],
    ["ReverseTransfer", "a hold", "held", {}, "transfer_not_posted"],
  ];
  test.each(calls)(
    "%s of %s answers as the real call does, its key included",
    async (method, _, of, change, verdict) => {
      await given(100);
      const { body: held } = await hold(60);
      const { body: paid } = await pay(30);
      const request = { id: (of === "held" ? held : paid).id, idempotency_key: `dry-${++keys}`, ...change };
      const rehearse = (other: object = {}) => service.call(method, { ...request, dry_run: true, ...other });
      const before = await rowsDigest(service.pool);
      const first = await rehearse();
      const second = await rehearse();
      expect(await rowsDigest(service.pool)).toEqual(before);
      const real = await service.call(method, request);
      expect(verdictOf(real)).toBe(verdict);
      expect(replayedBy(real)).toBeNull();
      expect([answerOf(first), answerOf(second)]).toEqual([answerOf(real), answerOf(real)]);
      if (verdict === "200") expect(first.body.id).toBe(method === "ReverseTransfer" ? "0" : held.id);
      // A mistake in the request leaves its key free.
      if (verdict === "invalid_argument") return;
      const after = await rowsDigest(service.pool);
      const again = await rehearse();
      expect([again.body, replayedBy(again)]).toEqual([real.body, "true"]);
      expect(verdictOf(await rehearse({ id: "999999" }))).toBe("idempotency_key_reused");
      expect(await rowsDigest(service.pool)).toEqual(after);
    },
  );

  test("closing an account counts expired holds as settled, but settles none", async () => {
    const unswept = await startTestService({}, { sweepIntervalMs: 3_600_000 });
    try {
      const source = await openFunded(unswept, "bob", 1000);
      const target = await openAccount(unswept, "alice");
      const hold = { amount: 1, pending: true, expires_at: inMs(300) };
      const out = { ...hold, debit_account_id: source, credit_account_id: target };
      await unswept.call("CreateTransfer", out);
      await unswept.call("CreateTransfer", { ...out, amount: 2 });
      const { body: standing } = await unswept.call("CreateTransfer", { ...out, expires_at: undefined });
      const send = (change: object) =>
        unswept.call("UpdateAccount", { id: target, status: "ACCOUNT_STATUS_CLOSED", ...change });
      const account = async (id: string) => (await unswept.call("GetAccount", { id })).body;
      expect(verdictOf(await send({ dry_run: true }))).toBe("account_not_empty");
      await unswept.call("VoidTransfer", { id: standing.id });
      const before = await account(target);
      expect(before.credits_pending).toBe("3");
      await vi.waitFor(async () => expect(verdictOf(await send({ dry_run: true }))).toBe("200"), { interval: 20 });
      const { body: dry } = await send({ dry_run: true });
      const renamed = await send({ status: undefined, name: "Purse", dry_run: true });
      expect(renamed.body).toEqual({ ...before, name: "Purse", updated_at: renamed.body.updated_at });
      expect([await account(target), (await account(source)).debits_pending]).toEqual([before, "3"]);
      const { body: real } = await send({});
      expect({ ...dry, updated_at: real.updated_at }).toEqual(real);
      expect(real).toMatchObject({ status: "ACCOUNT_STATUS_CLOSED", credits_pending: "0" });
    } finally {
      await unswept.close();
    }
  });
});

describe("a hold that expires", () => {
  test("counts as expired from its time on, and frees what it held", async () => {
    await given(100);
    const { body: held } = await hold(60, { expires_at: inMs(1500) });
    expect(held.expires_at).toMatch(/Z$/);
    expect(await fundsOf(service, from)).toBe("100/40");
    await vi.waitFor(async () => expect(await fundsOf(service, from)).toBe("100/100"), { timeout: 5000, interval: 5 });
    expect(verdictOf(await service.call("CaptureTransfer", { id: held.id }, alice))).toBe("transfer_expired");
    expect(verdictOf(await service.call("VoidTransfer", { id: held.id }, alice))).toBe("transfer_expired");
    const { body } = await service.call("GetTransfer", { id: held.id }, alice);
    expect(body).toMatchObject({ state: "TRANSFER_STATE_EXPIRED" });
    expect(microsOf(body.settled_at)).toBeGreaterThan(microsOf(held.expires_at));
    expect(verdictOf(await pay(100))).toBe("200");
  });

  test("is settled by the sweeper, once", async () => {
    await given(100);
    await hold(60, { expires_at: inMs(1500) });
    const pending = async () => {
      const { rows } = await service.pool.query("select debits_pending from account_balance where account_id = $1", [
        from,
      ]);
      return rows[0].debits_pending;
    };
    await vi.waitFor(async () => expect(await pending()).toBe(0n), { timeout: 5000, interval: 10 });
    expect(await fundsOf(service, from)).toBe("100/100");
  });

  test("can't be captured from its time on, and keeps its money reserved until it is settled", async () => {
    const unswept = await startTestService({}, { sweepIntervalMs: 3_600_000 });
    try {
      const token = await unswept.token("alice");
      const source = await openFunded(unswept, "alice", 100);
      const target = await openAccount(unswept, "bob");
      const transfer = { debit_account_id: source, credit_account_id: target, amount: 100 };
      const request = { ...transfer, pending: true, expires_at: inMs(300) };
      const { body: held } = await unswept.call("CreateTransfer", request, token);
      const capture = () => unswept.call("CaptureTransfer", { id: held.id, amount: 101 }, token);
      expect(verdictOf(await capture())).toBe("invalid_argument");
      await vi.waitFor(async () => expect(verdictOf(await capture())).toBe("transfer_expired"), {
        timeout: 5000,
        interval: 5,
      });
      // What is read and what postings are decided by is the same.
      expect(await fundsOf(unswept, source)).toBe("100/0");
      expect(verdictOf(await unswept.call("CreateTransfer", transfer, token))).toBe("insufficient_funds");
      await unswept.ledger.expiry.settle();
      expect(await fundsOf(unswept, source)).toBe("100/100");
      expect(verdictOf(await unswept.call("CreateTransfer", transfer, token))).toBe("200");
    } finally {
      await unswept.close();
    }
  });

  test("together with 20,000 others frees all of them while postings continue", async () => {
    const source = await openFunded(service, "alice", 20_000);
    const target = await openAccount(service, "bob");
    const bystander = await openFunded(service, "carol", 1_000_000);
    const expires_at = inMs(8000);
    const hold = { debit_account_id: source, credit_account_id: target, amount: 1, pending: true, expires_at };
    for (let placed = 0; placed < 20_000; placed += 1000) {
      const transfers = Array.from({ length: 1000 }, () => hold);
      const { body } = await service.call("BatchCreateTransfers", { transfers });
      expect(body.results.filter(({ error }: { error?: object }) => error)).toEqual([]);
    }
    expect(await fundsOf(service, source)).toBe("20000/0");
    let isPosting = true;
    const writers = Array.from({ length: 16 }, async () => {
      const move = { debit_account_id: bystander, credit_account_id: target, amount: 1 };
      while (isPosting) expect(verdictOf(await service.call("CreateTransfer", move))).toBe("200");
    });
    await vi.waitFor(async () => expect(await fundsOf(service, source)).toBe("20000/20000"), {
      timeout: 40_000,
      interval: 20,
    });
    isPosting = false;
    await Promise.all(writers);
  }, 60_000);

  test("on a locked account waits alone: other holds are settled and callers are answered", async () => {
    const unswept = await startTestService({}, { sweepIntervalMs: 3_600_000 });
    try {
      const locked = await openFunded(unswept, "alice", 1000);
      const free = await openFunded(unswept, "bob", 1000);
      const target = await openAccount(unswept, "carol");
      const expires_at = inMs(300);
      const place = (debit_account_id: string, credit_account_id: string, count: number) =>
        unswept.call("BatchCreateTransfers", {
          transfers: Array.from({ length: count }, () => ({
            debit_account_id,
            credit_account_id,
            amount: 1,
            pending: true,
            expires_at,
          })),
        });
      await place(locked, target, 150);
      await place(free, await openAccount(unswept, "dave"), 150);
      await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(Date.parse(expires_at)), { interval: 20 });
      const lock = await lockAccount(unswept.pool, locked);
      await unswept.ledger.expiry.settle();
      expect([await fundsOf(unswept, locked), await fundsOf(unswept, free)]).toEqual(["1000/850", "1000/1000"]);
      const move = { debit_account_id: free, credit_account_id: target, amount: 1 };
      expect(verdictOf(await unswept.call("CreateTransfer", move))).toBe("200");
      await lock.release();
      await unswept.ledger.expiry.settle();
      expect(await fundsOf(unswept, locked)).toBe("1000/1000");
    } finally {
      await unswept.close();
    }
  });

  test("that can't be settled is logged, and does not prevent the others", async () => {
    const unswept = await startTestService({}, { sweepIntervalMs: 3_600_000 });
    try {
      const spoiled = await openFunded(unswept, "alice", 10);
      const source = await openFunded(unswept, "bob", 1000);
      const target = await openAccount(unswept, "carol");
      const expires_at = inMs(300);
      const hold = { credit_account_id: target, amount: 1, pending: true, expires_at };
      const transfers = Array.from({ length: 150 }, () => ({ ...hold, debit_account_id: source }));
      await unswept.call("CreateTransfer", { ...hold, debit_account_id: spoiled });
      await unswept.call("BatchCreateTransfers", { transfers });
      await unswept.pool.query("update account_balance set debits_pending = 0 where account_id = $1", [spoiled]);
      await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(Date.parse(expires_at)), { interval: 20 });
      await expect(unswept.ledger.expiry.settle()).rejects.toThrow("account_balance_debits_pending_check");
      expect(await fundsOf(unswept, source)).toBe("1000/1000");
      const { rows } = await unswept.pool.query("select count(*) from hold where state = 2");
      expect(rows).toEqual([{ count: 1n }]);
    } finally {
      await unswept.close();
    }
  });

  test("does not keep an account open: closing the account settles it", async () => {
    const unswept = await startTestService({}, { sweepIntervalMs: 3_600_000 });
    try {
      const token = await unswept.token("alice");
      const source = await openFunded(unswept, "bob", 1000);
      const target = await openAccount(unswept, "alice");
      const hold = { debit_account_id: source, credit_account_id: target, amount: 1, pending: true };
      // More than are settled in one transaction, and one that stands.
      const expires_at = inMs(300);
      await unswept.call("BatchCreateTransfers", {
        transfers: Array.from({ length: 250 }, () => ({ ...hold, expires_at })),
      });
      const { body: standing } = await unswept.call("CreateTransfer", hold);
      const close = () => unswept.call("UpdateAccount", { id: target, status: "ACCOUNT_STATUS_CLOSED" }, token);
      const held = async () => (await unswept.call("GetAccount", { id: target })).body.credits_pending;
      expect(await held()).toBe("251");
      await vi.waitFor(
        async () => {
          expect(verdictOf(await close())).toBe("account_not_empty");
          expect(await held()).toBe("1");
        },
        { timeout: 5000, interval: 20 },
      );
      await unswept.call("VoidTransfer", { id: standing.id }, token);
      expect(verdictOf(await close())).toBe("200");
    } finally {
      await unswept.close();
    }
  });

  test("races its capture: either the capture came in time or the hold had expired", async () => {
    for (let round = 0; round < 5; round += 1) {
      await given(100);
      const { body: held } = await hold(60, { expires_at: inMs(500) });
      const expiry = Date.parse(held.expires_at);
      const replies = await Promise.all(
        Array.from({ length: 30 }, async (_, index) => {
          const moment = expiry + (index - 15) * 3;
          await vi.waitFor(() => expect(Date.now()).toBeGreaterThanOrEqual(moment), { timeout: 5000, interval: 1 });
          return verdictOf(await service.call("CaptureTransfer", { id: held.id }, alice));
        }),
      );
      const captured = replies.filter((verdict) => verdict === "200").length;
      expect(captured).toBeLessThanOrEqual(1);
      await vi.waitFor(async () => expect(await fundsOf(service, from)).toBe(captured ? "40/40" : "100/100"), {
        timeout: 5000,
      });
    }
  });

  test.each([
    ["without pending", { pending: false, expires_at: "2999-01-01T00:00:00Z" }],
    ["in the past", { expires_at: "2001-01-01T00:00:00Z" }],
  ])("%s is refused by name", async (_, change) => {
    await given(100);
    expect((await hold(1, change)).body).toMatchObject({ code: "invalid_argument", meta: { argument: "expires_at" } });
  });
});

describe("keys of holds", () => {
  test("give the pending transfer again, even after it was captured", async () => {
    await given(100);
    const first = await hold(60, { idempotency_key: "hold" });
    const capture = { id: first.body.id, amount: 10, idempotency_key: "capture" };
    const captured = await service.call("CaptureTransfer", capture, alice);
    expect((await hold(60, { idempotency_key: "hold" })).body).toEqual(first.body);
    const again = await service.call("CaptureTransfer", capture, alice);
    expect(again.body).toEqual(captured.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    for (const amount of [11, undefined]) {
      expect(verdictOf(await service.call("CaptureTransfer", { ...capture, amount }, alice))).toBe(
        "idempotency_key_reused",
      );
    }
    expect(
      verdictOf(await service.call("VoidTransfer", { id: first.body.id, idempotency_key: "capture" }, alice)),
    ).toBe("idempotency_key_reused");
    expect(await fundsOf(service, from)).toBe("90/90");
  });

  test("remember a refused capture", async () => {
    await given(100);
    const { body: held } = await hold(60);
    await service.call("VoidTransfer", { id: held.id }, alice);
    const capture = { id: held.id, idempotency_key: "too-late" };
    const first = await service.call("CaptureTransfer", capture, alice);
    const again = await service.call("CaptureTransfer", capture, alice);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });
});

describe("ReverseTransfer", () => {
  test("posts the opposite once, and each transfer names the other", async () => {
    await given(100);
    const { body: paid } = await pay(30);
    const { status, body } = await service.call("ReverseTransfer", { id: paid.id, description: "Refund" }, bob);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      debit_account_id: to,
      credit_account_id: from,
      amount: "30",
      description: "Refund",
      reverses_transfer_id: paid.id,
      state: "TRANSFER_STATE_POSTED",
    });
    expect(await fundsOf(service, from)).toBe("100/100");
    expect((await service.call("GetTransfer", { id: paid.id }, alice)).body.reversed_by_transfer_id).toBe(body.id);
    expect(verdictOf(await service.call("ReverseTransfer", { id: paid.id }, bob))).toBe("already_reversed");
  });

  test("by ten at once happens once", async () => {
    await given(100);
    const { body: paid } = await pay(30);
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => service.call("ReverseTransfer", { id: paid.id }, bob)),
    );
    expect(replies.map(verdictOf).sort()).toEqual(["200", ...Array(9).fill("already_reversed")]);
    expect(await fundsOf(service, from)).toBe("100/100");
  });

  test("gives back the amount of a partial capture", async () => {
    await given(100);
    const { body: held } = await hold(60);
    await service.call("CaptureTransfer", { id: held.id, amount: 25 }, alice);
    const { body } = await service.call("ReverseTransfer", { id: held.id }, bob);
    expect(body.amount).toBe("25");
    expect(await fundsOf(service, from)).toBe("100/100");
  });

  test("is refused when it would break a floor, for a hold, and to a caller that does not own the money", async () => {
    await given(100);
    const { body: paid } = await pay(30);
    const elsewhere = await openAccount(service, "carol");
    await service.call("CreateTransfer", { debit_account_id: to, credit_account_id: elsewhere, amount: 1 }, bob);
    expect(verdictOf(await service.call("ReverseTransfer", { id: paid.id }, bob))).toBe("insufficient_funds");
    expect(verdictOf(await service.call("ReverseTransfer", { id: paid.id }, alice))).toBe("permission_denied");
    const { body: held } = await hold(10);
    expect(verdictOf(await service.call("ReverseTransfer", { id: held.id }, bob))).toBe("transfer_not_posted");
  });
});
