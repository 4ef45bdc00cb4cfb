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
  { value: AccountType.ACCOUNT_TYPE_ASSET, label: "Asset", plural: "Assets" },
  { value: AccountType.ACCOUNT_TYPE_LIABILITY, label: "Liability", plural: "Liabilities" },
  { value: AccountType.ACCOUNT_TYPE_EQUITY, label: "Equity", plural: "Equity" },
  { value: AccountType.ACCOUNT_TYPE_INCOME, label: "Income", plural: "Income" },
  { value: AccountType.ACCOUNT_TYPE_EXPENSE, label: "Expense", plural: "Expenses" },
] as const;

export const accountStatuses = [
  { value: AccountStatus.ACCOUNT_STATUS_OPEN, label: "Open" },
  { value: AccountStatus.ACCOUNT_STATUS_FROZEN, label: "Frozen" },
  { value: AccountStatus.ACCOUNT_STATUS_CLOSED, label: "Closed" },
] as const;

export const transferStates = [
  { value: TransferState.TRANSFER_STATE_POSTED, label: "Posted" },
  { value: TransferState.TRANSFER_STATE_PENDING, label: "Held" },
  { value: TransferState.TRANSFER_STATE_CAPTURED, label: "Captured" },
  { value: TransferState.TRANSFER_STATE_VOIDED, label: "Voided" },
  { value: TransferState.TRANSFER_STATE_EXPIRED, label: "Expired" },
] as const;

export function typeOf({ type }: Pick<Account, "type">): string {
  return accountTypes.find(({ value }) => value === type)?.label ?? "Unknown type";
}

/** The status that stops the account from moving money; undefined if it is open. */
export function hindranceOf({ status }: Pick<Account, "status">): string | undefined {
  if (status === AccountStatus.ACCOUNT_STATUS_OPEN) return undefined;
  return accountStatuses.find(({ value }) => value === status)?.label;
}

export function stateOf({ state }: Pick<Transfer, "state">): string {
  return transferStates.find(({ value }) => value === state)?.label ?? "Unknown state";
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
const EXACT_TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** @param time The service's string, or a Date. */
export function dateOf(time: string | Date): string {
  return DATE.format(asDate(time));
}

/** See dateOf. */
export function timeOf(time: string | Date): string {
  return TIME.format(asDate(time));
}

/** With seconds. See dateOf. */
export function exactTimeOf(time: string | Date): string {
  return EXACT_TIME.format(asDate(time));
}

/** See dateOf. */
export function dateTimeOf(time: string | Date): string {
  return DATE_TIME.format(asDate(time));
}

/** The day here, as "2026-11-26". */
export function writeDay(time: Date): string {
  const [month, day] = [time.getMonth() + 1, time.getDate()].map((part) => `${part}`.padStart(2, "0"));
  return `${`${time.getFullYear()}`.padStart(4, "0")}-${month}-${day}`;
}

/** The midnight here of a day as writeDay writes it; undefined for other text, and for the API's last day, which has no end. */
export function readDay(text: string): Date | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const time = new Date(Number(year), Number(month) - 1, Number(day));
  // February 30 would be a day in March, and the year 99 one of the last century.
  return !Number.isNaN(time.getTime()) && writeDay(time) === text && text < "9999-12-31" ? time : undefined;
}

/** The next midnight here. */
export function dayAfter(time: Date): Date {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate() + 1);
}

function asDate(time: string | Date): Date {
  return typeof time === "string" ? toDate(time) : time;
}
