import { expect, test } from "vitest";
import { AccountType } from "../../packages/client/src/index.ts";
import { sumBalances } from "../../web/src/books/balance-sums.ts";
import { anAccount } from "./accounts.ts";

test("balances are summed by currency, sorted by code, and by type, in the order of a balance sheet", () => {
  const accounts = [
    anAccount({ type: AccountType.ACCOUNT_TYPE_LIABILITY, balance: 5n }),
    anAccount({ type: AccountType.ACCOUNT_TYPE_ASSET, balance: 7n }),
    anAccount({ type: AccountType.ACCOUNT_TYPE_LIABILITY, balance: -2n }),
    anAccount({ type: AccountType.ACCOUNT_TYPE_EQUITY, balance: 2n ** 62n, currency: "JPY", minorUnitDigits: 0 }),
    anAccount({ type: AccountType.ACCOUNT_TYPE_EQUITY, balance: 2n ** 62n, currency: "JPY", minorUnitDigits: 0 }),
  ];
  expect(sumBalances(accounts)).toEqual([
    {
      money: { currency: "JPY", minorUnitDigits: 0 },
      types: [{ type: AccountType.ACCOUNT_TYPE_EQUITY, accounts: 2, balance: 2n ** 63n }],
    },
    {
      money: { currency: "USD", minorUnitDigits: 2 },
      types: [
        { type: AccountType.ACCOUNT_TYPE_ASSET, accounts: 1, balance: 7n },
        { type: AccountType.ACCOUNT_TYPE_LIABILITY, accounts: 2, balance: 3n },
      ],
    },
  ]);
});

test("without accounts there are no sums", () => {
  expect(sumBalances([])).toEqual([]);
});
