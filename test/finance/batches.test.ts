import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
const funds = async () => [await fundsOf(service, a), await fundsOf(service, b), await fundsOf(service, c)].join(" ");

describe("an independent batch", () => {
  test("decides each member on what the earlier ones left: good, bad, good", async () => {
    await given(100);
    const reply = await batch([move(a, b, 80), move(a, c, 30), move(b, c, 80)]);
    expect(reply.status).toBe(200);
    expect(verdicts(reply)).toEqual(["80", "insufficient_funds", "80"]);
    expect(reply.body.results[1].error).toMatchObject({ code: "failed_precondition", meta: { account_id: a } });
    expect(await funds()).toBe("20/20 0/0 80/80");
  });

  test("names a malformed member by its path and posts nothing", async () => {
    await given(100);
    const { status, body } = await batch([move(a, b, 1), move(a, b, 0)]);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid_argument", meta: { argument: "transfers[1].amount" } });
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
    const keyed = move(a, b, 10, { idempotency_key: "member" });
    const first = await batch([keyed, move(a, b, 1), keyed, { ...keyed, amount: 11 }]);
    expect(verdicts(first)).toEqual(["10", "1", "10", "idempotency_key_reused"]);
    expect(first.body.results[2]).toEqual(first.body.results[0]);
    const single = await service.call("CreateTransfer", keyed, alice);
    expect(single.body).toEqual(first.body.results[0].transfer);
    expect(single.headers.get("idempotent-replayed")).toBe("true");
    expect(await funds()).toBe("89/89 11/11 0/0");
  });
});

describe("an atomic batch", () => {
  test("with one bad member leaves nothing visible and says which it was", async () => {
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
    expect(verdicts(reply)).toEqual(["batch_refused", "batch_refused", "insufficient_funds"]);
    expect(await funds()).toBe("10/10 0/0 0/0");
  });

  test("is refused whole again when its keys are used again, and posts under new ones", async () => {
    await given(100);
    const members = (run: string) => [
      move(a, b, 60, { idempotency_key: `${run}-1` }),
      move(a, c, 60, { idempotency_key: `${run}-2` }),
    ];
    const first = await batch(members("x"), true);
    await service.call("UpdateAccount", { id: a, overdraft_limit: 20 }, alice);
    const again = await batch(members("x"), true);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(verdicts(await batch(members("y"), true))).toEqual(["60", "60"]);
    expect(await funds()).toBe("-20/-20 60/60 60/60");
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
  test("gives the same verdict and balances and writes nothing", async () => {
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
