// Generated from proto/ by `npm run generate`. Do not edit.
import { fillIdempotencyKeys } from "../../packages/client/src/call.ts";
import type { Method, NeedsNoRequest } from "../../packages/client/src/method.ts";
import { bindList, type ListMethod } from "../../packages/client/src/paging.ts";
import * as fields from "./fields.js";
import type { Account, CreateAccountRequest, GetAccountRequest, ListAccountsRequest, ListAccountsResponse, UpdateAccountRequest, AccountChange, ListAccountChangesRequest, ListAccountChangesResponse } from "./finance/v1/account.js";
import type { Entry, ListEntriesRequest, ListEntriesResponse } from "./finance/v1/entry.js";
import type { Transfer, CreateTransferRequest, BatchCreateTransfersRequest, BatchCreateTransfersResponse, CaptureTransferRequest, VoidTransferRequest, ReverseTransferRequest, GetTransferRequest, ListTransfersRequest, ListTransfersResponse } from "./finance/v1/transfer.js";
import type { ListEventsRequest, ListEventsResponse } from "./finance/v1/event.js";
import type { GetBalanceRequest, GetBalanceResponse, GetBalanceHistoryRequest, GetBalanceHistoryResponse, GetTrialBalanceRequest, GetTrialBalanceResponse } from "./finance/v1/report.js";

/**
 * CreateAccount opens an account with a zero balance. Scope finance.write; finance.admin for another owner, another type than LIABILITY, or an overdraft.
 *
 * Errors: already_exists (idempotency_key_reused).
 */
export const createAccount: Method<CreateAccountRequest, Account> = {
  name: "CreateAccount",
  request: fields.CreateAccountRequest,
  response: fields.Account,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/**
 * GetAccount reads one account with its balances, at or after the arrival of the call. Scope finance.read.
 *
 * Errors: not_found (also for an account that the caller may not see).
 */
export const getAccount: Method<GetAccountRequest, Account> = {
  name: "GetAccount",
  request: fields.GetAccountRequest,
  response: fields.Account,
  isRead: true,
};

/**
 * ListAccounts pages through the accounts that the caller may see, in id order. Scope finance.read.
 */
export const listAccounts: ListMethod<ListAccountsRequest, ListAccountsResponse, Account> & NeedsNoRequest = {
  name: "ListAccounts",
  request: fields.ListAccountsRequest,
  response: fields.ListAccountsResponse,
  isRead: true,
  needsNoRequest: true,
  itemsOf: (page) => page.accounts,
  bind: bindList,
};

/**
 * UpdateAccount changes the fields that are present in the request. Scope finance.write; finance.admin to set limits, to freeze, to reopen, and to change the name or metadata of a closed account.
 *
 * Errors: not_found; failed_precondition (account_not_open for a closed account, account_not_empty when closing, insufficient_funds when the balance is already below the new floor).
 *
 * Never repeated: it takes no idempotency key.
 */
export const updateAccount: Method<UpdateAccountRequest, Account> = {
  name: "UpdateAccount",
  request: fields.UpdateAccountRequest,
  response: fields.Account,
  isRead: false,
};

/**
 * ListAccountChanges pages through the opening of one account and what UpdateAccount changed in it: who, when, and the values before and after. Scope finance.read. Changes from before 0.3.0, and who opened an account, were not kept.
 *
 * Errors: not_found.
 */
export const listAccountChanges: ListMethod<ListAccountChangesRequest, ListAccountChangesResponse, AccountChange> = {
  name: "ListAccountChanges",
  request: fields.ListAccountChangesRequest,
  response: fields.ListAccountChangesResponse,
  isRead: true,
  itemsOf: (page) => page.changes,
  bind: bindList,
};

/**
 * CreateTransfer debits one account and credits another, or holds the amount when `pending`. Scope finance.write.
 *
 * Errors, in the order they are checked: already_exists (idempotency_key_reused); not_found; permission_denied (account_not_owned, account_not_debitable); failed_precondition (account_not_open, currency_mismatch, insufficient_funds); out_of_range (the balance of an account that the caller may see would not fit int64); failed_precondition (account_not_creditable: another caller's account can't be credited now).
 */
export const createTransfer: Method<CreateTransferRequest, Transfer> = {
  name: "CreateTransfer",
  request: fields.CreateTransferRequest,
  response: fields.Transfer,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/**
 * BatchCreateTransfers decides 1 to 1000 transfers in order, independently or all-or-nothing. Scope finance.write.
 *
 * A refused member is a result, not an error of the call; so is a malformed member of an independent batch. An atomic batch checks each floor once, at its end. If one of its members is refused, has a key that another request used, or repeats an earlier refusal, no member is posted. If every member has a key and was posted before, the batch is replayed; if only some were, it is refused with already_exists (batch_partly_decided).
 */
export const batchCreateTransfers: Method<BatchCreateTransfersRequest, BatchCreateTransfersResponse> = {
  name: "BatchCreateTransfers",
  request: fields.BatchCreateTransfersRequest,
  response: fields.BatchCreateTransfersResponse,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/**
 * CaptureTransfer posts a pending transfer, in full or in part, and frees the rest of the hold. Scope finance.write: the caller that placed the hold, or an admin.
 *
 * Errors: not_found; permission_denied (hold_not_owned); failed_precondition (transfer_not_pending, transfer_expired); already_exists (idempotency_key_reused).
 */
export const captureTransfer: Method<CaptureTransferRequest, Transfer> = {
  name: "CaptureTransfer",
  request: fields.CaptureTransferRequest,
  response: fields.Transfer,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/**
 * VoidTransfer frees the whole hold of a pending transfer. Scope finance.write: the caller that placed the hold, the owner of the account to be credited, or an admin.
 *
 * Errors: not_found; permission_denied (hold_not_owned); failed_precondition (transfer_not_pending, transfer_expired); already_exists (idempotency_key_reused).
 */
export const voidTransfer: Method<VoidTransferRequest, Transfer> = {
  name: "VoidTransfer",
  request: fields.VoidTransferRequest,
  response: fields.Transfer,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/**
 * ReverseTransfer posts the opposite of a posted or captured transfer, once. Scope finance.write, by the rules of CreateTransfer.
 *
 * Errors: not_found; those of CreateTransfer; failed_precondition (already_reversed, transfer_not_posted).
 */
export const reverseTransfer: Method<ReverseTransferRequest, Transfer> = {
  name: "ReverseTransfer",
  request: fields.ReverseTransferRequest,
  response: fields.Transfer,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/**
 * GetTransfer reads one transfer. Scope finance.read.
 *
 * Errors: not_found (also when the caller may see neither account).
 */
export const getTransfer: Method<GetTransferRequest, Transfer> = {
  name: "GetTransfer",
  request: fields.GetTransferRequest,
  response: fields.Transfer,
  isRead: true,
};

/**
 * ListTransfers pages through the transfers that the caller may see, newest id first. Scope finance.read.
 *
 * Later pages neither skip nor repeat transfers that were committed before the first page.
 */
export const listTransfers: ListMethod<ListTransfersRequest, ListTransfersResponse, Transfer> & NeedsNoRequest = {
  name: "ListTransfers",
  request: fields.ListTransfersRequest,
  response: fields.ListTransfersResponse,
  isRead: true,
  fillKeys: fillIdempotencyKeys,
  needsNoRequest: true,
  itemsOf: (page) => page.transfers,
  bind: bindList,
};

/**
 * ListEntries pages through one account's statement in sequence order. Scope finance.read.
 *
 * Errors: not_found.
 */
export const listEntries: ListMethod<ListEntriesRequest, ListEntriesResponse, Entry> = {
  name: "ListEntries",
  request: fields.ListEntriesRequest,
  response: fields.ListEntriesResponse,
  isRead: true,
  itemsOf: (page) => page.entries,
  bind: bindList,
};

/**
 * GetBalance reads an account's balance at a point in time. Scope finance.read.
 *
 * Errors: not_found.
 */
export const getBalance: Method<GetBalanceRequest, GetBalanceResponse> = {
  name: "GetBalance",
  request: fields.GetBalanceRequest,
  response: fields.GetBalanceResponse,
  isRead: true,
};

/**
 * GetBalanceHistory reads an account's balance at the end of each interval of a span, in UTC. Scope finance.read.
 *
 * Errors: not_found.
 */
export const getBalanceHistory: Method<GetBalanceHistoryRequest, GetBalanceHistoryResponse> = {
  name: "GetBalanceHistory",
  request: fields.GetBalanceHistoryRequest,
  response: fields.GetBalanceHistoryResponse,
  isRead: true,
};

/**
 * ListEvents follows the changes of all accounts that the caller may see: each committed change once, none left out. The changes of one account come in the order in which they happened. Scope finance.read.
 *
 * If there is no event after the cursor, it waits up to wait_ms for one. Then call again with the cursor of the reply. To continue after a restart without missing or repeating an event, store the cursor of the last event that you have handled.
 *
 * Errors: not_found; failed_precondition (feed_diverged: the cursor is of another ledger, or of events that were lost when the database was restored from a backup).
 */
export const listEvents: Method<ListEventsRequest, ListEventsResponse> & NeedsNoRequest = {
  name: "ListEvents",
  request: fields.ListEventsRequest,
  response: fields.ListEventsResponse,
  isRead: true,
  needsNoRequest: true,
};

/**
 * GetTrialBalance proves the books: total debits against total credits in each currency. It adds up each entry once and keeps running totals, so the first call on a large ledger takes longer; after a deadline_exceeded, a repeated call continues where it ended. Scope finance.admin.
 */
export const getTrialBalance: Method<GetTrialBalanceRequest, GetTrialBalanceResponse> & NeedsNoRequest = {
  name: "GetTrialBalance",
  request: fields.GetTrialBalanceRequest,
  response: fields.GetTrialBalanceResponse,
  isRead: true,
  needsNoRequest: true,
};
