import { TwirpError, TwirpErrorCode } from "twirp-ts";
import type { FinanceServiceTwirp } from "../../generated/server/finance/v1/finance.twirp.ts";
import { type Caller, hasScope, type Scope } from "../auth/index.ts";
import type { CallContext } from "../twirp/index.ts";
import { type Actor, isVisibleTo } from "./account.ts";
import { createAccount, listAccounts, loadAccount, updateAccount } from "./accounts.ts";
import { accountNotFound } from "./decide.ts";
import { listEntries } from "./entries.ts";
import { FinanceError, refuse } from "./errors.ts";
import { claimOf } from "./idempotency.ts";
import type { Ledger } from "./ledger.ts";
import { toAccountMessage, toEntryMessage, toTransferMessage } from "./messages.ts";
import { listTransfers, loadTransfers } from "./transfers.ts";
import {
  type NewTransfer,
  readAccountChange,
  readAccountFilter,
  readAccountId,
  readEntryFilter,
  readIdempotencyKey,
  readNewAccount,
  readNewTransfer,
  readPage,
  readTransferFilter,
  readTransferId,
} from "./validation.ts";

/** What every method gets: the call and who is calling. */
export type FinanceContext = CallContext & { readonly caller: Caller };

/** The reply header that tells an answer given again from a first one. */
const REPLAYED_HEADER = "idempotent-replayed";

/** The methods of FinanceService: authorise, validate, ask the ledger, answer. */
export function createFinanceService({ pool, postings }: Ledger): FinanceServiceTwirp<FinanceContext> {
  return {
    async CreateAccount(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      const account = readNewAccount(request);
      const key = readIdempotencyKey(request.idempotencyKey);
      const owner = account.owner ?? actor.subject;
      if (owner !== actor.subject) authorise(ctx.caller, "finance.admin");
      const { name, type, currency, overdraftLimit, unlimitedOverdraft, metadata } = account;
      const fields = [name, type, currency, owner, overdraftLimit, unlimitedOverdraft, metadata];
      const claim = key === undefined ? undefined : claimOf(actor.subject, key, "CreateAccount", fields);
      const { account: created, replayed } = await createAccount(pool, { ...account, owner }, claim);
      if (replayed) ctx.headers.set(REPLAYED_HEADER, "true");
      return toAccountMessage(created);
    },

    async GetAccount(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const id = readAccountId(request.id, "id");
      const account = await loadAccount(pool, id);
      if (account === undefined || !isVisibleTo(account, actor)) throw new FinanceError(accountNotFound(id));
      return toAccountMessage(account);
    },

    async ListAccounts(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const { accounts, nextPageToken } = await listAccounts(
        pool,
        actor,
        readAccountFilter(request),
        readPage(request),
      );
      return { accounts: accounts.map(toAccountMessage), nextPageToken };
    },

    async UpdateAccount(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      return toAccountMessage(await updateAccount(pool, actor, readAccountChange(request)));
    },

    async CreateTransfer(ctx, request) {
      const actor = authorise(ctx.caller, "finance.write");
      const transfer = readNewTransfer(request);
      const key = readIdempotencyKey(request.idempotencyKey);
      if (request.pending) throw unimplemented("CreateTransfer with pending");
      if (request.dryRun) throw unimplemented("CreateTransfer with dry_run");
      const claim = key === undefined ? undefined : claimOf(actor.subject, key, "CreateTransfer", fieldsOf(transfer));
      const { result, replayed } = await postings.post({ transfer, actor, claim });
      if (replayed) ctx.headers.set(REPLAYED_HEADER, "true");
      if ("situation" in result) throw new FinanceError(result);
      return toTransferMessage(result, actor);
    },

    async GetTransfer(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const id = readTransferId(request.id, "id");
      const [transfer] = await loadTransfers(pool, [id]);
      const owners = transfer === undefined ? [] : [transfer.debitOwner, transfer.creditOwner];
      if (transfer === undefined || !owners.some((owner) => isVisibleTo({ owner }, actor))) {
        throw new FinanceError(
          refuse("not_found", `there is no transfer ${id}`, { resource: "transfer", id: `${id}` }),
        );
      }
      return toTransferMessage(transfer, actor);
    },

    async ListTransfers(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const filter = readTransferFilter(request);
      const { transfers, nextPageToken } = await listTransfers(pool, actor, filter, readPage(request));
      return { transfers: transfers.map((transfer) => toTransferMessage(transfer, actor)), nextPageToken };
    },

    async ListEntries(ctx, request) {
      const actor = authorise(ctx.caller, "finance.read");
      const filter = readEntryFilter(request);
      const page = readPage(request);
      const account = await loadAccount(pool, filter.accountId);
      if (account === undefined || !isVisibleTo(account, actor)) {
        throw new FinanceError(accountNotFound(filter.accountId));
      }
      const { entries, nextPageToken } = await listEntries(pool, filter, page);
      return { entries: entries.map(toEntryMessage), nextPageToken };
    },

    BatchCreateTransfers: (ctx) => notYet(ctx, "finance.write"),
    CaptureTransfer: (ctx) => notYet(ctx, "finance.write"),
    VoidTransfer: (ctx) => notYet(ctx, "finance.write"),
    ReverseTransfer: (ctx) => notYet(ctx, "finance.write"),
    GetBalance: (ctx) => notYet(ctx, "finance.read"),
    GetBalanceHistory: (ctx) => notYet(ctx, "finance.read"),
    GetTrialBalance: (ctx) => notYet(ctx, "finance.admin"),
  };
}

/** The caller as the ledger knows them, once they hold the scope. */
function authorise(caller: Caller, scope: Scope): Actor {
  if (!hasScope(caller, scope)) {
    throw new FinanceError(refuse("scope_missing", `the token lacks the scope ${scope}`, { scope }));
  }
  return { subject: caller.subject, admin: hasScope(caller, "finance.admin") };
}

function fieldsOf(transfer: NewTransfer) {
  const { debitAccountId, creditAccountId, amount, description, metadata, effectiveAt } = transfer;
  return [debitAccountId, creditAccountId, amount, description, metadata, effectiveAt];
}

async function notYet(ctx: FinanceContext, scope: Scope): Promise<never> {
  authorise(ctx.caller, scope);
  throw unimplemented(ctx.methodName);
}

function unimplemented(what: string): TwirpError {
  return new TwirpError(TwirpErrorCode.Unimplemented, `${what} is not served by this version`);
}
