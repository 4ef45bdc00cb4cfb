/**
 * The calls of the page: the generated messages over axios, from one origin to another. The Authorization header and the
 * JSON content type make the browser ask by OPTIONS first; the page sets no CORS header, which is the server's to do.
 */
import axios, { isAxiosError } from "axios";
import {
  Account,
  GetAccountRequest,
  ListAccountsRequest,
  ListAccountsResponse,
} from "../../generated/client/finance/v1/account.ts";
import { type Entry, ListEntriesRequest, ListEntriesResponse } from "../../generated/client/finance/v1/entry.ts";
import { CreateTransferRequest, Transfer } from "../../generated/client/finance/v1/transfer.ts";
import { CallError, readRefusal } from "./problem.ts";
import type { Settings } from "./settings.ts";

const TIMEOUT_MS = 15_000;
const ACCOUNTS_PAGE_SIZE = 200;
const ENTRIES_PAGE_SIZE = 25;

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

export interface TransferOrder {
  readonly debitAccountId: bigint;
  readonly creditAccountId: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly description: string;
  /** The same for each try of one transfer, so that it posts once. */
  readonly idempotencyKey: string;
}

/** The service as the signed-in caller may use it. Each call throws CallError, or axios's own error when it is aborted. */
export interface Api {
  /** @param pageToken empty for the first page. */
  listAccounts(pageToken: string, signal: AbortSignal): Promise<Page<Account>>;
  getAccount(id: bigint, signal: AbortSignal): Promise<Account>;
  /** The statement, newest first. */
  listEntries(accountId: bigint, pageToken: string, signal: AbortSignal): Promise<Page<Entry>>;
  createTransfer(order: TransferOrder): Promise<Transfer>;
}

/** What a generated message can do that a call needs. */
interface Message<T> {
  fromJSON(json: unknown): T;
}

/** @param onUnauthenticated told the server's reason when it takes the token no longer. */
export function createApi(settings: Settings, token: string, onUnauthenticated: (reason: string) => void): Api {
  async function call<T>(method: string, request: unknown, reply: Message<T>, signal?: AbortSignal): Promise<T> {
    const url = `${settings.apiUrl}${settings.twirpPrefix}/finance.v1.FinanceService/${method}`;
    try {
      const { data, status } = await axios.post<unknown>(url, request, {
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
        timeout: TIMEOUT_MS,
        ...(signal && { signal }),
      });
      const message = readMessage(data, reply);
      if (message === undefined) throw new CallError({ kind: "unreadable", url, status });
      return message;
    } catch (error) {
      if (!isAxiosError(error) || signal?.aborted) throw error;
      if (error.response === undefined) throw new CallError({ kind: "no-answer", url });
      const { status, data } = error.response;
      const problem = readRefusal(status, data) ?? { kind: "unreadable", url, status };
      if (problem.kind === "refusal" && status === 401) onUnauthenticated(problem.msg);
      throw new CallError(problem);
    }
  }

  return {
    async listAccounts(pageToken, signal) {
      const request = ListAccountsRequest.fromPartial({ pageSize: ACCOUNTS_PAGE_SIZE, pageToken });
      const json = ListAccountsRequest.toJSON(request);
      const { accounts, nextPageToken } = await call("ListAccounts", json, ListAccountsResponse, signal);
      return { items: accounts, nextPageToken };
    },
    async getAccount(id, signal) {
      return await call("GetAccount", GetAccountRequest.toJSON({ id }), Account, signal);
    },
    async listEntries(accountId, pageToken, signal) {
      const request = ListEntriesRequest.fromPartial({
        accountId,
        newestFirst: true,
        pageSize: ENTRIES_PAGE_SIZE,
        pageToken,
      });
      const json = ListEntriesRequest.toJSON(request);
      const { entries, nextPageToken } = await call("ListEntries", json, ListEntriesResponse, signal);
      return { items: entries, nextPageToken };
    },
    async createTransfer(order) {
      const request = CreateTransferRequest.fromPartial(order);
      return await call("CreateTransfer", CreateTransferRequest.toJSON(request), Transfer);
    },
  };
}

/** Undefined when the body is not such a message: axios leaves what is no JSON as text. */
function readMessage<T>(data: unknown, message: Message<T>): T | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  try {
    return message.fromJSON(data);
  } catch {
    return undefined;
  }
}
