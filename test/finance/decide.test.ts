import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AccountStatus } from "../../generated/server/finance/v1/account.ts";
import { availableBalanceOf, balanceOf, keepsFloor } from "../../src/finance/account.ts";
import type { Refusal } from "../../src/finance/errors.ts";
import { Books, type Decision, type LockedAccount } from "../../src/finance/posting/books.ts";
import { decide } from "../../src/finance/posting/decide.ts";
import { accountId, INT64_MAX, transferId } from "../../src/finance/values.ts";

const alice = { subject: "alice", admin: false };
const admin = { subject: "root", admin: true };

function account(id: bigint, changes: Partial<LockedAccount> = {}): LockedAccount {
  return {
    id: accountId(id),
    owner: "alice",
    currency: "USD",
    minorUnitDigits: 2,
    debitNormal: false,
    debitsPosted: 0n,
    creditsPosted: 0n,
    postedCarried: 0n,
    debitsPending: 0n,
    creditsPending: 0n,
    overdraftLimit: 0n,
    unlimitedOverdraft: false,
    status: AccountStatus.OPEN,
    lastSequence: 0n,
    recordedAt: 0n,
    ...changes,
  };
}

/** Past it the smaller of both sums of an account is carried out of both. */
const POSTED_SUM_MAX = 2n ** 62n;

type Accounts = Books["accounts"];

function lock(...accounts: LockedAccount[]): Accounts {
  return new Map(accounts.map((each) => [each.id, each]));
}

function posting(amount: bigint) {
  return { debitAccountId: accountId(1n), creditAccountId: accountId(2n), amount };
}

/** Decides a transfer that is posted at once. */
function decidePosting(what: ReturnType<typeof posting>, actor: typeof alice, accounts: Accounts): Decision | Refusal {
  const details = { description: "", metadata: {}, effectiveAt: undefined, pending: false, expiresAt: undefined };
  const posting = {
    command: { kind: "create", transfer: { ...what, ...details } },
    actor,
    claim: undefined,
    dryRun: false,
    path: "",
  } as const;
  return decide(posting, new Books({ clock: 5_000n, firstOpen: 0n }, { accounts }), {
    id: transferId(77n),
    floors: "now",
  });
}

describe("a posting between two wallets of 100 and 0", () => {
  const one = (changes: Partial<LockedAccount> = {}) =>
    account(1n, { creditsPosted: 100n, lastSequence: 3n, ...changes });
  const unlimited = (changes: Partial<LockedAccount>) => one({ unlimitedOverdraft: true, ...changes });
  const asset = (balance: bigint, owner = "bob", status = AccountStatus.OPEN) =>
    two({ debitNormal: true, debitsPosted: balance, owner, status });
  const both = (sum: bigint) => two({ debitsPosted: sum, creditsPosted: sum });
  const two = (changes: Partial<LockedAccount> = {}) => account(2n, { owner: "bob", ...changes });

  const frozen = AccountStatus.FROZEN;
  const closed = AccountStatus.CLOSED;
  const max = INT64_MAX;

  // biome-ignore format: a table is read by its columns
  const table: [given: string, by: typeof alice, one: LockedAccount, two: LockedAccount, amount: bigint, then: string][] = [
    // given                               by     debited                                credited                         amount  then
    ["enough",                             alice, one(),                                 two(),                             100n, "posted 0 100"],
    ["a cent too little",                  alice, one(),                                 two(),                             101n, "insufficient_funds 1"],
    ["an overdraft limit just enough",     alice, one({ overdraftLimit: 50n }),          two(),                             150n, "posted -50 150"],
    ["an overdraft limit a cent short",    alice, one({ overdraftLimit: 50n }),          two(),                             151n, "insufficient_funds 1"],
    ["no floor",                           alice, unlimited({}),                         two(),                             900n, "posted -800 900"],
    ["60 of it held",                      alice, one({ debitsPending: 60n }),           two(),                              40n, "posted 60 40"],
    ["61 of it held",                      alice, one({ debitsPending: 61n }),           two(),                              40n, "insufficient_funds 1"],
    ["money on its way but not there",     alice, one({ creditsPending: 50n }),          two(),                             101n, "insufficient_funds 1"],
    ["a credited asset without funds",     admin, one(),                                 asset(0n),                           1n, "insufficient_funds 2"],
    ["a credited asset with funds",        admin, one(),                                 asset(9n),                           9n, "posted 91 0"],
    ["another's asset without funds",      alice, one(),                                 asset(0n),                           1n, "account_not_creditable 2"],
    ["another's asset with funds",         alice, one(),                                 asset(9n),                           9n, "account_not_creditable 2"],
    ["one's own asset without funds",      alice, one(),                                 asset(0n, "alice"),                  1n, "insufficient_funds 2"],
    ["one's own asset with funds",         alice, one(),                                 asset(9n, "alice"),                  9n, "account_not_creditable 2"],
    ["a debited asset",                    admin, one({ debitNormal: true, debitsPosted: 500n }), two(),                     70n, "posted 470 70"],
    ["a debited asset of one's own",       alice, one({ debitNormal: true, debitsPosted: 500n }), two(),                     70n, "account_not_debitable 1"],
    ["a frozen asset of one's own",        alice, one({ debitNormal: true, status: frozen }),     two(),                      1n, "account_not_debitable 1"],
    ["the debited one frozen",             alice, one({ status: frozen }),               two(),                               1n, "account_not_open 1"],
    ["the credited one closed",            alice, one(),                                 two({ status: closed }),             1n, "account_not_open 2"],
    ["another's asset closed",             alice, one(),                                 asset(0n, "bob", closed),            1n, "account_not_open 2"],
    ["two currencies",                     alice, one(),                                 two({ currency: "EUR" }),            1n, "currency_mismatch"],
    ["debits near the end of int64",       alice, one({ debitsPosted: max - 5n, creditsPosted: max }), two(),                 6n, "insufficient_funds 1"],
    ["sums at the end of int64",           alice, unlimited({ debitsPosted: max, creditsPosted: max }), both(max),            1n, "posted -1 1"],
    ["a balance that just fits below",     alice, unlimited({ creditsPosted: 0n, debitsPosted: max - 1n }), two(),            1n, `posted -${max} 1`],
    ["a balance that would leave below",   alice, unlimited({ creditsPosted: 0n, debitsPosted: max }), two(),                 1n, "out_of_range 1"],
    ["holds that could take it below",     alice, unlimited({ debitsPending: max }),     two(),                             101n, "out_of_range 1"],
    ["holds that could just not",          alice, unlimited({ debitsPending: max }),     two(),                             100n, "posted 0 100"],
    ["an account that is full",            admin, one(),                                 two({ creditsPosted: max }),         1n, "out_of_range 2"],
    ["one's own that is full",             alice, one(),                                 two({ creditsPosted: max, owner: "alice" }), 1n, "out_of_range 2"],
    ["another's that is full",             alice, one(),                                 two({ creditsPosted: max }),         1n, "account_not_creditable 2"],
    ["a full one that money has left",     alice, one(),                                 two({ creditsPosted: max, debitsPosted: 1n }), 1n, `posted 99 ${max}`],
    ["one that is just not full",          alice, one(),                                 two({ creditsPosted: max - 1n }),    1n, `posted 99 ${max}`],
    ["one that holds will fill",           alice, one(),                                 two({ creditsPosted: max - 6n, creditsPending: 5n }), 2n, "account_not_creditable 2"],
    ["one that holds will just not fill",  alice, one(),                                 two({ creditsPosted: max - 6n, creditsPending: 5n }), 1n, `posted 99 ${max - 5n}`],
    ["a frozen one in another currency",   alice, one({ status: frozen }),               two({ currency: "EUR" }),          999n, "account_not_open 1"],
    ["another currency and too little",    alice, one(),                                 two({ currency: "EUR" }),          999n, "currency_mismatch"],
    ["too little for a full one",          alice, one(),                                 two({ creditsPosted: max }),       999n, "insufficient_funds 1"],
  ];

  test.each(table)("given %s", (_, by, debited, credited, amount, then) => {
    const accounts = lock(debited, credited);
    const decision = decidePosting(posting(amount), by, accounts);
    if ("situation" in decision) {
      expect([decision.situation, decision.meta["account_id"]].filter(Boolean).join(" ")).toBe(then);
      expect([...accounts.values()]).toEqual([debited, credited]);
    } else {
      const [debit, credit] = decision.movements;
      expect(`posted ${debit?.balanceAfter} ${credit?.balanceAfter}`).toBe(then);
    }
  });

  test("makes two movements that continue each account's sequence", () => {
    const accounts = lock(one(), two());
    expect(decidePosting(posting(30n), alice, accounts)).toMatchObject({
      effect: "created",
      transfer: { id: 77n, amount: 30n, currency: "USD", createdAt: 5_000n, effectiveAt: 5_000n },
      movements: [
        { accountId: 1n, sequence: 4n, transferId: 77n, amount: -30n, balanceAfter: 70n },
        { accountId: 2n, sequence: 1n, transferId: 77n, amount: 30n, balanceAfter: 30n },
      ],
    });
    expect(accounts.get(accountId(1n))).toMatchObject({ debitsPosted: 30n, creditsPosted: 100n, lastSequence: 4n });
  });

  test("is refused to another caller without showing the balance, and allowed to an admin", () => {
    const stranger = { subject: "mallory", admin: false };
    expect(decidePosting(posting(1n), stranger, lock(one(), two()))).toMatchObject({
      situation: "account_not_owned",
      meta: { account_id: "1" },
    });
    expect(decidePosting(posting(1n), admin, lock(one(), two()))).toHaveProperty("movements");
  });

  test("does not say why another caller's account can't be credited", () => {
    const refusals = [two({ creditsPosted: max }), asset(0n), asset(1n), asset(1000n), asset(-5n)].map((credited) =>
      decidePosting(posting(1n), alice, lock(one(), credited)),
    );
    for (const refusal of refusals) {
      expect(refusal).toEqual({
        situation: "account_not_creditable",
        msg: "you can't credit account 2 now",
        meta: { reason: "account_not_creditable", account_id: "2" },
      });
    }
  });

  test("keeps the sums of an account small and its totals exact", () => {
    const accounts = lock(unlimited({ debitsPosted: max - 7n, creditsPosted: max, postedCarried: 3n }), two());
    decidePosting(posting(30n), alice, accounts);
    expect(accounts.get(accountId(1n))).toMatchObject({
      debitsPosted: 23n,
      creditsPosted: 0n,
      postedCarried: max + 3n,
    });
    expect(accounts.get(accountId(2n))).toMatchObject({ debitsPosted: 0n, creditsPosted: 30n, postedCarried: 0n });
  });

  test("names the account that does not exist, the debited one first", () => {
    expect(decidePosting(posting(1n), alice, lock())).toMatchObject({ meta: { resource: "account", id: "1" } });
    expect(decidePosting(posting(1n), alice, lock(one()))).toMatchObject({ meta: { resource: "account", id: "2" } });
  });
});

test("after any postings, debits equal credits, sequences have no gaps and no floor is broken", () => {
  const ids = [1n, 2n, 3n, 4n];
  const step = fc.record({
    debit: fc.constantFrom(...ids),
    credit: fc.constantFrom(...ids),
    amount: fc.bigInt({ min: 1n, max: 120n }),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      fc.constantFrom(0n, POSTED_SUM_MAX - 50n, INT64_MAX),
      (steps, sides, sums) => {
        const accounts = lock(
          ...ids.map((id, index) =>
            account(id, {
              debitNormal: sides[index] ?? false,
              debitsPosted: sums,
              creditsPosted: sums,
              unlimitedOverdraft: id === 1n,
              overdraftLimit: id === 2n ? 50n : 0n,
            }),
          ),
        );
        let posted = 0n;
        let moved = 0n;
        for (const { debit, credit, amount } of steps) {
          if (debit === credit) continue;
          const before = new Map(accounts);
          const decision = decidePosting(
            { debitAccountId: accountId(debit), creditAccountId: accountId(credit), amount },
            admin,
            accounts,
          );
          if ("situation" in decision) expect(accounts).toEqual(before);
          else {
            posted += 1n;
            moved += amount;
          }
        }
        const all = [...accounts.values()];
        const sum = (of: (each: LockedAccount) => bigint) => all.reduce((total, each) => total + of(each), 0n);
        const debits = sum((each) => each.debitsPosted + each.postedCarried);
        expect(debits).toBe(sum((each) => each.creditsPosted + each.postedCarried));
        expect(debits).toBe(sums * 4n + moved);
        expect(sum((each) => each.lastSequence)).toBe(posted * 2n);
        for (const each of all) {
          expect(keepsFloor(each)).toBe(true);
          expect(availableBalanceOf(each)).toBe(balanceOf(each));
          const untouched = each.lastSequence === 0n;
          const lesser = each.debitsPosted < each.creditsPosted ? each.debitsPosted : each.creditsPosted;
          if (!untouched) expect(lesser).toBeLessThanOrEqual(POSTED_SUM_MAX);
        }
      },
    ),
  );
});
