/**
 * The filters of the lists as the address has them, so that reload, Back and a shared link keep them. People edit addresses, so a
 * wrong value is reported and ignored.
 */
import { AccountStatus, AccountType, type Currency, fromDate, parseMoney } from "@finance-service/client";
import { writeAmount } from "../components/amount.ts";
import { accountStatuses, accountTypes, dayAfter, readDay, transferStates } from "../labels.ts";
import { readId } from "../route.ts";
import type { AccountFilters, EntryFilters, TransferFilters } from "./queries.ts";

/** What is wrong with the address, by parameter. */
export type FilterProblems = Readonly<Record<string, string>>;

interface ReadFilters<Filters> {
  readonly filters: Filters;
  readonly problems: FilterProblems;
}

export const TRANSFER_PARAMETERS = [
  "state",
  "account",
  "counterparty",
  "from",
  "until",
  "min",
  "max",
  "metadata",
  "key",
] as const;

export const ENTRY_PARAMETERS = ["counterparty", "from", "until", "min", "max", "metadata"] as const;

export const ACCOUNT_PARAMETERS = ["q", "type", "status", "currency"] as const;

/** @param money how amounts are written. */
export function readTransferFilters(query: URLSearchParams, money: Currency): ReadFilters<TransferFilters> {
  const { take, problems } = readerOf(query);
  const state = take("state", (word) => meaningOf(transferStates, word), "This is not a state.");
  const account = take("account", readId, "Choose an account, or enter its number.");
  const counterparty = takeCounterparty(take, account);
  const idempotencyKey = take("key", readKey, "A key has at most 64 characters.");
  const { after, before } = takeTimes(take);
  if (counterparty !== undefined && account === undefined) problems["counterparty"] = "Choose an account as well.";
  return {
    filters: {
      ...(state !== undefined && { state }),
      ...(account !== undefined && { accountId: account }),
      ...(account !== undefined && counterparty !== undefined && { counterpartyAccountId: counterparty }),
      ...(after !== undefined && { createdAfter: after }),
      ...(before !== undefined && { createdBefore: before }),
      ...takeAmounts(take, money),
      ...takeMetadata(take),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    },
    problems,
  };
}

export function readEntryFilters(
  query: URLSearchParams,
  account: Currency & { id: bigint },
): ReadFilters<EntryFilters> {
  const { take, problems } = readerOf(query);
  const counterparty = takeCounterparty(take, account.id);
  return {
    filters: {
      ...(counterparty !== undefined && { counterpartyAccountId: counterparty }),
      ...takeTimes(take),
      ...takeAmounts(take, account),
      ...takeMetadata(take),
    },
    problems,
  };
}

/** The filters of the accounts; `namePrefix` is the text of the search. */
export function readAccountFilters(query: URLSearchParams): ReadFilters<AccountFilters> {
  const { take, problems } = readerOf(query);
  return {
    filters: {
      namePrefix: take("q", readNamePrefix, "No name has such a character.") ?? "",
      type:
        take("type", (word) => meaningOf(accountTypes, word), "This is not a type of account.") ??
        AccountType.ACCOUNT_TYPE_UNSPECIFIED,
      status:
        take("status", (word) => meaningOf(accountStatuses, word), "This is not a status.") ??
        AccountStatus.ACCOUNT_STATUS_UNSPECIFIED,
      currency:
        take("currency", (code) => /^[A-Z]{3}$/.exec(code)?.[0], "This is not a currency's code, such as USD.") ?? "",
    },
    problems,
  };
}

/** The word that stands for a value of a select in the address. */
export function wordOf(label: string): string {
  return label.toLowerCase();
}

function meaningOf<Value>(
  choices: readonly { readonly value: Value; readonly label: string }[],
  word: string,
): Value | undefined {
  return choices.find(({ label }) => wordOf(label) === word)?.value;
}

/** Reads a parameter; undefined if it is absent, and, with a problem, if it is wrong. */
type Take = <Value>(name: string, read: (text: string) => Value | undefined, problem: string) => Value | undefined;

function readerOf(query: URLSearchParams): { readonly take: Take; readonly problems: Record<string, string> } {
  const problems: Record<string, string> = {};
  const take: Take = (name, read, problem) => {
    const text = query.get(name)?.trim() ?? "";
    if (text === "") return undefined;
    // The service refuses this character everywhere.
    const value = text.includes("\0") ? undefined : read(text);
    if (value === undefined) problems[name] = problem;
    return value;
  };
  return { take, problems };
}

/** An idempotency key; undefined for a longer text. */
export function readKey(text: string): string | undefined {
  return /^.{1,64}$/su.exec(text)?.[0];
}

/** The start of the text that can be that of a name. */
export function readNamePrefix(text: string): string | undefined {
  return /^.{1,200}/su.exec(text)?.[0];
}

function takeCounterparty(take: Take, account: bigint | undefined): bigint | undefined {
  const read = (text: string) => {
    const id = readId(text);
    return id === account ? undefined : id;
  };
  return take("counterparty", read, "Choose another account, or enter its number.");
}

/** Whole days in the browser's time zone, the last one included. */
function takeTimes(take: Take): { readonly after?: string; readonly before?: string } {
  const from = take("from", readDay, "This is not a date, such as 2026-01-31.");
  const until = take("until", readDay, "This is not a date, such as 2026-01-31.");
  const isOrdered = from === undefined || until === undefined || from <= until;
  if (!isOrdered) take("until", () => undefined, "This day is before the first.");
  return {
    ...(from !== undefined && { after: fromDate(from) }),
    ...(until !== undefined && isOrdered && { before: fromDate(dayAfter(until)) }),
  };
}

function takeAmounts(take: Take, money: Currency): { readonly minAmount?: bigint; readonly maxAmount?: bigint } {
  const read = (text: string) => {
    const parsed = parseMoney(text, money, "en");
    return parsed.ok && parsed.minor > 0n ? parsed.minor : undefined;
  };
  const problem = `Enter a number greater than zero with at most ${money.minorUnitDigits} decimal places.`;
  const minAmount = take("min", read, problem);
  const maxAmount = take("max", read, problem);
  const isOrdered = minAmount === undefined || maxAmount === undefined || minAmount <= maxAmount;
  if (!isOrdered) take("max", () => undefined, "This is less than the minimum.");
  return {
    ...(minAmount !== undefined && { minAmount }),
    ...(maxAmount !== undefined && isOrdered && { maxAmount }),
  };
}

function takeMetadata(take: Take): { readonly metadata?: Readonly<Record<string, string>> } {
  const read = (text: string) => {
    const [, key = "", value = ""] = /^([^=]{1,40})=(.{1,500})$/su.exec(text) ?? [];
    return key === "" ? undefined : { [key]: value };
  };
  const metadata = take("metadata", read, "Enter a key and its value, such as order=1042.");
  return metadata === undefined ? {} : { metadata };
}

/** An amount as the address has it, in any browser's language: "12.5". Other text stays, to be reported. */
export function toAddressAmount(typed: string, money: Currency, locale?: string): string {
  const parsed = parseMoney(typed, money, locale);
  return parsed.ok ? writeAmount(parsed.minor, money, "en") : typed.trim();
}

/** The reverse of {@link toAddressAmount}. */
export function toTypedAmount(text: string, money: Currency, locale?: string): string {
  const parsed = parseMoney(text, money, "en");
  return parsed.ok ? writeAmount(parsed.minor, money, locale) : text;
}

/** The date if it is one: a date field shows nothing else. */
export function toTypedDay(text: string): string {
  return readDay(text) === undefined ? "" : text;
}
