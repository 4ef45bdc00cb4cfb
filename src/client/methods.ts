/**
 * The RPCs of finance.v1.FinanceService, each a value of its own: a bundler keeps the messages of those that are used.
 */
import {
  Account,
  BatchCreateTransfersRequest,
  BatchCreateTransfersResponse,
  CaptureTransferRequest,
  CreateAccountRequest,
  CreateTransferRequest,
  type Entry,
  GetAccountRequest,
  GetBalanceHistoryRequest,
  GetBalanceHistoryResponse,
  GetBalanceRequest,
  GetBalanceResponse,
  GetTransferRequest,
  GetTrialBalanceRequest,
  GetTrialBalanceResponse,
  ListAccountsRequest,
  ListAccountsResponse,
  ListEntriesRequest,
  ListEntriesResponse,
  ListTransfersRequest,
  ListTransfersResponse,
  ReverseTransferRequest,
  Transfer,
  UpdateAccountRequest,
  VoidTransferRequest,
} from "../../generated/client/messages.ts";
import type { ListMethod, Method, NeedsNoRequest } from "./method.ts";
import { paging } from "./paging.ts";

/** Opens an account with a zero balance. Scope finance.write; finance.admin to open one for another owner. */
export const createAccount: Method<CreateAccountRequest, Account> = {
  name: "CreateAccount",
  request: CreateAccountRequest,
  response: Account,
  isRead: false,
};

/** Reads one account with its balances, never older than the call's arrival. Scope finance.read. */
export const getAccount: Method<GetAccountRequest, Account> = {
  name: "GetAccount",
  request: GetAccountRequest,
  response: Account,
  isRead: true,
};

/** Pages through the accounts the caller may see, in id order. Scope finance.read. */
export const listAccounts: ListMethod<ListAccountsRequest, ListAccountsResponse, Account> & NeedsNoRequest = {
  name: "ListAccounts",
  request: ListAccountsRequest,
  response: ListAccountsResponse,
  isRead: true,
  needsNoRequest: true,
  itemsOf: (page) => page.accounts,
  paging,
};

/** Changes what is present in the request and leaves the rest. It takes no key, so it is never retried. Scope finance.write. */
export const updateAccount: Method<UpdateAccountRequest, Account> = {
  name: "UpdateAccount",
  request: UpdateAccountRequest,
  response: Account,
  isRead: false,
};

/** Debits one account and credits another, or holds the amount when `pending`. Scope finance.write. */
export const createTransfer: Method<CreateTransferRequest, Transfer> = {
  name: "CreateTransfer",
  request: CreateTransferRequest,
  response: Transfer,
  isRead: false,
};

/**
 * Decides 1 to 1000 transfers in order, independently or all-or-nothing. Refusals are results, not errors of the call.
 * Scope finance.write.
 */
export const batchCreateTransfers: Method<BatchCreateTransfersRequest, BatchCreateTransfersResponse> = {
  name: "BatchCreateTransfers",
  request: BatchCreateTransfersRequest,
  response: BatchCreateTransfersResponse,
  isRead: false,
};

/** Posts a pending transfer, wholly or in part; the rest of the hold is freed. Scope finance.write. */
export const captureTransfer: Method<CaptureTransferRequest, Transfer> = {
  name: "CaptureTransfer",
  request: CaptureTransferRequest,
  response: Transfer,
  isRead: false,
};

/** Frees the whole hold of a pending transfer. Scope finance.write. */
export const voidTransfer: Method<VoidTransferRequest, Transfer> = {
  name: "VoidTransfer",
  request: VoidTransferRequest,
  response: Transfer,
  isRead: false,
};

/** Posts the opposite of a posted or captured transfer, once. Scope finance.write. */
export const reverseTransfer: Method<ReverseTransferRequest, Transfer> = {
  name: "ReverseTransfer",
  request: ReverseTransferRequest,
  response: Transfer,
  isRead: false,
};

/** Reads one transfer. Scope finance.read. */
export const getTransfer: Method<GetTransferRequest, Transfer> = {
  name: "GetTransfer",
  request: GetTransferRequest,
  response: Transfer,
  isRead: true,
};

/** Pages through the transfers the caller may see, newest id first. Scope finance.read. */
export const listTransfers: ListMethod<ListTransfersRequest, ListTransfersResponse, Transfer> & NeedsNoRequest = {
  name: "ListTransfers",
  request: ListTransfersRequest,
  response: ListTransfersResponse,
  isRead: true,
  needsNoRequest: true,
  itemsOf: (page) => page.transfers,
  paging,
};

/** Pages through one account's statement in sequence order. Scope finance.read. */
export const listEntries: ListMethod<ListEntriesRequest, ListEntriesResponse, Entry> = {
  name: "ListEntries",
  request: ListEntriesRequest,
  response: ListEntriesResponse,
  isRead: true,
  itemsOf: (page) => page.entries,
  paging,
};

/** Reads an account's balance as it stood at a time. Scope finance.read. */
export const getBalance: Method<GetBalanceRequest, GetBalanceResponse> = {
  name: "GetBalance",
  request: GetBalanceRequest,
  response: GetBalanceResponse,
  isRead: true,
};

/** Reads an account's balance at the end of each interval of a span, in UTC. Scope finance.read. */
export const getBalanceHistory: Method<GetBalanceHistoryRequest, GetBalanceHistoryResponse> = {
  name: "GetBalanceHistory",
  request: GetBalanceHistoryRequest,
  response: GetBalanceHistoryResponse,
  isRead: true,
};

/** Proves the books: per currency, total debits against total credits. Scope finance.admin. */
export const getTrialBalance: Method<GetTrialBalanceRequest, GetTrialBalanceResponse> & NeedsNoRequest = {
  name: "GetTrialBalance",
  request: GetTrialBalanceRequest,
  response: GetTrialBalanceResponse,
  isRead: true,
  needsNoRequest: true,
};
