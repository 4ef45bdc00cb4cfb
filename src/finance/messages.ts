/** Records of the ledger as messages of the API. */
import type { Account } from "../../generated/server/finance/v1/account.ts";
import type { Entry } from "../../generated/server/finance/v1/entry.ts";
import type { CurrencyTrialBalance, BalancePoint as PointMessage } from "../../generated/server/finance/v1/report.ts";
import type { BatchCreateTransfersResult, Transfer } from "../../generated/server/finance/v1/transfer.ts";
import { availableBalanceOf, balanceOf } from "./account.ts";
import { isRefusal, toTwirpError } from "./errors.ts";
import { type Actor, isVisibleTo } from "./policy.ts";
import type { Outcome } from "./posting/decide-group.ts";
import type { AccountRecord } from "./records/accounts.ts";
import type { BalancePoint, CurrencyTotals } from "./records/balances.ts";
import type { EntryRecord } from "./records/entries.ts";
import type { TransferRecord } from "./records/transfers.ts";
import { type Micros, saturate, toTimestamp } from "./values.ts";

export function toAccountMessage(account: AccountRecord): Account {
  const debits = account.debitsPosted + account.postedCarried;
  const credits = account.creditsPosted + account.postedCarried;
  return {
    ...account,
    metadata: { ...account.metadata },
    debitsPosted: saturate(debits),
    creditsPosted: saturate(credits),
    totalDebits: `${debits}`,
    totalCredits: `${credits}`,
    balance: balanceOf(account),
    availableBalance: availableBalanceOf(account),
    createdAt: toTimestamp(account.createdAt),
    updatedAt: toTimestamp(account.updatedAt),
  };
}

/**
 * Names each field: what a record holds besides must not reach the caller.
 *
 * @param actor the reader; fields that they may not see are 0 or empty.
 */
export function toTransferMessage(transfer: TransferRecord, actor: Actor): Transfer {
  const { createdBy } = transfer;
  const seesDebited = isVisibleTo({ owner: transfer.debitOwner }, actor);
  const seesCredited = isVisibleTo({ owner: transfer.creditOwner }, actor);
  const isCallers = actor.admin || createdBy === actor.subject;
  return {
    id: transfer.id,
    debitAccountId: transfer.debitAccountId,
    creditAccountId: transfer.creditAccountId,
    amount: transfer.amount,
    currency: transfer.currency,
    state: transfer.state,
    description: transfer.description,
    metadata: { ...transfer.metadata },
    // Only its caller may see a key. An older transfer does not say who that was; most likely it was the payer.
    idempotencyKey: isCallers || (createdBy === null && seesDebited) ? transfer.idempotencyKey : "",
    debitAccountBalance: seesDebited ? transfer.debitAccountBalance : 0n,
    creditAccountBalance: seesCredited ? transfer.creditAccountBalance : 0n,
    capturedAmount: transfer.capturedAmount,
    reversesTransferId: transfer.reversesTransferId ?? 0n,
    reversedByTransferId: transfer.reversedByTransferId ?? 0n,
    createdAt: toTimestamp(transfer.createdAt),
    effectiveAt: toTimestamp(transfer.effectiveAt),
    ...timeField("expiresAt", transfer.expiresAt),
    ...timeField("settledAt", transfer.settledAt),
    createdBy: isCallers ? (createdBy ?? "") : "",
    minorUnitDigits: transfer.minorUnitDigits,
  };
}

/** The currency of an account's amounts. */
export function moneyOf({ currency, minorUnitDigits }: AccountRecord) {
  return { currency, minorUnitDigits };
}

export function toEntryMessage(entry: EntryRecord, account: AccountRecord): Entry {
  return {
    ...entry,
    createdAt: toTimestamp(entry.createdAt),
    effectiveAt: toTimestamp(entry.effectiveAt),
    ...moneyOf(account),
  };
}

export function toPointMessage({ time, balance, debits, credits }: BalancePoint, account: AccountRecord): PointMessage {
  return {
    time: toTimestamp(time),
    balance,
    debits: saturate(debits),
    credits: saturate(credits),
    totalDebits: `${debits}`,
    totalCredits: `${credits}`,
    ...moneyOf(account),
  };
}

export function toCurrencyMessage({ debits, credits, ...currency }: CurrencyTotals): CurrencyTrialBalance {
  return {
    ...currency,
    totalDebits: saturate(debits),
    totalCredits: saturate(credits),
    exactTotalDebits: `${debits}`,
    exactTotalCredits: `${credits}`,
  };
}

/** The outcome of one member: its transfer, or its refusal as a Twirp error. */
export function toBatchResult({ result, replayed }: Outcome, actor: Actor): BatchCreateTransfersResult {
  if (!isRefusal(result)) {
    return { outcome: { oneofKind: "transfer", transfer: toTransferMessage(result, actor) }, replayed };
  }
  const { code, msg, meta } = toTwirpError(result);
  return { outcome: { oneofKind: "error", error: { code, msg, meta } }, replayed };
}

function timeField<Name extends "expiresAt" | "settledAt">(name: Name, time: Micros | null) {
  return time === null ? {} : { [name]: toTimestamp(time) };
}
