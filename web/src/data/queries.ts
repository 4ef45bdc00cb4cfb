/**
 * The pages' queries. A change in this page makes all of them stale, because a transfer appears in many places; an event of the
 * feed those of `touchedBy`.
 */

import {
  type Account,
  type AccountStatus,
  type AccountType,
  type FinanceClient,
  FinanceError,
  fromDate,
  type TransferState,
} from "@finance-service/client";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { historySpan, type Span } from "./history-span.ts";

/** The service's largest page. The console knows as many accounts, by name. */
export const PAGE_SIZE_MAX = 1000;

const PAGE_SIZE = 50;
const LATEST_CHANGES = 5;

/** The starts of the queries' keys. */
export const keys = {
  accounts: ["accounts"],
  account: (id: bigint) => ["account", `${id}`],
  accountChanges: (id: bigint) => ["account-changes", `${id}`],
  entries: (accountId: bigint) => ["entries", `${accountId}`],
  history: (accountId: bigint) => ["history", `${accountId}`],
  /** @param accountId 0: of all accounts. */
  transfers: (accountId: bigint, state: TransferState) => ["transfers", `${accountId}`, state],
  transfer: (id: bigint) => ["transfer", `${id}`],
  trialBalance: ["trial-balance"],
  /** Dry runs that debit or credit an account. */
  trial: (sides: { readonly debit?: bigint | undefined; readonly credit?: bigint | undefined }) => [
    "trial",
    Object.fromEntries(Object.entries(sides).map(([side, id]) => [side, `${id}`])),
  ],
} as const;

/** The caller's accounts, up to PAGE_SIZE_MAX. */
export function knownAccountsQuery(finance: FinanceClient) {
  return queryOptions({
    queryKey: [...keys.accounts, "known"],
    queryFn: async ({ signal }) => {
      const page = await finance.listAccounts({ pageSize: PAGE_SIZE_MAX }, { signal });
      return { accounts: page.accounts, isComplete: page.nextPageToken === "" };
    },
  });
}

export interface AccountFilters {
  readonly namePrefix: string;
  readonly type: AccountType;
  readonly status: AccountStatus;
  readonly currency: string;
  /** The account with this number is found too, and comes first, unless another filter excludes it. */
  readonly id?: bigint | undefined;
}

export function accountsQuery(finance: FinanceClient, { id, ...filters }: AccountFilters, pageSize = PAGE_SIZE) {
  const { type, status, currency } = filters;
  const isWanted = (account: Account) =>
    (type === 0 || account.type === type) &&
    (status === 0 || account.status === status) &&
    (currency === "" || account.currency === currency);
  return infiniteQueryOptions({
    queryKey: [...keys.accounts, "list", keyOf({ ...filters, id }), pageSize],
    queryFn: async ({ pageParam, signal }) => {
      const [page, numbered] = await Promise.all([
        finance.listAccounts({ ...filters, pageSize, pageToken: pageParam }, { signal }),
        id !== undefined && pageParam === "" ? orMissing(finance.getAccount({ id }, { signal })) : undefined,
      ]);
      const first = numbered !== undefined && isWanted(numbered) ? [numbered] : [];
      return { ...page, accounts: [...first, ...page.accounts.filter((account) => account.id !== id)] };
    },
    initialPageParam: "",
    getNextPageParam: ({ nextPageToken }) => nextPageToken || undefined,
  });
}

export function accountQuery(finance: FinanceClient, id: bigint) {
  return queryOptions({
    queryKey: keys.account(id),
    queryFn: ({ signal }) => finance.getAccount({ id }, { signal }),
  });
}

/** What was changed in the account's settings, newest first: a few at first, then whole pages. */
export function accountChangesQuery(finance: FinanceClient, accountId: bigint) {
  return infiniteQueryOptions({
    queryKey: keys.accountChanges(accountId),
    queryFn: ({ pageParam, signal }) =>
      finance.listAccountChanges(
        {
          accountId,
          newestFirst: true,
          pageSize: pageParam === "" ? LATEST_CHANGES : PAGE_SIZE,
          pageToken: pageParam,
        },
        { signal },
      ),
    initialPageParam: "",
    getNextPageParam: ({ nextPageToken }) => nextPageToken || undefined,
  });
}

export interface EntryFilters {
  readonly after?: string;
  readonly before?: string;
  readonly counterpartyAccountId?: bigint;
  /** Minor units. */
  readonly minAmount?: bigint;
  readonly maxAmount?: bigint;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Default true. */
  readonly newestFirst?: boolean;
  readonly pageSize?: number;
}

/** An account's statement. */
export function entriesQuery(finance: FinanceClient, accountId: bigint, filters: EntryFilters = {}) {
  const asked = { newestFirst: true, pageSize: PAGE_SIZE, ...filters };
  return infiniteQueryOptions({
    queryKey: [...keys.entries(accountId), keyOf(asked)],
    queryFn: ({ pageParam, signal }) => finance.listEntries({ ...asked, accountId, pageToken: pageParam }, { signal }),
    initialPageParam: "",
    getNextPageParam: ({ nextPageToken }) => nextPageToken || undefined,
  });
}

/** The balance over a span, at intervals that fit its length. */
export function historyQuery(finance: FinanceClient, accountId: bigint, span: Span) {
  return queryOptions({
    queryKey: [...keys.history(accountId), span.start.getTime(), span.end?.getTime() ?? "now"],
    queryFn: async ({ signal }) => {
      const asked = historySpan(span, new Date());
      const [start, end] = [fromDate(asked.start), fromDate(asked.end)];
      const { points } = await finance.getBalanceHistory({ accountId, ...asked, start, end }, { signal });
      return { points, ...asked };
    },
    // Keep showing the old chart while zooming.
    placeholderData: (before) => before,
  });
}

export interface TransferFilters {
  /** Absent: any. */
  readonly accountId?: bigint;
  /** Only together with accountId. */
  readonly counterpartyAccountId?: bigint;
  readonly state?: TransferState;
  readonly createdAfter?: string;
  readonly createdBefore?: string;
  /** Minor units. */
  readonly minAmount?: bigint;
  readonly maxAmount?: bigint;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
  readonly pageSize?: number;
}

/** Newest first. */
export function transfersQuery(finance: FinanceClient, filters: TransferFilters = {}) {
  const { accountId = 0n, state = 0 } = filters;
  const asked = { pageSize: PAGE_SIZE, ...filters };
  return infiniteQueryOptions({
    queryKey: [...keys.transfers(accountId, state), keyOf(asked)],
    queryFn: ({ pageParam, signal }) => finance.listTransfers({ ...asked, pageToken: pageParam }, { signal }),
    initialPageParam: "",
    getNextPageParam: ({ nextPageToken }) => nextPageToken || undefined,
  });
}

/** A part of a query's key: filters, with each bigint as text. */
function keyOf(filters: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(filters).map(([name, value]) => [name, typeof value === "bigint" ? `${value}` : value]),
  );
}

export function transferQuery(finance: FinanceClient, id: bigint) {
  return queryOptions({
    queryKey: keys.transfer(id),
    queryFn: ({ signal }) => finance.getTransfer({ id }, { signal }),
  });
}

/** For admins only: the service refuses other callers. It reads every entry of the ledger, so events don't fetch it again. */
export function trialBalanceQuery(finance: FinanceClient) {
  return queryOptions({
    queryKey: keys.trialBalance,
    queryFn: ({ signal }) => finance.getTrialBalance({}, { signal }),
    meta: { isCostly: true },
  });
}

/** Undefined for what does not exist, or what the caller may not see. */
export async function orMissing<Found>(call: Promise<Found>): Promise<Found | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof FinanceError && error.code === "not_found") return undefined;
    throw error;
  }
}
