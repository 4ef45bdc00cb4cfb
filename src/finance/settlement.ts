/** Decides what becomes of a hold: captured, voided or expired, once. */
import { TransferState } from "../../generated/server/finance/v1/transfer.ts";
import { balanceOf, isOpen } from "./account.ts";
import { add, type Books, type Decision, movementsOf, type Parties } from "./books.ts";
import { invalidField, notOpen, type Refusal, refuse } from "./errors.ts";
import type { Micros } from "./micros.ts";
import type { Minor } from "./money.ts";
import type { Order } from "./order.ts";
import { may, maySettle } from "./policy.ts";
import type { TransferRecord } from "./transfers.ts";

/** A transfer under lock with its accounts. */
export interface Target {
  readonly transfer: TransferRecord;
  readonly parties: Parties;
}

/** Posts a hold, wholly or in part, and frees the rest. */
export function capture(
  amount: Minor | undefined,
  { transfer, parties }: Target,
  { actor, path }: Order,
  books: Books,
): Decision | Refusal {
  const { debited, credited } = parties;
  const mayPost = may(actor, "debit", debited) && may(actor, "credit", credited);
  if (!maySettle(actor, "capture", transfer) || !mayPost) {
    const msg = `only the caller that placed the hold of transfer ${transfer.id}, or an admin, may capture it`;
    return refuse("hold_not_owned", msg, { transfer_id: `${transfer.id}` });
  }
  const unheld = notHeld(transfer, books.now);
  if (unheld !== undefined) return unheld;
  const shut = [debited, credited].find((account) => !isOpen(account));
  if (shut !== undefined) return notOpen(shut.id);
  const captured = amount ?? transfer.amount;
  if (captured > transfer.amount) {
    return invalidField(`${path}amount`, `must be at most the ${transfer.amount} that is held, not ${captured}`);
  }

  // What is captured was reserved and counted when it was held: from here on the order must succeed.
  const after: Parties = {
    debited: add(debited, "debit", captured, -transfer.amount),
    credited: add(credited, "credit", captured, -transfer.amount),
  };
  books.replace(after);
  const settled = settle(transfer, TransferState.CAPTURED, captured, after, books);
  return { effect: "settled", transfer: settled, movements: movementsOf(transfer.id, parties, after) };
}

/** Frees a hold: given up while it stands, or found expired. */
export function release(
  state: TransferState.VOIDED | TransferState.EXPIRED,
  { transfer, parties }: Target,
  { actor }: Order,
  books: Books,
): Decision | Refusal {
  const { debited, credited } = parties;
  if (!maySettle(actor, "void", transfer)) {
    const msg = `only the caller that placed the hold of transfer ${transfer.id}, the owner of the account that it would credit, or an admin, may void it`;
    return refuse("hold_not_owned", msg, { transfer_id: `${transfer.id}` });
  }
  const lapsed = hasLapsed(transfer, books.now);
  if (state === TransferState.VOIDED) {
    const unheld = notHeld(transfer, books.now);
    if (unheld !== undefined) return unheld;
  } else if (!transfer.awaitsSettlement || !lapsed) {
    return notPending(transfer);
  }

  // From here on the order must succeed.
  const { amount } = transfer;
  const after: Parties = lapsed
    ? {
        debited: { ...debited, lapsedDebits: debited.lapsedDebits - amount },
        credited: { ...credited, lapsedCredits: credited.lapsedCredits - amount },
      }
    : { debited: add(debited, "debit", 0n, -amount), credited: add(credited, "credit", 0n, -amount) };
  books.replace(after);
  return { effect: "settled", transfer: settle(transfer, state, 0n, after, books), movements: [] };
}

function settle(
  transfer: TransferRecord,
  state: TransferState,
  capturedAmount: Minor,
  after: Parties,
  books: Books,
): TransferRecord {
  const settled: TransferRecord = {
    ...transfer,
    state,
    capturedAmount,
    debitAccountBalance: balanceOf(after.debited),
    creditAccountBalance: balanceOf(after.credited),
    settledAt: state === TransferState.EXPIRED ? transfer.expiresAt : books.now,
    awaitsSettlement: false,
  };
  books.transfers.set(transfer.id, settled);
  return settled;
}

function hasLapsed(transfer: TransferRecord, now: Micros): boolean {
  return transfer.expiresAt !== undefined && transfer.expiresAt <= now;
}

function notHeld(transfer: TransferRecord, now: Micros): Refusal | undefined {
  const expired = transfer.state === TransferState.EXPIRED || (transfer.awaitsSettlement && hasLapsed(transfer, now));
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
