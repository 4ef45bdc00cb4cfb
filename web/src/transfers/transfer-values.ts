import { type Account, toDate } from "@finance-service/client";
import { readAmount } from "../components/amount.ts";
import { type Pair, readPairs } from "../components/metadata-pairs.ts";
import { hindranceOf } from "../labels.ts";
import { readId } from "../route.ts";
import type { Permissions } from "../session/permissions.ts";
import { readLocalTime } from "./local-time.ts";

/** The contents of the transfer form. */
export interface TransferValues {
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  /** In the major unit. */
  readonly amount: string;
  readonly description: string;
  readonly pending: boolean;
  /** Days until the hold expires; 0 for never; undefined for the time in `expiresAt`. */
  readonly holdDays: number | undefined;
  /** See local-time.ts. */
  readonly expiresAt: string;
  /** See local-time.ts. Empty for the time of recording. */
  readonly effectiveAt: string;
  readonly metadata: readonly Pair[];
}

/** The fields that can have a problem, from top to bottom. */
export const FIELD_NAMES = [
  "debitAccountId",
  "creditAccountId",
  "amount",
  "description",
  "expiresAt",
  "effectiveAt",
  "metadata",
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];
export type FieldProblems = Partial<Record<FieldName, string>>;

export const DESCRIPTION_LENGTH_MAX = 500;

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
  readonly metadata: Readonly<Record<string, string>>;
  /** The service's string. Absent: see `holdDays`. */
  readonly expiresAt?: string;
  /** The service's string. Absent: the time of recording. */
  readonly effectiveAt?: string;
}

/** The numbers of the two accounts, as far as they are entered. */
export function accountsOf({
  debitAccountId,
  creditAccountId,
}: Pick<TransferValues, "debitAccountId" | "creditAccountId">): readonly bigint[] {
  return [debitAccountId, creditAccountId].flatMap((text) => readId(text) ?? []);
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
  const description = values.description.trim();
  // A field takes no longer text, but a link and a pasted table do.
  if (description.length > DESCRIPTION_LENGTH_MAX && [...description].length > DESCRIPTION_LENGTH_MAX) {
    problems.description = `A description has at most ${DESCRIPTION_LENGTH_MAX} characters.`;
  }
  const expiresAt = values.pending && values.holdDays === undefined ? readLocalTime(values.expiresAt) : undefined;
  if (values.pending && values.holdDays === undefined) {
    if (expiresAt === undefined) problems.expiresAt = "Choose a time.";
    else if (toDate(expiresAt).getTime() <= Date.now()) problems.expiresAt = "Choose a time in the future.";
  }
  const effectiveAt = readLocalTime(values.effectiveAt);
  const metadata = readPairs(values.metadata);
  if (metadata === undefined) problems.metadata = "Complete the pairs that are marked.";
  if (
    debitAccountId === undefined ||
    creditAccountId === undefined ||
    !amount?.ok ||
    metadata === undefined ||
    Object.keys(problems).length > 0
  ) {
    return { problems };
  }
  const draft = {
    debitAccountId,
    creditAccountId,
    amount: amount.minor,
    description,
    pending: values.pending,
    metadata,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(effectiveAt !== undefined && { effectiveAt }),
  };
  return { draft };
}
