/**
 * The working copy of a batch: locked accounts, transfers and the uses of idempotency keys, changed decision by decision.
 *
 * Books are layers. A layer sees the one below it and keeps its own changes until it is merged into the one below or
 * dropped. A refused atomic group and a dry run are dropped layers. The lowest layer is the content of the database; the
 * batch writes the changes of the layer above it.
 */
import { type AccountBalances, type AccountIdentity, balanceOf, withSmallSums } from "../account.ts";
import { accountNotFound, type Refusal } from "../errors.ts";
import type { TransferRecord } from "../records/transfers.ts";
import type { AccountId, Micros, Minor, TransferId } from "../values.ts";
import type { Claim, KeyUse } from "./idempotency.ts";

/** An account under lock. */
export interface LockedAccount extends AccountIdentity, AccountBalances {
  /** The account's last recorded time: anything recorded on it from now on is later. */
  readonly recordedAt: Micros;
}

/** An entry to write. */
export interface Movement {
  readonly accountId: AccountId;
  readonly sequence: bigint;
  readonly transferId: TransferId;
  /** Positive raises the balance. */
  readonly amount: Minor;
  readonly balanceAfter: Minor;
  readonly recordedAt: Micros;
}

/** The result of a posting that was carried out. */
export interface Decision {
  /** Whether `transfer` is new, or a hold that is now settled. */
  readonly effect: "created" | "settled";
  readonly transfer: TransferRecord;
  /** Debit and credit; none for a hold and for its release. */
  readonly movements: readonly Movement[];
  /** The posting is refused with this if no floor is broken; see `DecideOptions.floors`. */
  readonly behindFloors?: Refusal;
}

/** An outcome to write under its key. */
export interface Remembered {
  readonly claim: Claim;
  readonly outcome: TransferRecord | Refusal;
}

/** Two times that a batch reads once, after it has taken the locks. */
export interface BatchTimes {
  /** The database's clock: it decides what has expired and what is in the future. */
  readonly clock: Micros;
  /** The first time that may be recorded: the books are closed before it. */
  readonly firstOpen: Micros;
}

export class Books {
  readonly times: BatchTimes;
  readonly accounts: Map<AccountId, LockedAccount>;
  readonly transfers: Map<TransferId, TransferRecord>;
  readonly keys: Map<string, KeyUse>;
  readonly decisions: Decision[] = [];
  readonly remembered: Remembered[] = [];
  readonly #below: Books | undefined;

  constructor(
    times: BatchTimes,
    read: {
      readonly accounts?: Map<AccountId, LockedAccount>;
      readonly transfers?: Map<TransferId, TransferRecord>;
      /** By key digest. */
      readonly keys?: Map<string, KeyUse>;
    } = {},
    below?: Books,
  ) {
    this.times = times;
    this.accounts = read.accounts ?? new Map();
    this.transfers = read.transfers ?? new Map();
    this.keys = read.keys ?? new Map();
    this.#below = below;
  }

  /** @returns undefined when there is no such account. */
  account(id: AccountId): LockedAccount | undefined {
    return this.accounts.get(id) ?? this.#below?.account(id);
  }

  /** @returns undefined unless a posting refers to the transfer, and it exists. */
  transfer(id: TransferId): TransferRecord | undefined {
    return this.transfers.get(id) ?? this.#below?.transfer(id);
  }

  /** @returns undefined when the key is free. */
  keyUse(keyDigest: string): KeyUse | undefined {
    return this.keys.get(keyDigest) ?? this.#below?.keyUse(keyDigest);
  }

  /** The account as it was before this layer changed it. */
  accountBelow(id: AccountId): LockedAccount | undefined {
    return this.#below?.account(id);
  }

  /** Puts changed accounts into this layer. */
  replace({ debited, credited }: Parties): void {
    this.accounts.set(debited.id, debited);
    this.accounts.set(credited.id, credited);
  }

  /** Keeps an outcome under its key. */
  remember(claim: Claim, outcome: TransferRecord | Refusal): void {
    this.remembered.push({ claim, outcome });
    this.keys.set(claim.keyDigest, {
      isFor: ({ messageDigest }) => messageDigest === claim.messageDigest,
      outcomeOf: () => outcome,
    });
  }

  /** A new layer on top. */
  layer(): Books {
    return new Books(this.times, {}, this);
  }

  /** Moves this layer's changes into the one below. */
  merge(): void {
    const below = this.#below;
    if (below === undefined) throw new Error("the lowest layer has nothing below it");
    for (const [id, account] of this.accounts) below.accounts.set(id, account);
    for (const [id, transfer] of this.transfers) below.transfers.set(id, transfer);
    for (const [digest, use] of this.keys) below.keys.set(digest, use);
    below.decisions.push(...this.decisions);
    below.remembered.push(...this.remembered);
  }
}

/**
 * The time to record for a posting on these accounts: the clock's, or the first one that is after their last recorded times
 * and after the closed time.
 */
export function timeToRecord({ times }: Books, accounts: readonly LockedAccount[]): Micros {
  let time = times.clock > times.firstOpen ? times.clock : times.firstOpen;
  for (const { recordedAt } of accounts) if (recordedAt >= time) time = recordedAt + 1n;
  return time;
}

/** The two accounts of a transfer. */
export interface Parties {
  readonly debited: LockedAccount;
  readonly credited: LockedAccount;
}

/** Finds the two accounts of a transfer, or refuses the one that is missing, the debited one first. */
export function partiesOf(debitId: AccountId, creditId: AccountId, books: Books): Parties | Refusal {
  const debited = books.account(debitId);
  const credited = books.account(creditId);
  if (debited === undefined) return accountNotFound(debitId);
  if (credited === undefined) return accountNotFound(creditId);
  return { debited, credited };
}

/** The change that a posting makes to the debit side of one account and the credit side of the other. */
export interface Change {
  readonly posted: Minor;
  readonly pending: Minor;
  readonly recordedAt: Micros;
}

/** Both accounts after a change. */
export function changed({ debited, credited }: Parties, change: Change): Parties {
  return { debited: changedOn("debit", debited, change), credited: changedOn("credit", credited, change) };
}

/**
 * The account after a change on one of its sides. An amount that was posted is a new entry.
 *
 * Names each field: after a spread V8 gives each object a hidden class of its own, which took most of the time of a decision.
 */
function changedOn(side: "debit" | "credit", account: LockedAccount, change: Change): LockedAccount {
  const debit = side === "debit" ? change : NO_CHANGE;
  const credit = side === "credit" ? change : NO_CHANGE;
  return withSmallSums({
    id: account.id,
    owner: account.owner,
    currency: account.currency,
    minorUnitDigits: account.minorUnitDigits,
    debitNormal: account.debitNormal,
    debitsPosted: account.debitsPosted + debit.posted,
    creditsPosted: account.creditsPosted + credit.posted,
    postedCarried: account.postedCarried,
    debitsPending: account.debitsPending + debit.pending,
    creditsPending: account.creditsPending + credit.pending,
    overdraftLimit: account.overdraftLimit,
    unlimitedOverdraft: account.unlimitedOverdraft,
    status: account.status,
    lastSequence: change.posted === 0n ? account.lastSequence : account.lastSequence + 1n,
    recordedAt: change.recordedAt,
  });
}

const NO_CHANGE = { posted: 0n, pending: 0n } as const;

/** The debit and the credit between `before` and `after`. */
export function movementsOf(transferId: TransferId, before: Parties, after: Parties): Movement[] {
  return [
    movementOf(transferId, before.debited, after.debited),
    movementOf(transferId, before.credited, after.credited),
  ];
}

function movementOf(transferId: TransferId, before: LockedAccount, after: LockedAccount): Movement {
  const balanceAfter = balanceOf(after);
  return {
    accountId: after.id,
    sequence: after.lastSequence,
    transferId,
    amount: balanceAfter - balanceOf(before),
    balanceAfter,
    recordedAt: after.recordedAt,
  };
}
