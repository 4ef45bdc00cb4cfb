export type {
  Account,
  BalancePoint,
  BatchCreateTransfersError,
  BatchCreateTransfersRequest,
  BatchCreateTransfersResponse,
  BatchCreateTransfersResult,
  CaptureTransferRequest,
  CreateAccountRequest,
  CreateTransferRequest,
  CurrencyTrialBalance,
  Entry,
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
export { AccountStatus, AccountType, Interval, TransferState } from "../../generated/client/messages.ts";
export { axiosTransport } from "./axios-transport.ts";
export type { CallOptions, ReplyInfo } from "./call.ts";
export type { Call, Client, ClientOptions, FinanceClient, ListCall } from "./client.ts";
export { createClient, createFinanceClient } from "./client.ts";
export type { Format } from "./codec.ts";
export type { FinanceErrorCode, FinanceErrorDetails, LocalReason } from "./error.ts";
export { FinanceError } from "./error.ts";
export { type FetchLike, fetchTransport } from "./fetch-transport.ts";
export { newIdempotencyKey } from "./idempotency.ts";
export { toJson } from "./message.ts";
export type { Input, ListMethod, Method } from "./method.ts";
export * from "./methods.ts";
export type { Currency, FormatMoneyOptions, ParsedMoney } from "./money.ts";
export { formatMoney, parseMoney } from "./money.ts";
export type { AxiosLike } from "./over-axios.ts";
export { fromDate, justAfter, toDate } from "./time.ts";
export type { TokenOption, TokenRequest } from "./token.ts";
export type { Transport, TransportReply, TransportRequest } from "./transport.ts";
