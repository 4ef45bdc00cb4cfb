import { type Account, AccountStatus, AccountType } from "../../generated/client/finance/v1/account.ts";
import type { Entry } from "../../generated/client/finance/v1/entry.ts";

const TYPES: Readonly<Partial<Record<AccountType, string>>> = {
  [AccountType.ACCOUNT_TYPE_ASSET]: "Asset",
  [AccountType.ACCOUNT_TYPE_LIABILITY]: "Liability",
  [AccountType.ACCOUNT_TYPE_EQUITY]: "Equity",
  [AccountType.ACCOUNT_TYPE_INCOME]: "Income",
  [AccountType.ACCOUNT_TYPE_EXPENSE]: "Expense",
};

/** The account's type in a word. */
export function typeOf({ type }: Pick<Account, "type">): string {
  return TYPES[type] ?? "Unknown type";
}

/** What keeps the account from moving money; undefined when nothing does. */
export function hindranceOf({ status }: Pick<Account, "status">): string | undefined {
  if (status === AccountStatus.ACCOUNT_STATUS_FROZEN) return "Frozen";
  return status === AccountStatus.ACCOUNT_STATUS_CLOSED ? "Closed" : undefined;
}

/** Whether a debit raises the balance: on assets and expenses. */
export function isDebitNormal({ type }: Pick<Account, "type">): boolean {
  return type === AccountType.ACCOUNT_TYPE_ASSET || type === AccountType.ACCOUNT_TYPE_EXPENSE;
}

/** Which side of the account an entry is on. */
export function sideOf({ amount }: Pick<Entry, "amount">, account: Pick<Account, "type">): "Debit" | "Credit" {
  return amount > 0n === isDebitNormal(account) ? "Debit" : "Credit";
}
