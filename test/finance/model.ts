/**
 * A small ledger that only adds and subtracts, to compare with each answer of the real one: who may do what, what
 * keys stand for, groups, rehearsals, holds and settings, by the rules of docs/ledger.md and docs/security.md. It also
 * writes down each change, as the feed must report it.
 */

export interface ModelAccount {
  readonly debitNormal: boolean;
  readonly owner: string;
  debits: bigint;
  credits: bigint;
  heldDebits: bigint;
  heldCredits: bigint;
  limit: bigint;
  unlimited: boolean;
  frozen: boolean;
  name: string;
  metadata: Readonly<Record<string, string>>;
}

/** What a request asks to change of an account; absent: unchanged. */
export interface AccountUpdate {
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly frozen?: boolean;
  readonly limit?: bigint;
  readonly unlimited?: boolean;
}

export interface ModelTransfer {
  readonly debit: number;
  readonly credit: number;
  readonly amount: bigint;
  readonly createdBy: string;
  /** When a hold expires, by the model's clock in ms; undefined: never. */
  readonly expiresAt: number | undefined;
  state: "POSTED" | "PENDING" | "CAPTURED" | "VOIDED" | "EXPIRED";
  captured: bigint;
  /** Who captured or voided it; empty for nobody. */
  settledBy: string;
  reversed: boolean;
  /** The transfer that it reverses. */
  reverses: number | undefined;
}

/** A committed change. */
export interface ModelEvent {
  readonly type: "ACCOUNT_UPDATED" | `TRANSFER_${"POSTED" | "HELD" | "CAPTURED" | "VOIDED" | "EXPIRED"}`;
  /** The account, or the transfer. */
  readonly subject: number;
  /** Empty for an expiry. */
  readonly actor: string;
  readonly changes: readonly { readonly field: string; readonly before: string; readonly after: string }[];
  /** By how much each balance changed, and what it was then. */
  readonly entries: readonly { readonly account: number; readonly amount: bigint; readonly balance: bigint }[];
}

export interface Caller {
  readonly subject: string;
  readonly admin: boolean;
}

/** The fields of a request, without its key. */
export type Action =
  | {
      readonly kind: "move";
      readonly debit: number;
      readonly credit: number;
      readonly amount: bigint;
      readonly pending: boolean;
      /** Of a hold: never, in the past, or at a time by the model's clock in ms. */
      readonly expires: "never" | "past" | number;
    }
  | { readonly kind: "capture"; readonly transfer: number; readonly amount: bigint | undefined }
  | { readonly kind: "void"; readonly transfer: number }
  | { readonly kind: "reverse"; readonly transfer: number };

export interface Call {
  readonly action: Action;
  readonly key: string | undefined;
  readonly dryRun: boolean;
}

export interface ModelOutcome {
  /** "ok", or the refusal's reason. */
  readonly verdict: string;
  /** The transfer that it is about. */
  readonly transfer?: number;
  readonly replayed: boolean;
}

const AMOUNT_MAX = 10n ** 15n;

/** The fields of an account's settings, without its metadata. */
const FIELDS: readonly string[] = ["name", "status", "overdraft_limit", "unlimited_overdraft"];

/** Verdicts that leave the key free. */
const UNDECIDED: readonly string[] = ["invalid_argument"];

export class Model {
  accounts: ModelAccount[] = [];
  transfers: ModelTransfer[] = [];
  events: ModelEvent[] = [];
  keys = new Map<string, { request: string; outcome: ModelOutcome }>();
  /** The clock in ms. */
  clock = 0;

  clone(): Model {
    const copy = new Model();
    copy.accounts = structuredClone(this.accounts);
    copy.transfers = structuredClone(this.transfers);
    copy.events = [...this.events];
    copy.keys = new Map(this.keys);
    copy.clock = this.clock;
    return copy;
  }

  balance(index: number): bigint {
    const { debitNormal, debits, credits } = at(this.accounts, index);
    return debitNormal ? debits - credits : credits - debits;
  }

  available(index: number): bigint {
    const { debitNormal, heldCredits, heldDebits } = at(this.accounts, index);
    return this.balance(index) - (debitNormal ? heldCredits : heldDebits);
  }

  /** Where a transfer stands, as a caller sees it. */
  stateOf(index: number): string {
    const transfer = at(this.transfers, index);
    return transfer.state === "PENDING" && this.#hasExpired(transfer) ? "EXPIRED" : transfer.state;
  }

  /** Settles every hold that has expired, the first to expire first. */
  sweep(): void {
    const expired = [...this.transfers.keys()].filter((index) => {
      const transfer = at(this.transfers, index);
      return transfer.state === "PENDING" && this.#hasExpired(transfer);
    });
    const expiryOf = (index: number) => at(this.transfers, index).expiresAt ?? 0;
    for (const index of expired.sort((a, b) => expiryOf(a) - expiryOf(b))) this.#release(index, "EXPIRED", "");
  }

  /** Changes an account's settings. @returns "ok", or the refusal's reason. */
  update(caller: Caller, index: number, update: AccountUpdate): string {
    const account = at(this.accounts, index);
    const setsPolicy = update.frozen !== undefined || update.limit !== undefined || update.unlimited !== undefined;
    if (!caller.admin && setsPolicy) return "permission_denied";
    if (!caller.admin && account.owner !== caller.subject) return "not_found";
    const unlimited = update.unlimited ?? account.unlimited;
    const limit = update.limit ?? (unlimited ? 0n : account.limit);
    if (unlimited && limit > 0n) return "invalid_argument";
    const setsFloor = unlimited !== account.unlimited || limit !== account.limit;
    if (setsFloor && !unlimited && this.available(index) < -limit) return "insufficient_funds";
    const metadata = { ...account.metadata, ...update.metadata };
    const before = settingsOf(account);
    account.name = update.name ?? account.name;
    account.frozen = update.frozen ?? account.frozen;
    account.metadata = Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== ""));
    Object.assign(account, { unlimited, limit });
    const after = settingsOf(account);
    const changes = [
      ...FIELDS,
      ...Object.keys(metadata)
        .sort()
        .map((key) => `metadata.${key}`),
    ]
      .map((field) => ({ field, before: before.get(field) ?? "", after: after.get(field) ?? "" }))
      .filter((change) => change.before !== change.after);
    if (changes.length > 0) this.#record("ACCOUNT_UPDATED", caller.subject, index, { changes });
    return "ok";
  }

  /** One call by itself. */
  single(caller: Caller, call: Call): ModelOutcome {
    return call.dryRun ? this.clone().#alone(caller, call) : this.#alone(caller, call);
  }

  /** Each member on the books after the earlier ones; a dry run on the books as if all of those were real. */
  independent(caller: Caller, calls: readonly Call[]): ModelOutcome[] {
    const rehearsal = this.clone();
    return calls.map((call) => {
      const rehearsed = rehearsal.#alone(caller, call);
      return call.dryRun ? rehearsed : this.#alone(caller, call);
    });
  }

  /** All or none, the floors at the end. */
  atomic(caller: Caller, calls: readonly Call[]): ModelOutcome[] {
    if (calls.some(({ action }) => isMalformed(action))) return [{ verdict: "invalid_argument", replayed: false }];
    return calls.some(({ dryRun }) => dryRun) ? this.clone().#together(caller, calls) : this.#together(caller, calls);
  }

  #alone(caller: Caller, call: Call): ModelOutcome {
    if (isMalformed(call.action)) return { verdict: "invalid_argument", replayed: false };
    const known = this.#known(caller, call);
    if (known !== undefined) return known;
    const outcome = this.#decide(caller, call.action, true);
    this.#keep(caller, call, outcome);
    return outcome;
  }

  #together(caller: Caller, calls: readonly Call[]): ModelOutcome[] {
    const refused = (culprit: number, outcome: ModelOutcome): ModelOutcome[] =>
      calls.map((_, index) => (index === culprit ? outcome : { verdict: "batch_refused", replayed: false }));
    const known = calls.map((call) => this.#known(caller, call));
    const reused = calls.findIndex(({ key, action }, index) => {
      const first = key === undefined ? undefined : calls.find((call) => call.key === key);
      return (
        known[index]?.verdict === "idempotency_key_reused" ||
        (!known[index] && first && textOf(first.action) !== textOf(action))
      );
    });
    if (reused >= 0) return refused(reused, { verdict: "idempotency_key_reused", replayed: false });
    const refusedBefore = known.findIndex((outcome) => outcome !== undefined && outcome.verdict !== "ok");
    if (refusedBefore >= 0) return refused(refusedBefore, at(known, refusedBefore) ?? unreachable());
    const posted = known.filter((outcome) => outcome !== undefined);
    if (posted.length === calls.length) return posted;
    const postedBefore = known.findIndex((outcome) => outcome !== undefined);
    if (postedBefore >= 0) return refused(postedBefore, { verdict: "batch_partly_decided", replayed: false });

    const trial = this.clone();
    const outcomes: ModelOutcome[] = [];
    for (const [index, call] of calls.entries()) {
      const first = calls.findIndex(({ key }) => key !== undefined && key === call.key);
      const earlier = first >= 0 && first < index ? outcomes[first] : undefined;
      const outcome = earlier ? { ...earlier, replayed: true } : trial.#decide(caller, call.action, false);
      if (outcome.verdict !== "ok") {
        this.#keep(caller, call, outcome);
        return refused(index, outcome);
      }
      if (!earlier) trial.#keep(caller, call, outcome);
      outcomes.push(outcome);
    }
    const culprits = this.accounts.flatMap((_, account) => {
      const { owner } = at(this.accounts, account);
      const isTold = caller.admin || owner === caller.subject;
      if (!isTold || !trial.#breaksFloor(account, this.available(account))) return [];
      const side = at(this.accounts, account).debitNormal ? "credit" : "debit";
      const lowers = ({ action }: Call) => action.kind === "move" && action[side] === account;
      return [calls.findLastIndex((call, index) => lowers(call) && !outcomes[index]?.replayed)];
    });
    if (culprits.length > 0) {
      const culprit = Math.min(...culprits);
      const outcome = { verdict: "insufficient_funds", replayed: false };
      this.#keep(caller, at(calls, culprit), outcome);
      return refused(culprit, outcome);
    }
    // Refusals about a stranger's account come after those about the caller's own.
    const uncreditable = calls.findIndex(
      ({ action }) => action.kind === "move" && !this.#mayCredit(caller, action.credit),
    );
    if (uncreditable >= 0) {
      const outcome = { verdict: "account_not_creditable", replayed: false };
      this.#keep(caller, at(calls, uncreditable), outcome);
      return refused(uncreditable, outcome);
    }
    Object.assign(this, trial);
    return outcomes;
  }

  #known({ subject }: Caller, { key, action }: Call): ModelOutcome | undefined {
    const use = key === undefined ? undefined : this.keys.get(`${subject} ${key}`);
    if (use === undefined) return undefined;
    if (use.request !== textOf(action)) return { verdict: "idempotency_key_reused", replayed: false };
    return { ...use.outcome, replayed: true };
  }

  #keep({ subject }: Caller, { key, action }: Call, outcome: ModelOutcome): void {
    if (key === undefined || UNDECIDED.includes(outcome.verdict)) return;
    this.keys.set(`${subject} ${key}`, { request: textOf(action), outcome });
  }

  #decide(caller: Caller, action: Action, floors: boolean): ModelOutcome {
    const count = this.transfers.length;
    const verdict = this.#verdict(caller, action, floors) ?? "ok";
    if (verdict !== "ok") return { verdict, replayed: false };
    return {
      verdict,
      transfer: "transfer" in action && action.kind !== "reverse" ? action.transfer : count,
      replayed: false,
    };
  }

  #verdict(caller: Caller, action: Action, floors: boolean): string | undefined {
    if (action.kind === "move") return this.#move(caller, action, floors);
    const transfer = at(this.transfers, action.transfer);
    const [from, to] = [at(this.accounts, transfer.debit), at(this.accounts, transfer.credit)];
    if (!caller.admin && from.owner !== caller.subject && to.owner !== caller.subject) return "not_found";
    switch (action.kind) {
      case "capture": {
        const placed = transfer.createdBy === caller.subject && !from.debitNormal && !to.debitNormal;
        if (!caller.admin && !(placed && from.owner === caller.subject)) return "hold_not_owned";
        if (this.#isGone(transfer)) return "transfer_expired";
        if (transfer.state !== "PENDING") return "transfer_not_pending";
        if (from.frozen || to.frozen) return "account_not_open";
        const captured = action.amount ?? transfer.amount;
        if (captured > transfer.amount) return "invalid_argument";
        from.debits += captured;
        to.credits += captured;
        transfer.captured = captured;
        this.#release(action.transfer, "CAPTURED", caller.subject);
        return undefined;
      }
      case "void":
        if (!caller.admin && transfer.createdBy !== caller.subject && to.owner !== caller.subject)
          return "hold_not_owned";
        if (this.#isGone(transfer)) return "transfer_expired";
        if (transfer.state !== "PENDING") return "transfer_not_pending";
        this.#release(action.transfer, "VOIDED", caller.subject);
        return undefined;
      case "reverse": {
        if (!caller.admin && to.owner !== caller.subject) return "permission_denied";
        if (!caller.admin && to.debitNormal) return "account_not_debitable";
        if (transfer.reversed) return "already_reversed";
        if (transfer.state !== "POSTED" && transfer.state !== "CAPTURED") return "transfer_not_posted";
        const amount = transfer.state === "CAPTURED" ? transfer.captured : transfer.amount;
        const back = {
          kind: "move",
          debit: transfer.credit,
          credit: transfer.debit,
          amount,
          pending: false,
          expires: "never",
        } as const;
        const refusal = this.#move(caller, back, true, action.transfer);
        if (refusal === undefined) transfer.reversed = true;
        return refusal;
      }
    }
  }

  #move(
    caller: Caller,
    action: Action & { kind: "move" },
    floors: boolean,
    reverses: number | undefined = undefined,
  ): string | undefined {
    const { debit, credit, amount, pending, expires } = action;
    const [from, to] = [at(this.accounts, debit), at(this.accounts, credit)];
    if (pending && (expires === "past" || (typeof expires === "number" && expires <= this.clock)))
      return "invalid_argument";
    if (!caller.admin && from.owner !== caller.subject) return "permission_denied";
    if (!caller.admin && from.debitNormal) return "account_not_debitable";
    if (from.frozen || to.frozen) return "account_not_open";
    const before = [this.available(debit), this.available(credit)];
    const add = (by: bigint) => {
      if (pending) {
        from.heldDebits += by;
        to.heldCredits += by;
      } else {
        from.debits += by;
        to.credits += by;
      }
    };
    add(amount);
    // A plain caller learns nothing about somebody else's account.
    const told = [debit, credit].filter((index) => caller.admin || at(this.accounts, index).owner === caller.subject);
    const broken = told.some((index) => this.#breaksFloor(index, before[[debit, credit].indexOf(index)] ?? 0n));
    const refusal =
      floors && broken
        ? "insufficient_funds"
        : floors && !this.#mayCredit(caller, credit)
          ? "account_not_creditable"
          : undefined;
    if (refusal !== undefined) {
      add(-amount);
      return refusal;
    }
    const state = pending ? "PENDING" : "POSTED";
    this.transfers.push({
      debit,
      credit,
      amount,
      createdBy: caller.subject,
      state,
      captured: 0n,
      settledBy: "",
      reversed: false,
      reverses,
      expiresAt: pending && typeof expires === "number" ? expires : undefined,
    });
    this.#record(pending ? "TRANSFER_HELD" : "TRANSFER_POSTED", caller.subject, this.transfers.length - 1, {
      entries: pending ? [] : this.#entriesOf(action, amount),
    });
    return undefined;
  }

  #hasExpired({ expiresAt }: ModelTransfer): boolean {
    return expiresAt !== undefined && expiresAt <= this.clock;
  }

  #isGone(transfer: ModelTransfer): boolean {
    return transfer.state === "EXPIRED" || (transfer.state === "PENDING" && this.#hasExpired(transfer));
  }

  #mayCredit(caller: Caller, credit: number): boolean {
    return caller.admin || !at(this.accounts, credit).debitNormal;
  }

  #breaksFloor(index: number, before: bigint): boolean {
    const { limit, unlimited } = at(this.accounts, index);
    return !unlimited && this.available(index) < before && this.available(index) < -limit;
  }

  #release(index: number, state: "CAPTURED" | "VOIDED" | "EXPIRED", settledBy: string): void {
    const transfer = at(this.transfers, index);
    at(this.accounts, transfer.debit).heldDebits -= transfer.amount;
    at(this.accounts, transfer.credit).heldCredits -= transfer.amount;
    Object.assign(transfer, { state, settledBy });
    const entries = transfer.captured > 0n ? this.#entriesOf(transfer, transfer.captured) : [];
    this.#record(`TRANSFER_${state}`, settledBy, index, { entries });
  }

  #entriesOf({ debit, credit }: { readonly debit: number; readonly credit: number }, amount: bigint) {
    return [debit, credit].map((account) => {
      const raises = at(this.accounts, account).debitNormal === (account === debit);
      return { account, amount: raises ? amount : -amount, balance: this.balance(account) };
    });
  }

  #record(
    type: ModelEvent["type"],
    actor: string,
    subject: number,
    { changes = [], entries = [] }: Partial<Pick<ModelEvent, "changes" | "entries">>,
  ): void {
    this.events.push({ type, subject, actor, changes, entries });
  }
}

/** An account's settings as text, by field. */
function settingsOf({ name, frozen, limit, unlimited, metadata }: ModelAccount): Map<string, string> {
  return new Map([
    ["name", name],
    ["status", frozen ? "ACCOUNT_STATUS_FROZEN" : "ACCOUNT_STATUS_OPEN"],
    ["overdraft_limit", `${limit}`],
    ["unlimited_overdraft", `${unlimited}`],
    ...Object.entries(metadata).map(([key, value]): [string, string] => [`metadata.${key}`, value]),
  ]);
}

/** Whether the request alone shows that it is wrong. */
function isMalformed(action: Action): boolean {
  if (action.kind === "move") return action.amount < 1n || action.amount > AMOUNT_MAX;
  return action.kind === "capture" && action.amount === 0n;
}

/** The same for the same request: only a hold expires. */
function textOf(action: Action): string {
  const asked = action.kind === "move" ? { ...action, expires: action.pending ? action.expires : "never" } : action;
  return JSON.stringify(asked, (_, value) => (typeof value === "bigint" ? `${value}` : value));
}

/** @throws Error for an index without an element. */
export function at<T>(list: readonly T[], index: number): T {
  const element = list[index];
  if (element === undefined) throw new Error(`the model has no element ${index}`);
  return element;
}

function unreachable(): never {
  throw new Error("a refusal that was found is not there");
}
