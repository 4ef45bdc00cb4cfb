/**
 * Records of the ledger as messages of the API.
 *
 * Messages of every call name their fields: after a spread V8 gives each object a hidden class of its own, which took a
 * tenth of a GetAccount.
 */
import { Account, type AccountChange } from "../../generated/server/finance/v1/account.ts";
import type { Entry } from "../../generated/server/finance/v1/entry.ts";
import type { Event } from "../../generated/server/finance/v1/event.ts";
import type { CurrencyTrialBalance, BalancePoint as PointMessage } from "../../generated/server/finance/v1/report.ts";
import type { BatchCreateTransfersResult, Transfer } from "../../generated/server/finance/v1/transfer.ts";
import { availableBalanceOf, balanceOf } from "./account.ts";
import { isRefusal, toTwirpError } from "./errors.ts";
import type { EventRecord } from "./feed/events.ts";
import { type Actor, isVisibleTo } from "./policy.ts";
import type { Outcome } from "./posting/decide-group.ts";
import type { AccountSettings, FieldChange } from "./records/account-changes.ts";
import type { AccountRecord } from "./records/accounts.ts";
import type { BalancePoint } from "./records/balances.ts";
import type { EntryRecord } from "./records/entries.ts";
import type { TransferRecord } from "./records/transfers.ts";
import type { CurrencyTotals } from "./records/trial-balance.ts";
import { type Micros, saturate, toTimestamp } from "./values.ts";

export function toAccountMessage(account: AccountRecord): Account {
  const debits = account.debitsPosted + account.postedCarried;
  const credits = account.creditsPosted + account.postedCarried;
  return {
    id: account.id,
    name: account.name,
    owner: account.owner,
    type: account.type,
    currency: account.currency,
    status: account.status,
    minorUnitDigits: account.minorUnitDigits,
    debitsPosted: saturate(debits),
    creditsPosted: saturate(credits),
    debitsPending: account.debitsPending,
    creditsPending: account.creditsPending,
    balance: balanceOf(account),
    availableBalance: availableBalanceOf(account),
    overdraftLimit: account.overdraftLimit,
    unlimitedOverdraft: account.unlimitedOverdraft,
    metadata: { ...account.metadata },
    createdAt: toTimestamp(account.createdAt),
    updatedAt: toTimestamp(account.updatedAt),
    totalDebits: `${debits}`,
    totalCredits: `${credits}`,
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
    createdBy: callersOrEmpty(createdBy, actor),
    settledBy: callersOrEmpty(transfer.settledBy, actor),
    minorUnitDigits: transfer.minorUnitDigits,
  };
}

export function toChangeMessage(change: FieldChange, actor: Actor): AccountChange {
  const { accountId, field, before, after } = change;
  const changedBy = callersOrEmpty(change.changedBy, actor);
  return {
    accountId,
    field,
    before,
    after,
    changedAt: toTimestamp(change.changedAt),
    changedBy,
    requestId: changedBy === "" ? "" : (change.requestId ?? ""),
  };
}

function toSettingsMessage({ changedBy: _, metadata, createdAt, changedAt, ...settings }: AccountSettings): Account {
  const account = Account.create({
    ...settings,
    createdAt: toTimestamp(createdAt),
    updatedAt: toTimestamp(changedAt),
  });
  // `create` would lose the key `__proto__`.
  return { ...account, metadata: { ...metadata } };
}

/**
 * @param cursor continues after the event.
 * @param actor the reader; fields that they may not see are 0 or empty, and entries are absent.
 */
export function toEventMessage(event: EventRecord, cursor: string, actor: Actor): Event {
  const { position, type, transfer, settings, entries, changes } = event;
  const ownerOf = (entry: EntryRecord) =>
    transfer?.debitAccountId === entry.accountId ? transfer.debitOwner : (transfer?.creditOwner ?? "");
  return {
    id: position,
    type,
    createdAt: toTimestamp(event.createdAt),
    cursor,
    ...(transfer !== undefined && { transfer: toTransferMessage(transfer, actor) }),
    ...(settings !== undefined && { account: toSettingsMessage(settings) }),
    accountChanges: changes.map((change) => toChangeMessage(change, actor)),
    entries: entries.flatMap((entry) =>
      transfer !== undefined && isVisibleTo({ owner: ownerOf(entry) }, actor) ? toEntryMessage(entry, transfer) : [],
    ),
    actor: callersOrEmpty(event.actor, actor),
  };
}

/** The currency of an account's amounts. */
export function moneyOf({ currency, minorUnitDigits }: Pick<AccountRecord, "currency" | "minorUnitDigits">) {
  return { currency, minorUnitDigits };
}

export function toEntryMessage(
  entry: EntryRecord,
  account: Pick<AccountRecord, "currency" | "minorUnitDigits">,
): Entry {
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
    currency: account.currency,
    minorUnitDigits: account.minorUnitDigits,
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
    balanced: debits === credits,
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

/** A `sub` in a reply: only that caller and admins may see it. */
function callersOrEmpty(subject: string | null, actor: Actor): string {
  return subject !== null && (actor.admin || subject === actor.subject) ? subject : "";
}

function timeField<Name extends "expiresAt" | "settledAt">(name: Name, time: Micros | null) {
  return time === null ? {} : { [name]: toTimestamp(time) };
}
