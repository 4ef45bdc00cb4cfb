import { AccountStatus, AccountType } from "../../generated/server/finance/v1/account.ts";
import type { AccountId } from "./identifiers.ts";
import type { Minor } from "./money.ts";

export type Metadata = Readonly<Record<string, string>>;

/** The side of an account that money was, or is to be, posted to. */
export type Side = "debit" | "credit";

/** What never changes about an account and what every posting has to know of it. */
export interface AccountIdentity {
  readonly id: AccountId;
  readonly owner: string;
  readonly currency: string;
  readonly debitNormal: boolean;
}

/** An account's balances and limits: the content of its hot row. */
export interface AccountBalances {
  readonly debitsPosted: Minor;
  readonly creditsPosted: Minor;
  readonly debitsPending: Minor;
  readonly creditsPending: Minor;
  readonly overdraftLimit: Minor;
  readonly unlimitedOverdraft: boolean;
  readonly status: AccountStatus;
}

/** Who asks. */
export interface Actor {
  /** The token's `sub`. */
  readonly subject: string;
  /** Whether it holds finance.admin. */
  readonly admin: boolean;
}

/** ASSET and EXPENSE accounts grow by debits, the others by credits. */
export function isDebitNormal(type: AccountType): boolean {
  return type === AccountType.ASSET || type === AccountType.EXPENSE;
}

/** The balance on the account's normal side. */
export function balanceOf(account: AccountIdentity & AccountBalances): Minor {
  const net = account.debitsPosted - account.creditsPosted;
  return account.debitNormal ? net : -net;
}

/** The balance less what pending transfers may still take out. */
export function availableBalanceOf(account: AccountIdentity & AccountBalances): Minor {
  return balanceOf(account) - (account.debitNormal ? account.creditsPending : account.debitsPending);
}

/** Whether the account's available balance keeps to its floor. */
export function keepsFloor(account: AccountIdentity & AccountBalances): boolean {
  return account.unlimitedOverdraft || availableBalanceOf(account) >= -account.overdraftLimit;
}

/** Whether money may move. */
export function isOpen(account: AccountBalances): boolean {
  return account.status === AccountStatus.OPEN;
}

/** Whether the caller may read and debit the account. */
export function isVisibleTo(account: Pick<AccountIdentity, "owner">, actor: Actor): boolean {
  return actor.admin || account.owner === actor.subject;
}
