import type { Account, AccountType, Currency } from "@finance-service/client";
import { accountTypes } from "../labels.ts";

/** The total balances of one currency by account type, in the order of a balance sheet. */
export interface CurrencySums {
  readonly money: Currency;
  readonly types: readonly TypeSum[];
}

export interface TypeSum {
  readonly type: AccountType;
  readonly accounts: number;
  /** On the type's normal side, minor units. */
  readonly balance: bigint;
}

/** Totals by currency, sorted by code, without types that have no accounts. */
export function sumBalances(accounts: readonly Account[]): CurrencySums[] {
  const codes = [...new Set(accounts.map(({ currency }) => currency))].sort();
  return codes.flatMap((code) => {
    const kept = accounts.filter(({ currency }) => currency === code);
    const [first] = kept;
    if (first === undefined) return [];
    const types = accountTypes
      .map(({ value: type }) => {
        const alike = kept.filter((account) => account.type === type);
        return { type, accounts: alike.length, balance: alike.reduce((sum, { balance }) => sum + balance, 0n) };
      })
      .filter((sum) => sum.accounts > 0);
    return [{ money: { currency: code, minorUnitDigits: first.minorUnitDigits }, types }];
  });
}
