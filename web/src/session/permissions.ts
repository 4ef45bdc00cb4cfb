/**
 * What the console offers a caller. Goal: no button that the service would refuse because of who presses it.
 *
 * Method: the rules of src/finance/policy.ts, applied to what the page knows: the token's claims, and the accounts that
 * the service lists for this caller. The service decides; where the page can't know enough, it offers the action:
 * - A plain caller sees only their own accounts, so the type of anybody else's is unknown here.
 * - A token that is not a readable JWT counts as a plain caller's with finance.read and finance.write.
 *
 * Whether an account is open, or a hold still pending, is a matter of state and not asked here.
 */
import type { Account, Transfer } from "@finance-service/client";
import { isDebitNormal } from "../labels.ts";
import type { TokenClaims } from "./token.ts";

type AccountFacts = Pick<Account, "owner" | "type">;
type Posting = Pick<Transfer, "debitAccountId" | "creditAccountId" | "createdBy">;
/** The accounts that the service lists for the caller, by number. */
type KnownAccounts = ReadonlyMap<bigint, AccountFacts>;

export interface Permissions {
  readonly isAdmin: boolean;
  /** Change anything at all: open an account, make a transfer. */
  readonly write: boolean;
  readonly readTrialBalance: boolean;
  /** Choose the owner, the type and the overdraft of a new account. */
  readonly setTerms: boolean;
  /** Freeze accounts and open them again. */
  readonly freeze: boolean;
  close(account: AccountFacts): boolean;
  /** Take money from an account that the page knows. */
  debit(account: AccountFacts): boolean;
  /** Bring money to an account; undefined stands for one that the page does not know. */
  credit(account: AccountFacts | undefined): boolean;
  capture(hold: Posting, accounts: KnownAccounts): boolean;
  void(hold: Posting, accounts: KnownAccounts): boolean;
  reverse(transfer: Posting, accounts: KnownAccounts): boolean;
}

/** Works out what a token's caller may do. */
export function permissionsOf({ subject, scopes }: TokenClaims): Permissions {
  const isAdmin = scopes?.has("finance.admin") ?? false;
  const write = isAdmin || (scopes?.has("finance.write") ?? true);

  // The service shows a plain caller only their own accounts, and who created a transfer only to its creator.
  const isCallers = (name: string) => name !== "" && (subject === undefined || name === subject);
  const debit = (account: AccountFacts) => write && (isAdmin || (isCallers(account.owner) && !isDebitNormal(account)));
  const credit = (account: AccountFacts | undefined) =>
    write && (isAdmin || account === undefined || !isDebitNormal(account));
  /** Whether the caller may move money from one account to another. */
  const post = (from: bigint, to: bigint, accounts: KnownAccounts) => {
    const debited = accounts.get(from);
    return isAdmin || (debited !== undefined && debit(debited) && credit(accounts.get(to)));
  };
  const placed = ({ createdBy }: Posting) => write && (isAdmin || isCallers(createdBy));
  const receives = ({ creditAccountId }: Posting, accounts: KnownAccounts) => {
    const credited = accounts.get(creditAccountId);
    return write && credited !== undefined && isCallers(credited.owner);
  };

  return {
    isAdmin,
    write,
    readTrialBalance: isAdmin,
    setTerms: isAdmin,
    freeze: isAdmin,
    close: ({ owner }) => write && (isAdmin || isCallers(owner)),
    debit,
    credit,
    capture: (hold, accounts) => placed(hold) && post(hold.debitAccountId, hold.creditAccountId, accounts),
    void: (hold, accounts) => placed(hold) || receives(hold, accounts),
    // A reversal is a transfer the other way.
    reverse: (transfer, accounts) => post(transfer.creditAccountId, transfer.debitAccountId, accounts),
  };
}
