import { expect, test } from "vitest";
import { AccountType } from "../../packages/client/src/index.ts";
import { sideOf } from "../../web/src/labels.ts";

test.each<[type: keyof typeof AccountType, amount: bigint, side: "Debit" | "Credit"]>([
  ["ACCOUNT_TYPE_ASSET", 1n, "Debit"],
  ["ACCOUNT_TYPE_ASSET", -1n, "Credit"],
  ["ACCOUNT_TYPE_EXPENSE", 1n, "Debit"],
  ["ACCOUNT_TYPE_EXPENSE", -1n, "Credit"],
  ["ACCOUNT_TYPE_LIABILITY", 1n, "Credit"],
  ["ACCOUNT_TYPE_LIABILITY", -1n, "Debit"],
  ["ACCOUNT_TYPE_EQUITY", 1n, "Credit"],
  ["ACCOUNT_TYPE_INCOME", -1n, "Debit"],
])("on an account of %s an entry of %d is a %s", (type, amount, side) => {
  expect(sideOf({ amount }, { type: AccountType[type] })).toBe(side);
});
