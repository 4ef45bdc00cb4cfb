import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fundsOf, openAccount, openFunded } from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let alice: string;
let a: string;
let b: string;
let c: string;

beforeAll(async () => {
  service = await startTestService();
  alice = await service.token("alice");
});
afterAll(() => service.close());

async function given(funds: number): Promise<void> {
  a = await openFunded(service, "alice", funds);
  b = await openAccount(service, "alice");
  c = await openAccount(service, "alice");
}

const move = (debit_account_id: string, credit_account_id: string, amount: number, change: object = {}) => ({
  debit_account_id,
  credit_account_id,
  amount,
  ...change,
});
const batch = (transfers: object[], atomic = false) =>
  service.call("BatchCreateTransfers", { transfers, atomic }, alice);
const verdicts = ({ body }: Reply) =>
  body.results.map(
    ({ transfer, error }: { transfer?: { amount: string }; error?: { code: string; meta: Record<string, string> } }) =>
      transfer ? transfer.amount : (error?.meta["reason"] ?? error?.code),
  );
const replayed = ({ body }: Reply) => body.results.map((result: { replayed: boolean }) => result.replayed);
const keyed = (debit: string, credit: string, amount: number, idempotency_key: string) =>
  move(debit, credit, amount, { idempotency_key });
const funds = async () => [await fundsOf(service, a), await fundsOf(service, b), await fundsOf(service, c)].join(" ");

describe("an independent batch", () => {
  test("decides each member on the balances that the earlier ones left", async () => {
    await given(100);
    const reply = await batch([move(a, b, 80), move(a, c, 30), move(b, c, 80)]);
    expect(reply.status).toBe(200);
    expect(verdicts(reply)).toEqual(["80", "insufficient_funds", "80"]);
    expect(reply.body.results[1].error).toMatchObject({ code: "failed_precondition", meta: { account_id: a } });
    expect(await funds()).toBe("20/20 0/0 80/80");
  });

  test("refuses a malformed member by its path, leaves its key free and posts the others", async () => {
    await given(100);
    const malformed: [change: object, code: string, meta: object][] = [
      [{ amount: 0 }, "invalid_argument", { argument: "transfers[1].amount" }],
      [{ amount: "1000000000000001" }, "invalid_argument", { argument: "transfers[1].amount" }],
      [{ credit_account_id: a }, "invalid_argument", { argument: "transfers[1].credit_account_id" }],
      [{ description: "a\tb" }, "invalid_argument", { argument: "transfers[1].description" }],
      [{ metadata: { k: "" } }, "invalid_argument", { argument: "transfers[1].metadata.k" }],
      [{ effective_at: "2024-01-01T00:00:00Z" }, "permission_denied", { scope: "finance.admin" }],
      // Only the database's clock tells that this one is wrong.
      [
        { pending: true, expires_at: "2001-01-01T00:00:00Z" },
        "invalid_argument",
        { argument: "transfers[1].expires_at" },
      ],
    ];
    for (const [change, code, meta] of malformed) {
      const bad = move(a, b, 1, { idempotency_key: "malformed", ...change });
      const { status, body } = await batch([move(a, b, 1), bad, move(a, c, 1)]);
      expect(status).toBe(200);
      expect(body.results).toMatchObject([{ transfer: { amount: "1" } }, {}, { transfer: { amount: "1" } }]);
      expect(body.results[1]).toMatchObject({ error: { code, meta }, replayed: false });
    }
    const posted = malformed.length;
    expect(await funds()).toBe(`${100 - 2 * posted}/${100 - 2 * posted} ${posted}/${posted} ${posted}/${posted}`);
    const good = await service.call("CreateTransfer", move(a, b, 1, { idempotency_key: "malformed" }), alice);
    expect([good.status, good.headers.get("idempotent-replayed")]).toEqual([200, null]);
  });

  test("looks up the keys of all malformed members at once, with one connection", async () => {
    const queries = vi.spyOn(service.pool, "query");
    const transfers = Array.from({ length: 1000 }, (_, index) => ({ idempotency_key: `malformed-${index}` }));
    const { body } = await service.call("BatchCreateTransfers", { transfers });
    const texts = queries.mock.calls.map(([query]) => inspect(query));
    queries.mockRestore();
    expect(body.results).toHaveLength(1000);
    expect(texts.filter((text) => text.includes("from idempotency"))).toHaveLength(1);
  });

  test("of malformed members only answers each", async () => {
    await given(100);
    const { body } = await batch([move(a, b, 0), move(a, "0", 1)]);
    expect(body.results).toMatchObject([
      { error: { code: "invalid_argument", meta: { argument: "transfers[0].amount" } } },
      { error: { code: "invalid_argument", meta: { argument: "transfers[1].credit_account_id" } } },
    ]);
    expect(await funds()).toBe("100/100 0/0 0/0");
  });

  test.each([0, 1001])("of %i members is refused", async (count) => {
    await given(100);
    const { body } = await batch(Array.from({ length: count }, () => move(a, b, 1)));
    expect(body).toMatchObject({ code: "invalid_argument", meta: { argument: "transfers" } });
  });

  test("of 1000 members posts them all", async () => {
    await given(1000);
    const { body } = await batch(Array.from({ length: 1000 }, () => move(a, b, 1)));
    expect(body.results).toHaveLength(1000);
    expect(await funds()).toBe("0/0 1000/1000 0/0");
  });

  test("takes keys member by member: each replays alone, within the batch too", async () => {
    await given(100);
    const member = keyed(a, b, 10, "member");
    const first = await batch([member, move(a, b, 1), member, { ...member, amount: 11 }]);
    expect(verdicts(first)).toEqual(["10", "1", "10", "idempotency_key_reused"]);
    expect(first.body.results[2]).toEqual({ ...first.body.results[0], replayed: true });
    expect(replayed(first)).toEqual([false, false, true, false]);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    const single = await service.call("CreateTransfer", member, alice);
    expect(single.body).toEqual(first.body.results[0].transfer);
    expect(single.headers.get("idempotent-replayed")).toBe("true");
    const again = await batch([member, member]);
    expect(replayed(again)).toEqual([true, true]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    const mixed = await batch([member, move(a, b, 1)]);
    expect(replayed(mixed)).toEqual([true, false]);
    expect(mixed.headers.get("idempotent-replayed")).toBeNull();
    expect(await funds()).toBe("88/88 12/12 0/0");
  });
});

describe("an atomic batch", () => {
  test("with one bad member posts nothing and says which member it was", async () => {
    await given(100);
    const reply = await batch([move(a, b, 40), move(a, c, 70), move(b, c, 1)], true);
    expect(reply.status).toBe(200);
    expect(reply.body.results[0].error).toMatchObject({
      code: "aborted",
      meta: { reason: "batch_refused", index: "1" },
    });
    expect(verdicts(reply)).toEqual(["batch_refused", "insufficient_funds", "batch_refused"]);
    expect(await funds()).toBe("100/100 0/0 0/0");
    const { body } = await service.call("ListEntries", { account_id: b }, alice);
    expect(body.entries).toEqual([]);
  });

  test("that dips below a floor and recovers posts", async () => {
    await given(10);
    const reply = await batch([move(b, c, 50), move(a, b, 10), move(c, b, 45)], true);
    expect(verdicts(reply)).toEqual(["50", "10", "45"]);
    expect(await funds()).toBe("0/0 5/5 5/5");
  });

  test("that dips and does not recover is refused at its end", async () => {
    await given(10);
    const reply = await batch([move(b, c, 50), move(a, b, 10), move(c, b, 39)], true);
    expect(verdicts(reply)).toEqual(["insufficient_funds", "batch_refused", "batch_refused"]);
    expect(await funds()).toBe("10/10 0/0 0/0");
  });

  test("with a malformed member is an error of the call, and posts nothing", async () => {
    await given(100);
    const { status, body } = await batch([keyed(a, b, 1, "spared"), move(a, b, 0)], true);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid_argument", meta: { argument: "transfers[1].amount" } });
    const late = await batch(
      [move(a, b, 1), move(a, b, 1, { pending: true, expires_at: "2001-01-01T00:00:00Z" })],
      true,
    );
    expect(verdicts(late)).toEqual(["batch_refused", "invalid_argument"]);
    expect(late.body.results[1].error.meta).toEqual({ argument: "transfers[1].expires_at" });
    expect(await funds()).toBe("100/100 0/0 0/0");
    expect(verdicts(await batch([keyed(a, b, 1, "spared")]))).toEqual(["1"]);
  });

  test("that was refused is refused again because of its culprit's key, and the other keys stay free", async () => {
    await given(100);
    const members = (run: string) => [keyed(a, b, 60, `${run}-1`), keyed(a, c, 60, `${run}-2`)];
    const first = await batch(members("x"), true);
    expect(verdicts(first)).toEqual(["batch_refused", "insufficient_funds"]);
    expect(replayed(first)).toEqual([false, false]);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    const limit = { id: a, overdraft_limit: 80 };
    expect((await service.call("UpdateAccount", limit)).status).toBe(200);

    const again = await batch(members("x"), true);
    const [bystander, culprit] = first.body.results;
    expect(again.body.results).toEqual([bystander, { ...culprit, replayed: true }]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    const alone = await service.call("CreateTransfer", members("x")[1] ?? {}, alice);
    expect(alone.body).toEqual(culprit.error);
    expect(alone.headers.get("idempotent-replayed")).toBe("true");

    const freed = await service.call("CreateTransfer", members("x")[0] ?? {}, alice);
    expect([freed.status, freed.headers.get("idempotent-replayed")]).toEqual([200, null]);
    expect(verdicts(await batch(members("y"), true))).toEqual(["60", "60"]);
    expect(await funds()).toBe("-80/-80 120/120 60/60");
  });

  test("whose members were all posted before is replayed, however they were posted", async () => {
    await given(100);
    const first = await batch([keyed(a, b, 10, "whole-1"), keyed(a, c, 20, "whole-2")], true);
    const single = await service.call("CreateTransfer", keyed(a, b, 5, "whole-3"), alice);
    const again = await batch(
      [keyed(a, b, 5, "whole-3"), keyed(a, c, 20, "whole-2"), keyed(a, b, 10, "whole-1")],
      true,
    );
    expect(again.body.results).toEqual([
      { transfer: single.body, replayed: true },
      { ...first.body.results[1], replayed: true },
      { ...first.body.results[0], replayed: true },
    ]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await funds()).toBe("65/65 15/15 20/20");
  });

  test("of which only some were posted before is refused at the first of these, and no key remembers it", async () => {
    await given(100);
    await batch([keyed(a, b, 10, "part-2"), keyed(a, b, 10, "part-3")]);
    const members = [keyed(a, b, 1, "part-1"), keyed(a, b, 10, "part-2"), keyed(a, b, 10, "part-3")];
    for (const transfers of [members, members, [move(a, b, 1), ...members.slice(1)]]) {
      const reply = await batch(transfers, true);
      expect(verdicts(reply)).toEqual(["batch_refused", "batch_partly_decided", "batch_refused"]);
      expect(reply.body.results[1].error).toMatchObject({ code: "already_exists", meta: { index: "1" } });
      expect(reply.body.results[0].error.meta).toEqual({ reason: "batch_refused", index: "1" });
      expect(replayed(reply)).toEqual([false, false, false]);
      expect(reply.headers.get("idempotent-replayed")).toBeNull();
    }
    expect(await funds()).toBe("80/80 20/20 0/0");
    expect(verdicts(await batch([keyed(a, b, 1, "part-1")], true))).toEqual(["1"]);
  });

  test("is refused first of all at the first member whose key was used for another request", async () => {
    await given(100);
    await batch([keyed(a, b, 10, "taken"), keyed(a, b, 999, "remembered"), keyed(a, b, 10, "posted")]);
    const [posted, remembered] = [keyed(a, b, 10, "posted"), keyed(a, b, 999, "remembered")];
    const cases: [transfers: object[], verdicts: string[]][] = [
      [
        [posted, remembered, keyed(a, b, 11, "taken")],
        ["batch_refused", "batch_refused", "idempotency_key_reused"],
      ],
      [
        [posted, remembered, move(a, b, 1)],
        ["batch_refused", "insufficient_funds", "batch_refused"],
      ],
      // Twice in the batch, for different requests.
      [
        [keyed(a, b, 1, "twice"), move(a, b, 1), keyed(a, b, 2, "twice")],
        ["batch_refused", "batch_refused", "idempotency_key_reused"],
      ],
    ];
    for (const [transfers, expected] of cases) expect(verdicts(await batch(transfers, true))).toEqual(expected);
    expect(await funds()).toBe("80/80 20/20 0/0");
    expect(verdicts(await batch([keyed(a, b, 2, "twice")]))).toEqual(["2"]);
  });

  test("posts the same request under one key once, and reports it at both indexes", async () => {
    await given(100);
    const transfers = [keyed(a, b, 60, "same"), move(b, c, 10), keyed(a, b, 60, "same")];
    const reply = await batch(transfers, true);
    expect(verdicts(reply)).toEqual(["60", "10", "60"]);
    expect(reply.body.results[2]).toEqual({ ...reply.body.results[0], replayed: true });
    expect(await funds()).toBe("40/40 50/50 10/10");
  });

  test("gives the same answer again when the last touch of the broken account is a repeated request", async () => {
    await given(100);
    const transfers = [keyed(a, b, 600, "echo"), move(b, c, 1), keyed(a, b, 600, "echo")];
    const first = await batch(transfers, true);
    const again = await batch(transfers, true);
    expect(verdicts(first)).toContain("insufficient_funds");
    expect(verdicts(again)).toEqual(verdicts(first));
  });

  test("moves two currencies at once, as for an exchange", async () => {
    await given(100);
    const dollars = await openAccount(service, "exchange");
    const euros = await openFunded(service, "exchange", 500, { currency: "EUR" });
    const mine = await openAccount(service, "alice", { currency: "EUR" });
    const { body } = await service.call("BatchCreateTransfers", {
      transfers: [move(a, dollars, 100), move(euros, mine, 92)],
      atomic: true,
    });
    expect(body.results.map(({ transfer }: { transfer: { currency: string } }) => transfer.currency)).toEqual([
      "USD",
      "EUR",
    ]);
  });

  test("never shows a part of itself to readers", async () => {
    await given(50);
    const moves = Array.from({ length: 30 }, () => batch([move(a, b, 50), move(b, c, 50), move(c, a, 50)], true));
    const reads = Array.from({ length: 60 }, () => fundsOf(service, a));
    const seen = new Set(await Promise.all(reads));
    await Promise.all(moves);
    expect([...seen]).toEqual(["50/50"]);
  });
});

describe("a dry run", () => {
  test("gives the same verdict and balances but writes nothing", async () => {
    await given(100);
    const request = move(a, b, 30, { idempotency_key: "rehearsed", dry_run: true });
    const dry = await service.call("CreateTransfer", request, alice);
    expect(dry.body).toMatchObject({ id: "0", debit_account_balance: "70", credit_account_balance: "30" });
    expect(await funds()).toBe("100/100 0/0 0/0");
    const real = await service.call("CreateTransfer", { ...request, dry_run: false }, alice);
    expect(real.headers.get("idempotent-replayed")).toBeNull();
    expect(real.body).toMatchObject({
      ...dry.body,
      id: real.body.id,
      created_at: real.body.created_at,
      effective_at: real.body.effective_at,
    });
    const refused = await service.call("CreateTransfer", { ...request, amount: 71, idempotency_key: "" }, alice);
    expect(refused.body.meta.reason).toBe("insufficient_funds");
  });

  test("answers as the real call would, its key included", async () => {
    await given(100);
    const posted = await service.call("CreateTransfer", keyed(a, b, 30, "dry"), alice);
    const refused = await service.call("CreateTransfer", keyed(a, b, 300, "dry-refused"), alice);
    const rehearse = (request: object) => service.call("CreateTransfer", { ...request, dry_run: true }, alice);
    for (const [request, real] of [
      [keyed(a, b, 30, "dry"), posted],
      [keyed(a, b, 300, "dry-refused"), refused],
    ] as const) {
      const dry = await rehearse(request);
      expect(dry.body).toEqual(real.body);
      expect(dry.headers.get("idempotent-replayed")).toBe("true");
    }
    expect((await rehearse(keyed(a, b, 31, "dry"))).body.meta.reason).toBe("idempotency_key_reused");
    expect(await funds()).toBe("70/70 30/30 0/0");
  });

  test("among real transfers sees all members before it, but real ones do not see it", async () => {
    await given(100);
    const dry = { dry_run: true };
    const reply = await batch([
      move(a, b, 60, dry),
      move(a, b, 30),
      move(a, b, 11, dry),
      move(a, c, 70),
      move(b, c, 31),
    ]);
    expect(verdicts(reply)).toEqual(["60", "30", "insufficient_funds", "70", "insufficient_funds"]);
    expect(await funds()).toBe("0/0 30/30 70/70");
  });

  test("of an atomic batch sees its own steps", async () => {
    await given(10);
    const rehearse = { dry_run: true };
    const reply = await batch([move(a, b, 10, rehearse), move(b, c, 10, rehearse)], true);
    expect(verdicts(reply)).toEqual(["10", "10"]);
    expect(await funds()).toBe("10/10 0/0 0/0");
    const mixed = await batch([move(a, b, 10, rehearse), move(b, c, 10)], true);
    expect(mixed.body).toMatchObject({ code: "invalid_argument", meta: { argument: "transfers" } });
  });
});
