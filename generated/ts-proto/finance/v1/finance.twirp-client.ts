import {
  CreateAccountRequest,
  Account,
  GetAccountRequest,
  ListAccountsRequest,
  ListAccountsResponse,
  UpdateAccountRequest,
  ListAccountChangesRequest,
  ListAccountChangesResponse,
} from "./account";
import {
  CreateTransferRequest,
  Transfer,
  BatchCreateTransfersRequest,
  BatchCreateTransfersResponse,
  CaptureTransferRequest,
  VoidTransferRequest,
  ReverseTransferRequest,
  GetTransferRequest,
  ListTransfersRequest,
  ListTransfersResponse,
} from "./transfer";
import { ListEntriesRequest, ListEntriesResponse } from "./entry";
import {
  GetBalanceRequest,
  GetBalanceResponse,
  GetBalanceHistoryRequest,
  GetBalanceHistoryResponse,
  GetTrialBalanceRequest,
  GetTrialBalanceResponse,
} from "./report";
import { ListEventsRequest, ListEventsResponse } from "./event";

//==================================//
//          Client Code             //
//==================================//

interface Rpc {
  request(
    service: string,
    method: string,
    contentType: "application/json" | "application/protobuf",
    data: object | Uint8Array
  ): Promise<object | Uint8Array>;
}

export interface FinanceServiceClient {
  CreateAccount(request: CreateAccountRequest): Promise<Account>;
  GetAccount(request: GetAccountRequest): Promise<Account>;
  ListAccounts(request: ListAccountsRequest): Promise<ListAccountsResponse>;
  UpdateAccount(request: UpdateAccountRequest): Promise<Account>;
  ListAccountChanges(
    request: ListAccountChangesRequest
  ): Promise<ListAccountChangesResponse>;
  CreateTransfer(request: CreateTransferRequest): Promise<Transfer>;
  BatchCreateTransfers(
    request: BatchCreateTransfersRequest
  ): Promise<BatchCreateTransfersResponse>;
  CaptureTransfer(request: CaptureTransferRequest): Promise<Transfer>;
  VoidTransfer(request: VoidTransferRequest): Promise<Transfer>;
  ReverseTransfer(request: ReverseTransferRequest): Promise<Transfer>;
  GetTransfer(request: GetTransferRequest): Promise<Transfer>;
  ListTransfers(request: ListTransfersRequest): Promise<ListTransfersResponse>;
  ListEntries(request: ListEntriesRequest): Promise<ListEntriesResponse>;
  GetBalance(request: GetBalanceRequest): Promise<GetBalanceResponse>;
  GetBalanceHistory(
    request: GetBalanceHistoryRequest
  ): Promise<GetBalanceHistoryResponse>;
  ListEvents(request: ListEventsRequest): Promise<ListEventsResponse>;
  GetTrialBalance(
    request: GetTrialBalanceRequest
  ): Promise<GetTrialBalanceResponse>;
}

export class FinanceServiceClientJSON implements FinanceServiceClient {
  private readonly rpc: Rpc;
  constructor(rpc: Rpc) {
    this.rpc = rpc;
    this.CreateAccount.bind(this);
    this.GetAccount.bind(this);
    this.ListAccounts.bind(this);
    this.UpdateAccount.bind(this);
    this.ListAccountChanges.bind(this);
    this.CreateTransfer.bind(this);
    this.BatchCreateTransfers.bind(this);
    this.CaptureTransfer.bind(this);
    this.VoidTransfer.bind(this);
    this.ReverseTransfer.bind(this);
    this.GetTransfer.bind(this);
    this.ListTransfers.bind(this);
    this.ListEntries.bind(this);
    this.GetBalance.bind(this);
    this.GetBalanceHistory.bind(this);
    this.ListEvents.bind(this);
    this.GetTrialBalance.bind(this);
  }
  CreateAccount(request: CreateAccountRequest): Promise<Account> {
    const data = CreateAccountRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "CreateAccount",
      "application/json",
      data as object
    );
    return promise.then((data) => Account.fromJSON(data as any));
  }

  GetAccount(request: GetAccountRequest): Promise<Account> {
    const data = GetAccountRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetAccount",
      "application/json",
      data as object
    );
    return promise.then((data) => Account.fromJSON(data as any));
  }

  ListAccounts(request: ListAccountsRequest): Promise<ListAccountsResponse> {
    const data = ListAccountsRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListAccounts",
      "application/json",
      data as object
    );
    return promise.then((data) => ListAccountsResponse.fromJSON(data as any));
  }

  UpdateAccount(request: UpdateAccountRequest): Promise<Account> {
    const data = UpdateAccountRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "UpdateAccount",
      "application/json",
      data as object
    );
    return promise.then((data) => Account.fromJSON(data as any));
  }

  ListAccountChanges(
    request: ListAccountChangesRequest
  ): Promise<ListAccountChangesResponse> {
    const data = ListAccountChangesRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListAccountChanges",
      "application/json",
      data as object
    );
    return promise.then((data) =>
      ListAccountChangesResponse.fromJSON(data as any)
    );
  }

  CreateTransfer(request: CreateTransferRequest): Promise<Transfer> {
    const data = CreateTransferRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "CreateTransfer",
      "application/json",
      data as object
    );
    return promise.then((data) => Transfer.fromJSON(data as any));
  }

  BatchCreateTransfers(
    request: BatchCreateTransfersRequest
  ): Promise<BatchCreateTransfersResponse> {
    const data = BatchCreateTransfersRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "BatchCreateTransfers",
      "application/json",
      data as object
    );
    return promise.then((data) =>
      BatchCreateTransfersResponse.fromJSON(data as any)
    );
  }

  CaptureTransfer(request: CaptureTransferRequest): Promise<Transfer> {
    const data = CaptureTransferRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "CaptureTransfer",
      "application/json",
      data as object
    );
    return promise.then((data) => Transfer.fromJSON(data as any));
  }

  VoidTransfer(request: VoidTransferRequest): Promise<Transfer> {
    const data = VoidTransferRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "VoidTransfer",
      "application/json",
      data as object
    );
    return promise.then((data) => Transfer.fromJSON(data as any));
  }

  ReverseTransfer(request: ReverseTransferRequest): Promise<Transfer> {
    const data = ReverseTransferRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ReverseTransfer",
      "application/json",
      data as object
    );
    return promise.then((data) => Transfer.fromJSON(data as any));
  }

  GetTransfer(request: GetTransferRequest): Promise<Transfer> {
    const data = GetTransferRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetTransfer",
      "application/json",
      data as object
    );
    return promise.then((data) => Transfer.fromJSON(data as any));
  }

  ListTransfers(request: ListTransfersRequest): Promise<ListTransfersResponse> {
    const data = ListTransfersRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListTransfers",
      "application/json",
      data as object
    );
    return promise.then((data) => ListTransfersResponse.fromJSON(data as any));
  }

  ListEntries(request: ListEntriesRequest): Promise<ListEntriesResponse> {
    const data = ListEntriesRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListEntries",
      "application/json",
      data as object
    );
    return promise.then((data) => ListEntriesResponse.fromJSON(data as any));
  }

  GetBalance(request: GetBalanceRequest): Promise<GetBalanceResponse> {
    const data = GetBalanceRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetBalance",
      "application/json",
      data as object
    );
    return promise.then((data) => GetBalanceResponse.fromJSON(data as any));
  }

  GetBalanceHistory(
    request: GetBalanceHistoryRequest
  ): Promise<GetBalanceHistoryResponse> {
    const data = GetBalanceHistoryRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetBalanceHistory",
      "application/json",
      data as object
    );
    return promise.then((data) =>
      GetBalanceHistoryResponse.fromJSON(data as any)
    );
  }

  ListEvents(request: ListEventsRequest): Promise<ListEventsResponse> {
    const data = ListEventsRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListEvents",
      "application/json",
      data as object
    );
    return promise.then((data) => ListEventsResponse.fromJSON(data as any));
  }

  GetTrialBalance(
    request: GetTrialBalanceRequest
  ): Promise<GetTrialBalanceResponse> {
    const data = GetTrialBalanceRequest.toJSON(request);
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetTrialBalance",
      "application/json",
      data as object
    );
    return promise.then((data) =>
      GetTrialBalanceResponse.fromJSON(data as any)
    );
  }
}

export class FinanceServiceClientProtobuf implements FinanceServiceClient {
  private readonly rpc: Rpc;
  constructor(rpc: Rpc) {
    this.rpc = rpc;
    this.CreateAccount.bind(this);
    this.GetAccount.bind(this);
    this.ListAccounts.bind(this);
    this.UpdateAccount.bind(this);
    this.ListAccountChanges.bind(this);
    this.CreateTransfer.bind(this);
    this.BatchCreateTransfers.bind(this);
    this.CaptureTransfer.bind(this);
    this.VoidTransfer.bind(this);
    this.ReverseTransfer.bind(this);
    this.GetTransfer.bind(this);
    this.ListTransfers.bind(this);
    this.ListEntries.bind(this);
    this.GetBalance.bind(this);
    this.GetBalanceHistory.bind(this);
    this.ListEvents.bind(this);
    this.GetTrialBalance.bind(this);
  }
  CreateAccount(request: CreateAccountRequest): Promise<Account> {
    const data = CreateAccountRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "CreateAccount",
      "application/protobuf",
      data
    );
    return promise.then((data) => Account.decode(data as Uint8Array));
  }

  GetAccount(request: GetAccountRequest): Promise<Account> {
    const data = GetAccountRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetAccount",
      "application/protobuf",
      data
    );
    return promise.then((data) => Account.decode(data as Uint8Array));
  }

  ListAccounts(request: ListAccountsRequest): Promise<ListAccountsResponse> {
    const data = ListAccountsRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListAccounts",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      ListAccountsResponse.decode(data as Uint8Array)
    );
  }

  UpdateAccount(request: UpdateAccountRequest): Promise<Account> {
    const data = UpdateAccountRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "UpdateAccount",
      "application/protobuf",
      data
    );
    return promise.then((data) => Account.decode(data as Uint8Array));
  }

  ListAccountChanges(
    request: ListAccountChangesRequest
  ): Promise<ListAccountChangesResponse> {
    const data = ListAccountChangesRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListAccountChanges",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      ListAccountChangesResponse.decode(data as Uint8Array)
    );
  }

  CreateTransfer(request: CreateTransferRequest): Promise<Transfer> {
    const data = CreateTransferRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "CreateTransfer",
      "application/protobuf",
      data
    );
    return promise.then((data) => Transfer.decode(data as Uint8Array));
  }

  BatchCreateTransfers(
    request: BatchCreateTransfersRequest
  ): Promise<BatchCreateTransfersResponse> {
    const data = BatchCreateTransfersRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "BatchCreateTransfers",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      BatchCreateTransfersResponse.decode(data as Uint8Array)
    );
  }

  CaptureTransfer(request: CaptureTransferRequest): Promise<Transfer> {
    const data = CaptureTransferRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "CaptureTransfer",
      "application/protobuf",
      data
    );
    return promise.then((data) => Transfer.decode(data as Uint8Array));
  }

  VoidTransfer(request: VoidTransferRequest): Promise<Transfer> {
    const data = VoidTransferRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "VoidTransfer",
      "application/protobuf",
      data
    );
    return promise.then((data) => Transfer.decode(data as Uint8Array));
  }

  ReverseTransfer(request: ReverseTransferRequest): Promise<Transfer> {
    const data = ReverseTransferRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ReverseTransfer",
      "application/protobuf",
      data
    );
    return promise.then((data) => Transfer.decode(data as Uint8Array));
  }

  GetTransfer(request: GetTransferRequest): Promise<Transfer> {
    const data = GetTransferRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetTransfer",
      "application/protobuf",
      data
    );
    return promise.then((data) => Transfer.decode(data as Uint8Array));
  }

  ListTransfers(request: ListTransfersRequest): Promise<ListTransfersResponse> {
    const data = ListTransfersRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListTransfers",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      ListTransfersResponse.decode(data as Uint8Array)
    );
  }

  ListEntries(request: ListEntriesRequest): Promise<ListEntriesResponse> {
    const data = ListEntriesRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListEntries",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      ListEntriesResponse.decode(data as Uint8Array)
    );
  }

  GetBalance(request: GetBalanceRequest): Promise<GetBalanceResponse> {
    const data = GetBalanceRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetBalance",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      GetBalanceResponse.decode(data as Uint8Array)
    );
  }

  GetBalanceHistory(
    request: GetBalanceHistoryRequest
  ): Promise<GetBalanceHistoryResponse> {
    const data = GetBalanceHistoryRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetBalanceHistory",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      GetBalanceHistoryResponse.decode(data as Uint8Array)
    );
  }

  ListEvents(request: ListEventsRequest): Promise<ListEventsResponse> {
    const data = ListEventsRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "ListEvents",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      ListEventsResponse.decode(data as Uint8Array)
    );
  }

  GetTrialBalance(
    request: GetTrialBalanceRequest
  ): Promise<GetTrialBalanceResponse> {
    const data = GetTrialBalanceRequest.encode(request).finish();
    const promise = this.rpc.request(
      "finance.v1.FinanceService",
      "GetTrialBalance",
      "application/protobuf",
      data
    );
    return promise.then((data) =>
      GetTrialBalanceResponse.decode(data as Uint8Array)
    );
  }
}
