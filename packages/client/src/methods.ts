/**
 * The RPCs of finance.v1.FinanceService, each a value of its own: a bundler keeps the messages of those that are used.
 */
import * as fields from "../../../generated/client/fields.ts";
import type {
  Account,
  CreateAccountRequest,
  GetAccountRequest,
  ListAccountsRequest,
  ListAccountsResponse,
  UpdateAccountRequest,
} from "../../../generated/client/finance/v1/account.ts";
import type { Entry, ListEntriesRequest, ListEntriesResponse } from "../../../generated/client/finance/v1/entry.ts";
import type {
  GetBalanceHistoryRequest,
  GetBalanceHistoryResponse,
  GetBalanceRequest,
  GetBalanceResponse,
  GetTrialBalanceRequest,
  GetTrialBalanceResponse,
} from "../../../generated/client/finance/v1/report.ts";
import type {
  BatchCreateTransfersRequest,
  BatchCreateTransfersResponse,
  CaptureTransferRequest,
  CreateTransferRequest,
  GetTransferRequest,
  ListTransfersRequest,
  ListTransfersResponse,
  ReverseTransferRequest,
  Transfer,
  VoidTransferRequest,
} from "../../../generated/client/finance/v1/transfer.ts";
import { fillIdempotencyKeys } from "./call.ts";
import type { ListMethod, Method, NeedsNoRequest } from "./method.ts";
import { paging } from "./method.ts";

/** Opens an account with a zero balance. Scope finance.write; finance.admin to open one for another owner. */
export const createAccount: Method<CreateAccountRequest, Account> = {
  name: "CreateAccount",
  request: fields.CreateAccountRequest,
  response: fields.Account,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/** Reads one account with its balances, never older than the call's arrival. Scope finance.read. */
export const getAccount: Method<GetAccountRequest, Account> = {
  name: "GetAccount",
  request: fields.GetAccountRequest,
  response: fields.Account,
  isRead: true,
};

/** Pages through the accounts the caller may see, in id order. Scope finance.read. */
export const listAccounts: ListMethod<ListAccountsRequest, ListAccountsResponse, Account> & NeedsNoRequest = {
  name: "ListAccounts",
  request: fields.ListAccountsRequest,
  response: fields.ListAccountsResponse,
  isRead: true,
  needsNoRequest: true,
  itemsOf: (page) => page.accounts,
  paging,
};

/** Changes what is present in the request and leaves the rest. It takes no key, so it is never retried. Scope finance.write. */
export const updateAccount: Method<UpdateAccountRequest, Account> = {
  name: "UpdateAccount",
  request: fields.UpdateAccountRequest,
  response: fields.Account,
  isRead: false,
};

/** Debits one account and credits another, or holds the amount when `pending`. Scope finance.write. */
export const createTransfer: Method<CreateTransferRequest, Transfer> = {
  name: "CreateTransfer",
  request: fields.CreateTransferRequest,
  response: fields.Transfer,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/**
 * Decides 1 to 1000 transfers in order, independently or all-or-nothing. Refusals are results, not errors of the call.
 * Scope finance.write.
 */
export const batchCreateTransfers: Method<BatchCreateTransfersRequest, BatchCreateTransfersResponse> = {
  name: "BatchCreateTransfers",
  request: fields.BatchCreateTransfersRequest,
  response: fields.BatchCreateTransfersResponse,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/** Posts a pending transfer, wholly or in part; the rest of the hold is freed. Scope finance.write. */
export const captureTransfer: Method<CaptureTransferRequest, Transfer> = {
  name: "CaptureTransfer",
  request: fields.CaptureTransferRequest,
  response: fields.Transfer,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/** Frees the whole hold of a pending transfer. Scope finance.write. */
export const voidTransfer: Method<VoidTransferRequest, Transfer> = {
  name: "VoidTransfer",
  request: fields.VoidTransferRequest,
  response: fields.Transfer,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/** Posts the opposite of a posted or captured transfer, once. Scope finance.write. */
export const reverseTransfer: Method<ReverseTransferRequest, Transfer> = {
  name: "ReverseTransfer",
  request: fields.ReverseTransferRequest,
  response: fields.Transfer,
  isRead: false,
  fillKeys: fillIdempotencyKeys,
};

/** Reads one transfer. Scope finance.read. */
export const getTransfer: Method<GetTransferRequest, Transfer> = {
  name: "GetTransfer",
  request: fields.GetTransferRequest,
  response: fields.Transfer,
  isRead: true,
};

/** Pages through the transfers the caller may see, newest id first. Scope finance.read. */
export const listTransfers: ListMethod<ListTransfersRequest, ListTransfersResponse, Transfer> & NeedsNoRequest = {
  name: "ListTransfers",
  request: fields.ListTransfersRequest,
  response: fields.ListTransfersResponse,
  isRead: true,
  needsNoRequest: true,
  itemsOf: (page) => page.transfers,
  paging,
};

/** Pages through one account's statement in sequence order. Scope finance.read. */
export const listEntries: ListMethod<ListEntriesRequest, ListEntriesResponse, Entry> = {
  name: "ListEntries",
  request: fields.ListEntriesRequest,
  response: fields.ListEntriesResponse,
  isRead: true,
  itemsOf: (page) => page.entries,
  paging,
};

/** Reads an account's balance as it stood at a time. Scope finance.read. */
export const getBalance: Method<GetBalanceRequest, GetBalanceResponse> = {
  name: "GetBalance",
  request: fields.GetBalanceRequest,
  response: fields.GetBalanceResponse,
  isRead: true,
};

/** Reads an account's balance at the end of each interval of a span, in UTC. Scope finance.read. */
export const getBalanceHistory: Method<GetBalanceHistoryRequest, GetBalanceHistoryResponse> = {
  name: "GetBalanceHistory",
  request: fields.GetBalanceHistoryRequest,
  response: fields.GetBalanceHistoryResponse,
  isRead: true,
};

/** Proves the books: per currency, total debits against total credits. Scope finance.admin. */
export const getTrialBalance: Method<GetTrialBalanceRequest, GetTrialBalanceResponse> & NeedsNoRequest = {
  name: "GetTrialBalance",
  request: fields.GetTrialBalanceRequest,
  response: fields.GetTrialBalanceResponse,
  isRead: true,
  needsNoRequest: true,
};
