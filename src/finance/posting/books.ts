/**
 * What a batch of postings works on: accounts and transfers under lock and what idempotency keys stand for, changed as
 * decisions are taken.
 *
 * Books lie in layers. A layer sees what is below it and keeps its own changes, until it is merged into what is below or
 * dropped: a refused atomic group and a dry run are layers that are dropped. The lowest layer is what was read from the
 * database; the changes in the layer on it are what the batch writes.
 */
import { type AccountBalances, type AccountIdentity, balanceOf, type Side, withSmallSums } from "../account.ts";
import { accountNotFound, type Refusal } from "../errors.ts";
import type { TransferRecord } from "../records/transfers.ts";
import type { AccountId, Micros, Minor, TransferId } from "../values.ts";
import type { Claim } from "./idempotency.ts";

/** An account under lock. */
export interface LockedAccount extends AccountIdentity, AccountBalances {
  /** Of the account's newest entry; 0 before the first. */
  readonly lastSequence: bigint;
  /** The account's last recorded time: whatever is recorded on it next is later. */
  readonly recordedAt: Micros;
}

/** One entry to be. */
export interface Movement {
  readonly accountId: AccountId;
  readonly sequence: bigint;
  readonly transferId: TransferId;
  /** Signed: + raises the balance. */
  readonly amount: Minor;
  readonly balanceAfter: Minor;
  readonly recordedAt: Micros;
}

/** A posting that was carried out. */
export interface Decision {
  /** Whether `transfer` is new, or a hold that is now settled. */
  readonly effect: "created" | "settled";
  readonly transfer: TransferRecord;
  /** None for a hold and for its release; else debit and credit. */
  readonly movements: readonly Movement[];
  /** See `DecideOptions.floors`: what refuses the posting once every floor was found to hold. */
  readonly behindFloors?: Refusal;
}

/** What an idempotency key was used for. */
export interface KeyUse {
  /** Whether it was the request of this claim. */
  isFor(claim: Claim): boolean;
  /** What became of that request. */
  outcomeOf(makesTransfer: boolean): TransferRecord | Refusal;
}

/** An outcome to keep under its key. */
export interface Remembered {
  readonly claim: Claim;
  readonly outcome: TransferRecord | Refusal;
}

/** The two times that a batch reads once, after the locks were taken. */
export interface BatchTimes {
  /** The database's clock: it says what has expired and what lies in the future. */
  readonly clock: Micros;
  /** The first time that may be recorded: the books are closed up to just before it. */
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

  /** @returns undefined when there is no such transfer among those that postings refer to. */
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

  /** Puts both accounts of a transfer into this layer. */
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

  /** Moves this layer's changes into what is below it. */
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
 * The time to record for what touches these accounts: the clock's, or the first one that is later than all that was
 * recorded on them and than what is closed.
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

/** Finds the two accounts of a transfer, or says which is missing, the debited one first. */
export function partiesOf(debitId: AccountId, creditId: AccountId, books: Books): Parties | Refusal {
  const debited = books.account(debitId);
  const credited = books.account(creditId);
  if (debited === undefined) return accountNotFound(debitId);
  if (credited === undefined) return accountNotFound(creditId);
  return { debited, credited };
}

/** What a posting does to one side of its two accounts. */
export interface Change {
  readonly posted: Minor;
  readonly pending: Minor;
  readonly recordedAt: Micros;
}

/** Both accounts with a change made: the debited one on its debit side, the credited one on its credit side. */
export function changed({ debited, credited }: Parties, change: Change): Parties {
  return { debited: add(debited, "debit", change), credited: add(credited, "credit", change) };
}

/** The account with one side's posted and pending sums changed; what is posted is a new entry. */
function add(account: LockedAccount, side: Side, { posted, pending, recordedAt }: Change): LockedAccount {
  const lastSequence = posted === 0n ? account.lastSequence : account.lastSequence + 1n;
  return withSmallSums(
    side === "debit"
      ? {
          ...account,
          lastSequence,
          recordedAt,
          debitsPosted: account.debitsPosted + posted,
          debitsPending: account.debitsPending + pending,
        }
      : {
          ...account,
          lastSequence,
          recordedAt,
          creditsPosted: account.creditsPosted + posted,
          creditsPending: account.creditsPending + pending,
        },
  );
}

/** The debit and the credit that lead from `before` to `after`. */
export function movementsOf(transferId: TransferId, before: Parties, after: Parties): Movement[] {
  return (["debited", "credited"] as const).map((side) => {
    const balanceAfter = balanceOf(after[side]);
    return {
      accountId: after[side].id,
      sequence: after[side].lastSequence,
      transferId,
      amount: balanceAfter - balanceOf(before[side]),
      balanceAfter,
      recordedAt: after[side].recordedAt,
    };
  });
}
