/** Labels for the service's enums, and times for people. */
import {
  type Account,
  AccountStatus,
  AccountType,
  type Entry,
  type Transfer,
  TransferState,
  toDate,
} from "@finance-service/client";

export const accountTypes = [
  { type: AccountType.ACCOUNT_TYPE_ASSET, word: "Asset", plural: "Assets" },
  { type: AccountType.ACCOUNT_TYPE_LIABILITY, word: "Liability", plural: "Liabilities" },
  { type: AccountType.ACCOUNT_TYPE_EQUITY, word: "Equity", plural: "Equity" },
  { type: AccountType.ACCOUNT_TYPE_INCOME, word: "Income", plural: "Income" },
  { type: AccountType.ACCOUNT_TYPE_EXPENSE, word: "Expense", plural: "Expenses" },
] as const;

export const accountStatuses = [
  { status: AccountStatus.ACCOUNT_STATUS_OPEN, word: "Open" },
  { status: AccountStatus.ACCOUNT_STATUS_FROZEN, word: "Frozen" },
  { status: AccountStatus.ACCOUNT_STATUS_CLOSED, word: "Closed" },
] as const;

export const transferStates = [
  { state: TransferState.TRANSFER_STATE_POSTED, word: "Posted" },
  { state: TransferState.TRANSFER_STATE_PENDING, word: "Held" },
  { state: TransferState.TRANSFER_STATE_CAPTURED, word: "Captured" },
  { state: TransferState.TRANSFER_STATE_VOIDED, word: "Voided" },
  { state: TransferState.TRANSFER_STATE_EXPIRED, word: "Expired" },
] as const;

export function typeOf({ type }: Pick<Account, "type">): string {
  return accountTypes.find((known) => known.type === type)?.word ?? "Unknown type";
}

/** The status that stops the account from moving money; undefined if it is open. */
export function hindranceOf({ status }: Pick<Account, "status">): string | undefined {
  if (status === AccountStatus.ACCOUNT_STATUS_OPEN) return undefined;
  return accountStatuses.find((known) => known.status === status)?.word;
}

export function stateOf({ state }: Pick<Transfer, "state">): string {
  return transferStates.find((known) => known.state === state)?.word ?? "Unknown state";
}

/** Whether debits increase the balance, as for assets and expenses. */
export function isDebitNormal({ type }: Pick<Account, "type">): boolean {
  return type === AccountType.ACCOUNT_TYPE_ASSET || type === AccountType.ACCOUNT_TYPE_EXPENSE;
}

/** The side of the account that an entry is on. */
export function sideOf({ amount }: Pick<Entry, "amount">, account: Pick<Account, "type">): "Debit" | "Credit" {
  return amount > 0n === isDebitNormal(account) ? "Debit" : "Credit";
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/** @param time The service's string, or a Date. */
export function dateOf(time: string | Date): string {
  return DATE.format(asDate(time));
}

/** See dateOf. */
export function timeOf(time: string | Date): string {
  return TIME.format(asDate(time));
}

/** See dateOf. */
export function dateTimeOf(time: string | Date): string {
  return DATE_TIME.format(asDate(time));
}

function asDate(time: string | Date): Date {
  return typeof time === "string" ? toDate(time) : time;
}
