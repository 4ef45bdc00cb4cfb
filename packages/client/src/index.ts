export type {
  Account,
  CreateAccountRequest,
  GetAccountRequest,
  ListAccountsRequest,
  ListAccountsResponse,
  UpdateAccountRequest,
} from "../../../generated/client/finance/v1/account.ts";
export { AccountStatus, AccountType } from "../../../generated/client/finance/v1/account.ts";
export type {
  Entry,
  ListEntriesRequest,
  ListEntriesResponse,
} from "../../../generated/client/finance/v1/entry.ts";
export type {
  BalancePoint,
  CurrencyTrialBalance,
  GetBalanceHistoryRequest,
  GetBalanceHistoryResponse,
  GetBalanceRequest,
  GetBalanceResponse,
  GetTrialBalanceRequest,
  GetTrialBalanceResponse,
} from "../../../generated/client/finance/v1/report.ts";
export { Interval } from "../../../generated/client/finance/v1/report.ts";
export type {
  BatchCreateTransfersError,
  BatchCreateTransfersRequest,
  BatchCreateTransfersResponse,
  BatchCreateTransfersResult,
  CaptureTransferRequest,
  CreateTransferRequest,
  GetTransferRequest,
  ListTransfersRequest,
  ListTransfersResponse,
  ReverseTransferRequest,
  Transfer,
  VoidTransferRequest,
} from "../../../generated/client/finance/v1/transfer.ts";
export { TransferState } from "../../../generated/client/finance/v1/transfer.ts";
export type { CallOptions, ReplyInfo } from "./call.ts";
export { newIdempotencyKey } from "./call.ts";
export type { Call, Client, ClientOptions, FinanceClient, ListCall } from "./client.ts";
export { createClient, createFinanceClient } from "./client.ts";
export type { Format } from "./codec.ts";
export type { FinanceErrorCode, FinanceErrorDetails, LocalReason } from "./errors.ts";
export { FinanceError } from "./errors.ts";
export { toJson } from "./message.ts";
export type { Input, ListMethod, Method } from "./method.ts";
export * from "./methods.ts";
export type { Currency, FormatMoneyOptions, ParsedMoney } from "./money.ts";
export { formatMoney, parseMoney } from "./money.ts";
export { fromDate, justAfter, toDate } from "./time.ts";
export type { TokenOption, TokenRequest } from "./token.ts";
export type { AxiosLike, Transport, TransportReply, TransportRequest } from "./transports.ts";
export { axiosTransport, type FetchLike, fetchTransport } from "./transports.ts";
