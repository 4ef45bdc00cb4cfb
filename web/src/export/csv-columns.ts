/** The columns of each list as CSV. Times are the service's own: UTC, exact to the microsecond. */
import type { Account, Entry, Transfer } from "@finance-service/client";
import { hindranceOf, sideOf, stateOf, typeOf } from "../labels.ts";
import type { Line } from "../transfers/journal-lines.ts";
import { type CsvColumn, decimalOf } from "./csv.ts";

type Accounts = ReadonlyMap<bigint, Account>;

export const accountColumns: readonly CsvColumn<Account>[] = [
  { head: "Account", isNumber: true, cell: ({ id }) => `${id}` },
  { head: "Name", cell: ({ name }) => name },
  { head: "Owner", cell: ({ owner }) => owner },
  { head: "Type", cell: typeOf },
  { head: "Status", cell: (account) => hindranceOf(account) ?? "Open" },
  { head: "Currency", cell: ({ currency }) => currency },
  { head: "Balance", isNumber: true, cell: (account) => decimalOf(account.balance, account) },
  { head: "Available", isNumber: true, cell: (account) => decimalOf(account.availableBalance, account) },
  {
    head: "Overdraft",
    isNumber: true,
    cell: (account) => (account.unlimitedOverdraft ? "Unlimited" : decimalOf(account.overdraftLimit, account)),
  },
  { head: "Opened", cell: ({ createdAt }) => createdAt ?? "" },
  { head: "Metadata", cell: ({ metadata }) => metadataOf(metadata) },
];

export function transferColumns(accounts: Accounts): readonly CsvColumn<Transfer>[] {
  return [
    { head: "Transfer", isNumber: true, cell: ({ id }) => `${id}` },
    { head: "Recorded", cell: ({ createdAt }) => createdAt ?? "" },
    { head: "Effective", cell: ({ effectiveAt }) => effectiveAt ?? "" },
    { head: "State", cell: stateOf },
    { head: "Description", cell: ({ description }) => description },
    { head: "Debit account", isNumber: true, cell: ({ debitAccountId }) => `${debitAccountId}` },
    { head: "Debit account name", cell: ({ debitAccountId }) => accounts.get(debitAccountId)?.name ?? "" },
    { head: "Credit account", isNumber: true, cell: ({ creditAccountId }) => `${creditAccountId}` },
    { head: "Credit account name", cell: ({ creditAccountId }) => accounts.get(creditAccountId)?.name ?? "" },
    { head: "Amount", isNumber: true, cell: (transfer) => decimalOf(transfer.amount, transfer) },
    { head: "Captured", isNumber: true, cell: (transfer) => decimalOf(transfer.capturedAmount, transfer) },
    { head: "Currency", cell: ({ currency }) => currency },
    { head: "Expires", cell: ({ expiresAt }) => expiresAt ?? "" },
    { head: "Settled", cell: ({ settledAt }) => settledAt ?? "" },
    { head: "Created by", cell: ({ createdBy }) => createdBy },
    { head: "Settled by", cell: ({ settledBy }) => settledBy },
    { head: "Reverses", isNumber: true, cell: ({ reversesTransferId }) => idOrNone(reversesTransferId) },
    { head: "Reversed by", isNumber: true, cell: ({ reversedByTransferId }) => idOrNone(reversedByTransferId) },
    { head: "Idempotency key", cell: ({ idempotencyKey }) => idempotencyKey },
    { head: "Metadata", cell: ({ metadata }) => metadataOf(metadata) },
  ];
}

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

/** A line of a journal as it was typed, and what became of it. */
export const journalColumns: readonly CsvColumn<{ readonly line: Line; readonly number: number }>[] = [
  { head: "Line", isNumber: true, cell: ({ number }) => `${number}` },
  { head: "From account", isNumber: true, cell: ({ line }) => line.debitAccountId },
  { head: "To account", isNumber: true, cell: ({ line }) => line.creditAccountId },
  { head: "Amount", isNumber: true, cell: ({ line }) => amountOf(line) },
  { head: "Currency", cell: ({ line }) => transferOf(line)?.currency ?? "" },
  { head: "Description", cell: ({ line }) => line.description },
  { head: "Result", cell: ({ line }) => line.result?.kind ?? "" },
  { head: "Reason", cell: ({ line: { result } }) => (result?.kind === "refused" ? result.message : "") },
  { head: "Transfer", isNumber: true, cell: ({ line }) => idOrNone(transferOf(line)?.id ?? 0n) },
  { head: "Idempotency key", cell: ({ line }) => line.idempotencyKey },
];

function transferOf({ result }: Line): Transfer | undefined {
  return result !== undefined && "transfer" in result ? result.transfer : undefined;
}

/** As the service has it; otherwise as it was typed. */
function amountOf(line: Line): string {
  const transfer = transferOf(line);
  return transfer === undefined ? line.amount : decimalOf(transfer.amount, transfer);
}

function idOrNone(id: bigint): string {
  return id === 0n ? "" : `${id}`;
}

function metadataOf(metadata: Readonly<Record<string, string>>): string {
  return Object.keys(metadata).length === 0 ? "" : JSON.stringify(metadata);
}
