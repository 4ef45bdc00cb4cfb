/**
 * Who may do what. Goal: a caller without finance.admin can't make money, take somebody else's, or learn of it.
 *
 * Method: one table for each kind of thing that can be acted on, from the caller's relation to it; an admin may do
 * everything. Every method asks here. docs/security.md shows the same tables.
 */
import { AccountStatus, AccountType } from "../../generated/server/finance/v1/account.ts";

/** Who asks. */
export interface Actor {
  /** The token's `sub`. */
  readonly subject: string;
  /** Whether it holds finance.admin. */
  readonly admin: boolean;
}

/** How a plain caller stands to an account: whose it is, and which side raises its balance. */
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
  /** Only where that lowers the balance: raising one's own balance by a debit would be money from nowhere. */
  debit: ["own, credit-normal"],
  /** Only where that raises the balance: lowering somebody else's would take their money. */
  credit: ["own, credit-normal", "other, credit-normal"],
  set_limits: [],
  freeze_or_open: [],
};

/** How a plain caller stands to a hold. Who placed it is not known of holds from before 0.2.0. */
export type HoldRelation = "placed" | "receives";

export type HoldAction = "capture" | "void";

/** What a caller without finance.admin may do with holds; to capture one they must also be able to post it. */
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

/** Whether the caller may see everything about an account: for what the table says of reading, its type does not matter. */
export function isVisibleTo({ owner }: { readonly owner: string }, actor: Actor): boolean {
  return may(actor, "read", { owner, debitNormal: false });
}

/** Whether the caller may act on a hold as far as their relation to it goes. */
export function maySettle(
  actor: Actor,
  action: HoldAction,
  hold: { readonly createdBy: string | undefined; readonly creditOwner: string },
): boolean {
  if (actor.admin) return true;
  const relations: HoldRelation[] = [];
  if (hold.createdBy === actor.subject) relations.push("placed");
  if (hold.creditOwner === actor.subject) relations.push("receives");
  return relations.some((relation) => holdPolicy[action].includes(relation));
}

/** What a request asks for that only an admin may have; undefined when there is nothing. Judged before anything is read. */
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
  // An unknown type is a mistake of another kind.
  const isOther = account.type !== AccountType.UNSPECIFIED && AccountType[account.type] !== undefined;
  return isOther && account.type !== AccountType.LIABILITY ? "an account of another type than LIABILITY" : undefined;
}

/** As {@link adminPartOfNewAccount}, for a change of an account. */
export function adminPartOfChange(change: {
  readonly status?: AccountStatus | undefined;
  readonly overdraftLimit?: bigint | undefined;
  readonly unlimitedOverdraft?: boolean | undefined;
}): string | undefined {
  if (change.overdraftLimit !== undefined || change.unlimitedOverdraft !== undefined) return "setting limits";
  if (change.status === AccountStatus.FROZEN) return "freezing an account";
  return change.status === AccountStatus.OPEN ? "opening an account again" : undefined;
}

/** As {@link adminPartOfNewAccount}, for a transfer. */
export function adminPartOfTransfer(transfer: { readonly effectiveAt?: unknown }): string | undefined {
  return transfer.effectiveAt === undefined ? undefined : "an effective_at";
}
