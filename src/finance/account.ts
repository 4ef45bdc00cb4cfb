import { AccountStatus, AccountType } from "../../generated/server/finance/v1/account.ts";
import { type Refusal, refuse } from "./errors.ts";
import { type AccountId, accountDigits, INT64_MAX, type Minor } from "./values.ts";

export type Metadata = Readonly<Record<string, string>>;

/** The facts about an account that never change and that every posting needs. */
export interface AccountIdentity {
  readonly id: AccountId;
  readonly owner: string;
  readonly currency: string;
  /** Decimal places of the currency's minor unit when the account was opened. */
  readonly minorUnitDigits: number;
  readonly debitNormal: boolean;
}

/** An account's balances and limits: the content of its hot row. */
export interface AccountBalances {
  /** The total of all debits is this plus `postedCarried`. */
  readonly debitsPosted: Minor;
  /** The total of all credits is this plus `postedCarried`. */
  readonly creditsPosted: Minor;
  /** The part that was moved out of both posted sums, of any size; see {@link withSmallSums}. */
  readonly postedCarried: bigint;
  readonly debitsPending: Minor;
  readonly creditsPending: Minor;
  readonly overdraftLimit: Minor;
  readonly unlimitedOverdraft: boolean;
  readonly status: AccountStatus;
  /** The sequence of the newest entry; 0 before the first. */
  readonly lastSequence: bigint;
}

type Balances = AccountIdentity & AccountBalances;

/** When a posted sum passes this, the smaller of both sums is moved out of both. */
const POSTED_SUM_MAX: Minor = 2n ** 62n;

/** The types of accounts that grow by debits; the others grow by credits. */
export const DEBIT_NORMAL_TYPES: readonly AccountType[] = [AccountType.ASSET, AccountType.EXPENSE];

export function isDebitNormal(type: AccountType): boolean {
  return DEBIT_NORMAL_TYPES.includes(type);
}

/** The balance on the account's normal side. */
export function balanceOf(account: Balances): Minor {
  const net = account.debitsPosted - account.creditsPosted;
  return account.debitNormal ? net : -net;
}

/** The balance minus everything that pending transfers may still take out. */
export function availableBalanceOf(account: Balances): Minor {
  return balanceOf(account) - (account.debitNormal ? account.creditsPending : account.debitsPending);
}

/** Whether the available balance is at or above the account's floor. */
export function keepsFloor(account: Balances): boolean {
  return account.unlimitedOverdraft || availableBalanceOf(account) >= -account.overdraftLimit;
}

/**
 * Keeps the posted sums of an account small: only their difference is the balance, so the same amount can be taken from
 * both. No number of postings can exhaust an account.
 */
export function withSmallSums<Account extends AccountBalances>(account: Account): Account {
  const { debitsPosted, creditsPosted } = account;
  if (debitsPosted <= POSTED_SUM_MAX && creditsPosted <= POSTED_SUM_MAX) return account;
  const smaller = debitsPosted < creditsPosted ? debitsPosted : creditsPosted;
  return {
    ...account,
    debitsPosted: debitsPosted - smaller,
    creditsPosted: creditsPosted - smaller,
    postedCarried: account.postedCarried + smaller,
  };
}

/** Whether the pending sums fit int64, and the balance does now and after any captures of pending transfers. */
export function fitsInt64({
  debitsPosted,
  creditsPosted,
  debitsPending: debits,
  creditsPending: credits,
}: Balances): boolean {
  const net = debitsPosted - creditsPosted;
  return debits <= INT64_MAX && credits <= INT64_MAX && net + debits <= INT64_MAX && credits - net <= INT64_MAX;
}

/** Whether money may move on the account. */
export function isOpen(account: AccountBalances): boolean {
  return account.status === AccountStatus.OPEN;
}

/** Refuses to take one of the caller's own accounts below its floor. */
export function insufficientFunds(account: Balances, amount: Minor): Refusal {
  const spendable = availableBalanceOf(account) + account.overdraftLimit;
  const msg = `account ${account.id} can spend ${spendable} including its overdraft limit, not ${amount}`;
  return refuse("insufficient_funds", msg, { account_id: `${account.id}` });
}

/** The columns of a row that differ from the account's fields. */
export interface StoredAccount {
  readonly currency: string;
  readonly minorUnitDigits: number | null;
  /** Decimal digits; null for 0. */
  readonly postedCarried: string | null;
}

/** The account of a row. */
export function fromStored<Row extends StoredAccount>(row: Row): Omit<Row, keyof StoredAccount> & DecodedAccount {
  const minorUnitDigits = accountDigits(row.minorUnitDigits, row.currency);
  return { ...row, minorUnitDigits, postedCarried: carriedOf(row.postedCarried) };
}

/** The stored part that was moved out of both posted sums; null for 0. */
export function carriedOf(stored: string | null): bigint {
  return stored === null ? 0n : BigInt(stored);
}

type DecodedAccount = Pick<Balances, keyof StoredAccount>;
