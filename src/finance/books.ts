/** What a batch of orders works on: accounts and transfers under lock, changed as decisions are taken. */
import { type AccountBalances, type AccountIdentity, balanceOf, type Side } from "./account.ts";
import { accountNotFound, type Refusal } from "./errors.ts";
import type { AccountId, TransferId } from "./identifiers.ts";
import type { Micros } from "./micros.ts";
import type { Minor } from "./money.ts";
import type { TransferRecord } from "./transfers.ts";

/** An account under lock. Its pending sums leave out holds that have lapsed. */
export interface LockedAccount extends AccountIdentity, AccountBalances {
  /** Of the account's newest entry; 0 before the first. */
  readonly lastSequence: bigint;
  /** Lapsed holds that nobody has settled yet: still in the stored pending sums, no longer in these. */
  readonly lapsedDebits: Minor;
  readonly lapsedCredits: Minor;
}

/** What a batch works on. */
export interface Books {
  /** An id that is missing has no account. */
  readonly accounts: Map<AccountId, LockedAccount>;
  /** The transfers that orders refer to; an id that is missing has no transfer. */
  readonly transfers: Map<TransferId, TransferRecord>;
  /** The time to record: read after the locks were taken. */
  readonly now: Micros;
}

/** One entry to be. */
export interface Movement {
  readonly accountId: AccountId;
  readonly sequence: bigint;
  readonly transferId: TransferId;
  /** Signed: + raises the balance. */
  readonly amount: Minor;
  readonly balanceAfter: Minor;
}

/** The two accounts of a transfer. */
export interface Parties {
  readonly debited: LockedAccount;
  readonly credited: LockedAccount;
}

/** Finds the two accounts of a transfer, or says which is missing, the debited one first. */
export function partiesOf(debitId: AccountId, creditId: AccountId, { accounts }: Books): Parties | Refusal {
  const debited = accounts.get(debitId);
  const credited = accounts.get(creditId);
  if (debited === undefined) return accountNotFound(debitId);
  if (credited === undefined) return accountNotFound(creditId);
  return { debited, credited };
}

/** The account with one side's posted and pending sums changed; what is posted is a new entry. */
export function add(account: LockedAccount, side: Side, posted: Minor, pending: Minor): LockedAccount {
  const lastSequence = posted === 0n ? account.lastSequence : account.lastSequence + 1n;
  return side === "debit"
    ? {
        ...account,
        lastSequence,
        debitsPosted: account.debitsPosted + posted,
        debitsPending: account.debitsPending + pending,
      }
    : {
        ...account,
        lastSequence,
        creditsPosted: account.creditsPosted + posted,
        creditsPending: account.creditsPending + pending,
      };
}

/** Puts both accounts back into the books. */
export function replace({ accounts }: Books, { debited, credited }: Parties): void {
  accounts.set(debited.id, debited);
  accounts.set(credited.id, credited);
}

/** The debit and the credit that lead from `before` to `after`. */
export function movementsOf(transferId: TransferId, before: Parties, after: Parties): Movement[] {
  return (["debited", "credited"] as const).map((side) => {
    const balanceAfter = balanceOf(after[side]);
    return {
      accountId: after[side].id,
      sequence: after[side].lastSequence,
      transferId,
      amount: balanceAfter - balanceOf(before[side]),
      balanceAfter,
    };
  });
}
