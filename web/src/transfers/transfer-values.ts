import type { Account } from "@finance-service/client";
import { readAmount } from "../components/amount.ts";
import { hindranceOf } from "../labels.ts";
import { readId } from "../route.ts";
import type { Permissions } from "../session/permissions.ts";

/** The contents of the transfer form. */
export interface TransferValues {
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  /** In the major unit. */
  readonly amount: string;
  readonly description: string;
  readonly pending: boolean;
  /** Days until the hold expires; 0 for never. */
  readonly holdDays: number;
}

/** The fields that can have a problem, from top to bottom. */
export const FIELD_NAMES = ["debitAccountId", "creditAccountId", "amount", "description"] as const;

export type FieldName = (typeof FIELD_NAMES)[number];
export type FieldProblems = Partial<Record<FieldName, string>>;

/** Minor units: the most that one transfer may move. */
const TRANSFER_AMOUNT_MAX = 10n ** 15n;

/** A complete, valid form. */
export interface TransferDraft {
  readonly debitAccountId: bigint;
  readonly creditAccountId: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly description: string;
  readonly pending: boolean;
}

/**
 * Checks the form as far as possible without the service.
 *
 * @param isLooking Whether the account to debit is still being loaded. Default false.
 */
export function readTransfer(
  values: TransferValues,
  accounts: ReadonlyMap<bigint, Account>,
  may: Pick<Permissions, "debit" | "credit">,
  isLooking = false,
): { readonly draft: TransferDraft } | { readonly problems: FieldProblems } {
  const problems: FieldProblems = {};
  const debitAccountId = readId(values.debitAccountId);
  const creditAccountId = readId(values.creditAccountId);
  const debited = debitAccountId === undefined ? undefined : accounts.get(debitAccountId);
  if (debitAccountId === undefined) problems.debitAccountId = "Choose an account.";
  else if (debited === undefined)
    problems.debitAccountId = isLooking ? "Looking for this account…" : "This is not one of your accounts.";
  else if (!may.debit(debited))
    problems.debitAccountId = "Only an admin can debit this account, because a debit would increase it.";
  else if (hindranceOf(debited)) problems.debitAccountId = `This account is ${hindranceOf(debited)?.toLowerCase()}.`;
  if (creditAccountId === undefined) problems.creditAccountId = "Choose an account, or enter its number.";
  else if (creditAccountId === debitAccountId) problems.creditAccountId = "This is the account the money comes from.";
  else if (!may.credit(accounts.get(creditAccountId))) {
    problems.creditAccountId = "Only an admin can credit this account, because a credit would decrease it.";
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
  return { draft: { debitAccountId, creditAccountId, amount: amount.minor, description: description.trim(), pending } };
}
