/**
 * Decides postings. Goal: the one place that says whether money may move, as a function of values.
 *
 * Method: accounts come locked and already hold what earlier requests of the same batch left. A request is checked in
 * the catalogue's order; only when every check has passed is anything changed, and from there on nothing can fail.
 */
import {
  type AccountBalances,
  type AccountIdentity,
  type Actor,
  availableBalanceOf,
  balanceOf,
  isOpen,
  isVisibleTo,
  keepsFloor,
  type Side,
} from "./account.ts";
import { type Refusal, refuse } from "./errors.ts";
import type { AccountId } from "./identifiers.ts";
import { INT64_MAX, type Minor } from "./money.ts";

/** An account under lock, as the decisions of a batch leave it. */
export type LockedAccount = AccountIdentity &
  AccountBalances & {
    /** Of the account's newest entry; 0 before the first. */
    readonly lastSequence: bigint;
  };

/** The accounts of a batch, by id; an id that is missing has no account. */
export type LockedAccounts = Map<AccountId, LockedAccount>;

/** What a posting asks for. */
export interface Posting {
  readonly debitAccountId: AccountId;
  readonly creditAccountId: AccountId;
  /** More than 0. */
  readonly amount: Minor;
}

/** One side of a decided posting: an entry to be. */
export interface Movement {
  readonly accountId: AccountId;
  readonly owner: string;
  readonly sequence: bigint;
  /** Signed: + raises the balance. */
  readonly amount: Minor;
  readonly balanceAfter: Minor;
}

export interface Posted {
  readonly debit: Movement;
  readonly credit: Movement;
  readonly currency: string;
}

/**
 * Decides one posting and, when it may be, changes both accounts in `accounts`.
 *
 * @returns the two movements, or the first refusal in the catalogue's order with `accounts` untouched.
 */
export function decidePosting(posting: Posting, actor: Actor, accounts: LockedAccounts): Posted | Refusal {
  const debited = accounts.get(posting.debitAccountId);
  const credited = accounts.get(posting.creditAccountId);
  if (debited === undefined) return accountNotFound(posting.debitAccountId);
  if (credited === undefined) return accountNotFound(posting.creditAccountId);
  if (!isVisibleTo(debited, actor)) {
    return refuse("account_not_owned", `account ${debited.id} is not yours to debit`, { account_id: `${debited.id}` });
  }
  for (const account of [debited, credited]) {
    if (!isOpen(account)) {
      return refuse("account_not_open", `account ${account.id} is not open`, { account_id: `${account.id}` });
    }
  }
  if (debited.currency !== credited.currency) {
    const msg = `account ${debited.id} is in ${debited.currency}, account ${credited.id} in ${credited.currency}; a transfer stays in one currency`;
    return refuse("currency_mismatch", msg, {});
  }

  const after = [post(debited, "debit", posting.amount), post(credited, "credit", posting.amount)] as const;
  for (const [index, account] of after.entries()) {
    const before = index === 0 ? debited : credited;
    if (availableBalanceOf(account) < availableBalanceOf(before) && !keepsFloor(account)) {
      return insufficientFunds(before, posting.amount, actor);
    }
  }
  for (const account of after) {
    if (
      account.debitsPosted + account.debitsPending > INT64_MAX ||
      account.creditsPosted + account.creditsPending > INT64_MAX
    ) {
      return refuse("out_of_range", `a sum on account ${account.id} would pass ${INT64_MAX}`, {
        account_id: `${account.id}`,
      });
    }
  }

  // From here on the posting must succeed.
  for (const account of after) accounts.set(account.id, account);
  return { debit: movement(debited, after[0]), credit: movement(credited, after[1]), currency: debited.currency };
}

/** The refusal for an account that does not exist or is not the caller's to see. */
export function accountNotFound(id: AccountId): Refusal {
  return refuse("not_found", `there is no account ${id}`, { resource: "account", id: `${id}` });
}

/** Tells figures only to who may see the account. */
function insufficientFunds(account: LockedAccount, amount: Minor, actor: Actor): Refusal {
  const spendable = availableBalanceOf(account) + account.overdraftLimit;
  const msg = isVisibleTo(account, actor)
    ? `account ${account.id} can spend ${spendable} (overdraft limit included), ${amount} is asked`
    : `account ${account.id} can't spend ${amount}`;
  return refuse("insufficient_funds", msg, { account_id: `${account.id}` });
}

function post(account: LockedAccount, side: Side, amount: Minor): LockedAccount {
  const lastSequence = account.lastSequence + 1n;
  return side === "debit"
    ? { ...account, lastSequence, debitsPosted: account.debitsPosted + amount }
    : { ...account, lastSequence, creditsPosted: account.creditsPosted + amount };
}

function movement(before: LockedAccount, after: LockedAccount): Movement {
  const balanceAfter = balanceOf(after);
  return {
    accountId: after.id,
    owner: after.owner,
    sequence: after.lastSequence,
    amount: balanceAfter - balanceOf(before),
    balanceAfter,
  };
}
