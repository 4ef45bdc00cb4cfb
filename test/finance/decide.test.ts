import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AccountStatus } from "../../generated/server/finance/v1/account.ts";
import { availableBalanceOf, balanceOf, keepsFloor } from "../../src/finance/account.ts";
import type { Books, LockedAccount } from "../../src/finance/books.ts";
import { type Decision, decide } from "../../src/finance/decide.ts";
import type { Refusal } from "../../src/finance/errors.ts";
import { accountId, transferId } from "../../src/finance/identifiers.ts";
import { INT64_MAX } from "../../src/finance/money.ts";

const alice = { subject: "alice", admin: false };
const admin = { subject: "root", admin: true };

function account(id: bigint, changes: Partial<LockedAccount> = {}): LockedAccount {
  return {
    id: accountId(id),
    owner: "alice",
    currency: "USD",
    debitNormal: false,
    debitsPosted: 0n,
    creditsPosted: 0n,
    debitsPending: 0n,
    creditsPending: 0n,
    overdraftLimit: 0n,
    unlimitedOverdraft: false,
    status: AccountStatus.OPEN,
    lastSequence: 0n,
    lapsedDebits: 0n,
    lapsedCredits: 0n,
    ...changes,
  };
}

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
  const order = {
    command: { kind: "create", transfer: { ...what, ...details } },
    actor,
    claim: undefined,
    dryRun: false,
  } as const;
  return decide(order, { accounts, transfers: new Map(), now: 5_000n }, { id: transferId(77n), floors: "now" });
}

describe("a posting between two wallets of 100 and 0", () => {
  const one = (changes: Partial<LockedAccount> = {}) =>
    account(1n, { creditsPosted: 100n, lastSequence: 3n, ...changes });
  const unlimited = (changes: Partial<LockedAccount>) => one({ unlimitedOverdraft: true, ...changes });
  const asset = (balance: bigint) => two({ debitNormal: true, debitsPosted: balance });
  const two = (changes: Partial<LockedAccount> = {}) => account(2n, { owner: "bob", ...changes });

  const frozen = AccountStatus.FROZEN;
  const closed = AccountStatus.CLOSED;
  const max = INT64_MAX;

  // biome-ignore format: a table is read by its columns
  const table: [given: string, one: LockedAccount, two: LockedAccount, amount: bigint, then: string][] = [
    // given                               debited                                 credited                         amount  then
    ["enough",                             one(),                                  two(),                             100n, "posted 0 100"],
    ["a cent too little",                  one(),                                  two(),                             101n, "insufficient_funds 1"],
    ["an overdraft limit just enough",     one({ overdraftLimit: 50n }),           two(),                             150n, "posted -50 150"],
    ["an overdraft limit a cent short",    one({ overdraftLimit: 50n }),           two(),                             151n, "insufficient_funds 1"],
    ["no floor",                           one({ unlimitedOverdraft: true }),      two(),                             900n, "posted -800 900"],
    ["60 of it held",                      one({ debitsPending: 60n }),            two(),                              40n, "posted 60 40"],
    ["61 of it held",                      one({ debitsPending: 61n }),            two(),                              40n, "insufficient_funds 1"],
    ["money on its way but not there",     one({ creditsPending: 50n }),           two(),                             101n, "insufficient_funds 1"],
    ["a credited asset without funds",     one(),                                  two({ debitNormal: true }),          1n, "insufficient_funds 2"],
    ["a credited asset with funds",        one(),                                  asset(9n),                           9n, "posted 91 0"],
    ["a debited asset",                    one({ debitNormal: true, debitsPosted: 500n }), two(),                      70n, "posted 470 70"],
    ["the debited one frozen",             one({ status: frozen }),                two(),                               1n, "account_not_open 1"],
    ["the credited one closed",            one(),                                  two({ status: closed }),             1n, "account_not_open 2"],
    ["two currencies",                     one(),                                  two({ currency: "EUR" }),            1n, "currency_mismatch"],
    ["debits near the end of int64",       one({ debitsPosted: max - 5n, creditsPosted: max }), two(),                  6n, "insufficient_funds 1"],
    ["debits that would leave int64",      unlimited({ debitsPosted: max, creditsPosted: max }), two(),                 1n, "out_of_range 1"],
    ["credits that would leave int64",     one(),                                  two({ creditsPosted: max }),         1n, "out_of_range 2"],
    ["credits that just fit int64",        one(),                                  two({ creditsPosted: max - 1n }),    1n, `posted 99 ${max}`],
    ["a frozen one in another currency",   one({ status: frozen }),                two({ currency: "EUR" }),          999n, "account_not_open 1"],
    ["another currency and too little",    one(),                                  two({ currency: "EUR" }),          999n, "currency_mismatch"],
  ];

  test.each(table)("given %s", (_, debited, credited, amount, then) => {
    const accounts = lock(debited, credited);
    const decision = decidePosting(posting(amount), alice, accounts);
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

  test("is refused to a stranger, who learns no balance, and allowed to an admin", () => {
    const stranger = { subject: "mallory", admin: false };
    expect(decidePosting(posting(1n), stranger, lock(one(), two()))).toMatchObject({
      situation: "account_not_owned",
      meta: { account_id: "1" },
    });
    expect(decidePosting(posting(1n), admin, lock(one(), two()))).toHaveProperty("movements");
    const toAsset = decidePosting(posting(1n), alice, lock(one(), two({ debitNormal: true, debitsPosted: 0n })));
    expect(toAsset).toMatchObject({ situation: "insufficient_funds", msg: "account 2 can't spend 1" });
  });

  test("names the account that does not exist, the debited one first", () => {
    expect(decidePosting(posting(1n), alice, lock())).toMatchObject({ meta: { resource: "account", id: "1" } });
    expect(decidePosting(posting(1n), alice, lock(one()))).toMatchObject({ meta: { resource: "account", id: "2" } });
  });
});

test("whatever is posted, debits equal credits, sequences have no gap and no floor breaks", () => {
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
      (steps, sides) => {
        const accounts = lock(
          ...ids.map((id, index) =>
            account(id, {
              debitNormal: sides[index] ?? false,
              unlimitedOverdraft: id === 1n,
              overdraftLimit: id === 2n ? 50n : 0n,
            }),
          ),
        );
        let posted = 0n;
        for (const { debit, credit, amount } of steps) {
          if (debit === credit) continue;
          const before = new Map(accounts);
          const decision = decidePosting(
            { debitAccountId: accountId(debit), creditAccountId: accountId(credit), amount },
            admin,
            accounts,
          );
          if ("situation" in decision) expect(accounts).toEqual(before);
          else posted += 1n;
        }
        const all = [...accounts.values()];
        const sum = (of: (each: LockedAccount) => bigint) => all.reduce((total, each) => total + of(each), 0n);
        expect(sum((each) => each.debitsPosted)).toBe(sum((each) => each.creditsPosted));
        expect(sum((each) => each.lastSequence)).toBe(posted * 2n);
        for (const each of all) {
          expect(keepsFloor(each)).toBe(true);
          expect(availableBalanceOf(each)).toBe(balanceOf(each));
        }
      },
    ),
  );
});
