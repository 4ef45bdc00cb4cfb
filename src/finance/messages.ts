/** Records of the ledger as messages of the API. */
import type { Account } from "../../generated/server/finance/v1/account.ts";
import type { Entry } from "../../generated/server/finance/v1/entry.ts";
import type { BatchCreateTransfersResult, Transfer } from "../../generated/server/finance/v1/transfer.ts";
import { type Actor, availableBalanceOf, balanceOf, isVisibleTo } from "./account.ts";
import type { AccountRecord } from "./accounts.ts";
import type { EntryRecord } from "./entries.ts";
import { type Refusal, toTwirpError } from "./errors.ts";
import { type Micros, toTimestamp } from "./micros.ts";
import { minorUnitDigitsOf } from "./money.ts";
import type { TransferRecord } from "./transfers.ts";

export function toAccountMessage(account: AccountRecord): Account {
  return {
    id: account.id,
    name: account.name,
    owner: account.owner,
    type: account.type,
    currency: account.currency,
    status: account.status,
    minorUnitDigits: minorUnitDigitsOf(account.currency) ?? 0,
    debitsPosted: account.debitsPosted,
    creditsPosted: account.creditsPosted,
    debitsPending: account.debitsPending,
    creditsPending: account.creditsPending,
    balance: balanceOf(account),
    availableBalance: availableBalanceOf(account),
    overdraftLimit: account.overdraftLimit,
    unlimitedOverdraft: account.unlimitedOverdraft,
    metadata: { ...account.metadata },
    createdAt: toTimestamp(account.createdAt),
    updatedAt: toTimestamp(account.updatedAt),
  };
}

/** @param actor who reads it: the balance of an account that is not theirs to see is left 0. */
export function toTransferMessage(transfer: TransferRecord, actor: Actor): Transfer {
  const seesDebited = isVisibleTo({ owner: transfer.debitOwner }, actor);
  const seesCredited = isVisibleTo({ owner: transfer.creditOwner }, actor);
  return {
    id: transfer.id,
    debitAccountId: transfer.debitAccountId,
    creditAccountId: transfer.creditAccountId,
    amount: transfer.amount,
    currency: transfer.currency,
    state: transfer.state,
    description: transfer.description,
    metadata: { ...transfer.metadata },
    // A key is its caller's own; the payee has no business with it.
    idempotencyKey: seesDebited ? transfer.idempotencyKey : "",
    debitAccountBalance: seesDebited ? transfer.debitAccountBalance : 0n,
    creditAccountBalance: seesCredited ? transfer.creditAccountBalance : 0n,
    capturedAmount: transfer.capturedAmount,
    reversesTransferId: transfer.reversesTransferId ?? 0n,
    reversedByTransferId: transfer.reversedByTransferId ?? 0n,
    createdAt: toTimestamp(transfer.createdAt),
    effectiveAt: toTimestamp(transfer.effectiveAt),
    ...timeField("expiresAt", transfer.expiresAt),
    ...timeField("settledAt", transfer.settledAt),
  };
}

export function toEntryMessage(entry: EntryRecord): Entry {
  return {
    accountId: entry.accountId,
    sequence: entry.sequence,
    transferId: entry.transferId,
    counterpartyAccountId: entry.counterpartyAccountId,
    amount: entry.amount,
    balanceAfter: entry.balanceAfter,
    description: entry.description,
    createdAt: toTimestamp(entry.createdAt),
    effectiveAt: toTimestamp(entry.effectiveAt),
  };
}

/** One member's outcome: the transfer, or the refusal in the form of a Twirp error. */
export function toBatchResult(result: TransferRecord | Refusal, actor: Actor): BatchCreateTransfersResult {
  if (!("situation" in result)) {
    return { outcome: { oneofKind: "transfer", transfer: toTransferMessage(result, actor) } };
  }
  const { code, msg, meta } = toTwirpError(result);
  return { outcome: { oneofKind: "error", error: { code, msg, meta } } };
}

function timeField<Name extends "expiresAt" | "settledAt">(name: Name, time: Micros | undefined) {
  return time === undefined ? {} : { [name]: toTimestamp(time) };
}
