// Generated from proto/ by `npm run generate`. Do not edit.
import type { FieldsOf, MessageType } from "../../packages/client/src/message.ts";
import * as account from "./finance/v1/account.js";
import * as entry from "./finance/v1/entry.js";
import * as transfer from "./finance/v1/transfer.js";
import * as event from "./finance/v1/event.js";
import * as report from "./finance/v1/report.js";

export const Account: MessageType<account.Account> = {
  name: "Account",
  fields: {
    id: [1, "int64"],
    name: [2, "string"],
    owner: [3, "string"],
    type: [4, () => account.AccountType],
    currency: [5, "string"],
    status: [6, () => account.AccountStatus],
    minorUnitDigits: [7, "int32"],
    debitsPosted: [8, "int64"],
    creditsPosted: [9, "int64"],
    debitsPending: [10, "int64"],
    creditsPending: [11, "int64"],
    balance: [12, "int64"],
    availableBalance: [13, "int64"],
    overdraftLimit: [14, "int64"],
    unlimitedOverdraft: [15, "bool"],
    metadata: [16, "string", "map"],
    createdAt: [17, "time"],
    updatedAt: [18, "time"],
    totalDebits: [19, "string"],
    totalCredits: [20, "string"],
  } satisfies FieldsOf<account.Account>,
};

export const CreateAccountRequest: MessageType<account.CreateAccountRequest> = {
  name: "CreateAccountRequest",
  fields: {
    name: [1, "string"],
    type: [2, () => account.AccountType],
    currency: [3, "string"],
    owner: [4, "string"],
    overdraftLimit: [5, "int64"],
    unlimitedOverdraft: [6, "bool"],
    metadata: [7, "string", "map"],
    idempotencyKey: [8, "string"],
  } satisfies FieldsOf<account.CreateAccountRequest>,
};

export const GetAccountRequest: MessageType<account.GetAccountRequest> = {
  name: "GetAccountRequest",
  fields: {
    id: [1, "int64"],
  } satisfies FieldsOf<account.GetAccountRequest>,
};

export const ListAccountsRequest: MessageType<account.ListAccountsRequest> = {
  name: "ListAccountsRequest",
  fields: {
    owner: [1, "string"],
    type: [2, () => account.AccountType],
    currency: [3, "string"],
    status: [4, () => account.AccountStatus],
    namePrefix: [5, "string"],
    pageSize: [6, "int32"],
    pageToken: [7, "string"],
  } satisfies FieldsOf<account.ListAccountsRequest>,
};

export const ListAccountsResponse: MessageType<account.ListAccountsResponse> = {
  name: "ListAccountsResponse",
  fields: {
    accounts: [1, () => Account, "list"],
    nextPageToken: [2, "string"],
  } satisfies FieldsOf<account.ListAccountsResponse>,
};

export const UpdateAccountRequest: MessageType<account.UpdateAccountRequest> = {
  name: "UpdateAccountRequest",
  fields: {
    id: [1, "int64"],
    name: [2, "string", "optional"],
    metadata: [3, "string", "map"],
    status: [4, () => account.AccountStatus, "optional"],
    overdraftLimit: [5, "int64", "optional"],
    unlimitedOverdraft: [6, "bool", "optional"],
    dryRun: [7, "bool"],
  } satisfies FieldsOf<account.UpdateAccountRequest>,
};

export const AccountChange: MessageType<account.AccountChange> = {
  name: "AccountChange",
  fields: {
    accountId: [1, "int64"],
    field: [2, "string"],
    before: [3, "string"],
    after: [4, "string"],
    changedAt: [5, "time"],
    changedBy: [6, "string"],
    requestId: [7, "string"],
  } satisfies FieldsOf<account.AccountChange>,
};

export const ListAccountChangesRequest: MessageType<account.ListAccountChangesRequest> = {
  name: "ListAccountChangesRequest",
  fields: {
    accountId: [1, "int64"],
    pageSize: [2, "int32"],
    pageToken: [3, "string"],
    newestFirst: [4, "bool"],
  } satisfies FieldsOf<account.ListAccountChangesRequest>,
};

export const ListAccountChangesResponse: MessageType<account.ListAccountChangesResponse> = {
  name: "ListAccountChangesResponse",
  fields: {
    changes: [1, () => AccountChange, "list"],
    nextPageToken: [2, "string"],
  } satisfies FieldsOf<account.ListAccountChangesResponse>,
};

export const Entry: MessageType<entry.Entry> = {
  name: "Entry",
  fields: {
    accountId: [1, "int64"],
    sequence: [2, "int64"],
    transferId: [3, "int64"],
    counterpartyAccountId: [4, "int64"],
    amount: [5, "int64"],
    balanceAfter: [6, "int64"],
    description: [7, "string"],
    createdAt: [8, "time"],
    effectiveAt: [9, "time"],
    currency: [10, "string"],
    minorUnitDigits: [11, "int32"],
  } satisfies FieldsOf<entry.Entry>,
};

export const ListEntriesRequest: MessageType<entry.ListEntriesRequest> = {
  name: "ListEntriesRequest",
  fields: {
    accountId: [1, "int64"],
    after: [2, "time"],
    before: [3, "time"],
    pageSize: [4, "int32"],
    pageToken: [5, "string"],
    newestFirst: [6, "bool"],
    counterpartyAccountId: [7, "int64"],
    minAmount: [8, "int64"],
    maxAmount: [9, "int64"],
    metadata: [10, "string", "map"],
  } satisfies FieldsOf<entry.ListEntriesRequest>,
};

export const ListEntriesResponse: MessageType<entry.ListEntriesResponse> = {
  name: "ListEntriesResponse",
  fields: {
    entries: [1, () => Entry, "list"],
    nextPageToken: [2, "string"],
  } satisfies FieldsOf<entry.ListEntriesResponse>,
};

export const Transfer: MessageType<transfer.Transfer> = {
  name: "Transfer",
  fields: {
    id: [1, "int64"],
    debitAccountId: [2, "int64"],
    creditAccountId: [3, "int64"],
    amount: [4, "int64"],
    currency: [5, "string"],
    state: [6, () => transfer.TransferState],
    description: [7, "string"],
    metadata: [8, "string", "map"],
    idempotencyKey: [9, "string"],
    debitAccountBalance: [10, "int64"],
    creditAccountBalance: [11, "int64"],
    capturedAmount: [12, "int64"],
    reversesTransferId: [13, "int64"],
    reversedByTransferId: [14, "int64"],
    createdAt: [15, "time"],
    effectiveAt: [16, "time"],
    expiresAt: [17, "time"],
    settledAt: [18, "time"],
    createdBy: [19, "string"],
    minorUnitDigits: [20, "int32"],
    settledBy: [21, "string"],
  } satisfies FieldsOf<transfer.Transfer>,
};

export const CreateTransferRequest: MessageType<transfer.CreateTransferRequest> = {
  name: "CreateTransferRequest",
  fields: {
    debitAccountId: [1, "int64"],
    creditAccountId: [2, "int64"],
    amount: [3, "int64"],
    description: [4, "string"],
    metadata: [5, "string", "map"],
    effectiveAt: [6, "time"],
    pending: [7, "bool"],
    expiresAt: [8, "time"],
    idempotencyKey: [9, "string"],
    dryRun: [10, "bool"],
  } satisfies FieldsOf<transfer.CreateTransferRequest>,
};

export const BatchCreateTransfersRequest: MessageType<transfer.BatchCreateTransfersRequest> = {
  name: "BatchCreateTransfersRequest",
  fields: {
    transfers: [1, () => CreateTransferRequest, "list"],
    atomic: [2, "bool"],
  } satisfies FieldsOf<transfer.BatchCreateTransfersRequest>,
};

export const BatchCreateTransfersResponse: MessageType<transfer.BatchCreateTransfersResponse> = {
  name: "BatchCreateTransfersResponse",
  fields: {
    results: [1, () => BatchCreateTransfersResult, "list"],
  } satisfies FieldsOf<transfer.BatchCreateTransfersResponse>,
};

export const BatchCreateTransfersResult: MessageType<transfer.BatchCreateTransfersResult> = {
  name: "BatchCreateTransfersResult",
  fields: {
    transfer: [1, () => Transfer, { oneof: "outcome" }],
    error: [2, () => BatchCreateTransfersError, { oneof: "outcome" }],
    replayed: [3, "bool"],
  } satisfies FieldsOf<transfer.BatchCreateTransfersResult>,
};

export const BatchCreateTransfersError: MessageType<transfer.BatchCreateTransfersError> = {
  name: "BatchCreateTransfersError",
  fields: {
    code: [1, "string"],
    msg: [2, "string"],
    meta: [3, "string", "map"],
  } satisfies FieldsOf<transfer.BatchCreateTransfersError>,
};

export const CaptureTransferRequest: MessageType<transfer.CaptureTransferRequest> = {
  name: "CaptureTransferRequest",
  fields: {
    id: [1, "int64"],
    amount: [2, "int64", "optional"],
    idempotencyKey: [3, "string"],
    dryRun: [4, "bool"],
  } satisfies FieldsOf<transfer.CaptureTransferRequest>,
};

export const VoidTransferRequest: MessageType<transfer.VoidTransferRequest> = {
  name: "VoidTransferRequest",
  fields: {
    id: [1, "int64"],
    idempotencyKey: [2, "string"],
    dryRun: [3, "bool"],
  } satisfies FieldsOf<transfer.VoidTransferRequest>,
};

export const ReverseTransferRequest: MessageType<transfer.ReverseTransferRequest> = {
  name: "ReverseTransferRequest",
  fields: {
    id: [1, "int64"],
    description: [2, "string"],
    idempotencyKey: [3, "string"],
    dryRun: [4, "bool"],
  } satisfies FieldsOf<transfer.ReverseTransferRequest>,
};

export const GetTransferRequest: MessageType<transfer.GetTransferRequest> = {
  name: "GetTransferRequest",
  fields: {
    id: [1, "int64"],
  } satisfies FieldsOf<transfer.GetTransferRequest>,
};

export const ListTransfersRequest: MessageType<transfer.ListTransfersRequest> = {
  name: "ListTransfersRequest",
  fields: {
    accountId: [1, "int64"],
    state: [2, () => transfer.TransferState],
    createdAfter: [3, "time"],
    createdBefore: [4, "time"],
    minAmount: [5, "int64"],
    maxAmount: [6, "int64"],
    metadata: [7, "string", "map"],
    pageSize: [8, "int32"],
    pageToken: [9, "string"],
    settledAfter: [10, "time"],
    settledBefore: [11, "time"],
    counterpartyAccountId: [12, "int64"],
    idempotencyKey: [13, "string"],
  } satisfies FieldsOf<transfer.ListTransfersRequest>,
};

export const ListTransfersResponse: MessageType<transfer.ListTransfersResponse> = {
  name: "ListTransfersResponse",
  fields: {
    transfers: [1, () => Transfer, "list"],
    nextPageToken: [2, "string"],
  } satisfies FieldsOf<transfer.ListTransfersResponse>,
};

export const Event: MessageType<event.Event> = {
  name: "Event",
  fields: {
    id: [1, "int64"],
    type: [2, () => event.EventType],
    createdAt: [3, "time"],
    cursor: [4, "string"],
    transfer: [5, () => Transfer],
    account: [6, () => Account],
    accountChanges: [7, () => AccountChange, "list"],
    entries: [8, () => Entry, "list"],
    actor: [9, "string"],
  } satisfies FieldsOf<event.Event>,
};

export const ListEventsRequest: MessageType<event.ListEventsRequest> = {
  name: "ListEventsRequest",
  fields: {
    cursor: [1, "string"],
    fromEnd: [2, "bool"],
    pageSize: [3, "int32"],
    waitMs: [4, "int32"],
    accountId: [5, "int64"],
  } satisfies FieldsOf<event.ListEventsRequest>,
};

export const ListEventsResponse: MessageType<event.ListEventsResponse> = {
  name: "ListEventsResponse",
  fields: {
    events: [1, () => Event, "list"],
    cursor: [2, "string"],
  } satisfies FieldsOf<event.ListEventsResponse>,
};

export const GetBalanceRequest: MessageType<report.GetBalanceRequest> = {
  name: "GetBalanceRequest",
  fields: {
    accountId: [1, "int64"],
    asOf: [2, "time"],
  } satisfies FieldsOf<report.GetBalanceRequest>,
};

export const GetBalanceResponse: MessageType<report.GetBalanceResponse> = {
  name: "GetBalanceResponse",
  fields: {
    balance: [1, "int64"],
    asOf: [2, "time"],
    sequence: [3, "int64"],
    currency: [4, "string"],
    minorUnitDigits: [5, "int32"],
  } satisfies FieldsOf<report.GetBalanceResponse>,
};

export const GetBalanceHistoryRequest: MessageType<report.GetBalanceHistoryRequest> = {
  name: "GetBalanceHistoryRequest",
  fields: {
    accountId: [1, "int64"],
    start: [2, "time"],
    end: [3, "time"],
    interval: [4, () => report.Interval],
  } satisfies FieldsOf<report.GetBalanceHistoryRequest>,
};

export const GetBalanceHistoryResponse: MessageType<report.GetBalanceHistoryResponse> = {
  name: "GetBalanceHistoryResponse",
  fields: {
    points: [1, () => BalancePoint, "list"],
  } satisfies FieldsOf<report.GetBalanceHistoryResponse>,
};

export const BalancePoint: MessageType<report.BalancePoint> = {
  name: "BalancePoint",
  fields: {
    time: [1, "time"],
    balance: [2, "int64"],
    debits: [3, "int64"],
    credits: [4, "int64"],
    totalDebits: [5, "string"],
    totalCredits: [6, "string"],
    currency: [7, "string"],
    minorUnitDigits: [8, "int32"],
  } satisfies FieldsOf<report.BalancePoint>,
};

export const GetTrialBalanceRequest: MessageType<report.GetTrialBalanceRequest> = {
  name: "GetTrialBalanceRequest",
  fields: {
    asOf: [1, "time"],
  } satisfies FieldsOf<report.GetTrialBalanceRequest>,
};

export const GetTrialBalanceResponse: MessageType<report.GetTrialBalanceResponse> = {
  name: "GetTrialBalanceResponse",
  fields: {
    currencies: [1, () => CurrencyTrialBalance, "list"],
    asOf: [2, "time"],
  } satisfies FieldsOf<report.GetTrialBalanceResponse>,
};

export const CurrencyTrialBalance: MessageType<report.CurrencyTrialBalance> = {
  name: "CurrencyTrialBalance",
  fields: {
    currency: [1, "string"],
    accounts: [2, "int64"],
    totalDebits: [3, "int64"],
    totalCredits: [4, "int64"],
    balanced: [5, "bool"],
    exactTotalDebits: [6, "string"],
    exactTotalCredits: [7, "string"],
    minorUnitDigits: [8, "int32"],
  } satisfies FieldsOf<report.CurrencyTrialBalance>,
};
