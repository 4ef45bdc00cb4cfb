/**
 * The actions that the console offers a caller. Goal: no button that the service would refuse to this caller.
 *
 * It applies the rules of src/finance/policy.ts to what the page knows: the claims of the token, and the accounts that the
 * service lists for the caller. The service has the last word. If the page knows too little, it offers the action:
 * - A plain caller sees only their own accounts, so the types of other accounts are unknown here.
 * - A token that is not a readable JWT counts as a plain caller's with finance.read and finance.write.
 *
 * State, such as whether an account is open or a hold is pending, is not checked here.
 */
import type { Account, Transfer } from "@finance-service/client";
import { isDebitNormal } from "../labels.ts";
import type { TokenClaims } from "./token.ts";

type AccountFacts = Pick<Account, "owner" | "type">;
type Posting = Pick<Transfer, "debitAccountId" | "creditAccountId" | "createdBy">;
/** The accounts that the service lists for the caller, by id. */
type KnownAccounts = ReadonlyMap<bigint, AccountFacts>;

export interface Permissions {
  readonly isAdmin: boolean;
  /** See anything at all. */
  readonly read: boolean;
  /** Open accounts and make transfers. */
  readonly write: boolean;
  readonly readTrialBalance: boolean;
  /** Choose the owner, type and overdraft of a new account. */
  readonly setTerms: boolean;
  /** Change an account's overdraft. */
  readonly setLimits: boolean;
  /** Give a transfer another effective time than that of its recording. */
  readonly setEffectiveTime: boolean;
  /** Freeze accounts and open them again. */
  readonly freeze: boolean;
  /** Change an account's name and metadata. */
  describe(account: AccountFacts): boolean;
  close(account: AccountFacts): boolean;
  /** Debit an account that the page knows. */
  debit(account: AccountFacts): boolean;
  /** Credit an account; undefined is one that the page does not know. */
  credit(account: AccountFacts | undefined): boolean;
  capture(hold: Posting, accounts: KnownAccounts): boolean;
  void(hold: Posting, accounts: KnownAccounts): boolean;
  reverse(transfer: Posting, accounts: KnownAccounts): boolean;
}

export function permissionsOf({ subject, scopes }: TokenClaims): Permissions {
  const isAdmin = scopes?.has("finance.admin") ?? false;
  const read = isAdmin || (scopes?.has("finance.read") ?? true);
  const write = isAdmin || (scopes?.has("finance.write") ?? true);

  // The service shows a plain caller only their own accounts, and who created a transfer only to its creator.
  const isCallers = (name: string) => name !== "" && (subject === undefined || name === subject);
  const owns = ({ owner }: AccountFacts) => write && (isAdmin || isCallers(owner));
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
    read,
    write,
    readTrialBalance: isAdmin,
    setTerms: isAdmin,
    setLimits: isAdmin,
    setEffectiveTime: isAdmin,
    freeze: isAdmin,
    describe: owns,
    close: owns,
    debit,
    credit,
    capture: (hold, accounts) => placed(hold) && post(hold.debitAccountId, hold.creditAccountId, accounts),
    void: (hold, accounts) => placed(hold) || receives(hold, accounts),
    // A reversal is a transfer in the opposite direction.
    reverse: (transfer, accounts) => post(transfer.creditAccountId, transfer.debitAccountId, accounts),
  };
}
