import type { Account, Currency, Transfer } from "@finance-service/client";

/** The transfer's currency, with the decimal places that its accounts are kept in; those of ISO 4217 where neither is known. */
export function currencyOf(
  transfer: Pick<Transfer, "currency" | "debitAccountId" | "creditAccountId">,
  accounts: ReadonlyMap<bigint, Account>,
): Currency {
  return (
    accounts.get(transfer.debitAccountId) ?? accounts.get(transfer.creditAccountId) ?? currencyNamed(transfer.currency)
  );
}

/** A currency by its code, with the decimal places that browsers know of it. */
export function currencyNamed(currency: string): Currency {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
  return { currency, minorUnitDigits: maximumFractionDigits };
}
