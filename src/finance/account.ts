import { AccountStatus, AccountType } from "../../generated/server/finance/v1/account.ts";
import { type Refusal, refuse } from "./errors.ts";
import type { AccountId } from "./values.ts";
import { INT64_MAX, type Minor } from "./values.ts";

export type Metadata = Readonly<Record<string, string>>;

/** The side of an account that money was, or is to be, posted to. */
export type Side = "debit" | "credit";

/** What never changes about an account and what every posting has to know of it. */
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
  /** All that was debited is this and `postedCarried`. */
  readonly debitsPosted: Minor;
  /** All that was credited is this and `postedCarried`. */
  readonly creditsPosted: Minor;
  /** What was taken out of both posted sums, of any size; see {@link withSmallSums}. */
  readonly postedCarried: bigint;
  readonly debitsPending: Minor;
  readonly creditsPending: Minor;
  readonly overdraftLimit: Minor;
  readonly unlimitedOverdraft: boolean;
  readonly status: AccountStatus;
}

type Balances = AccountIdentity & AccountBalances;

/** Past it the smaller of both posted sums is carried out of both. */
const POSTED_SUM_MAX: Minor = 2n ** 62n;

/** ASSET and EXPENSE accounts grow by debits, the others by credits. */
export function isDebitNormal(type: AccountType): boolean {
  return type === AccountType.ASSET || type === AccountType.EXPENSE;
}

/** The balance on the account's normal side. */
export function balanceOf(account: Balances): Minor {
  const net = account.debitsPosted - account.creditsPosted;
  return account.debitNormal ? net : -net;
}

/** The balance less what pending transfers may still take out. */
export function availableBalanceOf(account: Balances): Minor {
  return balanceOf(account) - (account.debitNormal ? account.creditsPending : account.debitsPending);
}

/** Whether the account's available balance keeps to its floor. */
export function keepsFloor(account: Balances): boolean {
  return account.unlimitedOverdraft || availableBalanceOf(account) >= -account.overdraftLimit;
}

/**
 * Keeps the posted sums of an account small, whatever passes through it: their difference is the balance, and what both
 * have in common is history. So no number of postings can use an account up.
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

/** Whether the account's balance fits int64 now and after every capture of what is pending, and the pending sums do. */
export function fitsInt64({
  debitsPosted,
  creditsPosted,
  debitsPending: debits,
  creditsPending: credits,
}: Balances): boolean {
  const net = debitsPosted - creditsPosted;
  return debits <= INT64_MAX && credits <= INT64_MAX && net + debits <= INT64_MAX && credits - net <= INT64_MAX;
}

/** Whether money may move. */
export function isOpen(account: AccountBalances): boolean {
  return account.status === AccountStatus.OPEN;
}

/** The refusal of what would leave an account of the caller's below its floor. */
export function insufficientFunds(account: Balances, amount: Minor): Refusal {
  const spendable = availableBalanceOf(account) + account.overdraftLimit;
  const msg = `account ${account.id} can spend ${spendable} (overdraft limit included), ${amount} is asked`;
  return refuse("insufficient_funds", msg, { account_id: `${account.id}` });
}
