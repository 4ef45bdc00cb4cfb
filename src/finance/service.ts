import type { ClientBase } from "pg";
import { AccountStatus } from "../../generated/server/finance/v1/account.ts";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import {
  createFinanceServiceServer,
  type FinanceServiceTwirp,
} from "../../generated/server/finance/v1/finance.twirp.ts";
import type { CreateTransferRequest, Transfer } from "../../generated/server/finance/v1/transfer.ts";
import type { CallContext } from "../../packages/twirp/src/index.ts";
import { type Caller, hasScope, type Scope } from "../auth/index.ts";
import { withConnection } from "../database/index.ts";
import { balanceOf } from "./account.ts";
import {
  accountNotFound,
  FinanceError,
  invalidArgument,
  isRefusal,
  type Refusal,
  refuse,
  transferNotFound,
} from "./errors.ts";
import {
  type Chunk,
  type EventRecord,
  type FeedPlace,
  placeOf,
  readCursor,
  START,
  writeCursor,
} from "./feed/events.ts";
import { WaitingTime } from "./feed/feed.ts";
import type { Ledger } from "./ledger.ts";
import {
  moneyOf,
  toAccountMessage,
  toBatchResult,
  toChangeMessage,
  toCurrencyMessage,
  toEntryMessage,
  toEventMessage,
  toPointMessage,
  toTransferMessage,
} from "./messages.ts";
import { type Actor, adminPartOfChange, adminPartOfNewAccount, adminPartOfTransfer, isVisibleTo } from "./policy.ts";
import type { Outcome } from "./posting/decide-group.ts";
import type { Claim } from "./posting/idempotency.ts";
import {
  claimOfRefused,
  type KeyedRequest,
  keyOf,
  loadOutcomes,
  orAsBefore,
  readClaim,
  refuseKeyHeader,
} from "./posting/idempotency.ts";
import type { Command, Posting } from "./posting/posting.ts";
import { type Author, listAccountChanges } from "./records/account-changes.ts";
import { createAccount, loadOpened } from "./records/account-opening.ts";
import { type AccountRecord, listAccounts, updateAccount } from "./records/accounts.ts";
import { loadBalance, loadBalanceHistory } from "./records/balances.ts";
import { listEntries } from "./records/entries.ts";
import type { Listed } from "./records/page.ts";
import { listTransfers } from "./records/transfer-list.ts";
import { loadTransfers, seesTransfer } from "./records/transfers.ts";
import { loadTrialBalance } from "./records/trial-balance.ts";
import {
  type Page,
  readAccountChange,
  readAccountFilter,
  readAccountId,
  readAsOf,
  readBatch,
  readCapture,
  readEntryFilter,
  readEventsRequest,
  readHistorySpan,
  readNewAccount,
  readNewTransfer,
  readPage,
  readReversal,
  readTransferFilter,
  readTransferId,
} from "./validation.ts";
import { type AccountId, type Micros, toTimestamp } from "./values.ts";

/** The context of every method: the call and its caller. */
export type FinanceContext = CallContext & {
  readonly caller: Caller;
  /** How long ListEvents has waited for events. */
  waiting?: WaitingTime;
};

/** Memory for a row of a list, before its content is known. */
const USUAL_ROW_BYTES = 512;
/** Memory for a page while its reply is built, in sizes of its text: rows, messages and the reply. */
const BUILT_SIZE = 3;
/** Memory for one result of a batch while the reply is built, besides the memory for its request. */
const BATCH_RESULT_BYTES = 2048;
/** Memory for one point of a history while the reply is built. */
const POINT_BYTES = 1024;

/** The reply header that marks the outcome of an earlier request. */
const REPLAYED_HEADER = "idempotent-replayed";

/** The scope that each method needs; some fields also need finance.admin. */
const SCOPES: Readonly<Record<keyof FinanceServiceTwirp, Scope>> = {
  CreateAccount: "finance.write",
  GetAccount: "finance.read",
  ListAccounts: "finance.read",
  UpdateAccount: "finance.write",
  ListAccountChanges: "finance.read",
  CreateTransfer: "finance.write",
  BatchCreateTransfers: "finance.write",
  CaptureTransfer: "finance.write",
  VoidTransfer: "finance.write",
  ReverseTransfer: "finance.write",
  GetTransfer: "finance.read",
  ListTransfers: "finance.read",
  ListEntries: "finance.read",
  GetBalance: "finance.read",
  GetBalanceHistory: "finance.read",
  ListEvents: "finance.read",
  GetTrialBalance: "finance.admin",
};

const scopeOfMethod: ReadonlyMap<string, Scope> = new Map(Object.entries(SCOPES));

/** FinanceService, ready to be mounted. A caller without the method's scope is refused before the body is read. */
export function financeServiceOf(ledger: Ledger) {
  const server = createFinanceServiceServer(createFinanceService(ledger));
  server.use({ requestRouted: ({ caller, methodName }) => requireScope(caller, methodName) });
  return { server, type: FinanceService };
}

/** The methods, for callers that have their scope: validate, ask the ledger, answer. */
function createFinanceService(ledger: Ledger): FinanceServiceTwirp<FinanceContext> {
  const { pool, accounts, queue, readTurns, changeTurns, finalTime, transfersPerTotal, expiry, feed, events } = ledger;
  return {
    async CreateAccount(ctx, request) {
      const actor = actorOf(ctx);
      const owner = request.owner || actor.subject;
      const keyed: KeyedRequest = {
        method: "CreateAccount",
        message: { ...request, owner },
        subject: actor.subject,
        key: keyOf(ctx.req, request),
      };
      const open = async () => {
        requireAdmin(actor, adminPartOfNewAccount(actor.subject, request));
        const account = readNewAccount(request);
        return await createAccount(pool, { ...account, owner }, readClaim(keyed), authorOf(ctx));
      };
      const { account, replayed } = await orAsBefore(keyed, open, (claim) => loadOpened(pool, claim));
      if (replayed) ctx.headers.set(REPLAYED_HEADER, "true");
      else feed.committed();
      return toAccountMessage(account);
    },

    async GetAccount(ctx, request) {
      return toAccountMessage(await loadVisible(readAccountId(request.id, "id"), actorOf(ctx)));
    },

    async ListAccounts(ctx, request) {
      const filter = readAccountFilter(request);
      const page = readPage(request);
      const { items, nextPageToken } = await list(ctx, page, (client) =>
        listAccounts(client, actorOf(ctx), filter, page),
      );
      return { accounts: items.map(toAccountMessage), nextPageToken };
    },

    async UpdateAccount(ctx, request) {
      const actor = actorOf(ctx);
      requireAdmin(actor, adminPartOfChange(request));
      refuseKeyHeader(ctx.req);
      const change = readAccountChange(request);
      // Before anything is locked: callers must not be able to block accounts that they can't see.
      await loadVisible(change.id, actor);
      if (change.status === AccountStatus.CLOSED && !change.dryRun) {
        // Expired holds must not keep the account open. If one can't be settled, the update is refused.
        await expiry.settle({ account: change.id, signal: ctx.signal }).catch((error: unknown) => {
          ctx.log.warn({ err: error }, "could not settle all expired holds of an account before closing it");
        });
      }
      const update = () => updateAccount(pool, actor, change, authorOf(ctx));
      const account = await changeTurns.run(`${change.id}`, update);
      if (!change.dryRun) feed.committed();
      return toAccountMessage(account);
    },

    async ListAccountChanges(ctx, request) {
      const actor = actorOf(ctx);
      const page = readPage(request);
      const { id } = await loadVisible(readAccountId(request.accountId, "account_id"), actor);
      const { items, nextPageToken } = await list(ctx, page, (client) =>
        listAccountChanges(client, id, request.newestFirst, page),
      );
      return { changes: items.map((change) => toChangeMessage(change, actor)), nextPageToken };
    },

    async CreateTransfer(ctx, request) {
      return await postOne(ctx, "CreateTransfer", request, () => readCreation(request, actorOf(ctx)));
    },

    async BatchCreateTransfers(ctx, request) {
      const actor = actorOf(ctx);
      refuseKeyHeader(ctx.req);
      const { transfers, atomic } = readBatch(request);
      // Before anything is posted: afterwards the call could no longer be refused.
      ctx.reserve(transfers.length * BATCH_RESULT_BYTES);
      const members = transfers.map((transfer, index) => readMember(transfer, index, actor, atomic));
      const before = await outcomesOf(
        members.flatMap((member) => ("refusal" in member ? (member.claim ?? []) : [])),
        actor,
        true,
      );
      const postings = members.flatMap((member) => ("refusal" in member ? [] : [member]));
      const decided = postings.length === 0 ? [] : await queue.post({ postings, atomic });
      let next = 0;
      const outcomes = members.map((member): Outcome => {
        if (!("refusal" in member)) return outcomeAt(decided, next++);
        const first = member.claim && before.get(member.claim);
        return first ?? { result: member.refusal, replayed: false };
      });
      if (isReplayed(outcomes)) ctx.headers.set(REPLAYED_HEADER, "true");
      return { results: outcomes.map((outcome) => toBatchResult(outcome, actor)) };
    },

    async CaptureTransfer(ctx, request) {
      return await postOne(ctx, "CaptureTransfer", request, () => ({ kind: "capture", ...readCapture(request) }));
    },

    async VoidTransfer(ctx, request) {
      return await postOne(ctx, "VoidTransfer", request, () => ({
        kind: "void",
        id: readTransferId(request.id, "id"),
      }));
    },

    async ReverseTransfer(ctx, request) {
      return await postOne(ctx, "ReverseTransfer", request, () => ({ kind: "reverse", ...readReversal(request) }));
    },

    async GetTransfer(ctx, request) {
      const actor = actorOf(ctx);
      const id = readTransferId(request.id, "id");
      const transfer = (await readTurns.run(actor.subject, () => loadTransfers(pool, [id]))).get(id)?.current;
      if (transfer === undefined || !seesTransfer(transfer, actor)) throw new FinanceError(transferNotFound(id));
      return toTransferMessage(transfer, actor);
    },

    async ListTransfers(ctx, request) {
      const actor = actorOf(ctx);
      const filter = readTransferFilter(request);
      const page = readPage(request);
      for (const bound of [filter.createdBefore, filter.settledBefore]) {
        if (bound !== undefined) await finalTime.reach(bound - 1n);
      }
      const { items, nextPageToken } = await list(ctx, page, (client) => listTransfers(client, actor, filter, page));
      return { transfers: items.map((transfer) => toTransferMessage(transfer, actor)), nextPageToken };
    },

    async ListEntries(ctx, request) {
      const filter = readEntryFilter(request);
      const page = readPage(request);
      const account = await loadVisible(filter.accountId, actorOf(ctx));
      const { before } = filter;
      // Every time up to the account's last recorded time is final for it.
      if (before !== undefined && before - 1n > account.updatedAt) await finalTime.reach(before - 1n);
      const { items, nextPageToken } = await list(ctx, page, (client) => listEntries(client, filter, page));
      return { entries: items.map((entry) => toEntryMessage(entry, account)), nextPageToken };
    },

    async GetBalance(ctx, request) {
      const accountId = readAccountId(request.accountId, "account_id");
      const account = await loadVisible(accountId, actorOf(ctx));
      // Without a time every entry counts, also entries that were recorded ahead of the clock.
      const asOf = readAsOf(request.asOf) ?? account.updatedAt;
      if (request.asOf === undefined) {
        const balance = balanceOf(account);
        return { balance, asOf: toTimestamp(asOf), sequence: account.lastSequence, ...moneyOf(account) };
      }
      if (asOf > account.updatedAt) await reachAsOf(asOf);
      const { balance, sequence } = await read(ctx, (client) => loadBalance(client, accountId, asOf));
      return { balance, asOf: toTimestamp(asOf), sequence, ...moneyOf(account) };
    },

    async GetBalanceHistory(ctx, request) {
      const { end, ...span } = readHistorySpan(request);
      const account = await loadVisible(span.accountId, actorOf(ctx));
      const until = await finalTime.cut(end, account.updatedAt);
      const points = await read(ctx, (client) =>
        loadBalanceHistory(client, account.debitNormal, { ...span, end: until }, (count) =>
          ctx.reserve(count * POINT_BYTES),
        ),
      );
      return { points: points.map((point) => toPointMessage(point, account)) };
    },

    async ListEvents(ctx, request) {
      const actor = actorOf(ctx);
      const { accountId, sizeMax, waitMs } = readEventsRequest(request);
      const cursor = request.cursor === "" ? undefined : readCursor(request.cursor);
      const filter = { actor, accountId, sizeMax };
      if (accountId !== undefined) await loadVisible(accountId, actor);
      const waiting = new WaitingTime();
      ctx.waiting = waiting;
      const endMs = performance.now() + waitMs;
      let head = feed.endFor(cursor, waitMs) ?? (await feed.refresh());
      let place: FeedPlace = request.fromEnd ? head : START;
      if (cursor !== undefined) place = placeOf(cursor, head);
      const cursorAt = ({ position, seal }: FeedPlace) => writeCursor({ identity: head.identity, position, seal });
      const answer = (found: readonly EventRecord[]) => ({
        events: found.map((event) => toEventMessage(event, cursorAt(event), actor)),
        cursor: cursorAt(place),
      });
      // While it waits, a call holds no memory.
      const reserve = (bytes: number) => ctx.reserve(bytes * BUILT_SIZE);
      let chunk: Chunk | undefined;
      for (;;) {
        const found = await events.find(place, head, filter, { chunk, reserve });
        place = found.reached;
        const leftMs = endMs - performance.now();
        if (found.events.length > 0 || found.hasNext || leftMs <= 0) return answer(found.events);
        const waited = await waiting.during(feed.wait(place, filter, leftMs, ctx.signal));
        ({ place, chunk } = waited);
        if (waited.head === undefined) return answer([]);
        head = waited.head;
      }
    },

    async GetTrialBalance(ctx, request) {
      const asked = readAsOf(request.asOf);
      if (asked !== undefined) await reachAsOf(asked);
      const asOf = asked ?? (await finalTime.reachPresent());
      const currencies = await loadTrialBalance((work) => read(ctx, work), asOf, transfersPerTotal);
      return { currencies: currencies.map(toCurrencyMessage), asOf: toTimestamp(asOf) };
    },
  };

  /** Reads a page of a list and reserves memory for it. */
  async function list<Item>(
    ctx: FinanceContext,
    page: Page,
    find: (client: ClientBase) => Promise<Listed<Item>>,
  ): Promise<Listed<Item>> {
    ctx.reserve(page.size * USUAL_ROW_BYTES);
    const found = await read(ctx, find);
    ctx.reserve(found.bytes * BUILT_SIZE);
    return found;
  }

  /** Does a read that may take long when it is the caller's turn, and cancels it when the call ends. */
  function read<T>(ctx: FinanceContext, work: (client: ClientBase) => Promise<T>): Promise<T> {
    return readTurns.run(ctx.caller.subject, () => withConnection(pool, work, ctx.signal));
  }

  /** @throws FinanceError invalid_argument for a time in the future. */
  async function reachAsOf(asOf: Micros): Promise<void> {
    if (!(await finalTime.reach(asOf))) throw invalidArgument("as_of", "must not be in the future");
  }

  /** @throws FinanceError not_found unless the actor may see the account. */
  async function loadVisible(id: AccountId, actor: Actor): Promise<AccountRecord> {
    const account = await accounts.load(id, actor.subject);
    if (account === undefined || !isVisibleTo(account, actor)) throw new FinanceError(accountNotFound(id));
    return account;
  }

  /** Carries out a request that is one posting, and answers it. */
  async function postOne(
    ctx: FinanceContext,
    method: Exclude<KeyedRequest["method"], "CreateAccount">,
    request: { readonly idempotencyKey: string; readonly dryRun: boolean },
    readCommand: () => Command,
  ): Promise<Transfer> {
    const actor = actorOf(ctx);
    const keyed = { method, message: request, subject: actor.subject, key: keyOf(ctx.req, request) };
    const post = async () => {
      const command = readCommand();
      const claim = readClaim(keyed);
      const posting = { command, actor, claim, dryRun: request.dryRun, path: "" };
      const outcome = outcomeAt(await queue.post({ postings: [posting], atomic: false }), 0);
      if (!outcome.replayed && isRefusal(outcome.result)) throw new FinanceError(outcome.result);
      return outcome;
    };
    const makesNew = method === "CreateTransfer" || method === "ReverseTransfer";
    const { result, replayed } = await orAsBefore(keyed, post, async (claim) =>
      (await outcomesOf([claim], actor, makesNew)).get(claim),
    );
    if (replayed) ctx.headers.set(REPLAYED_HEADER, "true");
    if (isRefusal(result)) throw new FinanceError(result);
    return toTransferMessage(result, actor);
  }

  /** The first outcomes of requests whose fields are refused today; see {@link orAsBefore}. */
  async function outcomesOf(claims: readonly Claim[], actor: Actor, makesNew: boolean): Promise<Map<Claim, Outcome>> {
    if (claims.length === 0) return new Map();
    const found = await readTurns.run(actor.subject, () => loadOutcomes(pool, claims, makesNew));
    return new Map([...found].map(([claim, result]) => [claim, { result, replayed: true }]));
  }
}

function outcomeAt(outcomes: readonly Outcome[], index: number): Outcome {
  const outcome = outcomes[index];
  if (outcome === undefined) throw new Error("a posting has no outcome");
  return outcome;
}

/** A member of a batch whose fields are refused. */
interface RefusedMember {
  readonly refusal: Refusal;
  readonly claim: Claim | undefined;
}

/** Reads a member of a batch. In an atomic batch a mistake in one member is an error of the call. */
function readMember(
  request: CreateTransferRequest,
  index: number,
  actor: Actor,
  atomic: boolean,
): Posting | RefusedMember {
  const { idempotencyKey, dryRun } = request;
  const keyed = {
    method: "CreateTransfer",
    message: request,
    subject: actor.subject,
    key: idempotencyKey,
  } as const;
  const path = `transfers[${index}].`;
  try {
    return { command: readCreation(request, actor, path), actor, claim: readClaim(keyed, path), dryRun, path };
  } catch (error) {
    if (atomic || !(error instanceof FinanceError)) throw error;
    return { refusal: error.refusal, claim: claimOfRefused(keyed) };
  }
}

/** Reads a CreateTransferRequest, alone or as the member of a batch at `path`. */
function readCreation(request: CreateTransferRequest, actor: Actor, path = ""): Command {
  requireAdmin(actor, adminPartOfTransfer(request));
  return { kind: "create", transfer: readNewTransfer(request, path) };
}

/** Whether earlier requests decided the whole batch: each member, or the one because of which the others were refused. */
function isReplayed(outcomes: readonly Outcome[]): boolean {
  const isEarlier = ({ result, replayed }: Outcome) =>
    replayed || (isRefusal(result) && result.situation === "batch_refused");
  return outcomes.some(({ replayed }) => replayed) && outcomes.every(isEarlier);
}

function authorOf({ caller, request }: FinanceContext): Author {
  return { subject: caller.subject, requestId: request.id };
}

function actorOf({ caller }: FinanceContext): Actor {
  return { subject: caller.subject, admin: hasScope(caller, "finance.admin") };
}

function requireScope(caller: Caller, methodName: string): void {
  const scope = scopeOfMethod.get(methodName);
  if (scope === undefined) throw new Error(`the method ${methodName} has no scope`);
  if (!hasScope(caller, scope)) throw scopeMissing(scope, `the token lacks the scope ${scope}`);
}

/** @param part the part of the request that needs finance.admin, if any. */
function requireAdmin(actor: Actor, part: string | undefined): void {
  if (part === undefined || actor.admin) return;
  throw scopeMissing("finance.admin", `${part} needs the scope finance.admin, which the token lacks`);
}

function scopeMissing(scope: Scope, msg: string): FinanceError {
  return new FinanceError(refuse("scope_missing", msg, { scope }));
}
