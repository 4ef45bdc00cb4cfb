/**
 * Decides who may do what. Goal: a caller without finance.admin can't create money, take another caller's money, or learn
 * about it.
 *
 * Method: one table for accounts and one for holds, by the caller's relation to them; an admin may do everything. Every
 * method asks here. docs/security.md shows the same tables.
 */
import { AccountStatus, AccountType } from "../../generated/server/finance/v1/account.ts";

/** The caller, as far as the ledger is concerned. */
export interface Actor {
  /** The token's `sub`. */
  readonly subject: string;
  /** Whether it holds finance.admin. */
  readonly admin: boolean;
}

/** The relation of a caller to an account: whose it is, and which side raises its balance. */
export type AccountRelation =
  | "own, credit-normal"
  | "own, debit-normal"
  | "other, credit-normal"
  | "other, debit-normal";

export type AccountAction = "read" | "describe" | "close" | "debit" | "credit" | "set_limits" | "freeze_or_open";

/** What a caller without finance.admin may do with accounts. */
export const accountPolicy: Readonly<Record<AccountAction, readonly AccountRelation[]>> = {
  /** Balances, limits, statement and history. */
  read: ["own, credit-normal", "own, debit-normal"],
  /** Name and metadata. */
  describe: ["own, credit-normal", "own, debit-normal"],
  close: ["own, credit-normal", "own, debit-normal"],
  /** Only if it lowers the balance: a debit that raises one's own balance would create money. */
  debit: ["own, credit-normal"],
  /** Only if it raises the balance: a credit that lowers another caller's balance would take their money. */
  credit: ["own, credit-normal", "other, credit-normal"],
  set_limits: [],
  freeze_or_open: [],
};

/** The relation of a caller to a hold. Holds from before 0.2.0 do not say who placed them. */
export type HoldRelation = "placed" | "receives";

export type HoldAction = "capture" | "void";

/** What a caller without finance.admin may do with holds; to capture a hold they must also be allowed to post it. */
export const holdPolicy: Readonly<Record<HoldAction, readonly HoldRelation[]>> = {
  capture: ["placed"],
  void: ["placed", "receives"],
};

interface Held {
  readonly owner: string;
  readonly debitNormal: boolean;
}

/** Whether the caller may act on an account. */
export function may(actor: Actor, action: AccountAction, { owner, debitNormal }: Held): boolean {
  if (actor.admin) return true;
  const relation: AccountRelation = `${owner === actor.subject ? "own" : "other"}, ${debitNormal ? "debit" : "credit"}-normal`;
  return accountPolicy[action].includes(relation);
}

/** Whether the caller may read an account. The type does not matter for reading. */
export function isVisibleTo({ owner }: { readonly owner: string }, actor: Actor): boolean {
  return may(actor, "read", { owner, debitNormal: false });
}

/** Whether the caller may read an account of at least one of these owners. */
export function seesAccountOf(owners: ReadonlySet<string>, { admin, subject }: Actor): boolean {
  return admin || owners.has(subject);
}

/** Whether the caller's relation to a hold lets them act on it. */
export function maySettle(
  actor: Actor,
  action: HoldAction,
  hold: { readonly createdBy: string | null; readonly creditOwner: string },
): boolean {
  if (actor.admin) return true;
  const relations: HoldRelation[] = [];
  if (hold.createdBy === actor.subject) relations.push("placed");
  if (hold.creditOwner === actor.subject) relations.push("receives");
  return relations.some((relation) => holdPolicy[action].includes(relation));
}

/** The part of a request that needs finance.admin, for the message; undefined if there is none. */
export function adminPartOfNewAccount(
  subject: string,
  account: {
    readonly owner: string;
    readonly type: AccountType;
    readonly overdraftLimit: bigint;
    readonly unlimitedOverdraft: boolean;
  },
): string | undefined {
  if (account.owner !== "" && account.owner !== subject) return "an account for another owner";
  if (account.overdraftLimit !== 0n || account.unlimitedOverdraft) return "an account with an overdraft";
  // validation.ts refuses an unknown type.
  const isOther = account.type !== AccountType.UNSPECIFIED && AccountType[account.type] !== undefined;
  return isOther && account.type !== AccountType.LIABILITY ? "an account of another type than LIABILITY" : undefined;
}

/** {@link adminPartOfNewAccount} for a change of an account. */
export function adminPartOfChange(change: {
  readonly status?: AccountStatus | undefined;
  readonly overdraftLimit?: bigint | undefined;
  readonly unlimitedOverdraft?: boolean | undefined;
}): string | undefined {
  if (change.overdraftLimit !== undefined || change.unlimitedOverdraft !== undefined) return "setting limits";
  if (change.status === AccountStatus.FROZEN) return "freezing an account";
  return change.status === AccountStatus.OPEN ? "reopening an account" : undefined;
}

/** {@link adminPartOfNewAccount} for a transfer. */
export function adminPartOfTransfer(transfer: { readonly effectiveAt?: unknown }): string | undefined {
  return transfer.effectiveAt === undefined ? undefined : "an effective_at";
}
