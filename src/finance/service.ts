import type { ClientBase } from "pg";
import { AccountStatus } from "../../generated/server/finance/v1/account.ts";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import {
  createFinanceServiceServer,
  type FinanceServiceTwirp,
} from "../../generated/server/finance/v1/finance.twirp.ts";
import type {
  BatchCreateTransfersResult,
  CreateTransferRequest,
  Transfer,
} from "../../generated/server/finance/v1/transfer.ts";
import type { CallContext } from "../../packages/twirp/src/index.ts";
import { type Caller, hasScope, type Scope } from "../auth/index.ts";
import { withConnection } from "../database/index.ts";
import { balanceOf } from "./account.ts";
import { accountNotFound, FinanceError, type Refusal, refuse, transferNotFound } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import { moneyOf, toAccountMessage, toBatchResult, toEntryMessage, toTransferMessage } from "./messages.ts";
import { type Actor, adminPartOfChange, adminPartOfNewAccount, adminPartOfTransfer, isVisibleTo } from "./policy.ts";
import type { Outcome } from "./posting/decide-group.ts";
import type { Claim, KeyedMethodName } from "./posting/idempotency.ts";
import type { Posting } from "./posting/posting.ts";
import { claimUnread, keyOf, loadOutcomes, orAsBefore, readClaim, refuseKeyHeader } from "./posting/replay.ts";
import { createAccount, loadOpened } from "./records/account-opening.ts";
import { type AccountRecord, listAccounts, updateAccount } from "./records/accounts.ts";
import { loadBalance, loadBalanceHistory, loadTrialBalance } from "./records/balances.ts";
import { listEntries } from "./records/entries.ts";
import type { PageExtent } from "./records/page.ts";
import { listTransfers } from "./records/transfer-list.ts";
import { loadTransfers, seesTransfer } from "./records/transfers.ts";
import {
  type Page,
  readAccountChange,
  readAccountFilter,
  readAccountId,
  readAsOf,
  readBatch,
  readCapture,
  readEntryFilter,
  readHistorySpan,
  readNewAccount,
  readNewTransfer,
  readPage,
  readReversal,
  readTransferFilter,
  readTransferId,
} from "./validation.ts";
import type { AccountId } from "./values.ts";
import { saturate, toTimestamp } from "./values.ts";

/** What every method gets: the call and who is calling. */
export type FinanceContext = CallContext & { readonly caller: Caller };

/** What a row of a list takes, before it is known what is in it. */
const USUAL_ROW_BYTES = 512;
/** How much a page takes while its reply is built, in sizes of its text: rows, messages, the reply. */
const BUILT_SIZE = 3;
/** What one result of a batch takes while its reply is built, beside what its request does. */
const BATCH_RESULT_BYTES = 2048;
/** What one point of a history takes while its reply is built. */
const POINT_BYTES = 1024;

/** The reply header that tells an answer given again from a first one. */
const REPLAYED_HEADER = "idempotent-replayed";

/** The scope that a call of each method needs; some fields need finance.admin besides. */
const SCOPES: Readonly<Record<keyof FinanceServiceTwirp, Scope>> = {
  CreateAccount: "finance.write",
  GetAccount: "finance.read",
  ListAccounts: "finance.read",
  UpdateAccount: "finance.write",
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
  GetTrialBalance: "finance.admin",
};

const scopeOfMethod: ReadonlyMap<string, Scope> = new Map(Object.entries(SCOPES));

/** FinanceService to be mounted. A caller without the method's scope is refused before the body is read. */
export function financeServiceOf(ledger: Ledger) {
  const server = createFinanceServiceServer(createFinanceService(ledger));
  server.use({ requestRouted: ({ caller, methodName }) => requireScope(caller, methodName) });
  return { server, type: FinanceService };
}

/** The methods, for callers who hold their scope: validate, ask the ledger, answer. */
function createFinanceService({
  pool,
  accounts,
  queue,
  readTurns,
  changeTurns,
  finalTime,
  expiry,
}: Ledger): FinanceServiceTwirp<FinanceContext> {
  return {
    async CreateAccount(ctx, request) {
      const actor = actorOf(ctx.caller);
      const owner = request.owner || actor.subject;
      const open = async () => {
        requireAdmin(actor, adminPartOfNewAccount(actor.subject, request));
        const account = readNewAccount(request);
        const claim = readClaim(keyOf(ctx, request), actor, "CreateAccount", { ...request, owner });
        return await createAccount(pool, { ...account, owner }, claim);
      };
      const openedBefore = async (claim: Claim) => {
        const account = await loadOpened(pool, claim);
        return account && { account, replayed: true };
      };
      const named = { name: "CreateAccount", message: { ...request, owner } } as const;
      const { account, replayed } = await orAsBefore(ctx, request, actor, named, open, openedBefore);
      if (replayed) ctx.headers.set(REPLAYED_HEADER, "true");
      return toAccountMessage(account);
    },

    async GetAccount(ctx, request) {
      const actor = actorOf(ctx.caller);
      return toAccountMessage(await loadVisible(readAccountId(request.id, "id"), actor));
    },

    async ListAccounts(ctx, request) {
      const actor = actorOf(ctx.caller);
      const filter = readAccountFilter(request);
      const page = readPage(request);
      const { accounts, nextPageToken } = await readPageOf(ctx, page, (client) =>
        listAccounts(client, actor, filter, page),
      );
      return { accounts: accounts.map(toAccountMessage), nextPageToken };
    },

    async UpdateAccount(ctx, request) {
      const actor = actorOf(ctx.caller);
      requireAdmin(actor, adminPartOfChange(request));
      refuseKeyHeader(ctx);
      const change = readAccountChange(request);
      // Before anything is locked: a stranger must hold nobody up.
      await loadVisible(change.id, actor);
      if (change.status === AccountStatus.CLOSED) {
        // What has expired is no reason to keep it open.
        // A hold that can't be settled keeps it open: the change itself says so.
        await expiry.settle({ account: change.id, signal: ctx.signal }).catch((error: unknown) => {
          ctx.log.warn({ err: error }, "could not settle all expired holds of an account that is to be closed");
        });
      }
      return toAccountMessage(await changeTurns.run(`${change.id}`, () => updateAccount(pool, actor, change)));
    },

    async CreateTransfer(ctx, request) {
      const actor = actorOf(ctx.caller);
      return await postOne(ctx, request, actor, "CreateTransfer", () =>
        readCreation(request, () => keyOf(ctx, request), actor),
      );
    },

    async BatchCreateTransfers(ctx, request) {
      const actor = actorOf(ctx.caller);
      refuseKeyHeader(ctx);
      const { transfers, atomic } = readBatch(request);
      // Before anything is posted: later it could no longer be refused.
      ctx.reserve(transfers.length * BATCH_RESULT_BYTES);
      const asked = transfers.map((transfer, index) => readMember(transfer, index, actor, atomic));
      const members = await answerUnread(asked, actor);
      const postings = members.flatMap((member) => ("result" in member ? [] : [member]));
      const decided = postings.length === 0 ? [] : await queue.post({ postings, atomic });
      let next = 0;
      const outcomes = members.map((member): Outcome => {
        if ("result" in member) return member;
        const outcome = decided[next];
        next += 1;
        if (outcome === undefined) throw new Error("a posting was left without an outcome");
        return outcome;
      });
      if (isReplayed(outcomes)) ctx.headers.set(REPLAYED_HEADER, "true");
      return { results: outcomes.map((outcome): BatchCreateTransfersResult => toBatchResult(outcome, actor)) };
    },

    async CaptureTransfer(ctx, request) {
      const actor = actorOf(ctx.caller);
      return await postOne(ctx, request, actor, "CaptureTransfer", () => {
        const { id, amount } = readCapture(request);
        const claim = readClaim(keyOf(ctx, request), actor, "CaptureTransfer", request);
        return { command: { kind: "capture", id, amount }, actor, claim, dryRun: false, path: "" };
      });
    },

    async VoidTransfer(ctx, request) {
      const actor = actorOf(ctx.caller);
      return await postOne(ctx, request, actor, "VoidTransfer", () => {
        const id = readTransferId(request.id, "id");
        const claim = readClaim(keyOf(ctx, request), actor, "VoidTransfer", request);
        return { command: { kind: "void", id }, actor, claim, dryRun: false, path: "" };
      });
    },

    async ReverseTransfer(ctx, request) {
      const actor = actorOf(ctx.caller);
      return await postOne(ctx, request, actor, "ReverseTransfer", () => {
        const { id, description } = readReversal(request);
        const claim = readClaim(keyOf(ctx, request), actor, "ReverseTransfer", request);
        return { command: { kind: "reverse", id, description }, actor, claim, dryRun: false, path: "" };
      });
    },

    async GetTransfer(ctx, request) {
      const actor = actorOf(ctx.caller);
      const id = readTransferId(request.id, "id");
      const [loaded] = await readTurns.run(actor.subject, () => loadTransfers(pool, [id]));
      if (loaded === undefined || !seesTransfer(loaded.current, actor)) throw new FinanceError(transferNotFound(id));
      return toTransferMessage(loaded.current, actor);
    },

    async ListTransfers(ctx, request) {
      const actor = actorOf(ctx.caller);
      const filter = readTransferFilter(request);
      const page = readPage(request);
      for (const bound of [filter.createdBefore, filter.settledBefore]) {
        if (bound !== undefined) await finalTime.reachIfPast(bound - 1n);
      }
      const { transfers, nextPageToken } = await readPageOf(ctx, page, (client) =>
        listTransfers(client, actor, filter, page),
      );
      return { transfers: transfers.map((transfer) => toTransferMessage(transfer, actor)), nextPageToken };
    },

    async ListEntries(ctx, request) {
      const actor = actorOf(ctx.caller);
      const filter = readEntryFilter(request);
      const page = readPage(request);
      const account = await loadVisible(filter.accountId, actor);
      const { before } = filter;
      // Up to the account's last recorded time all is final.
      if (before !== undefined && before - 1n > account.updatedAt) await finalTime.reachIfPast(before - 1n);
      const { entries, nextPageToken } = await readPageOf(ctx, page, (client) => listEntries(client, filter, page));
      return { entries: entries.map((entry) => toEntryMessage(entry, account)), nextPageToken };
    },

    async GetBalance(ctx, request) {
      const actor = actorOf(ctx.caller);
      const accountId = readAccountId(request.accountId, "account_id");
      const account = await loadVisible(accountId, actor);
      // Without a time every entry counts, also those that were recorded ahead of the clock.
      const asOf = readAsOf(request.asOf) ?? account.updatedAt;
      if (request.asOf === undefined) {
        const balance = balanceOf(account);
        return { balance, asOf: toTimestamp(asOf), sequence: account.lastSequence, ...moneyOf(account) };
      }
      if (asOf > account.updatedAt) await finalTime.reach(asOf, "as_of");
      const { balance, sequence } = await read(ctx, (client) => loadBalance(client, accountId, asOf));
      return { balance, asOf: toTimestamp(asOf), sequence, ...moneyOf(account) };
    },

    async GetBalanceHistory(ctx, request) {
      const actor = actorOf(ctx.caller);
      const { end, ...span } = readHistorySpan(request);
      const account = await loadVisible(span.accountId, actor);
      const until = await finalTime.cut(end, account.updatedAt);
      const points = await read(ctx, (client) =>
        loadBalanceHistory(client, account.debitNormal, { ...span, end: until }, (points) =>
          ctx.reserve(points * POINT_BYTES),
        ),
      );
      return {
        points: points.map(({ time, balance, debits, credits }) => ({
          time: toTimestamp(time),
          balance,
          debits: saturate(debits),
          credits: saturate(credits),
          totalDebits: `${debits}`,
          totalCredits: `${credits}`,
          ...moneyOf(account),
        })),
      };
    },

    async GetTrialBalance(ctx, request) {
      const asked = readAsOf(request.asOf);
      if (asked !== undefined) await finalTime.reach(asked, "as_of");
      const asOf = asked ?? (await finalTime.reachPresent());
      const currencies = await read(ctx, (client) => loadTrialBalance(client, asOf));
      return {
        currencies: currencies.map(({ debits, credits, ...currency }) => ({
          ...currency,
          totalDebits: saturate(debits),
          totalCredits: saturate(credits),
          exactTotalDebits: `${debits}`,
          exactTotalCredits: `${credits}`,
        })),
        asOf: toTimestamp(asOf),
      };
    },
  };

  /** Reads a page of a list, and counts what it holds. */
  async function readPageOf<T extends { readonly extent: PageExtent }>(
    ctx: FinanceContext,
    page: Page,
    list: (client: ClientBase) => Promise<T>,
  ): Promise<T> {
    ctx.reserve(page.size * USUAL_ROW_BYTES);
    const found = await read(ctx, list);
    ctx.reserve(found.extent.bytes * BUILT_SIZE);
    return found;
  }

  /** Reads what may take long, in turns, and stops reading when nobody waits for it any more. */
  function read<T>(ctx: FinanceContext, work: (client: ClientBase) => Promise<T>): Promise<T> {
    return readTurns.run(ctx.caller.subject, () => withConnection(pool, work, ctx.signal));
  }

  /** An account that the caller may see, or not_found. */
  async function loadVisible(id: AccountId, actor: Actor): Promise<AccountRecord> {
    const account = await accounts.load(id, actor.subject);
    if (account === undefined || !isVisibleTo(account, actor)) throw new FinanceError(accountNotFound(id));
    return account;
  }

  /** Carries out one posting and answers it. */
  async function postOne(
    ctx: FinanceContext,
    request: { readonly idempotencyKey: string },
    actor: Actor,
    name: Exclude<KeyedMethodName, "CreateAccount">,
    read: () => Posting,
  ): Promise<Transfer> {
    const post = async () => {
      const [outcome] = await queue.post({ postings: [read()], atomic: false });
      if (outcome === undefined) throw new Error("a posting was left without an outcome");
      if (!outcome.replayed && "situation" in outcome.result) throw new FinanceError(outcome.result);
      return outcome;
    };
    const isMaker = name === "CreateTransfer" || name === "ReverseTransfer";
    const { result, replayed } = await orAsBefore(ctx, request, actor, { name, message: request }, post, (claim) =>
      replayOf(claim, actor, isMaker),
    );
    if (replayed) ctx.headers.set(REPLAYED_HEADER, "true");
    if ("situation" in result) throw new FinanceError(result);
    return toTransferMessage(result, actor);
  }

  async function replayOf(claim: Claim, actor: Actor, makesTransfer: boolean): Promise<Outcome | undefined> {
    const before = await readTurns.run(actor.subject, () => loadOutcomes(pool, [claim], makesTransfer));
    const result = before.get(claim);
    return result && { result, replayed: true };
  }

  /** Members of a batch, those that were refused unread with their outcome. */
  async function answerUnread(members: readonly (Posting | Unread)[], actor: Actor): Promise<(Posting | Outcome)[]> {
    const claims = members.flatMap((member) => ("refusal" in member && member.claim ? [member.claim] : []));
    const before =
      claims.length === 0
        ? new Map<Claim, Outcome["result"]>()
        : await readTurns.run(actor.subject, () => loadOutcomes(pool, claims, true));
    return members.map((member) => {
      if (!("refusal" in member)) return member;
      const result = member.claim && before.get(member.claim);
      return result === undefined ? { result: member.refusal, replayed: false } : { result, replayed: true };
    });
  }
}

/** A member of a batch whose fields are refused. */
interface Unread {
  readonly refusal: Refusal;
  readonly claim: Claim | undefined;
}

/** Reads a member of a batch. What is wrong with one of an atomic batch is an error of the call. */
function readMember(request: CreateTransferRequest, index: number, actor: Actor, atomic: boolean): Posting | Unread {
  const key = request.idempotencyKey;
  try {
    return readCreation(request, () => key, actor, `transfers[${index}].`);
  } catch (error) {
    if (atomic || !(error instanceof FinanceError)) throw error;
    return { refusal: error.refusal, claim: claimUnread(key, actor, "CreateTransfer", request) };
  }
}

/** Reads a CreateTransferRequest, alone or as a member of a batch at `path`. */
function readCreation(request: CreateTransferRequest, key: () => string, actor: Actor, path = ""): Posting {
  requireAdmin(actor, adminPartOfTransfer(request));
  const transfer = readNewTransfer(request, path);
  const claim = readClaim(key(), actor, "CreateTransfer", request, path);
  return { command: { kind: "create", transfer }, actor, claim, dryRun: request.dryRun, path };
}

/** Whether earlier requests decided all of it: each member, or the one for whose sake the others were refused. */
function isReplayed(outcomes: readonly Outcome[]): boolean {
  const isTheirs = ({ result, replayed }: Outcome) =>
    replayed || ("situation" in result && result.situation === "batch_refused");
  return outcomes.some(({ replayed }) => replayed) && outcomes.every(isTheirs);
}

/** The caller as the ledger knows them. */
function actorOf(caller: Caller): Actor {
  return { subject: caller.subject, admin: hasScope(caller, "finance.admin") };
}

function requireScope(caller: Caller, methodName: string): void {
  const scope = scopeOfMethod.get(methodName);
  if (scope === undefined) throw new Error(`no scope is known for ${methodName}`);
  if (!hasScope(caller, scope)) throw scopeMissing(scope, `the token lacks the scope ${scope}`);
}

/** @param part what of the request only an admin may ask for, if anything. */
function requireAdmin(actor: Actor, part: string | undefined): void {
  if (part === undefined || actor.admin) return;
  throw scopeMissing("finance.admin", `the token lacks the scope finance.admin, which ${part} needs`);
}

function scopeMissing(scope: Scope, msg: string): FinanceError {
  return new FinanceError(refuse("scope_missing", msg, { scope }));
}
