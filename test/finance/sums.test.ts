import { afterAll, beforeAll, expect, test } from "vitest";
import type { PostingGroup } from "../../src/finance/posting/posting.ts";
import { AMOUNT_MAX, accountId, INT64_MAX } from "../../src/finance/values.ts";
import { findingsOf, fundsOf, openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let bank: string;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "silent" });
  bank = await openAccount(service, "bank", { unlimited_overdraft: true });
});
afterAll(async () => {
  expect(await findingsOf(service.pool)).toEqual([]);
  await service.close();
});

/** Transfers one after the other, all or none. */
function groupOf(admin: boolean, ...moves: [debit: string, credit: string, amount: bigint][]): PostingGroup {
  const postings = moves.map(([debit, credit, amount]) => ({
    command: {
      kind: "create" as const,
      transfer: {
        debitAccountId: accountId(BigInt(debit)),
        creditAccountId: accountId(BigInt(credit)),
        amount,
        description: "",
        metadata: {},
        effectiveAt: undefined,
        pending: false,
        expiresAt: undefined,
      },
    },
    actor: { subject: "alice", admin },
    claim: undefined,
    dryRun: false,
    path: "",
  }));
  return { postings, atomic: true };
}

async function post(groups: readonly PostingGroup[]): Promise<void> {
  for (const outcomes of await Promise.all(groups.map((group) => service.ledger.queue.post(group)))) {
    for (const { result } of outcomes) expect("situation" in result ? result : undefined).toBeUndefined();
  }
}

test("20,000 batches that move the largest amount back and forth exhaust neither account nor report", async () => {
  const a = await openFunded(service, "alice", 1000);
  const b = await openAccount(service, "alice");
  const thereAndBack = groupOf(false, [a, b, AMOUNT_MAX], [b, a, AMOUNT_MAX]);
  for (let round = 0; round < 5; round += 1) await post(Array.from({ length: 4000 }, () => thereAndBack));
  const alice = await service.token("alice");
  const move = { debit_account_id: a, credit_account_id: b, amount: 1 };
  expect(verdictOf(await service.call("CreateTransfer", move, alice))).toBe("200");
  const moved = 20_000n * AMOUNT_MAX;
  const { body: account } = await service.call("GetAccount", { id: a }, alice);
  expect(account).toMatchObject({
    balance: "999",
    debits_posted: `${INT64_MAX}`,
    credits_posted: `${INT64_MAX}`,
    total_debits: `${moved + 1n}`,
    total_credits: `${moved + 1000n}`,
  });
  const { body: report } = await service.call("GetTrialBalance", {});
  expect(report.currencies).toMatchObject([
    {
      currency: "USD",
      total_debits: `${INT64_MAX}`,
      total_credits: `${INT64_MAX}`,
      exact_total_debits: `${2n * moved + 1001n}`,
      exact_total_credits: `${2n * moved + 1001n}`,
      balanced: true,
    },
  ]);
  const { body: history } = await service.call("GetBalanceHistory", {
    account_id: a,
    start: new Date(Date.now() - 3_600_000).toISOString(),
    interval: "INTERVAL_MONTH",
  });
  const total = history.points.reduce(
    (sum: bigint, point: { total_debits: string }) => sum + BigInt(point.total_debits),
    0n,
  );
  expect(total).toBe(moved + 1n);
}, 120_000);

test("a balance at the end of int64 refuses more until money moves back, and other callers are not told why", async () => {
  const source = await openFunded(service, "carol", 100);
  const full = await openAccount(service, "bob");
  // The bank's own balance would reach the other end.
  const vault = await openAccount(service, "bank", { unlimited_overdraft: true });
  const rest = INT64_MAX - 3n - 9223n * AMOUNT_MAX;
  const moves = Array.from({ length: 9223 }, () => groupOf(true, [vault, full, AMOUNT_MAX]));
  await post(moves.slice(0, 5000));
  await post([...moves.slice(5000), groupOf(true, [vault, full, rest])]);
  const move = { debit_account_id: bank, credit_account_id: full };
  const transfers = [2, 5, 1, 1].map((amount) => ({ ...move, amount }));
  const { body } = await service.call("BatchCreateTransfers", { transfers });
  expect(body.results.map(({ error }: { error?: { code: string } }) => error?.code ?? "posted")).toEqual([
    "posted",
    "out_of_range",
    "posted",
    "out_of_range",
  ]);
  const carol = await service.token("carol");
  const paid = await service.call(
    "CreateTransfer",
    { debit_account_id: source, credit_account_id: full, amount: 1 },
    carol,
  );
  expect(paid.body).toEqual({
    code: "failed_precondition",
    msg: `you can't credit account ${full} now`,
    meta: { reason: "account_not_creditable", account_id: full },
  });
  const tooMuch = { debit_account_id: source, credit_account_id: full, amount: 101 };
  expect(verdictOf(await service.call("CreateTransfer", tooMuch, carol))).toBe("insufficient_funds");
  const back = { debit_account_id: full, credit_account_id: bank, amount: 1 };
  expect(verdictOf(await service.call("CreateTransfer", back))).toBe("200");
  expect(verdictOf(await service.call("CreateTransfer", { ...move, amount: 1 }))).toBe("200");
  expect(await fundsOf(service, full)).toBe(`${INT64_MAX}/${INT64_MAX}`);
});
