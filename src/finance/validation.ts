/**
 * Reads requests into commands. All rules about the fields of a single request are here. Each refusal names the field by
 * its path in the proto and says which values are allowed.
 */
import {
  AccountStatus,
  AccountType,
  type CreateAccountRequest,
  type ListAccountsRequest,
  type UpdateAccountRequest,
} from "../../generated/server/finance/v1/account.ts";
import type { ListEntriesRequest } from "../../generated/server/finance/v1/entry.ts";
import type { ListEventsRequest } from "../../generated/server/finance/v1/event.ts";
import { type GetBalanceHistoryRequest, Interval } from "../../generated/server/finance/v1/report.ts";
import {
  type BatchCreateTransfersRequest,
  type CaptureTransferRequest,
  type CreateTransferRequest,
  type ListTransfersRequest,
  type ReverseTransferRequest,
  TransferState,
} from "../../generated/server/finance/v1/transfer.ts";
import type { Timestamp } from "../../generated/server/google/protobuf/timestamp.ts";
import { type DecodingLimits, elementsSent } from "../../packages/twirp/src/index.ts";
import type { Metadata } from "./account.ts";
import { invalidArgument } from "./errors.ts";
import {
  type AccountId,
  AMOUNT_MAX,
  accountId,
  fromTimestamp,
  type Micros,
  type Minor,
  minorUnitDigitsOf,
  TIME_MAX,
  type TransferId,
  transferId,
} from "./values.ts";

/** The largest number of metadata pairs of an account or a transfer. */
export const METADATA_PAIRS_MAX = 50;
const METADATA_KEY_LENGTH_MAX = 40;
const METADATA_VALUE_LENGTH_MAX = 500;

/** Refuses 0, which means that the field is absent. */
export function readAccountId(id: bigint, argument: string): AccountId {
  return accountId(readId(id, argument));
}

/** Refuses 0, which means that the field is absent. */
export function readTransferId(id: bigint, argument: string): TransferId {
  return transferId(readId(id, argument));
}

function readId(id: bigint, argument: string): bigint {
  if (id <= 0n) throw invalidArgument(argument, id === 0n ? "is required" : `must be more than 0, not ${id}`);
  return id;
}

/** A time, cut to the microsecond; undefined if absent. */
function readTime(timestamp: Timestamp | undefined, argument: string): Micros | undefined {
  if (timestamp === undefined) return undefined;
  const time = fromTimestamp(timestamp);
  if (time === undefined) throw invalidArgument(argument, "must be within the years 1 to 9999");
  return time;
}

/** A bound in time, rounded up to the microsecond, but not into the year 10000: recorded times have whole microseconds. */
function readBound(timestamp: Timestamp | undefined, argument: string): Micros | undefined {
  const time = readTime(timestamp, argument);
  if (time === undefined || timestamp === undefined || time === TIME_MAX) return time;
  return timestamp.nanos % 1000 > 0 ? time + 1n : time;
}

/** Text with a number of characters that PostgreSQL can store. */
function readText(text: string, argument: string, lengthMin: number, lengthMax: number): string {
  if (text.length < lengthMin) throw invalidArgument(argument, "is required");
  const length = text.length > lengthMax ? charactersOf(text) : text.length;
  if (length > lengthMax) throw invalidArgument(argument, `must have at most ${lengthMax} characters, not ${length}`);
  if (text.includes("\u0000")) throw invalidArgument(argument, "must not hold the character U+0000");
  return text;
}

/** The number of code points, which PostgreSQL counts as characters. */
function charactersOf(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const isSecondHalf = (text.charCodeAt(index) & 0xfc00) === 0xdc00;
    if (!isSecondHalf) length += 1;
  }
  return length;
}

/** {@link readText} for text that people read: without characters that move the cursor or change the writing direction. */
function readPrintableText(text: string, argument: string, lengthMin: number, lengthMax: number): string {
  readText(text, argument, lengthMin, lengthMax);
  const found = UNPRINTABLE.exec(text);
  if (found === null) return text;
  const position = charactersOf(text.slice(0, found.index)) + 1;
  const code = found[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
  const kind = /\p{Bidi_Control}/u.test(found[0]) ? "bidirectional formatting" : "control";
  throw invalidArgument(argument, `must not hold ${kind} characters; character ${position} is U+${code}`);
}

/** https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** Pairs of text. An update allows an empty value, which removes its pair. */
function readMetadata(metadata: Record<string, string>, path: string, valueLengthMin: 0 | 1): Metadata {
  const pairs = elementsSent(metadata);
  if (pairs > METADATA_PAIRS_MAX) {
    throw invalidArgument(path, `must have at most ${METADATA_PAIRS_MAX} pairs, not ${pairs}`);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (key === "") throw invalidArgument(path, "must not have an empty key");
    readText(key, path, 1, METADATA_KEY_LENGTH_MAX);
    readText(value, `${path}.${key}`, valueLengthMin, METADATA_VALUE_LENGTH_MAX);
  }
  return metadata;
}

/** A caller's text, shortened for a message. */
function quote(text: string): string {
  return JSON.stringify(text.length > 20 ? `${text.slice(0, 20)}...` : text);
}

const NAME_LENGTH_MAX = 200;
const OWNER_LENGTH_MAX = 255;
const DESCRIPTION_LENGTH_MAX = 500;
const IDEMPOTENCY_KEY_LENGTH_MAX = 64;
const BATCH_LENGTH_MAX = 1000;
const PAGE_SIZE_DEFAULT = 50;
const PAGE_SIZE_MAX = 1000;

const METADATA_LIMIT = { max: METADATA_PAIRS_MAX, refusedBy: "method" } as const;

/** The limits that decoding enforces, so that it does not build messages that the rules below refuse. */
export const decodingLimits: DecodingLimits = {
  // The largest batch of the largest transfers, with one transfer and one pair too many, and two times for each transfer.
  objects: 1 + (BATCH_LENGTH_MAX + 1) * (1 + (METADATA_PAIRS_MAX + 1) + 2),
  elements: {
    "finance.v1.BatchCreateTransfersRequest.transfers": { max: BATCH_LENGTH_MAX, refusedBy: "method" },
    "finance.v1.CreateAccountRequest.metadata": METADATA_LIMIT,
    "finance.v1.UpdateAccountRequest.metadata": METADATA_LIMIT,
    "finance.v1.CreateTransferRequest.metadata": METADATA_LIMIT,
    "finance.v1.ListTransfersRequest.metadata": METADATA_LIMIT,
    "finance.v1.ListEntriesRequest.metadata": METADATA_LIMIT,
  },
};

export interface NewAccount {
  readonly name: string;
  readonly type: AccountType;
  readonly currency: string;
  readonly overdraftLimit: Minor;
  readonly unlimitedOverdraft: boolean;
  readonly metadata: Metadata;
}

export interface AccountChange {
  readonly id: AccountId;
  readonly name: string | undefined;
  /** Pairs to merge; an empty value removes its pair. */
  readonly metadata: Metadata;
  readonly status: AccountStatus | undefined;
  readonly overdraftLimit: Minor | undefined;
  readonly unlimitedOverdraft: boolean | undefined;
  /** Decide as usual but write nothing. */
  readonly dryRun: boolean;
}

export interface NewTransfer {
  readonly debitAccountId: AccountId;
  readonly creditAccountId: AccountId;
  /** 1 to {@link AMOUNT_MAX}. */
  readonly amount: Minor;
  readonly description: string;
  readonly metadata: Metadata;
  /** Undefined: the time of recording. */
  readonly effectiveAt: Micros | undefined;
  /** Hold the amount instead of posting it. */
  readonly pending: boolean;
  /** The time when the hold expires; undefined: never. */
  readonly expiresAt: Micros | undefined;
}

export interface Page {
  readonly size: number;
  /** Empty for the first page. */
  readonly token: string;
}

export type AccountFilter = ReturnType<typeof readAccountFilter>;
export type TransferFilter = ReturnType<typeof readTransferFilter>;
export type EntryFilter = ReturnType<typeof readEntryFilter>;

export function readNewAccount(request: CreateAccountRequest): NewAccount {
  const name = readPrintableText(request.name, "name", 1, NAME_LENGTH_MAX);
  if (request.type === AccountType.UNSPECIFIED || AccountType[request.type] === undefined) {
    throw invalidArgument("type", "must be one of ACCOUNT_TYPE_ASSET, LIABILITY, EQUITY, INCOME, EXPENSE");
  }
  if (minorUnitDigitsOf(request.currency) === undefined) {
    throw invalidArgument("currency", `must be an active ISO 4217 code such as "USD", not ${quote(request.currency)}`);
  }
  readText(request.owner, "owner", 0, OWNER_LENGTH_MAX);
  const overdraftLimit = readOverdraftLimit(request.overdraftLimit);
  requireOneFloor(overdraftLimit, request.unlimitedOverdraft);
  return {
    name,
    type: request.type,
    currency: request.currency,
    overdraftLimit,
    unlimitedOverdraft: request.unlimitedOverdraft,
    metadata: readMetadata(request.metadata, "metadata", 1),
  };
}

export function readAccountChange(request: UpdateAccountRequest): AccountChange {
  const { name, status, overdraftLimit } = request;
  if (status !== undefined && AccountStatus[status] === undefined) {
    throw invalidArgument("status", "must be one of ACCOUNT_STATUS_OPEN, FROZEN, CLOSED");
  }
  return {
    id: readAccountId(request.id, "id"),
    name: name === undefined ? undefined : readPrintableText(name, "name", 1, NAME_LENGTH_MAX),
    metadata: readMetadata(request.metadata, "metadata", 0),
    status: status === AccountStatus.UNSPECIFIED ? undefined : status,
    overdraftLimit: overdraftLimit === undefined ? undefined : readOverdraftLimit(overdraftLimit),
    unlimitedOverdraft: request.unlimitedOverdraft,
    dryRun: request.dryRun,
  };
}

export function readNewTransfer(request: CreateTransferRequest, path = ""): NewTransfer {
  const debitAccountId = readAccountId(request.debitAccountId, `${path}debit_account_id`);
  const creditAccountId = readAccountId(request.creditAccountId, `${path}credit_account_id`);
  if (debitAccountId === creditAccountId) {
    throw invalidArgument(`${path}credit_account_id`, "must differ from debit_account_id");
  }
  if (request.amount <= 0n || request.amount > AMOUNT_MAX) {
    throw invalidArgument(`${path}amount`, `must be 1 to ${AMOUNT_MAX} minor units, not ${request.amount}`);
  }
  if (request.expiresAt !== undefined && !request.pending) {
    throw invalidArgument(`${path}expires_at`, "is allowed for a pending transfer only");
  }
  return {
    debitAccountId,
    creditAccountId,
    amount: request.amount,
    description: readPrintableText(request.description, `${path}description`, 0, DESCRIPTION_LENGTH_MAX),
    metadata: readMetadata(request.metadata, `${path}metadata`, 1),
    effectiveAt: readTime(request.effectiveAt, `${path}effective_at`),
    pending: request.pending,
    expiresAt: readTime(request.expiresAt, `${path}expires_at`),
  };
}

export function readCapture({ id, amount }: CaptureTransferRequest) {
  if (amount !== undefined && amount <= 0n) {
    const problem = `must be at least 1 minor unit, or absent to capture the whole hold, not ${amount}`;
    throw invalidArgument("amount", problem);
  }
  return { id: readTransferId(id, "id"), amount };
}

export function readReversal(request: ReverseTransferRequest) {
  return {
    id: readTransferId(request.id, "id"),
    description: readPrintableText(request.description, "description", 0, DESCRIPTION_LENGTH_MAX),
  };
}

export function readBatch({ transfers, atomic }: BatchCreateTransfersRequest) {
  const length = elementsSent(transfers);
  if (length === 0 || length > BATCH_LENGTH_MAX) {
    throw invalidArgument("transfers", `must hold 1 to ${BATCH_LENGTH_MAX} transfers, not ${length}`);
  }
  const rehearsed = transfers.filter(({ dryRun }) => dryRun).length;
  if (atomic && rehearsed > 0 && rehearsed < transfers.length) {
    throw invalidArgument("transfers", "must be either all dry runs or all real in an atomic batch");
  }
  return { transfers, atomic };
}

export interface HistorySpan {
  readonly accountId: AccountId;
  readonly start: Micros;
  /** Undefined: now. */
  readonly end: Micros | undefined;
  readonly interval: HistoryInterval;
}

/** A name that PostgreSQL's date_trunc knows. */
export type HistoryInterval = "hour" | "day" | "week" | "month";

const HISTORY_INTERVALS = new Map<Interval, HistoryInterval>([
  [Interval.HOUR, "hour"],
  [Interval.DAY, "day"],
  [Interval.WEEK, "week"],
  [Interval.MONTH, "month"],
]);

export function readHistorySpan(request: GetBalanceHistoryRequest): HistorySpan {
  const accountId = readAccountId(request.accountId, "account_id");
  const start = readTime(request.start, "start");
  const end = readBound(request.end, "end");
  const interval = HISTORY_INTERVALS.get(request.interval);
  if (start === undefined) throw invalidArgument("start", "is required");
  if (end !== undefined && end <= start) throw invalidArgument("end", "must be after start");
  if (interval === undefined) {
    throw invalidArgument("interval", "must be one of INTERVAL_HOUR, INTERVAL_DAY, INTERVAL_WEEK, INTERVAL_MONTH");
  }
  return { accountId, start, end, interval };
}

/** @returns undefined for now. */
export function readAsOf(asOf: Timestamp | undefined): Micros | undefined {
  return readTime(asOf, "as_of");
}

/** @returns undefined without a key. */
export function readIdempotencyKey(key: string, path = ""): string | undefined {
  return readText(key, `${path}idempotency_key`, 0, IDEMPOTENCY_KEY_LENGTH_MAX) || undefined;
}

export function readAccountFilter(request: ListAccountsRequest) {
  const { type, currency, status } = request;
  if (AccountType[type] === undefined) throw invalidArgument("type", "must be a known account type or absent");
  if (AccountStatus[status] === undefined) throw invalidArgument("status", "must be a known account status or absent");
  // Accounts can outlive the code of their currency, so any well-formed code is allowed.
  if (currency !== "" && !/^[A-Z]{3}$/.test(currency)) {
    throw invalidArgument("currency", `must be an ISO 4217 code such as "USD" or absent, not ${quote(currency)}`);
  }
  return {
    owner: readText(request.owner, "owner", 0, OWNER_LENGTH_MAX),
    type,
    currency,
    status,
    namePrefix: readText(request.namePrefix, "name_prefix", 0, NAME_LENGTH_MAX),
  };
}

export function readTransferFilter(request: ListTransfersRequest) {
  const { state } = request;
  if (TransferState[state] === undefined) throw invalidArgument("state", "must be a known transfer state or absent");
  const accountId = readOptionalAccountId(request.accountId, "account_id");
  const counterpartyAccountId = readCounterparty(request.counterpartyAccountId, accountId);
  if (counterpartyAccountId !== undefined && accountId === undefined) {
    throw invalidArgument("counterparty_account_id", "is allowed together with account_id only");
  }
  return {
    accountId,
    counterpartyAccountId,
    state,
    createdAfter: readBound(request.createdAfter, "created_after"),
    createdBefore: readBound(request.createdBefore, "created_before"),
    ...readAmountBounds(request),
    settledAfter: readBound(request.settledAfter, "settled_after"),
    settledBefore: readBound(request.settledBefore, "settled_before"),
    metadata: readMetadata(request.metadata, "metadata", 1),
    idempotencyKey: readIdempotencyKey(request.idempotencyKey),
  };
}

export function readEntryFilter(request: ListEntriesRequest) {
  const accountId = readAccountId(request.accountId, "account_id");
  return {
    accountId,
    after: readBound(request.after, "after"),
    before: readBound(request.before, "before"),
    newestFirst: request.newestFirst,
    counterpartyAccountId: readCounterparty(request.counterpartyAccountId, accountId),
    ...readAmountBounds(request),
    metadata: readMetadata(request.metadata, "metadata", 1),
  };
}

/** @returns undefined if absent. */
function readOptionalAccountId(id: bigint, argument: string): AccountId | undefined {
  return id === 0n ? undefined : readAccountId(id, argument);
}

function readCounterparty(id: bigint, account: AccountId | undefined): AccountId | undefined {
  const counterparty = readOptionalAccountId(id, "counterparty_account_id");
  if (counterparty !== undefined && counterparty === account) {
    throw invalidArgument("counterparty_account_id", "must differ from account_id");
  }
  return counterparty;
}

/** Bounds of an amount; 0 for none. */
function readAmountBounds({ minAmount, maxAmount }: { readonly minAmount: Minor; readonly maxAmount: Minor }) {
  if (minAmount < 0n) throw invalidArgument("min_amount", "must be 0 or more");
  if (maxAmount < 0n) throw invalidArgument("max_amount", "must be 0 or more");
  if (maxAmount > 0n && maxAmount < minAmount) throw invalidArgument("max_amount", "must not be less than min_amount");
  return { minAmount, maxAmount };
}

export function readPage(request: { readonly pageSize: number; readonly pageToken: string }): Page {
  const { pageSize, pageToken } = request;
  if (pageSize < 0) throw invalidArgument("page_size", `must be 0 or more, not ${pageSize}`);
  // https://google.aip.dev/158: a larger size is reduced to the maximum.
  return { size: pageSize === 0 ? PAGE_SIZE_DEFAULT : Math.min(pageSize, PAGE_SIZE_MAX), token: pageToken };
}

const WAIT_MS_MAX = 25_000;

export function readEventsRequest(request: ListEventsRequest) {
  const { cursor, fromEnd, waitMs } = request;
  if (fromEnd && cursor !== "") throw invalidArgument("from_end", "must be absent together with cursor");
  if (waitMs < 0 || waitMs > WAIT_MS_MAX) {
    throw invalidArgument("wait_ms", `must be 0 to ${WAIT_MS_MAX}, not ${waitMs}`);
  }
  return {
    accountId: readOptionalAccountId(request.accountId, "account_id"),
    sizeMax: readPage({ ...request, pageToken: "" }).size,
    waitMs,
  };
}

/** Refuses a limit together with an unlimited overdraft. */
export function requireOneFloor(overdraftLimit: Minor, unlimitedOverdraft: boolean): void {
  if (unlimitedOverdraft && overdraftLimit > 0n) {
    throw invalidArgument("overdraft_limit", "must be 0 together with unlimited_overdraft");
  }
}

function readOverdraftLimit(limit: Minor): Minor {
  if (limit < 0n) throw invalidArgument("overdraft_limit", `must be 0 or more minor units, not ${limit}`);
  return limit;
}

/** The number of postings in a request: those of a batch, or one. */
export function countPostings(request: object): number {
  return "transfers" in request && Array.isArray(request.transfers) ? request.transfers.length : 1;
}
