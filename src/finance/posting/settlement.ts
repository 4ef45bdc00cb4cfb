/** Decides how a hold ends: captured, voided or expired, once. */
import { TransferState } from "../../../generated/server/finance/v1/transfer.ts";
import { balanceOf, insufficientFunds, isOpen } from "../account.ts";
import { invalidField, notOpen, type Refusal, refuse } from "../errors.ts";
import { may, maySettle } from "../policy.ts";
import type { TransferRecord } from "../records/transfers.ts";
import type { Micros, Minor } from "../values.ts";
import { type Books, changed, type Decision, movementsOf, type Parties, timeToRecord } from "./books.ts";
import type { Posting } from "./posting.ts";

/** A transfer with its locked accounts. */
export interface Target {
  readonly transfer: TransferRecord;
  readonly parties: Parties;
}

export interface SettlementOptions {
  /** The time to record. Default: the first that both accounts allow. */
  readonly recordedAt?: Micros;
}

/** Posts a hold, in full or in part, and frees the rest. */
export function capture(
  amount: Minor | undefined,
  { transfer, parties }: Target,
  { actor, path }: Posting,
  books: Books,
  { recordedAt }: SettlementOptions,
): Decision | Refusal {
  const { debited, credited } = parties;
  const mayPost = may(actor, "debit", debited) && may(actor, "credit", credited);
  if (!maySettle(actor, "capture", transfer) || !mayPost) {
    const msg = `only the caller that placed the hold of transfer ${transfer.id} or an admin may capture it`;
    return refuse("hold_not_owned", msg, { transfer_id: `${transfer.id}` });
  }
  const unheld = notHeld(transfer, books.times.clock);
  if (unheld !== undefined) return unheld;
  const shut = [debited, credited].find((account) => !isOpen(account));
  if (shut !== undefined) return notOpen(shut.id);
  const captured = amount ?? transfer.amount;
  if (captured > transfer.amount) {
    return invalidField(`${path}amount`, `must be at most the held ${transfer.amount}, not ${captured}`);
  }

  const time = recordedAt ?? timeToRecord(books, [debited, credited]);
  const after = changed(parties, { posted: captured, pending: -transfer.amount, recordedAt: time });
  // The hold reserved the captured amount, unless a version before 0.2.0 freed it early.
  for (const side of ["debited", "credited"] as const) {
    const { unlimitedOverdraft, overdraftLimit } = after[side];
    const balance = balanceOf(after[side]);
    const falls = balance < balanceOf(parties[side]);
    if (falls && !unlimitedOverdraft && balance < -overdraftLimit) return insufficientFunds(parties[side], captured);
  }

  // From here on the posting must succeed.
  books.replace(after);
  const end = { state: TransferState.CAPTURED, capturedAmount: captured, settledBy: actor.subject, settledAt: time };
  const settled = settle(transfer, end, after, books);
  return { effect: "settled", transfer: settled, movements: movementsOf(transfer.id, parties, after) };
}

/** Frees a hold: voided in time, or expired. */
export function release(
  state: TransferState.VOIDED | TransferState.EXPIRED,
  { transfer, parties }: Target,
  { actor }: Posting,
  books: Books,
  { recordedAt }: SettlementOptions,
): Decision | Refusal {
  const { debited, credited } = parties;
  if (!maySettle(actor, "void", transfer)) {
    const msg = `only the caller that placed the hold of transfer ${transfer.id}, the owner of the account to be credited, or an admin may void it`;
    return refuse("hold_not_owned", msg, { transfer_id: `${transfer.id}` });
  }
  const { clock } = books.times;
  if (state === TransferState.VOIDED) {
    const unheld = notHeld(transfer, clock);
    if (unheld !== undefined) return unheld;
  } else if (!transfer.awaitsSettlement || !hasExpired(transfer, clock)) {
    return notPending(transfer);
  }

  // From here on the posting must succeed.
  const time = recordedAt ?? timeToRecord(books, [debited, credited]);
  const after = changed(parties, { posted: 0n, pending: -transfer.amount, recordedAt: time });
  books.replace(after);
  const settledBy = state === TransferState.EXPIRED ? null : actor.subject;
  const settled = settle(transfer, { state, capturedAmount: 0n, settledBy, settledAt: time }, after, books);
  return { effect: "settled", transfer: settled, movements: [] };
}

function settle(
  transfer: TransferRecord,
  end: Pick<TransferRecord, "state" | "capturedAmount" | "settledBy" | "settledAt">,
  after: Parties,
  books: Books,
): TransferRecord {
  const settled: TransferRecord = {
    ...transfer,
    ...end,
    debitAccountBalance: balanceOf(after.debited),
    creditAccountBalance: balanceOf(after.credited),
    awaitsSettlement: false,
  };
  books.transfers.set(transfer.id, settled);
  return settled;
}

function hasExpired(transfer: TransferRecord, clock: Micros): boolean {
  return transfer.expiresAt !== null && transfer.expiresAt <= clock;
}

function notHeld(transfer: TransferRecord, clock: Micros): Refusal | undefined {
  const expired = transfer.awaitsSettlement ? hasExpired(transfer, clock) : transfer.state === TransferState.EXPIRED;
  if (expired) {
    return refuse("transfer_expired", `the hold of transfer ${transfer.id} has expired`, {
      transfer_id: `${transfer.id}`,
    });
  }
  return transfer.awaitsSettlement ? undefined : notPending(transfer);
}

function notPending(transfer: TransferRecord): Refusal {
  return refuse("transfer_not_pending", `transfer ${transfer.id} is ${TransferState[transfer.state]}, not PENDING`, {
    transfer_id: `${transfer.id}`,
  });
}
