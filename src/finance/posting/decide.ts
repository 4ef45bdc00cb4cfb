/**
 * Decides postings. Goal: one place that decides whether money may move, as a function of values.
 *
 * Method: the books hold every account and transfer that a batch touches, locked, as the earlier postings of the batch left
 * them. A posting is checked in the catalogue's order. The books change only after every check has passed, and from there
 * on nothing can fail.
 */
import { TransferState } from "../../../generated/server/finance/v1/transfer.ts";
import { availableBalanceOf, balanceOf, fitsInt64, insufficientFunds, isOpen, keepsFloor } from "../account.ts";
import {
  invalidField,
  isRefusal,
  notCreditable,
  notDebitable,
  notOpen,
  notOwned,
  type Refusal,
  refuse,
  transferNotFound,
} from "../errors.ts";
import { type Actor, isVisibleTo, may } from "../policy.ts";
import { seesTransfer, type TransferRecord } from "../records/transfers.ts";
import type { NewTransfer } from "../validation.ts";
import { INT64_MAX, type Micros, type Minor, type TransferId } from "../values.ts";
import {
  type Books,
  changed,
  type Decision,
  type LockedAccount,
  movementsOf,
  type Parties,
  partiesOf,
  timeToRecord,
} from "./books.ts";
import type { Command, Posting } from "./posting.ts";
import { capture, release, type Target } from "./settlement.ts";

export interface DecideOptions {
  /** The id of the transfer that the posting makes. */
  readonly id: TransferId;
  /**
   * When the floors must hold. In an atomic group it is at the end; refusals that depend on another caller's account come
   * after that: see `Decision.behindFloors`.
   */
  readonly floors: "now" | "later";
  /** The time to record, which the members of an atomic group share. Default: the first that both accounts allow. */
  readonly recordedAt?: Micros;
}

/** The earlier transfer that a command changes or reverses, if any. */
export function targetOf(command: Command): TransferId | undefined {
  return command.kind === "create" ? undefined : command.id;
}

/** Whether the command makes a new transfer, rather than settling its target. */
export function makesTransfer(command: Command): boolean {
  return command.kind === "create" || command.kind === "reverse";
}

/**
 * Decides one posting and, unless it is refused, changes the books.
 *
 * @returns the decision, or the first refusal in the catalogue's order with the books unchanged.
 */
export function decide(posting: Posting, books: Books, options: DecideOptions): Decision | Refusal {
  const { command, actor } = posting;
  if (command.kind === "create") {
    const { transfer } = command;
    const { debitAccountId, creditAccountId, pending, expiresAt } = transfer;
    if (pending && expiresAt !== undefined && expiresAt <= books.times.clock) {
      return invalidField(`${posting.path}expires_at`, "must be in the future");
    }
    const parties = partiesOf(debitAccountId, creditAccountId, books);
    if (isRefusal(parties)) return parties;
    return create(transfer, parties, null, posting, books, options);
  }

  const transfer = books.transfer(command.id);
  if (transfer === undefined || !seesTransfer(transfer, actor)) return transferNotFound(command.id);
  const parties = partiesOf(transfer.debitAccountId, transfer.creditAccountId, books);
  if (isRefusal(parties)) return parties;
  switch (command.kind) {
    case "capture":
      return capture(command.amount, { transfer, parties }, posting, books, options);
    case "void":
      return release(TransferState.VOIDED, { transfer, parties }, posting, books, options);
    case "expire":
      return release(TransferState.EXPIRED, { transfer, parties }, posting, books, options);
    case "reverse":
      return reverse(command.description, { transfer, parties }, posting, books, options);
  }
}

/** @param reverses the transfer that the new one reverses, if any. */
function create(
  record: Omit<NewTransfer, "debitAccountId" | "creditAccountId">,
  parties: Parties,
  reverses: TransferId | null,
  posting: Posting,
  books: Books,
  { id, floors, recordedAt }: DecideOptions,
): Decision | Refusal {
  const { amount, pending, expiresAt } = record;
  const { debited, credited } = parties;
  const { actor } = posting;
  if (!isVisibleTo(debited, actor)) return notOwned(debited.id);
  if (!may(actor, "debit", debited)) return notDebitable(debited.id);
  const shut = [debited, credited].find((account) => !isOpen(account));
  if (shut !== undefined) return notOpen(shut.id);
  if (debited.currency !== credited.currency) {
    const other = isVisibleTo(credited, actor) ? `in ${credited.currency}` : "in another currency";
    const msg = `account ${debited.id} is in ${debited.currency}, account ${credited.id} ${other}; a transfer stays in one currency`;
    return refuse("currency_mismatch", msg, {});
  }
  const time = recordedAt ?? timeToRecord(books, [debited, credited]);
  const after = changed(parties, { posted: pending ? 0n : amount, pending: pending ? amount : 0n, recordedAt: time });
  const refusal =
    (floors === "now" ? brokenFloor(parties, after, amount, actor) : undefined) ??
    overflow(after.debited) ??
    (isVisibleTo(credited, actor) ? overflow(after.credited) : undefined);
  if (refusal !== undefined) return refusal;
  // The last check, and the only one that depends on the money in another caller's account: it does not say what failed.
  const isCreditable = may(actor, "credit", credited) && fitsInt64(after.credited);
  if (!isCreditable && floors === "now") return notCreditable(credited.id);

  // From here on the posting must succeed.
  books.replace(after);
  const transfer: TransferRecord = {
    id,
    debitAccountId: debited.id,
    creditAccountId: credited.id,
    debitOwner: debited.owner,
    creditOwner: credited.owner,
    amount,
    currency: debited.currency,
    minorUnitDigits: debited.minorUnitDigits,
    state: pending ? TransferState.PENDING : TransferState.POSTED,
    description: record.description,
    metadata: record.metadata,
    idempotencyKey: posting.claim?.key ?? "",
    debitAccountBalance: balanceOf(after.debited),
    creditAccountBalance: balanceOf(after.credited),
    capturedAmount: 0n,
    reversesTransferId: reverses,
    reversedByTransferId: null,
    createdBy: actor.subject,
    createdAt: time,
    effectiveAt: record.effectiveAt ?? time,
    expiresAt: (pending ? expiresAt : undefined) ?? null,
    settledBy: null,
    settledAt: null,
    awaitsSettlement: pending,
  };
  books.transfers.set(id, transfer);
  const decision: Decision = {
    effect: "created",
    transfer,
    movements: pending ? [] : movementsOf(id, parties, after),
  };
  return isCreditable ? decision : { ...decision, behindFloors: notCreditable(credited.id) };
}

function reverse(
  description: string,
  { transfer, parties }: Target,
  posting: Posting,
  books: Books,
  options: DecideOptions,
): Decision | Refusal {
  const swapped: Parties = { debited: parties.credited, credited: parties.debited };
  if (!isVisibleTo(swapped.debited, posting.actor)) return notOwned(swapped.debited.id);
  if (!may(posting.actor, "debit", swapped.debited)) return notDebitable(swapped.debited.id);
  if (transfer.reversedByTransferId !== null) {
    const msg = `transfer ${transfer.id} was reversed by transfer ${transfer.reversedByTransferId}`;
    return refuse("already_reversed", msg, { transfer_id: `${transfer.id}` });
  }
  if (transfer.state !== TransferState.POSTED && transfer.state !== TransferState.CAPTURED) {
    const msg = `transfer ${transfer.id} has moved no money; only a posted or captured transfer can be reversed`;
    return refuse("transfer_not_posted", msg, { transfer_id: `${transfer.id}` });
  }
  const decision = create(
    {
      amount: transfer.state === TransferState.CAPTURED ? transfer.capturedAmount : transfer.amount,
      pending: false,
      description,
      metadata: {},
      effectiveAt: undefined,
      expiresAt: undefined,
    },
    swapped,
    transfer.id,
    posting,
    books,
    options,
  );
  if (!isRefusal(decision)) {
    books.transfers.set(transfer.id, { ...transfer, reversedByTransferId: decision.transfer.id });
  }
  return decision;
}

/** Refuses to take an account below its floor. The caller must not learn this about another caller's account. */
function brokenFloor(before: Parties, after: Parties, amount: Minor, actor: Actor): Refusal | undefined {
  for (const side of ["debited", "credited"] as const) {
    const falls = availableBalanceOf(after[side]) < availableBalanceOf(before[side]);
    if (falls && isVisibleTo(before[side], actor) && !keepsFloor(after[side])) {
      return insufficientFunds(before[side], amount);
    }
  }
  return undefined;
}

function overflow(account: LockedAccount): Refusal | undefined {
  if (fitsInt64(account)) return undefined;
  const msg = `the balance of account ${account.id} with pending transfers would be more than ${INT64_MAX}`;
  return refuse("out_of_range", msg, { account_id: `${account.id}` });
}
