import type { Account } from "@finance-service/client";
import { readAmount } from "../components/amount.ts";
import { hindranceOf } from "../labels.ts";
import { readId } from "../route.ts";
import type { Permissions } from "../session/permissions.ts";

/** What is typed into the transfer form. */
export interface TransferValues {
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  /** In the major unit. */
  readonly amount: string;
  readonly description: string;
  readonly pending: boolean;
  /** How long a hold lasts; 0: until it is settled. */
  readonly holdDays: number;
}

/** The fields that may have a problem, from top to bottom. */
export const FIELD_NAMES = ["debitAccountId", "creditAccountId", "amount", "description"] as const;

export type FieldName = (typeof FIELD_NAMES)[number];
export type FieldProblems = Partial<Record<FieldName, string>>;

/** Minor units: the most that one transfer may move. */
const TRANSFER_AMOUNT_MAX = 10n ** 15n;

/** What the form asks of the service. */
export interface TransferOrder {
  readonly debitAccountId: bigint;
  readonly creditAccountId: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly description: string;
  readonly pending: boolean;
}

/**
 * Checks everything that can be checked without asking the service.
 *
 * @param isLooking whether the account to debit may still be found. Default false.
 */
export function readTransfer(
  values: TransferValues,
  accounts: ReadonlyMap<bigint, Account>,
  may: Pick<Permissions, "debit" | "credit">,
  isLooking = false,
): { readonly order: TransferOrder } | { readonly problems: FieldProblems } {
  const problems: FieldProblems = {};
  const debitAccountId = readId(values.debitAccountId);
  const creditAccountId = readId(values.creditAccountId);
  const debited = debitAccountId === undefined ? undefined : accounts.get(debitAccountId);
  if (debitAccountId === undefined) problems.debitAccountId = "Choose an account.";
  else if (debited === undefined)
    problems.debitAccountId = isLooking ? "Looking for this account…" : "This is not one of your accounts.";
  else if (!may.debit(debited))
    problems.debitAccountId = "A debit would raise this account: only an admin may make one.";
  else if (hindranceOf(debited)) problems.debitAccountId = `This account is ${hindranceOf(debited)?.toLowerCase()}.`;
  if (creditAccountId === undefined) problems.creditAccountId = "Choose an account, or enter its number.";
  else if (creditAccountId === debitAccountId) problems.creditAccountId = "This is the account the money comes from.";
  else if (!may.credit(accounts.get(creditAccountId))) {
    problems.creditAccountId = "A credit would lower this account: only an admin may make one.";
  }
  const amount = debited && readAmount(values.amount, debited, { max: TRANSFER_AMOUNT_MAX });
  if (amount?.ok === false) problems.amount = amount.problem;
  if (
    debitAccountId === undefined ||
    creditAccountId === undefined ||
    !amount?.ok ||
    Object.keys(problems).length > 0
  ) {
    return { problems };
  }
  const { description, pending } = values;
  return { order: { debitAccountId, creditAccountId, amount: amount.minor, description: description.trim(), pending } };
}
