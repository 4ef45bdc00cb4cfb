import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PostingGroup } from "../../src/finance/posting/posting.ts";
import { accountId } from "../../src/finance/values.ts";
import { shadowClock, type TestClock } from "../setup/clock.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { seededRandom } from "../setup/random.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";
import { bodyOf, eventsAfter, type FollowedAccount, Follower, followedAs } from "./follower.ts";
import {
  type AccountUpdate,
  type Action,
  at,
  type Call,
  type Caller,
  Model,
  type ModelEvent,
  type ModelOutcome,
} from "./model.ts";

// biome-ignore lint/suspicious/noExplicitAny: messages in JSON, as tests read them.
type Json = any;

const AMOUNT_MAX = 10n ** 15n;
const WORN_TRANSFERS = 9223n;
const STEP_MS = 1_200_000;
/** Much less than what lies between two steps, and far more than a batch takes. */
const JITTER_MS = 300_000;

let database: TestDatabase;
let clock: TestClock;
let service: TestService;
/** Two accounts of alice's through which so much has gone that a sum kept in an int64 would be full. */
let worn: [string, string];

const callers: readonly Caller[] = [
  { subject: "root", admin: true },
  { subject: "alice", admin: false },
  { subject: "bob", admin: false },
];
const tokens: (string | undefined)[] = [undefined];

beforeAll(async () => {
  database = await createTestDatabase();
  clock = await shadowClock(database);
  service = await startTestService({ LOG_LEVEL: "silent" }, { database, sweepIntervalMs: 3_600_000 });
  tokens.push(await service.token("alice"), await service.token("bob"));
  worn = [await openFunded(service, "alice", AMOUNT_MAX), await openAccount(service, "alice")];
  await wear(worn[0], worn[1]);
}, 60_000);
afterAll(async () => {
  await clock.set(0);
  expect(await findingsOf(service.pool)).toEqual([]);
  await service.close();
  await database.drop();
});

async function wear(a: string, b: string): Promise<void> {
  const posting = (debit: string, credit: string) => ({
    command: {
      kind: "create" as const,
      transfer: {
        debitAccountId: accountId(BigInt(debit)),
        creditAccountId: accountId(BigInt(credit)),
        amount: AMOUNT_MAX,
        description: "",
        metadata: {},
        effectiveAt: undefined,
        pending: false,
        expiresAt: undefined,
      },
    },
    actor: { subject: "alice", admin: false },
    claim: undefined,
    dryRun: false,
    path: "",
  });
  const group: PostingGroup = { postings: [posting(a, b), posting(b, a)], atomic: true };
  for (let left = WORN_TRANSFERS; left > 0n; left -= 4000n) {
    const count = Number(left < 4000n ? left : 4000n);
    await Promise.all(Array.from({ length: count }, () => service.ledger.queue.post(group)));
  }
}

/** The events of all runs, as an admin saw them then. */
const eventsOfRuns: Json[] = [];

/** Alice's, bob's, two that only an admin could have opened, and the worn ones. */
const ACCOUNTS = 6;
const account = fc.nat(ACCOUNTS - 1);
const key = fc.option(fc.nat(3), { nil: undefined, freq: 2 });
const amount = fc.oneof(
  { weight: 14, arbitrary: fc.bigInt({ min: 1n, max: 140n }) },
  { weight: 2, arbitrary: fc.constant(AMOUNT_MAX) },
  { weight: 1, arbitrary: fc.constantFrom(0n, AMOUNT_MAX + 1n, 2n ** 63n - 1n) },
);
const move = fc
  .record({
    kind: fc.constant("move" as const),
    debit: account,
    credit: account,
    amount,
    pending: fc.boolean(),
    expires: fc.constantFrom("never", "never", "past", "soon"),
  })
  .filter(({ debit, credit }) => debit !== credit);
const rarely = fc.nat(3).map((chance) => chance === 0);

type Pick =
  | { kind: "capture"; pick: number; amount: bigint | undefined }
  | { kind: "void"; pick: number }
  | { kind: "reverse"; pick: number };
type MoveStep = Omit<Action & { kind: "move" }, "expires"> & { expires: "never" | "past" | "soon" };
type Step = {
  caller: number;
} /** The database's clock is set this far ahead or back, in units of {@link STEP_MS}. */ & (
  | { kind: "clock"; offset: number; jitter: boolean }
  | { kind: "sweep" }
  /** Asks about a time that is not in the future; the answer must stay. */
  | { kind: "ask"; account: number }
  | { kind: "repeat"; pick: number; corrected: boolean }
  | { kind: "move"; move: MoveStep; dryRun: boolean; key: number | undefined }
  | {
      kind: "batch";
      members: [MoveStep, boolean, number | undefined][];
      atomic: boolean;
      dryRun: boolean;
    }
  | { kind: "settle"; what: Pick; dryRun: boolean; key: number | undefined }
  | { kind: "update"; account: number; dryRun: boolean; update: AccountUpdate }
);

const pick = fc.nat();
const settle: fc.Arbitrary<Pick> = fc.oneof(
  fc.record({
    kind: fc.constant("capture" as const),
    pick,
    amount: fc.option(fc.bigInt({ min: 0n, max: 120n }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("void" as const), pick }),
  fc.record({ kind: fc.constant("reverse" as const), pick }),
);
const text = fc.constantFrom("Wallet", "Purse", 'the "old" one', "é, \\ and {null}");
const update: fc.Arbitrary<AccountUpdate> = fc.oneof(
  fc.record({ frozen: fc.boolean() }),
  fc.record(
    { frozen: fc.boolean(), limit: fc.bigInt({ min: 0n, max: 100n }), unlimited: rarely, name: text },
    { requiredKeys: [] },
  ),
  fc.record(
    { name: text, metadata: fc.dictionary(fc.constantFrom("a", "B", "é"), fc.oneof(text, fc.constant(""))) },
    { requiredKeys: [] },
  ),
);
const caller = fc.nat(callers.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ caller, kind: fc.constant("move" as const), move, dryRun: rarely, key }) },
  {
    weight: 6,
    arbitrary: fc.record({
      caller,
      kind: fc.constant("batch" as const),
      members: fc.array(fc.tuple(move, rarely, key), { minLength: 1, maxLength: 4 }),
      atomic: fc.boolean(),
      dryRun: rarely,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ caller, kind: fc.constant("settle" as const), what: settle, dryRun: rarely, key }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ caller, kind: fc.constant("repeat" as const), pick, corrected: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      caller,
      kind: fc.constant("clock" as const),
      offset: fc.integer({ min: -4, max: 4 }),
      jitter: rarely,
    }),
  },
  { weight: 1, arbitrary: fc.record({ caller, kind: fc.constant("sweep" as const) }) },
  { weight: 3, arbitrary: fc.record({ caller, kind: fc.constant("ask" as const), account }) },
  {
    weight: 4,
    arbitrary: fc.record({ caller, kind: fc.constant("update" as const), account, dryRun: rarely, update }),
  },
);

const pageSizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

function expiryOf(expires: "past" | number): string {
  return expires === "past" ? "2020-01-01T00:00:00Z" : new Date(expires).toISOString();
}

/** The action without what could be a mistake in its request. */
function corrected(action: Action): Action {
  if (action.kind === "move" && action.expires === "past") return { ...action, expires: "never" };
  return action.kind === "capture" ? { ...action, amount: 1n } : action;
}

/** A run of steps against the service and the model side by side. */
class Comparison {
  readonly #model = new Model();
  readonly #run: number;
  readonly #nextPageSize: () => number;
  readonly #accountIds: string[] = [];
  /** The service's id of each transfer of the model. */
  readonly #transferIds: string[] = [];
  readonly #keyed: { readonly caller: number; readonly call: Call }[] = [];

  /** What was asked about times that were not in the future, and answered. */
  readonly #answers: { readonly method: string; readonly request: object; readonly body: object }[] = [];
  #offsetMs = 0;

  /** A follower of the feed for each caller, and where the run begins in the feed. */
  #followers: Follower[] = [];
  #cursor = "";
  /** The ids of the requests that changed an account, in their order. */
  readonly #changing: string[] = [];

  constructor(run: number, pageSizes: readonly number[]) {
    this.#run = run;
    let read = 0;
    this.#nextPageSize = () => at(pageSizes, read++ % pageSizes.length);
  }

  async open(): Promise<void> {
    // What another run left behind on the worn accounts.
    await clock.jitter(0);
    await clock.set(10 * STEP_MS);
    await service.ledger.expiry.settle();
    await clock.set(0);
    await this.#follow();
    const asset = { type: "ACCOUNT_TYPE_ASSET", overdraft_limit: 60 };
    this.#accountIds.push(
      await openFunded(service, "alice", 200),
      await openFunded(service, "bob", 200),
      await openAccount(service, "bank", asset),
      await openAccount(service, "alice", asset),
      ...worn,
    );
    for (const id of this.#accountIds) {
      const { body } = await service.call("GetAccount", { id });
      this.#model.accounts.push({
        debitNormal: body.type === "ACCOUNT_TYPE_ASSET",
        owner: body.owner,
        debits: BigInt(body.total_debits),
        credits: BigInt(body.total_credits),
        heldDebits: BigInt(body.debits_pending),
        heldCredits: BigInt(body.credits_pending),
        limit: BigInt(body.overdraft_limit),
        unlimited: body.unlimited_overdraft,
        frozen: body.status !== "ACCOUNT_STATUS_OPEN",
        name: body.name,
        metadata: body.metadata,
      });
    }
    for (const follower of this.#followers) await follower.catchUp(this.#nextPageSize);
  }

  /** Follows the feed from here on; the worn accounts have a past. */
  async #follow(): Promise<void> {
    this.#cursor = (await service.call("ListEvents", { from_end: true })).body.cursor;
    const accounts = new Map<string, FollowedAccount>();
    for (const id of worn) {
      const { body: account } = await service.call("GetAccount", { id });
      const { body } = await service.call("ListEntries", { account_id: id, newest_first: true, page_size: 1 });
      accounts.set(id, followedAs(account, BigInt(body.entries[0].sequence)));
    }
    this.#followers = followersOf({ cursor: this.#cursor, accounts });
  }

  async take(step: Step): Promise<void> {
    this.#model.clock = Date.now() + this.#offsetMs;
    const caller = at(callers, step.caller);
    const token = tokens[step.caller];
    switch (step.kind) {
      case "clock":
        this.#offsetMs = step.offset * STEP_MS;
        await clock.set(this.#offsetMs);
        await clock.jitter(step.jitter ? JITTER_MS : 0);
        return;
      case "sweep":
        await service.ledger.expiry.settle();
        this.#model.sweep();
        return;
      case "ask":
        return await this.#ask(at(this.#accountIds, step.account));
      case "move":
        return await this.#single(step.caller, this.#call(this.#action(step.move), step.key, step.dryRun));
      case "settle": {
        if (this.#transferIds.length === 0) return;
        const { pick, ...what } = step.what;
        const action = { ...what, transfer: pick % this.#transferIds.length };
        return await this.#single(step.caller, this.#call(action, step.key, step.dryRun));
      }
      case "repeat": {
        if (this.#keyed.length === 0) return;
        const { caller, call } = at(this.#keyed, step.pick % this.#keyed.length);
        return await this.#single(caller, step.corrected ? { ...call, action: corrected(call.action) } : call);
      }
      case "batch":
        return await this.#batch(step, caller, token);
      case "update": {
        const { frozen, limit, unlimited, ...described } = step.update;
        const request = {
          ...described,
          id: at(this.#accountIds, step.account),
          ...(frozen !== undefined && { status: `ACCOUNT_STATUS_${frozen ? "FROZEN" : "OPEN"}` }),
          ...(limit !== undefined && { overdraft_limit: `${limit}` }),
          ...(unlimited !== undefined && { unlimited_overdraft: unlimited }),
        };
        const reply = await this.#send("UpdateAccount", { ...request, dry_run: step.dryRun }, token);
        const changes = this.#model.events.length;
        const model = step.dryRun ? this.#model.clone() : this.#model;
        const verdict = model.update(caller, step.account, step.update);
        expect(verdictOf(reply)).toBe(verdict === "ok" ? "200" : verdict);
        if (this.#model.events.length > changes) this.#changing.push(reply.headers.get("x-request-id") ?? "");
      }
    }
  }

  /** Asks by the clock's time, which the trial balance tells, and by the account's last recorded time. */
  async #ask(account_id: string): Promise<void> {
    const { body: report } = await service.call("GetTrialBalance", {});
    const { body: balance } = await service.call("GetBalance", { account_id });
    const questions: [method: string, request: object][] = [
      ["GetTrialBalance", { as_of: report.as_of }],
      ["GetBalance", { account_id, as_of: report.as_of }],
      ["GetBalance", { account_id, as_of: balance.as_of }],
      ["ListEntries", { account_id, before: report.as_of, newest_first: true, page_size: 3 }],
      [
        "GetBalanceHistory",
        {
          account_id,
          start: report.as_of.slice(0, 11).concat("00:00:00Z"),
          end: report.as_of,
          interval: "INTERVAL_HOUR",
        },
      ],
    ];
    for (const [method, request] of questions) {
      const { status, body } = await service.call(method, request);
      expect([method, status]).toEqual([method, 200]);
      this.#answers.push({ method, request, body });
    }
    expect(this.#answers.at(-5)?.body).toEqual(report);
    expect(this.#answers.at(-3)?.body).toEqual(balance);
  }

  #action(move: MoveStep): Action {
    return { ...move, expires: move.expires === "soon" ? this.#model.clock + STEP_MS * 1.5 : move.expires };
  }

  /** Every account's funds and every transfer's state, and every answer about the past once more. */
  async compareAll(): Promise<void> {
    await clock.jitter(0);
    this.#model.clock = Date.now() + this.#offsetMs;
    for (const { method, request, body } of this.#answers) {
      // What was answered stays, whatever the clock says now; ahead of it only the account's own past is answered.
      const again = await service.call(method, request);
      if (again.status === 200) expect(again.body).toEqual(body);
      else expect(again.body).toMatchObject({ code: "invalid_argument", meta: { argument: "as_of" } });
    }
    for (const [index, id] of this.#accountIds.entries()) {
      const { debits, credits } = at(this.#model.accounts, index);
      const { body } = await service.call("GetAccount", { id });
      expect(body).toMatchObject({
        balance: `${this.#model.balance(index)}`,
        available_balance: `${this.#model.available(index)}`,
        total_debits: `${debits}`,
        total_credits: `${credits}`,
      });
      const { body: now } = await service.call("GetBalance", { account_id: id });
      expect(now.balance).toBe(body.balance);
    }
    for (const [index, id] of this.#transferIds.entries()) {
      const { captured, reversed, createdBy, settledBy } = at(this.#model.transfers, index);
      const { body } = await service.call("GetTransfer", { id });
      expect(body).toMatchObject({
        state: `TRANSFER_STATE_${this.#model.stateOf(index)}`,
        captured_amount: `${captured}`,
        created_by: createdBy,
        settled_by: settledBy,
      });
      expect(body.reversed_by_transfer_id !== "0").toBe(reversed);
    }
  }

  /** What the feed says about the run, and what each caller who follows it computes. */
  async compareFeed(): Promise<void> {
    await service.ledger.expiry.settle();
    this.#model.sweep();
    for (const [index, follower] of this.#followers.entries()) {
      const { subject, admin } = at(callers, index);
      const events = await follower.catchUp(this.#nextPageSize);
      if (admin) eventsOfRuns.push(...events);
      const seen = this.#model.events.filter((event) => admin || this.#ownersOf(event).includes(subject));
      expect(events.map((event) => this.#asReported(event))).toEqual(seen.map((event) => this.#expected(event, index)));
      await compareBooks(follower, tokens[index]);
    }
    await this.#compareAccount(at(this.#accountIds, this.#run % ACCOUNTS));
  }

  /** One account's events and changes, by themselves. A cursor of the whole feed is also valid for them. */
  async #compareAccount(account_id: string): Promise<void> {
    const all = await eventsFrom(this.#cursor, {}, () => 1000);
    const expected = all.filter(({ account, transfer }) =>
      [account?.id, transfer?.debit_account_id, transfer?.credit_account_id].includes(account_id),
    );
    expect(await eventsFrom(this.#cursor, { account_id }, this.#nextPageSize)).toEqual(expected);
    const oldest = await changesOf(account_id, false, this.#nextPageSize);
    expect(await changesOf(account_id, true, this.#nextPageSize)).toEqual(oldest.reverse());
  }

  /** Leaves the worn accounts as the next run expects them. */
  async close(): Promise<void> {
    for (const id of worn) {
      const { body } = await service.call("GetAccount", { id });
      const floor = BigInt(body.available_balance) >= 0n && { overdraft_limit: 0, unlimited_overdraft: false };
      await service.call("UpdateAccount", { id, status: "ACCOUNT_STATUS_OPEN", ...floor });
    }
  }

  async #single(callerIndex: number, call: Call): Promise<void> {
    const caller = at(callers, callerIndex);
    if (call.key !== undefined) this.#keyed.push({ caller: callerIndex, call });
    const method = {
      move: "CreateTransfer",
      capture: "CaptureTransfer",
      void: "VoidTransfer",
      reverse: "ReverseTransfer",
    };
    const reply = await this.#send(method[call.action.kind], this.#request(call), tokens[callerIndex]);
    this.#compare(reply, this.#model.single(caller, call), call, caller);
  }

  /** Sends a request, after a dry run of it, which must give the same answer. */
  async #send(method: string, request: object, token: string | undefined): Promise<Reply> {
    const rehearsal = await service.call(method, { ...request, dry_run: true }, token);
    const reply = await service.call(method, request, token);
    expect(answerOf(rehearsal)).toEqual(answerOf(reply));
    return reply;
  }

  async #batch(
    { members, atomic, dryRun: dryRuns }: Step & { kind: "batch" },
    caller: Caller,
    token: string | undefined,
  ) {
    // Of an atomic batch all or none are dry runs.
    const calls = members.map(([move, dryRun, key]) => this.#call(this.#action(move), key, atomic ? dryRuns : dryRun));
    const request = { transfers: calls.map((call) => this.#request(call)), atomic };
    const reply = await service.call("BatchCreateTransfers", request, token);
    const outcomes = atomic ? this.#model.atomic(caller, calls) : this.#model.independent(caller, calls);
    if (reply.status !== 200) {
      expect(outcomes.map(({ verdict }) => verdict)).toEqual([verdictOf(reply)]);
      return;
    }
    expect(reply.body.results).toHaveLength(outcomes.length);
    for (const [index, outcome] of outcomes.entries()) {
      const { transfer, error, replayed } = reply.body.results[index];
      const headers = new Headers(replayed ? { "idempotent-replayed": "true" } : {});
      const alone: Reply = { status: error ? 400 : 200, headers, body: error ?? transfer };
      this.#compare(alone, outcome, at(calls, index), caller, false);
    }
  }

  #call(action: Action, key: number | undefined, dryRun: boolean): Call {
    return { action, key: key === undefined ? undefined : `model-${this.#run}-${key}`, dryRun };
  }

  #ownersOf({ type, subject }: ModelEvent): string[] {
    if (type === "ACCOUNT_UPDATED") return [at(this.#model.accounts, subject).owner];
    const { debit, credit } = at(this.#model.transfers, subject);
    return [debit, credit].map((index) => at(this.#model.accounts, index).owner);
  }

  /** An event of the model, as a caller must see it. */
  #expected(event: ModelEvent, callerIndex: number): object {
    const { subject, admin } = at(callers, callerIndex);
    const visible = (name: string) => (admin || name === subject ? name : "");
    const actor = visible(event.actor);
    if (event.type === "ACCOUNT_UPDATED") {
      const request = this.#changing[this.#model.events.filter(({ type }) => type === event.type).indexOf(event)];
      const by = { changed_by: actor, request_id: actor && request };
      return {
        type: event.type,
        actor,
        account: event.subject,
        changes: event.changes.map((change) => ({ ...change, ...by })),
      };
    }
    const { debit, credit, amount, createdBy, reverses } = at(this.#model.transfers, event.subject);
    const entries = event.entries.filter(({ account }) => admin || at(this.#model.accounts, account).owner === subject);
    return {
      type: event.type,
      actor,
      transfer: event.subject,
      ...{ debit, credit, amount, reverses, createdBy: visible(createdBy) },
      settledBy: /POSTED|HELD/.test(event.type) ? "" : actor,
      entries,
    };
  }

  /** An event of the feed, in the same form. */
  #asReported({ type: fullType, actor, account, account_changes, transfer, entries }: Json): object {
    const type = fullType.slice("EVENT_TYPE_".length);
    const accountOf = (id: string) => this.#accountIds.indexOf(id);
    const transferOf = (id: string) => (id === "0" ? undefined : this.#transferIds.indexOf(id));
    if (transfer === null) {
      const changes = account_changes.map(({ account_id: _, changed_at: __, ...change }: Json) => change);
      return { type, actor, account: accountOf(account.id), changes };
    }
    return {
      type,
      actor,
      transfer: transferOf(transfer.id),
      debit: accountOf(transfer.debit_account_id),
      credit: accountOf(transfer.credit_account_id),
      amount: BigInt(transfer.amount),
      reverses: transferOf(transfer.reverses_transfer_id),
      createdBy: transfer.created_by,
      settledBy: transfer.settled_by,
      entries: entries.map(({ account_id, amount, balance_after }: Json) => ({
        account: accountOf(account_id),
        amount: BigInt(amount),
        balance: BigInt(balance_after),
      })),
    };
  }

  #request({ action, key = "", dryRun }: Call): object {
    if (action.kind !== "move") {
      const id = at(this.#transferIds, action.transfer);
      const amount = action.kind === "capture" && action.amount !== undefined ? { amount: `${action.amount}` } : {};
      return { id, ...amount, idempotency_key: key, dry_run: dryRun };
    }
    return {
      debit_account_id: at(this.#accountIds, action.debit),
      credit_account_id: at(this.#accountIds, action.credit),
      amount: `${action.amount}`,
      pending: action.pending,
      ...(action.pending && action.expires !== "never" && { expires_at: expiryOf(action.expires) }),
      idempotency_key: key,
      dry_run: dryRun,
    };
  }

  /** @param last whether the model's balances are those that the call left. */
  #compare(reply: Reply, outcome: ModelOutcome, call: Call, caller: Caller, last = true): void {
    expect(verdictOf(reply)).toBe(outcome.verdict === "ok" ? "200" : outcome.verdict);
    expect(reply.headers.get("idempotent-replayed")).toBe(outcome.replayed ? "true" : null);
    const { transfer } = outcome;
    if (transfer === undefined) return;
    const isRehearsed = call.dryRun && transfer >= this.#transferIds.length;
    if (isRehearsed) {
      expect(reply.body.id).toBe("0");
      return;
    }
    if (!call.dryRun && transfer === this.#transferIds.length) this.#transferIds.push(reply.body.id);
    expect(reply.body.id).toBe(this.#transferIds[transfer]);
    if (!last || outcome.replayed || call.action.kind !== "move") return;
    const told = (index: number) =>
      caller.admin || at(this.#model.accounts, index).owner === caller.subject ? `${this.#model.balance(index)}` : "0";
    const { debit, credit } = call.action;
    expect([reply.body.debit_account_balance, reply.body.credit_account_balance]).toEqual([told(debit), told(credit)]);
  }
}

/** What a reply says, without the id and the times that only a real call gives. */
function answerOf({ status, headers, body }: Reply): object {
  const replayed = headers.get("idempotent-replayed");
  const given = { id: "", created_at: "", effective_at: "", settled_at: "", updated_at: "" };
  return { status, replayed, body: status === 200 && replayed === null ? { ...body, ...given } : body };
}

/** A follower for each caller. */
function followersOf(start: { cursor?: string; accounts?: ReadonlyMap<string, FollowedAccount> } = {}): Follower[] {
  return callers.map(({ subject, admin }, index) => {
    if (admin) return new Follower(service, start);
    const owned = [...(start.accounts ?? [])].filter(([, { settings }]) => settings.owner === subject);
    return new Follower(service, { ...start, accounts: new Map(owned), owner: subject, token: tokens[index] });
  });
}

async function eventsFrom(cursor: string, filter: { account_id?: string }, nextPageSize: () => number) {
  const events: Json[] = [];
  for await (const event of eventsAfter(service, { cursor, ...filter }, nextPageSize)) events.push(event);
  return events;
}

/** Compares what a follower has computed with what the caller reads. */
async function compareBooks(follower: Follower, token: string | undefined): Promise<void> {
  for (const [id, account] of follower.accounts) {
    const newest = { account_id: id, newest_first: true, page_size: 1000 };
    const [{ body }, { body: statement }, { body: history }] = await Promise.all([
      service.call("GetAccount", { id }, token),
      service.call("ListEntries", newest, token),
      service.call("ListAccountChanges", newest, token),
    ]);
    expect(body).toMatchObject(bodyOf(account));
    expect(statement.entries.slice(0, account.entries.length).reverse()).toEqual(account.entries);
    expect(history.changes.slice(0, account.changes.length).reverse()).toEqual(account.changes);
  }
  const { transfers } = follower;
  if (transfers.size === 0) return;
  const { body: newest } = await service.call("ListTransfers", { page_size: transfers.size }, token);
  const reversed = newest.transfers.filter((transfer: Json) => transfer.reversed_by_transfer_id !== "0");
  const before = newest.transfers.map((transfer: Json) => ({ ...transfer, reversed_by_transfer_id: "0" }));
  expect(before).toEqual([...transfers.values()].reverse());
  expect(new Set(reversed.map(({ id }: Json) => id))).toEqual(follower.reversed);
}

/** All changes of an account. */
async function changesOf(account_id: string, newest_first: boolean, nextPageSize: () => number): Promise<Json[]> {
  const changes: Json[] = [];
  for (let page_token = ""; ; ) {
    const request = { account_id, newest_first, page_token, page_size: nextPageSize() };
    const { body } = await service.call("ListAccountChanges", request);
    changes.push(...body.changes);
    if (body.next_page_token === "") return changes;
    page_token = body.next_page_token;
  }
}

test("random calls over HTTP agree with the model in every answer, and the auditor finds nothing afterwards", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), pageSizes, async (steps, sizes) => {
      run += 1;
      const comparison = new Comparison(run, sizes);
      await comparison.open();
      for (const each of steps) await comparison.take(each);
      await comparison.compareAll();
      await comparison.compareFeed();
      await comparison.close();
    }),
    // On failure fast-check prints the seed and the smallest run that fails.
    { numRuns: 100 },
  );
}, 240_000);

test("followers from the first event, with pages of any size, compute all the books and see what was seen before", async () => {
  const random = seededRandom(17);
  const { rows: entries } = await service.pool.query(`
select e.account_id::text as id, concat_ws(' ', e.account_id, e.sequence, e.transfer_id, e.amount, e.balance_after) as entry
  from entry e
 order by e.account_id, e.sequence`);
  // Alice, who owns the worn accounts, would see almost as much as the admin.
  for (const index of [0, 2]) {
    const follower = at(followersOf(), index);
    const events = await follower.catchUp(() => 1 + Math.floor(random() * 1000));
    const known = [...follower.accounts.values()];
    expect(await accountsOf(tokens[index])).toMatchObject(known.map(bodyOf));
    const followed = known.flatMap((account) => account.entries.map(textOfEntry));
    expect(followed).toEqual(entries.flatMap(({ id, entry }) => (follower.accounts.has(id) ? [entry] : [])));
    if (!at(callers, index).admin) continue;
    const byId = new Map(events.map((event) => [event.id, event]));
    expect(eventsOfRuns.map(({ id }) => byId.get(id))).toEqual(eventsOfRuns);
  }
}, 240_000);

function textOfEntry({ account_id, sequence, transfer_id, amount, balance_after }: Json): string {
  return [account_id, sequence, transfer_id, amount, balance_after].join(" ");
}

/** All accounts that a caller may see. */
async function accountsOf(token: string | undefined): Promise<Json[]> {
  const accounts: Json[] = [];
  for (let page_token = ""; ; ) {
    const { body } = await service.call("ListAccounts", { page_token, page_size: 1000 }, token);
    accounts.push(...body.accounts);
    if (body.next_page_token === "") return accounts;
    page_token = body.next_page_token;
  }
}
