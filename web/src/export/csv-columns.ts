/** The columns of each list as CSV. Times are the service's own: UTC, exact to the microsecond. */
import type { Account, Entry } from "@finance-service/client";
import { sideOf } from "../labels.ts";
import { type CsvColumn, decimalOf } from "./csv.ts";

type Accounts = ReadonlyMap<bigint, Account>;

export function entryColumns(account: Account, accounts: Accounts): readonly CsvColumn<Entry>[] {
  const onSide = (side: ReturnType<typeof sideOf>) => (entry: Entry) =>
    sideOf(entry, account) === side ? decimalOf(entry.amount < 0n ? -entry.amount : entry.amount, entry) : "";
  return [
    { head: "Entry", isNumber: true, cell: ({ sequence }) => `${sequence}` },
    { head: "Recorded", cell: ({ createdAt }) => createdAt ?? "" },
    { head: "Effective", cell: ({ effectiveAt }) => effectiveAt ?? "" },
    { head: "Transfer", isNumber: true, cell: ({ transferId }) => `${transferId}` },
    { head: "Description", cell: ({ description }) => description },
    { head: "Other account", isNumber: true, cell: ({ counterpartyAccountId }) => `${counterpartyAccountId}` },
    {
      head: "Other account name",
      cell: ({ counterpartyAccountId }) => accounts.get(counterpartyAccountId)?.name ?? "",
    },
    { head: "Debit", isNumber: true, cell: onSide("Debit") },
    { head: "Credit", isNumber: true, cell: onSide("Credit") },
    { head: "Balance", isNumber: true, cell: (entry) => decimalOf(entry.balanceAfter, entry) },
    { head: "Currency", cell: ({ currency }) => currency },
  ];
}
