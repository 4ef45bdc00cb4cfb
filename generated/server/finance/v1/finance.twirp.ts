import {
  TwirpContext,
  TwirpServer,
  RouterEvents,
  TwirpError,
  TwirpErrorCode,
  Interceptor,
  TwirpContentType,
  chainInterceptors,
} from "twirp-ts";
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
//          Server Code             //
//==================================//

export interface FinanceServiceTwirp<T extends TwirpContext = TwirpContext> {
  CreateAccount(ctx: T, request: CreateAccountRequest): Promise<Account>;
  GetAccount(ctx: T, request: GetAccountRequest): Promise<Account>;
  ListAccounts(
    ctx: T,
    request: ListAccountsRequest
  ): Promise<ListAccountsResponse>;
  UpdateAccount(ctx: T, request: UpdateAccountRequest): Promise<Account>;
  ListAccountChanges(
    ctx: T,
    request: ListAccountChangesRequest
  ): Promise<ListAccountChangesResponse>;
  CreateTransfer(ctx: T, request: CreateTransferRequest): Promise<Transfer>;
  BatchCreateTransfers(
    ctx: T,
    request: BatchCreateTransfersRequest
  ): Promise<BatchCreateTransfersResponse>;
  CaptureTransfer(ctx: T, request: CaptureTransferRequest): Promise<Transfer>;
  VoidTransfer(ctx: T, request: VoidTransferRequest): Promise<Transfer>;
  ReverseTransfer(ctx: T, request: ReverseTransferRequest): Promise<Transfer>;
  GetTransfer(ctx: T, request: GetTransferRequest): Promise<Transfer>;
  ListTransfers(
    ctx: T,
    request: ListTransfersRequest
  ): Promise<ListTransfersResponse>;
  ListEntries(
    ctx: T,
    request: ListEntriesRequest
  ): Promise<ListEntriesResponse>;
  GetBalance(ctx: T, request: GetBalanceRequest): Promise<GetBalanceResponse>;
  GetBalanceHistory(
    ctx: T,
    request: GetBalanceHistoryRequest
  ): Promise<GetBalanceHistoryResponse>;
  ListEvents(ctx: T, request: ListEventsRequest): Promise<ListEventsResponse>;
  GetTrialBalance(
    ctx: T,
    request: GetTrialBalanceRequest
  ): Promise<GetTrialBalanceResponse>;
}

export enum FinanceServiceMethod {
  CreateAccount = "CreateAccount",
  GetAccount = "GetAccount",
  ListAccounts = "ListAccounts",
  UpdateAccount = "UpdateAccount",
  ListAccountChanges = "ListAccountChanges",
  CreateTransfer = "CreateTransfer",
  BatchCreateTransfers = "BatchCreateTransfers",
  CaptureTransfer = "CaptureTransfer",
  VoidTransfer = "VoidTransfer",
  ReverseTransfer = "ReverseTransfer",
  GetTransfer = "GetTransfer",
  ListTransfers = "ListTransfers",
  ListEntries = "ListEntries",
  GetBalance = "GetBalance",
  GetBalanceHistory = "GetBalanceHistory",
  ListEvents = "ListEvents",
  GetTrialBalance = "GetTrialBalance",
}

export const FinanceServiceMethodList = [
  FinanceServiceMethod.CreateAccount,
  FinanceServiceMethod.GetAccount,
  FinanceServiceMethod.ListAccounts,
  FinanceServiceMethod.UpdateAccount,
  FinanceServiceMethod.ListAccountChanges,
  FinanceServiceMethod.CreateTransfer,
  FinanceServiceMethod.BatchCreateTransfers,
  FinanceServiceMethod.CaptureTransfer,
  FinanceServiceMethod.VoidTransfer,
  FinanceServiceMethod.ReverseTransfer,
  FinanceServiceMethod.GetTransfer,
  FinanceServiceMethod.ListTransfers,
  FinanceServiceMethod.ListEntries,
  FinanceServiceMethod.GetBalance,
  FinanceServiceMethod.GetBalanceHistory,
  FinanceServiceMethod.ListEvents,
  FinanceServiceMethod.GetTrialBalance,
];

export function createFinanceServiceServer<
  T extends TwirpContext = TwirpContext
>(service: FinanceServiceTwirp<T>) {
  return new TwirpServer<FinanceServiceTwirp, T>({
    service,
    packageName: "finance.v1",
    serviceName: "FinanceService",
    methodList: FinanceServiceMethodList,
    matchRoute: matchFinanceServiceRoute,
  });
}

function matchFinanceServiceRoute<T extends TwirpContext = TwirpContext>(
  method: string,
  events: RouterEvents<T>
) {
  switch (method) {
    case "CreateAccount":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, CreateAccountRequest, Account>[]
      ) => {
        ctx = { ...ctx, methodName: "CreateAccount" };
        await events.onMatch(ctx);
        return handleFinanceServiceCreateAccountRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "GetAccount":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, GetAccountRequest, Account>[]
      ) => {
        ctx = { ...ctx, methodName: "GetAccount" };
        await events.onMatch(ctx);
        return handleFinanceServiceGetAccountRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "ListAccounts":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<
          T,
          ListAccountsRequest,
          ListAccountsResponse
        >[]
      ) => {
        ctx = { ...ctx, methodName: "ListAccounts" };
        await events.onMatch(ctx);
        return handleFinanceServiceListAccountsRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "UpdateAccount":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, UpdateAccountRequest, Account>[]
      ) => {
        ctx = { ...ctx, methodName: "UpdateAccount" };
        await events.onMatch(ctx);
        return handleFinanceServiceUpdateAccountRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "ListAccountChanges":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<
          T,
          ListAccountChangesRequest,
          ListAccountChangesResponse
        >[]
      ) => {
        ctx = { ...ctx, methodName: "ListAccountChanges" };
        await events.onMatch(ctx);
        return handleFinanceServiceListAccountChangesRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "CreateTransfer":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, CreateTransferRequest, Transfer>[]
      ) => {
        ctx = { ...ctx, methodName: "CreateTransfer" };
        await events.onMatch(ctx);
        return handleFinanceServiceCreateTransferRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "BatchCreateTransfers":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<
          T,
          BatchCreateTransfersRequest,
          BatchCreateTransfersResponse
        >[]
      ) => {
        ctx = { ...ctx, methodName: "BatchCreateTransfers" };
        await events.onMatch(ctx);
        return handleFinanceServiceBatchCreateTransfersRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "CaptureTransfer":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, CaptureTransferRequest, Transfer>[]
      ) => {
        ctx = { ...ctx, methodName: "CaptureTransfer" };
        await events.onMatch(ctx);
        return handleFinanceServiceCaptureTransferRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "VoidTransfer":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, VoidTransferRequest, Transfer>[]
      ) => {
        ctx = { ...ctx, methodName: "VoidTransfer" };
        await events.onMatch(ctx);
        return handleFinanceServiceVoidTransferRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "ReverseTransfer":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, ReverseTransferRequest, Transfer>[]
      ) => {
        ctx = { ...ctx, methodName: "ReverseTransfer" };
        await events.onMatch(ctx);
        return handleFinanceServiceReverseTransferRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "GetTransfer":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, GetTransferRequest, Transfer>[]
      ) => {
        ctx = { ...ctx, methodName: "GetTransfer" };
        await events.onMatch(ctx);
        return handleFinanceServiceGetTransferRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "ListTransfers":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<
          T,
          ListTransfersRequest,
          ListTransfersResponse
        >[]
      ) => {
        ctx = { ...ctx, methodName: "ListTransfers" };
        await events.onMatch(ctx);
        return handleFinanceServiceListTransfersRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "ListEntries":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, ListEntriesRequest, ListEntriesResponse>[]
      ) => {
        ctx = { ...ctx, methodName: "ListEntries" };
        await events.onMatch(ctx);
        return handleFinanceServiceListEntriesRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "GetBalance":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, GetBalanceRequest, GetBalanceResponse>[]
      ) => {
        ctx = { ...ctx, methodName: "GetBalance" };
        await events.onMatch(ctx);
        return handleFinanceServiceGetBalanceRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "GetBalanceHistory":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<
          T,
          GetBalanceHistoryRequest,
          GetBalanceHistoryResponse
        >[]
      ) => {
        ctx = { ...ctx, methodName: "GetBalanceHistory" };
        await events.onMatch(ctx);
        return handleFinanceServiceGetBalanceHistoryRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "ListEvents":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<T, ListEventsRequest, ListEventsResponse>[]
      ) => {
        ctx = { ...ctx, methodName: "ListEvents" };
        await events.onMatch(ctx);
        return handleFinanceServiceListEventsRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    case "GetTrialBalance":
      return async (
        ctx: T,
        service: FinanceServiceTwirp,
        data: Buffer,
        interceptors?: Interceptor<
          T,
          GetTrialBalanceRequest,
          GetTrialBalanceResponse
        >[]
      ) => {
        ctx = { ...ctx, methodName: "GetTrialBalance" };
        await events.onMatch(ctx);
        return handleFinanceServiceGetTrialBalanceRequest(
          ctx,
          service,
          data,
          interceptors
        );
      };
    default:
      events.onNotFound();
      const msg = `no handler found`;
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceCreateAccountRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CreateAccountRequest, Account>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceCreateAccountJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceCreateAccountProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceGetAccountRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetAccountRequest, Account>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceGetAccountJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceGetAccountProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceListAccountsRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListAccountsRequest, ListAccountsResponse>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceListAccountsJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceListAccountsProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceUpdateAccountRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, UpdateAccountRequest, Account>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceUpdateAccountJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceUpdateAccountProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceListAccountChangesRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    ListAccountChangesRequest,
    ListAccountChangesResponse
  >[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceListAccountChangesJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceListAccountChangesProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceCreateTransferRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CreateTransferRequest, Transfer>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceCreateTransferJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceCreateTransferProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceBatchCreateTransfersRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    BatchCreateTransfersRequest,
    BatchCreateTransfersResponse
  >[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceBatchCreateTransfersJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceBatchCreateTransfersProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceCaptureTransferRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CaptureTransferRequest, Transfer>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceCaptureTransferJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceCaptureTransferProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceVoidTransferRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, VoidTransferRequest, Transfer>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceVoidTransferJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceVoidTransferProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceReverseTransferRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ReverseTransferRequest, Transfer>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceReverseTransferJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceReverseTransferProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceGetTransferRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetTransferRequest, Transfer>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceGetTransferJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceGetTransferProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceListTransfersRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListTransfersRequest, ListTransfersResponse>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceListTransfersJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceListTransfersProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceListEntriesRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListEntriesRequest, ListEntriesResponse>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceListEntriesJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceListEntriesProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceGetBalanceRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetBalanceRequest, GetBalanceResponse>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceGetBalanceJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceGetBalanceProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceGetBalanceHistoryRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    GetBalanceHistoryRequest,
    GetBalanceHistoryResponse
  >[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceGetBalanceHistoryJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceGetBalanceHistoryProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceListEventsRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListEventsRequest, ListEventsResponse>[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceListEventsJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceListEventsProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}

function handleFinanceServiceGetTrialBalanceRequest<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    GetTrialBalanceRequest,
    GetTrialBalanceResponse
  >[]
): Promise<string | Uint8Array> {
  switch (ctx.contentType) {
    case TwirpContentType.JSON:
      return handleFinanceServiceGetTrialBalanceJSON<T>(
        ctx,
        service,
        data,
        interceptors
      );
    case TwirpContentType.Protobuf:
      return handleFinanceServiceGetTrialBalanceProtobuf<T>(
        ctx,
        service,
        data,
        interceptors
      );
    default:
      const msg = "unexpected Content-Type";
      throw new TwirpError(TwirpErrorCode.BadRoute, msg);
  }
}
async function handleFinanceServiceCreateAccountJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CreateAccountRequest, Account>[]
) {
  let request: CreateAccountRequest;
  let response: Account;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = CreateAccountRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      CreateAccountRequest,
      Account
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.CreateAccount(ctx, inputReq);
    });
  } else {
    response = await service.CreateAccount(ctx, request!);
  }

  return JSON.stringify(
    Account.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceGetAccountJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetAccountRequest, Account>[]
) {
  let request: GetAccountRequest;
  let response: Account;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = GetAccountRequest.fromJson(body, { ignoreUnknownFields: true });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetAccountRequest,
      Account
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetAccount(ctx, inputReq);
    });
  } else {
    response = await service.GetAccount(ctx, request!);
  }

  return JSON.stringify(
    Account.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceListAccountsJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListAccountsRequest, ListAccountsResponse>[]
) {
  let request: ListAccountsRequest;
  let response: ListAccountsResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = ListAccountsRequest.fromJson(body, { ignoreUnknownFields: true });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListAccountsRequest,
      ListAccountsResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListAccounts(ctx, inputReq);
    });
  } else {
    response = await service.ListAccounts(ctx, request!);
  }

  return JSON.stringify(
    ListAccountsResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceUpdateAccountJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, UpdateAccountRequest, Account>[]
) {
  let request: UpdateAccountRequest;
  let response: Account;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = UpdateAccountRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      UpdateAccountRequest,
      Account
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.UpdateAccount(ctx, inputReq);
    });
  } else {
    response = await service.UpdateAccount(ctx, request!);
  }

  return JSON.stringify(
    Account.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceListAccountChangesJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    ListAccountChangesRequest,
    ListAccountChangesResponse
  >[]
) {
  let request: ListAccountChangesRequest;
  let response: ListAccountChangesResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = ListAccountChangesRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListAccountChangesRequest,
      ListAccountChangesResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListAccountChanges(ctx, inputReq);
    });
  } else {
    response = await service.ListAccountChanges(ctx, request!);
  }

  return JSON.stringify(
    ListAccountChangesResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceCreateTransferJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CreateTransferRequest, Transfer>[]
) {
  let request: CreateTransferRequest;
  let response: Transfer;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = CreateTransferRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      CreateTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.CreateTransfer(ctx, inputReq);
    });
  } else {
    response = await service.CreateTransfer(ctx, request!);
  }

  return JSON.stringify(
    Transfer.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceBatchCreateTransfersJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    BatchCreateTransfersRequest,
    BatchCreateTransfersResponse
  >[]
) {
  let request: BatchCreateTransfersRequest;
  let response: BatchCreateTransfersResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = BatchCreateTransfersRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      BatchCreateTransfersRequest,
      BatchCreateTransfersResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.BatchCreateTransfers(ctx, inputReq);
    });
  } else {
    response = await service.BatchCreateTransfers(ctx, request!);
  }

  return JSON.stringify(
    BatchCreateTransfersResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceCaptureTransferJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CaptureTransferRequest, Transfer>[]
) {
  let request: CaptureTransferRequest;
  let response: Transfer;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = CaptureTransferRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      CaptureTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.CaptureTransfer(ctx, inputReq);
    });
  } else {
    response = await service.CaptureTransfer(ctx, request!);
  }

  return JSON.stringify(
    Transfer.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceVoidTransferJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, VoidTransferRequest, Transfer>[]
) {
  let request: VoidTransferRequest;
  let response: Transfer;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = VoidTransferRequest.fromJson(body, { ignoreUnknownFields: true });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      VoidTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.VoidTransfer(ctx, inputReq);
    });
  } else {
    response = await service.VoidTransfer(ctx, request!);
  }

  return JSON.stringify(
    Transfer.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceReverseTransferJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ReverseTransferRequest, Transfer>[]
) {
  let request: ReverseTransferRequest;
  let response: Transfer;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = ReverseTransferRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ReverseTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ReverseTransfer(ctx, inputReq);
    });
  } else {
    response = await service.ReverseTransfer(ctx, request!);
  }

  return JSON.stringify(
    Transfer.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceGetTransferJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetTransferRequest, Transfer>[]
) {
  let request: GetTransferRequest;
  let response: Transfer;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = GetTransferRequest.fromJson(body, { ignoreUnknownFields: true });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetTransfer(ctx, inputReq);
    });
  } else {
    response = await service.GetTransfer(ctx, request!);
  }

  return JSON.stringify(
    Transfer.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceListTransfersJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListTransfersRequest, ListTransfersResponse>[]
) {
  let request: ListTransfersRequest;
  let response: ListTransfersResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = ListTransfersRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListTransfersRequest,
      ListTransfersResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListTransfers(ctx, inputReq);
    });
  } else {
    response = await service.ListTransfers(ctx, request!);
  }

  return JSON.stringify(
    ListTransfersResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceListEntriesJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListEntriesRequest, ListEntriesResponse>[]
) {
  let request: ListEntriesRequest;
  let response: ListEntriesResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = ListEntriesRequest.fromJson(body, { ignoreUnknownFields: true });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListEntriesRequest,
      ListEntriesResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListEntries(ctx, inputReq);
    });
  } else {
    response = await service.ListEntries(ctx, request!);
  }

  return JSON.stringify(
    ListEntriesResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceGetBalanceJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetBalanceRequest, GetBalanceResponse>[]
) {
  let request: GetBalanceRequest;
  let response: GetBalanceResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = GetBalanceRequest.fromJson(body, { ignoreUnknownFields: true });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetBalanceRequest,
      GetBalanceResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetBalance(ctx, inputReq);
    });
  } else {
    response = await service.GetBalance(ctx, request!);
  }

  return JSON.stringify(
    GetBalanceResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceGetBalanceHistoryJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    GetBalanceHistoryRequest,
    GetBalanceHistoryResponse
  >[]
) {
  let request: GetBalanceHistoryRequest;
  let response: GetBalanceHistoryResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = GetBalanceHistoryRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetBalanceHistoryRequest,
      GetBalanceHistoryResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetBalanceHistory(ctx, inputReq);
    });
  } else {
    response = await service.GetBalanceHistory(ctx, request!);
  }

  return JSON.stringify(
    GetBalanceHistoryResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceListEventsJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListEventsRequest, ListEventsResponse>[]
) {
  let request: ListEventsRequest;
  let response: ListEventsResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = ListEventsRequest.fromJson(body, { ignoreUnknownFields: true });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListEventsRequest,
      ListEventsResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListEvents(ctx, inputReq);
    });
  } else {
    response = await service.ListEvents(ctx, request!);
  }

  return JSON.stringify(
    ListEventsResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}

async function handleFinanceServiceGetTrialBalanceJSON<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    GetTrialBalanceRequest,
    GetTrialBalanceResponse
  >[]
) {
  let request: GetTrialBalanceRequest;
  let response: GetTrialBalanceResponse;

  try {
    const body = JSON.parse(data.toString() || "{}");
    request = GetTrialBalanceRequest.fromJson(body, {
      ignoreUnknownFields: true,
    });
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the json request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetTrialBalanceRequest,
      GetTrialBalanceResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetTrialBalance(ctx, inputReq);
    });
  } else {
    response = await service.GetTrialBalance(ctx, request!);
  }

  return JSON.stringify(
    GetTrialBalanceResponse.toJson(response, {
      useProtoFieldName: true,
      emitDefaultValues: true,
    }) as string
  );
}
async function handleFinanceServiceCreateAccountProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CreateAccountRequest, Account>[]
) {
  let request: CreateAccountRequest;
  let response: Account;

  try {
    request = CreateAccountRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      CreateAccountRequest,
      Account
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.CreateAccount(ctx, inputReq);
    });
  } else {
    response = await service.CreateAccount(ctx, request!);
  }

  return Buffer.from(Account.toBinary(response));
}

async function handleFinanceServiceGetAccountProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetAccountRequest, Account>[]
) {
  let request: GetAccountRequest;
  let response: Account;

  try {
    request = GetAccountRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetAccountRequest,
      Account
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetAccount(ctx, inputReq);
    });
  } else {
    response = await service.GetAccount(ctx, request!);
  }

  return Buffer.from(Account.toBinary(response));
}

async function handleFinanceServiceListAccountsProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListAccountsRequest, ListAccountsResponse>[]
) {
  let request: ListAccountsRequest;
  let response: ListAccountsResponse;

  try {
    request = ListAccountsRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListAccountsRequest,
      ListAccountsResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListAccounts(ctx, inputReq);
    });
  } else {
    response = await service.ListAccounts(ctx, request!);
  }

  return Buffer.from(ListAccountsResponse.toBinary(response));
}

async function handleFinanceServiceUpdateAccountProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, UpdateAccountRequest, Account>[]
) {
  let request: UpdateAccountRequest;
  let response: Account;

  try {
    request = UpdateAccountRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      UpdateAccountRequest,
      Account
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.UpdateAccount(ctx, inputReq);
    });
  } else {
    response = await service.UpdateAccount(ctx, request!);
  }

  return Buffer.from(Account.toBinary(response));
}

async function handleFinanceServiceListAccountChangesProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    ListAccountChangesRequest,
    ListAccountChangesResponse
  >[]
) {
  let request: ListAccountChangesRequest;
  let response: ListAccountChangesResponse;

  try {
    request = ListAccountChangesRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListAccountChangesRequest,
      ListAccountChangesResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListAccountChanges(ctx, inputReq);
    });
  } else {
    response = await service.ListAccountChanges(ctx, request!);
  }

  return Buffer.from(ListAccountChangesResponse.toBinary(response));
}

async function handleFinanceServiceCreateTransferProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CreateTransferRequest, Transfer>[]
) {
  let request: CreateTransferRequest;
  let response: Transfer;

  try {
    request = CreateTransferRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      CreateTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.CreateTransfer(ctx, inputReq);
    });
  } else {
    response = await service.CreateTransfer(ctx, request!);
  }

  return Buffer.from(Transfer.toBinary(response));
}

async function handleFinanceServiceBatchCreateTransfersProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    BatchCreateTransfersRequest,
    BatchCreateTransfersResponse
  >[]
) {
  let request: BatchCreateTransfersRequest;
  let response: BatchCreateTransfersResponse;

  try {
    request = BatchCreateTransfersRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      BatchCreateTransfersRequest,
      BatchCreateTransfersResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.BatchCreateTransfers(ctx, inputReq);
    });
  } else {
    response = await service.BatchCreateTransfers(ctx, request!);
  }

  return Buffer.from(BatchCreateTransfersResponse.toBinary(response));
}

async function handleFinanceServiceCaptureTransferProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, CaptureTransferRequest, Transfer>[]
) {
  let request: CaptureTransferRequest;
  let response: Transfer;

  try {
    request = CaptureTransferRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      CaptureTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.CaptureTransfer(ctx, inputReq);
    });
  } else {
    response = await service.CaptureTransfer(ctx, request!);
  }

  return Buffer.from(Transfer.toBinary(response));
}

async function handleFinanceServiceVoidTransferProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, VoidTransferRequest, Transfer>[]
) {
  let request: VoidTransferRequest;
  let response: Transfer;

  try {
    request = VoidTransferRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      VoidTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.VoidTransfer(ctx, inputReq);
    });
  } else {
    response = await service.VoidTransfer(ctx, request!);
  }

  return Buffer.from(Transfer.toBinary(response));
}

async function handleFinanceServiceReverseTransferProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ReverseTransferRequest, Transfer>[]
) {
  let request: ReverseTransferRequest;
  let response: Transfer;

  try {
    request = ReverseTransferRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ReverseTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ReverseTransfer(ctx, inputReq);
    });
  } else {
    response = await service.ReverseTransfer(ctx, request!);
  }

  return Buffer.from(Transfer.toBinary(response));
}

async function handleFinanceServiceGetTransferProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetTransferRequest, Transfer>[]
) {
  let request: GetTransferRequest;
  let response: Transfer;

  try {
    request = GetTransferRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetTransferRequest,
      Transfer
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetTransfer(ctx, inputReq);
    });
  } else {
    response = await service.GetTransfer(ctx, request!);
  }

  return Buffer.from(Transfer.toBinary(response));
}

async function handleFinanceServiceListTransfersProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListTransfersRequest, ListTransfersResponse>[]
) {
  let request: ListTransfersRequest;
  let response: ListTransfersResponse;

  try {
    request = ListTransfersRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListTransfersRequest,
      ListTransfersResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListTransfers(ctx, inputReq);
    });
  } else {
    response = await service.ListTransfers(ctx, request!);
  }

  return Buffer.from(ListTransfersResponse.toBinary(response));
}

async function handleFinanceServiceListEntriesProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListEntriesRequest, ListEntriesResponse>[]
) {
  let request: ListEntriesRequest;
  let response: ListEntriesResponse;

  try {
    request = ListEntriesRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListEntriesRequest,
      ListEntriesResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListEntries(ctx, inputReq);
    });
  } else {
    response = await service.ListEntries(ctx, request!);
  }

  return Buffer.from(ListEntriesResponse.toBinary(response));
}

async function handleFinanceServiceGetBalanceProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, GetBalanceRequest, GetBalanceResponse>[]
) {
  let request: GetBalanceRequest;
  let response: GetBalanceResponse;

  try {
    request = GetBalanceRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetBalanceRequest,
      GetBalanceResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetBalance(ctx, inputReq);
    });
  } else {
    response = await service.GetBalance(ctx, request!);
  }

  return Buffer.from(GetBalanceResponse.toBinary(response));
}

async function handleFinanceServiceGetBalanceHistoryProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    GetBalanceHistoryRequest,
    GetBalanceHistoryResponse
  >[]
) {
  let request: GetBalanceHistoryRequest;
  let response: GetBalanceHistoryResponse;

  try {
    request = GetBalanceHistoryRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetBalanceHistoryRequest,
      GetBalanceHistoryResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetBalanceHistory(ctx, inputReq);
    });
  } else {
    response = await service.GetBalanceHistory(ctx, request!);
  }

  return Buffer.from(GetBalanceHistoryResponse.toBinary(response));
}

async function handleFinanceServiceListEventsProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<T, ListEventsRequest, ListEventsResponse>[]
) {
  let request: ListEventsRequest;
  let response: ListEventsResponse;

  try {
    request = ListEventsRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      ListEventsRequest,
      ListEventsResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.ListEvents(ctx, inputReq);
    });
  } else {
    response = await service.ListEvents(ctx, request!);
  }

  return Buffer.from(ListEventsResponse.toBinary(response));
}

async function handleFinanceServiceGetTrialBalanceProtobuf<
  T extends TwirpContext = TwirpContext
>(
  ctx: T,
  service: FinanceServiceTwirp,
  data: Buffer,
  interceptors?: Interceptor<
    T,
    GetTrialBalanceRequest,
    GetTrialBalanceResponse
  >[]
) {
  let request: GetTrialBalanceRequest;
  let response: GetTrialBalanceResponse;

  try {
    request = GetTrialBalanceRequest.fromBinary(data);
  } catch (e) {
    if (e instanceof Error) {
      const msg = "the protobuf request could not be decoded";
      throw new TwirpError(TwirpErrorCode.Malformed, msg).withCause(e, true);
    }
  }

  if (interceptors && interceptors.length > 0) {
    const interceptor = chainInterceptors(...interceptors) as Interceptor<
      T,
      GetTrialBalanceRequest,
      GetTrialBalanceResponse
    >;
    response = await interceptor(ctx, request!, (ctx, inputReq) => {
      return service.GetTrialBalance(ctx, inputReq);
    });
  } else {
    response = await service.GetTrialBalance(ctx, request!);
  }

  return Buffer.from(GetTrialBalanceResponse.toBinary(response));
}
