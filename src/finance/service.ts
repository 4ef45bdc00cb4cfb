import type { ClientBase } from "pg";
import type { FinanceServiceTwirp } from "../../generated/server/finance/v1/finance.twirp.ts";
import type { CreateTransferRequest, Transfer } from "../../generated/server/finance/v1/transfer.ts";
import { type Caller, hasScope, type Scope } from "../auth/index.ts";
import { withConnection } from "../database/index.ts";
import type { CallContext } from "../twirp/index.ts";
import { type Actor, isVisibleTo } from "./account.ts";
import { createAccount } from "./account-opening.ts";
import { type AccountRecord, listAccounts, updateAccount } from "./accounts.ts";
import { loadBalance, loadBalanceHistory, loadTrialBalance } from "./balances.ts";
import { listEntries } from "./entries.ts";
import { accountNotFound, FinanceError, refuse, transferNotFound } from "./errors.ts";
import { readAccountId, readTransferId } from "./fields.ts";
import { type Claim, claimOf } from "./idempotency.ts";
import type { AccountId } from "./identifiers.ts";
import type { Ledger } from "./ledger.ts";
import { toAccountMessage, toBatchResult, toEntryMessage, toTransferMessage } from "./messages.ts";
import { toTimestamp } from "./micros.ts";
import type { Order } from "./order.ts";
import { listTransfers } from "./transfer-list.ts";
import { loadTransfers, seesTransfer } from "./transfers.ts";
import {
  readAccountChange,
  readAccountFilter,
  readAsOf,
  readBatch,
  readCapture,
  readEntryFilter,
  readHistorySpan,
  readIdempotencyKey,
  readNewAccount,
  readNewTransfer,
  readPage,
  readReversal,
  readTransferFilter,
} from "./validation.ts";

/** What every method gets: the call and who is calling. */
export type FinanceContext = CallContext & { readonly caller: Caller };

/** The reply header that tells an answer given again from a first one. */
const REPLAYED_HEADER = "idempotent-replayed";

/** The methods of FinanceService: authorise, validate, ask the ledger, answer. */
export function createFinanceService({ pool, accounts, postings }: Ledger): FinanceServiceTwirp<FinanceContext> {
  return {
    async CreateAccount(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      const account = readNewAccount(request);
      const owner = account.owner ?? actor.subject;
      if (owner !== actor.subject) authorise(ctx.caller, "finance.admin");
      const { name, type, currency, overdraftLimit, unlimitedOverdraft, metadata } = account;
      const fields = [name, type, currency, owner, overdraftLimit, unlimitedOverdraft, metadata];
      const claim = readClaim(request.idempotencyKey, actor, "CreateAccount", fields);
      const { account: created, replayed } = await createAccount(pool, { ...account, owner }, claim);
      if (replayed) ctx.headers.set(REPLAYED_HEADER, "true");
      return toAccountMessage(created);
    },

    async GetAccount(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      return toAccountMessage(await loadVisible(readAccountId(request.id, "id"), actor));
    },

    async ListAccounts(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const filter = readAccountFilter(request);
      const page = readPage(request);
      const { accounts, nextPageToken } = await read(ctx, (client) => listAccounts(client, actor, filter, page));
      return { accounts: accounts.map(toAccountMessage), nextPageToken };
    },

    async UpdateAccount(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      return toAccountMessage(await updateAccount(pool, actor, readAccountChange(request)));
    },

    async CreateTransfer(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      return await postOne(ctx, readCreation(request, actor));
    },

    async BatchCreateTransfers(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      const { transfers, atomic } = readBatch(request);
      const orders = transfers.map((transfer, index) => readCreation(transfer, actor, `transfers[${index}].`));
      const outcomes = await postings.post({ orders, atomic });
      if (outcomes.every(({ replayed }) => replayed)) ctx.headers.set(REPLAYED_HEADER, "true");
      return { results: outcomes.map(({ result }) => toBatchResult(result, actor)) };
    },

    async CaptureTransfer(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      const { id, amount } = readCapture(request);
      const claim = readClaim(request.idempotencyKey, actor, "CaptureTransfer", [id, amount]);
      return await postOne(ctx, { command: { kind: "capture", id, amount }, actor, claim, dryRun: false });
    },

    async VoidTransfer(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      const id = readTransferId(request.id, "id");
      const claim = readClaim(request.idempotencyKey, actor, "VoidTransfer", [id]);
      return await postOne(ctx, { command: { kind: "void", id }, actor, claim, dryRun: false });
    },

    async ReverseTransfer(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      const { id, description } = readReversal(request);
      const claim = readClaim(request.idempotencyKey, actor, "ReverseTransfer", [id, description]);
      return await postOne(ctx, { command: { kind: "reverse", id, description }, actor, claim, dryRun: false });
    },

    async GetTransfer(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const id = readTransferId(request.id, "id");
      const [loaded] = await loadTransfers(pool, [id]);
      if (loaded === undefined || !seesTransfer(loaded.current, actor)) throw new FinanceError(transferNotFound(id));
      return toTransferMessage(loaded.current, actor);
    },

    async ListTransfers(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const filter = readTransferFilter(request);
      const page = readPage(request);
      const { transfers, nextPageToken } = await read(ctx, (client) => listTransfers(client, actor, filter, page));
      return { transfers: transfers.map((transfer) => toTransferMessage(transfer, actor)), nextPageToken };
    },

    async ListEntries(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const filter = readEntryFilter(request);
      const page = readPage(request);
      await loadVisible(filter.accountId, actor);
      const { entries, nextPageToken } = await read(ctx, (client) => listEntries(client, filter, page));
      return { entries: entries.map(toEntryMessage), nextPageToken };
    },

    async GetBalance(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const accountId = readAccountId(request.accountId, "account_id");
      const asOf = readAsOf(request.asOf);
      await loadVisible(accountId, actor);
      const balance = await loadBalance(pool, accountId, asOf, ctx.signal);
      return { balance: balance.balance, asOf: toTimestamp(balance.asOf), sequence: balance.sequence };
    },

    async GetBalanceHistory(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const span = readHistorySpan(request);
      const account = await loadVisible(span.accountId, actor);
      const points = await read(ctx, (client) => loadBalanceHistory(client, account.debitNormal, span));
      return { points: points.map(({ time, ...sums }) => ({ time: toTimestamp(time), ...sums })) };
    },

    async GetTrialBalance(ctx, request) {
      authorise(ctx.caller, "finance.admin");
      const { asOf, currencies } = await loadTrialBalance(pool, readAsOf(request.asOf), ctx.signal);
      return { currencies, asOf: toTimestamp(asOf) };
    },
  };

  /** Reads what may take long, and stops reading when nobody waits for it any more. */
  function read<T>(ctx: FinanceContext, work: (client: ClientBase) => Promise<T>): Promise<T> {
    return withConnection(pool, work, ctx.signal);
  }

  /** An account that the caller may see, or not_found. */
  async function loadVisible(id: AccountId, actor: Actor): Promise<AccountRecord> {
    const account = await accounts.load(id);
    if (account === undefined || !isVisibleTo(account, actor)) throw new FinanceError(accountNotFound(id));
    return account;
  }

  /** Carries out one order and answers it. */
  async function postOne(ctx: FinanceContext, order: Order): Promise<Transfer> {
    const [outcome] = await postings.post({ orders: [order], atomic: false });
    if (outcome === undefined) throw new Error("an order was left without an outcome");
    if (outcome.replayed) ctx.headers.set(REPLAYED_HEADER, "true");
    if ("situation" in outcome.result) throw new FinanceError(outcome.result);
    return toTransferMessage(outcome.result, order.actor);
  }
}

/** Reads a CreateTransferRequest, alone or as a member of a batch at `path`. */
function readCreation(request: CreateTransferRequest, actor: Actor, path = ""): Order {
  const transfer = readNewTransfer(request, path);
  const { debitAccountId, creditAccountId, amount, description, metadata, effectiveAt, pending, expiresAt } = transfer;
  const fields = [debitAccountId, creditAccountId, amount, description, metadata, effectiveAt, pending, expiresAt];
  const claim = readClaim(request.idempotencyKey, actor, "CreateTransfer", fields, path);
  return { command: { kind: "create", transfer }, actor, claim, dryRun: request.dryRun };
}

function readClaim(
  idempotencyKey: string,
  actor: Actor,
  method: string,
  fields: Parameters<typeof claimOf>[3],
  path = "",
): Claim | undefined {
  const key = readIdempotencyKey(idempotencyKey, path);
  return key === undefined ? undefined : claimOf(actor.subject, key, method, fields);
}

/** The caller as the ledger knows them, once they hold the scope. */
function authorise(caller: Caller, scope: Scope): Actor {
  if (!hasScope(caller, scope)) {
    throw new FinanceError(refuse("scope_missing", `the token lacks the scope ${scope}`, { scope }));
  }
  return { subject: caller.subject, admin: hasScope(caller, "finance.admin") };
}
