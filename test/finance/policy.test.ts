import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AccountStatus, AccountType } from "../../generated/server/finance/v1/account.ts";
import {
  type AccountAction,
  type AccountRelation,
  accountPolicy,
  adminPartOfChange,
  adminPartOfNewAccount,
  adminPartOfTransfer,
  type HoldAction,
  holdPolicy,
  may,
  maySettle,
} from "../../src/finance/policy.ts";
import { findingsOf, openAccount } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const plain = { subject: "alice", admin: false };
const admin = { subject: "root", admin: true };

describe("the policy", () => {
  const relations: [AccountRelation, { owner: string; debitNormal: boolean }][] = [
    ["own, credit-normal", { owner: "alice", debitNormal: false }],
    ["own, debit-normal", { owner: "alice", debitNormal: true }],
    ["other, credit-normal", { owner: "bob", debitNormal: false }],
    ["other, debit-normal", { owner: "bob", debitNormal: true }],
  ];
  // biome-ignore format: a table is read by its columns
  const expected: Record<AccountAction, [ownCredit: boolean, ownDebit: boolean, otherCredit: boolean, otherDebit: boolean]> = {
    read:           [true,  true,  false, false],
    describe:       [true,  true,  false, false],
    close:          [true,  true,  false, false],
    debit:          [true,  false, false, false],
    credit:         [true,  false, true,  false],
    set_limits:     [false, false, false, false],
    freeze_or_open: [false, false, false, false],
  };
  const actions = Object.keys(accountPolicy) as AccountAction[];

  test.each(actions)("lets a plain caller %s only what the table allows, and an admin everything", (action) => {
    expect(relations.map(([, account]) => may(plain, action, account))).toEqual(expected[action]);
    expect(relations.map(([, account]) => may(admin, action, account))).toEqual([true, true, true, true]);
  });

  // biome-ignore format: a table is read by its columns
  const holds: [hold: string, createdBy: string | null, creditOwner: string, capture: boolean, release: boolean][] = [
    ["placed",                    "alice",   "bob",   true,  true],
    ["placed and received",       "alice",   "alice", true,  true],
    ["received",                  "bob",     "alice", false, true],
    ["of strangers",              "bob",     "bob",   false, false],
    ["placed by nobody knows",    null,      "bob",   false, false],
    ["received, from before",     null,      "alice", false, true],
  ];
  test.each(holds)(
    "lets a plain caller settle a hold %s as the table says",
    (...[, createdBy, creditOwner, capture, release]) => {
      const hold = { createdBy, creditOwner };
      const actions: HoldAction[] = ["capture", "void"];
      expect(actions.map((action) => maySettle(plain, action, hold))).toEqual([capture, release]);
      expect(actions.map((action) => maySettle(admin, action, hold))).toEqual([true, true]);
    },
  );

  test("names the part of a request that needs finance.admin", () => {
    const account = { owner: "", type: AccountType.LIABILITY, overdraftLimit: 0n, unlimitedOverdraft: false };
    const parts = [
      adminPartOfNewAccount("alice", account),
      adminPartOfNewAccount("alice", { ...account, owner: "alice" }),
      adminPartOfNewAccount("alice", { ...account, owner: "bob" }),
      adminPartOfNewAccount("alice", { ...account, type: AccountType.UNSPECIFIED }),
      adminPartOfNewAccount("alice", { ...account, type: AccountType.EQUITY }),
      adminPartOfNewAccount("alice", { ...account, overdraftLimit: 1n }),
      adminPartOfNewAccount("alice", { ...account, unlimitedOverdraft: true }),
      adminPartOfChange({}),
      adminPartOfChange({ status: AccountStatus.CLOSED }),
      adminPartOfChange({ status: AccountStatus.FROZEN }),
      adminPartOfChange({ status: AccountStatus.OPEN }),
      adminPartOfChange({ overdraftLimit: 0n }),
      adminPartOfChange({ unlimitedOverdraft: false }),
      adminPartOfTransfer({}),
      adminPartOfTransfer({ effectiveAt: {} }),
    ].map((part) => part !== undefined);
    // biome-ignore format: in the order above
    expect(parts).toEqual([
      false, false, true, false, true, true, true,
      false, false, true, true, true, true,
      false, true,
    ]);
  });

  test("is what docs/security.md says", async () => {
    const docs = await readFile(new URL("../../docs/security.md", import.meta.url), "utf8");
    const rows = [...docs.matchAll(/^\| .* \| `(\w+)` \| (.*) \|$/gm)].map(([, action = "", cells = ""]) => [
      action,
      cells.split(" | ").map((cell) => cell.trim()),
    ]);
    const yes = (allowed: boolean) => (allowed ? "yes" : "no");
    expect(Object.fromEntries(rows)).toEqual({
      ...Object.fromEntries(
        actions.map((action) => [action, relations.map(([relation]) => yes(accountPolicy[action].includes(relation)))]),
      ),
      ...Object.fromEntries(
        (Object.keys(holdPolicy) as HoldAction[]).map((action) => [
          action,
          (["placed", "receives"] as const).map((relation) => yes(holdPolicy[action].includes(relation))),
        ]),
      ),
    });
  });
});

describe("whatever callers without finance.admin try", () => {
  let service: TestService;
  const tokens: string[] = [];
  /** Of alice, bob and the bank, by all types, and some that only an admin could have opened. */
  const accounts: string[] = [];
  const owned: string[] = [];
  const transfers: string[] = [];

  beforeAll(async () => {
    service = await startTestService({ LOG_LEVEL: "silent" });
    for (const subject of ["alice", "bob"]) tokens.push(await service.token(subject));
    const types = ["LIABILITY", "EQUITY", "INCOME", "ASSET", "EXPENSE"];
    const bank = await openAccount(service, "bank", { type: "ACCOUNT_TYPE_ASSET", unlimited_overdraft: true });
    accounts.push(bank, await openAccount(service, "bank"));
    for (const owner of ["alice", "bob"]) {
      for (const type of types) owned.push(await openAccount(service, owner, { type: `ACCOUNT_TYPE_${type}` }));
      owned.push(await openAccount(service, owner, { overdraft_limit: 40 }));
      owned.push(await openAccount(service, owner, { type: "ACCOUNT_TYPE_ASSET", unlimited_overdraft: true }));
    }
    accounts.push(...owned);
    for (const credit of owned) {
      const move = { debit_account_id: bank, credit_account_id: credit, amount: 1000 };
      const paid = await service.call("CreateTransfer", move);
      if (paid.status === 200) transfers.push(paid.body.id);
      // Holds that an admin placed: to and from plain callers.
      const held = await service.call("CreateTransfer", { ...move, amount: 30, pending: true });
      if (held.status === 200) transfers.push(held.body.id);
      const taken = { debit_account_id: credit, credit_account_id: bank, amount: 10, pending: true };
      const reserved = await service.call("CreateTransfer", taken);
      if (reserved.status === 200) transfers.push(reserved.body.id);
    }
  });
  afterAll(async () => {
    expect(await findingsOf(service.pool)).toEqual([]);
    await service.close();
  });

  const pick = fc.nat();
  const amount = fc.constantFrom(0, 1, 2, 7, 50, 100, 10 ** 15);
  // Mostly own wallets, so that much goes through.
  const party = fc.oneof({ weight: 2, arbitrary: pick }, { weight: 1, arbitrary: fc.constantFrom(2, 9) });
  const transfer = fc.record({ debit: party, credit: party, amount, pending: fc.boolean(), dry: fc.boolean() });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("transfer" as const), transfer }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("batch" as const),
        transfers: fc.array(transfer, { minLength: 1, maxLength: 4 }),
        atomic: fc.boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("settle" as const),
        method: fc.constantFrom("CaptureTransfer", "VoidTransfer", "ReverseTransfer"),
        transfer: pick,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("update" as const),
        account: pick,
        change: fc.constantFrom(
          { overdraft_limit: "9223372036854775807" },
          { unlimited_overdraft: true },
          { status: "ACCOUNT_STATUS_FROZEN" },
          { status: "ACCOUNT_STATUS_OPEN" },
          { metadata: { a: "b" } },
        ),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("open" as const),
        type: fc.constantFrom("LIABILITY", "ASSET", "EXPENSE", "EQUITY", "INCOME"),
        limits: fc.constantFrom({}, { overdraft_limit: 1000 }, { unlimited_overdraft: true }),
      }),
    },
  );

  type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
  type TransferStep = typeof transfer extends fc.Arbitrary<infer Value> ? Value : never;

  async function take(each: Step, token: string): Promise<void> {
    const accountAt = (index: number) => accounts[index % accounts.length] ?? "";
    const requestOf = ({ debit, credit, amount, pending, dry }: TransferStep) => ({
      debit_account_id: accountAt(debit),
      credit_account_id: accountAt(credit),
      amount,
      pending,
      dry_run: dry,
    });
    const keep = (body: { id?: string }) => {
      if (body.id !== undefined && body.id !== "0") transfers.push(body.id);
    };
    switch (each.kind) {
      case "transfer":
        return keep((await service.call("CreateTransfer", requestOf(each.transfer), token)).body);
      case "batch": {
        const request = { transfers: each.transfers.map(requestOf), atomic: each.atomic };
        const { body } = await service.call("BatchCreateTransfers", request, token);
        for (const { transfer: made } of body.results ?? []) keep(made ?? {});
        return;
      }
      case "settle":
        return keep((await service.call(each.method, { id: transfers[each.transfer % transfers.length] }, token)).body);
      case "update":
        await service.call("UpdateAccount", { id: accountAt(each.account), ...each.change }, token);
        return;
      case "open": {
        const request = { name: "Mine", type: `ACCOUNT_TYPE_${each.type}`, currency: "USD", ...each.limits };
        const { status, body } = await service.call("CreateAccount", request, token);
        if (status === 200) {
          accounts.push(body.id);
          owned.push(body.id);
        }
      }
    }
  }

  /** What plain callers own, by the books. */
  async function owns(): Promise<bigint> {
    let sum = 0n;
    for (const id of owned) sum += BigInt((await service.call("GetAccount", { id })).body.balance);
    return sum;
  }

  test("they never own more than admins paid in", async () => {
    const prepared = transfers.length;
    let before = await owns();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(1)), { minLength: 10, maxLength: 25 }), async (steps) => {
        for (const [each, who] of steps) await take(each, tokens[who] ?? "");
        const after = await owns();
        expect(after).toBeLessThanOrEqual(before);
        before = after;
      }),
      { numRuns: 80, endOnFailure: true },
    );
    // About 80 go through; 20 is far below what any seed makes.
    expect(transfers.length - prepared).toBeGreaterThan(20);
  }, 120_000);
});
