/**
 * Follows the feed and computes from its events alone what the books hold: settings, balances, holds and entries of the
 * accounts that its caller owns. Each event must fit what the events before it have said.
 */
import { expect } from "vitest";
import type { TestService } from "../setup/service.ts";

// biome-ignore lint/suspicious/noExplicitAny: messages in JSON, as tests read them.
type Json = any;

type Caller = Pick<TestService, "call">;

export interface FollowedAccount {
  settings: Json;
  balance: bigint;
  debits: bigint;
  credits: bigint;
  heldDebits: bigint;
  heldCredits: bigint;
  lastSequence: bigint;
  readonly entries: Json[];
  readonly changes: Json[];
}

export interface FollowerOptions {
  /** Undefined: an admin, who must see every position. */
  readonly owner?: string;
  readonly token?: string | undefined;
  /** Where to begin, and the accounts as they are then. Default: the first event. */
  readonly cursor?: string;
  readonly accounts?: ReadonlyMap<string, FollowedAccount>;
}

export class Follower {
  readonly accounts: Map<string, FollowedAccount>;
  /** Each transfer as its last event had it. */
  readonly transfers = new Map<string, Json>();
  /** The transfers that were reversed. */
  readonly reversed = new Set<string>();
  readonly #service: Caller;
  readonly #owner: string | undefined;
  readonly #token: string | undefined;
  #cursor: string;
  #lastId: bigint | undefined;

  constructor(service: Caller, { owner, token, cursor = "", accounts = new Map() }: FollowerOptions = {}) {
    this.#service = service;
    this.#owner = owner;
    this.#token = token;
    this.#cursor = cursor;
    this.#lastId = cursor === "" ? 0n : undefined;
    this.accounts = new Map([...accounts].map(([id, account]) => [id, { ...account, entries: [], changes: [] }]));
  }

  /**
   * Applies all events until the end of the feed.
   *
   * @param waitMs how long to wait there for more.
   * @returns the events.
   */
  async catchUp(nextPageSize: () => number, waitMs = 0): Promise<Json[]> {
    const all: Json[] = [];
    const request = { cursor: this.#cursor, wait_ms: waitMs };
    for await (const event of eventsAfter(this.#service, request, nextPageSize, this.#token)) {
      this.#apply(event);
      this.#cursor = event.cursor;
      all.push(event);
    }
    return all;
  }

  #apply(event: Json): void {
    const id = BigInt(event.id);
    if (this.#lastId !== undefined) {
      if (this.#owner === undefined) expect(id).toBe(this.#lastId + 1n);
      else expect(id).toBeGreaterThan(this.#lastId);
    }
    this.#lastId = id;
    if (event.transfer === null) this.#applySettings(event);
    else this.#applyTransfer(event);
  }

  #applySettings({ type, account, account_changes: changes }: Json): void {
    const known = this.accounts.get(account.id);
    if (type === "EVENT_TYPE_ACCOUNT_CREATED") {
      expect(known).toBeUndefined();
      expect(changes).toEqual([]);
      const sums = { balance: 0n, debits: 0n, credits: 0n, heldDebits: 0n, heldCredits: 0n, lastSequence: 0n };
      this.accounts.set(account.id, { settings: account, ...sums, entries: [], changes: [] });
      return;
    }
    expect(type).toBe("EVENT_TYPE_ACCOUNT_UPDATED");
    if (known === undefined) throw new Error(`account ${account.id} was changed before it was opened`);
    const settings = textsOf(known.settings);
    for (const { account_id, field, before, after } of changes) {
      expect([account_id, settings.get(field) ?? ""]).toEqual([account.id, before]);
      if (after === "") settings.delete(field);
      else settings.set(field, after);
    }
    expect(changes).not.toEqual([]);
    expect(textsOf(account)).toEqual(settings);
    known.settings = account;
    known.changes.push(...changes);
  }

  #applyTransfer({ type, transfer, entries }: Json): void {
    const isNew = type === "EVENT_TYPE_TRANSFER_POSTED" || type === "EVENT_TYPE_TRANSFER_HELD";
    const state = type === "EVENT_TYPE_TRANSFER_HELD" ? "PENDING" : type.slice("EVENT_TYPE_TRANSFER_".length);
    expect(transfer).toMatchObject({ state: `TRANSFER_STATE_${state}`, reversed_by_transfer_id: "0" });
    expect(this.transfers.get(transfer.id)?.state).toBe(isNew ? undefined : "TRANSFER_STATE_PENDING");
    this.transfers.set(transfer.id, transfer);
    const { reverses_transfer_id: reverses } = transfer;
    if (isNew && reverses !== "0") {
      expect(this.transfers.get(reverses)?.state).toMatch(/POSTED|CAPTURED/);
      expect(this.reversed.has(reverses)).toBe(false);
      this.reversed.add(reverses);
    }

    const moved = BigInt(state === "POSTED" ? transfer.amount : transfer.captured_amount);
    const held = state === "PENDING" ? BigInt(transfer.amount) : isNew ? 0n : -BigInt(transfer.amount);
    const unread = [...entries];
    for (const side of ["debit", "credit"] as const) {
      const account = this.accounts.get(transfer[`${side}_account_id`]);
      if (account === undefined) continue;
      account[side === "debit" ? "debits" : "credits"] += moved;
      account[side === "debit" ? "heldDebits" : "heldCredits"] += held;
      if (moved > 0n) this.#applyEntry(account, unread.shift(), { transfer, side, moved });
      expect(BigInt(transfer[`${side}_account_balance`])).toBe(account.balance);
    }
    expect(unread).toEqual([]);
  }

  #applyEntry(
    account: FollowedAccount,
    entry: Json,
    { transfer, side, moved }: { transfer: Json; side: "debit" | "credit"; moved: bigint },
  ): void {
    const raises = isDebitNormal(account.settings.type) === (side === "debit");
    account.balance += raises ? moved : -moved;
    account.lastSequence += 1n;
    expect(entry).toMatchObject({
      account_id: account.settings.id,
      counterparty_account_id: transfer[`${side === "debit" ? "credit" : "debit"}_account_id`],
      sequence: `${account.lastSequence}`,
      transfer_id: transfer.id,
      amount: `${raises ? moved : -moved}`,
      balance_after: `${account.balance}`,
    });
    account.entries.push(entry);
  }
}

/** The events after a cursor, until the end of the feed. */
export async function* eventsAfter(
  service: Caller,
  { cursor, ...request }: { cursor: string; account_id?: string; wait_ms?: number },
  nextPageSize: () => number,
  token?: string,
): AsyncGenerator<Json> {
  let from = cursor;
  for (;;) {
    const asked = { ...request, cursor: from, page_size: nextPageSize() };
    const { status, body } = await service.call("ListEvents", asked, token);
    expect([status, body.events?.length <= asked.page_size, body.cursor]).toEqual([
      200,
      true,
      expect.stringMatching(/./),
    ]);
    yield* body.events;
    // A page may be empty and yet advance the cursor.
    if (body.events.length === 0 && body.cursor === from) return;
    from = body.cursor;
  }
}

/** An account of a reply, as a follower knows it. */
export function followedAs(account: Json, lastSequence: bigint): FollowedAccount {
  return {
    settings: account,
    balance: BigInt(account.balance),
    debits: BigInt(account.total_debits),
    credits: BigInt(account.total_credits),
    heldDebits: BigInt(account.debits_pending),
    heldCredits: BigInt(account.credits_pending),
    lastSequence,
    entries: [],
    changes: [],
  };
}

/** What GetAccount has to answer for an account. */
export function bodyOf({ settings, balance, debits, credits, heldDebits, heldCredits }: FollowedAccount): object {
  const { id, name, owner, type, currency, status, overdraft_limit, unlimited_overdraft, metadata, created_at } =
    settings;
  return {
    ...{ id, name, owner, type, currency, status, overdraft_limit, unlimited_overdraft, metadata, created_at },
    balance: `${balance}`,
    available_balance: `${balance - (isDebitNormal(type) ? heldCredits : heldDebits)}`,
    total_debits: `${debits}`,
    total_credits: `${credits}`,
    debits_pending: `${heldDebits}`,
    credits_pending: `${heldCredits}`,
  };
}

function isDebitNormal(type: string): boolean {
  return type === "ACCOUNT_TYPE_ASSET" || type === "ACCOUNT_TYPE_EXPENSE";
}

/** The settings of an account, by the names that changes have for them. */
function textsOf({ name, status, overdraft_limit, unlimited_overdraft, metadata }: Json): Map<string, string> {
  const fields = Object.entries({ name, status, overdraft_limit, unlimited_overdraft });
  const pairs = Object.entries(metadata).map(([key, value]) => [`metadata.${key}`, value] as const);
  return new Map([...fields, ...pairs].map(([field, value]) => [field, `${value}`]));
}
