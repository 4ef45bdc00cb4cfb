// Generated from proto/ by `npm run generate`. Do not edit.

/** A message: how its fields are called and written. */
export interface MessageType<T> {
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Never there: it ties the table to the type of its messages. */
  readonly message?: T;
}

/** A field's number, its type, and what else it is. */
export type Field = readonly [number: number, type: FieldType, label?: FieldLabel];

/** A message's or enum's table is given by a function, since it may stand further down. */
export type FieldType =
  | "int32"
  | "int64"
  | "bool"
  | "string"
  | "time"
  | (() => MessageType<unknown>)
  | (() => EnumType);

/** A map is always one of strings to strings. */
export type FieldLabel = "optional" | "list" | "map" | { readonly oneof: string };

/** An enum of TypeScript, with `UNRECOGNIZED` for values that only a newer service knows. */
export type EnumType = Readonly<Record<string, string | number>>;

/** AccountType decides which side raises the balance. */
export enum AccountType {
  /** Not allowed when creating; any type when listing. */
  ACCOUNT_TYPE_UNSPECIFIED = 0,
  /** What the books own: a debit raises it. */
  ACCOUNT_TYPE_ASSET = 1,
  /** What the books owe, as a customer's wallet: a credit raises it. */
  ACCOUNT_TYPE_LIABILITY = 2,
  /** The owners' share: a credit raises it. */
  ACCOUNT_TYPE_EQUITY = 3,
  /** What was earned: a credit raises it. */
  ACCOUNT_TYPE_INCOME = 4,
  /** What was spent: a debit raises it. */
  ACCOUNT_TYPE_EXPENSE = 5,
  /** A value that only a newer service knows. */
  UNRECOGNIZED = -1,
}

/** AccountStatus says whether money may move. CLOSED is final. */
export enum AccountStatus {
  /** Unchanged when updating; any status when listing. */
  ACCOUNT_STATUS_UNSPECIFIED = 0,
  ACCOUNT_STATUS_OPEN = 1,
  /** Refuses new transfers until opened again. */
  ACCOUNT_STATUS_FROZEN = 2,
  /** Refuses all money for ever. Needs a zero balance and nothing pending. */
  ACCOUNT_STATUS_CLOSED = 3,
  /** A value that only a newer service knows. */
  UNRECOGNIZED = -1,
}

/** Account is one ledger account in one currency. */
export interface Account {
  /** Assigned by the server, from 1 upwards. */
  id: bigint;
  /** 1 to 200 characters. */
  name: string;
  /** The `sub` of the caller that may see it and, where its type allows that, debit it; 1 to 255 characters. Never changes. */
  owner: string;
  /** Decides the normal side. Never changes. */
  type: AccountType;
  /** ISO 4217 code, as "USD". Never changes. */
  currency: string;
  status: AccountStatus;
  /** Decimal places of the currency's minor unit when the account was opened: 2 for USD, 0 for JPY, 3 for KWD. Never changes. */
  minorUnitDigits: number;
  /** Sum of all posted debits, minor units. Stops at 9223372036854775807; total_debits goes on. */
  debitsPosted: bigint;
  /** Sum of all posted credits, minor units. Stops at 9223372036854775807; total_credits goes on. */
  creditsPosted: bigint;
  /** Held by pending transfers that debit this account, minor units. */
  debitsPending: bigint;
  /** Held by pending transfers that credit this account, minor units. */
  creditsPending: bigint;
  /** On the normal side, minor units: debits less credits for ASSET and EXPENSE, credits less debits for the others. */
  balance: bigint;
  /** `balance` less pending outflow, minor units. Never below -overdraft_limit unless unlimited_overdraft. */
  availableBalance: bigint;
  /** How far below zero available_balance may go, minor units; 0 or more. */
  overdraftLimit: bigint;
  /** No floor at all: for accounts that stand for the world outside, as equity or a settlement account. */
  unlimitedOverdraft: boolean;
  /** At most 50 pairs; keys 1 to 40 characters, values 1 to 500. */
  metadata: { [key: string]: string };
  createdAt: string | undefined;
  /** When balances, status, limits, name or metadata last changed. Whatever is recorded on the account next is later. */
  updatedAt: string | undefined;
  /** The exact sum of all posted debits in decimal digits, minor units; of any size. */
  totalDebits: string;
  /** The exact sum of all posted credits in decimal digits, minor units; of any size. */
  totalCredits: string;
}

export const Account: MessageType<Account> = {
  name: "Account",
  fields: {
    id: [1, "int64"],
    name: [2, "string"],
    owner: [3, "string"],
    type: [4, () => AccountType],
    currency: [5, "string"],
    status: [6, () => AccountStatus],
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
  },
};

export interface CreateAccountRequest {
  /** Required, 1 to 200 characters, none of them a control or bidirectional formatting character. */
  name: string;
  /** Required. Without finance.admin only ACCOUNT_TYPE_LIABILITY. */
  type: AccountType;
  /** Required, an active ISO 4217 code. */
  currency: string;
  /** Default: the caller's `sub`. Another owner needs finance.admin. At most 255 characters. */
  owner: string;
  /** Default 0, minor units. Not together with unlimited_overdraft. More than 0 needs finance.admin. */
  overdraftLimit: bigint;
  /** Default false. True needs finance.admin. */
  unlimitedOverdraft: boolean;
  /** At most 50 pairs; keys 1 to 40 characters, values 1 to 500. */
  metadata: { [key: string]: string };
  /** 1 to 64 characters, scoped to the caller, kept for ever. Without one a retry may open a second account. The header Idempotency-Key means the same. */
  idempotencyKey: string;
}

export const CreateAccountRequest: MessageType<CreateAccountRequest> = {
  name: "CreateAccountRequest",
  fields: {
    name: [1, "string"],
    type: [2, () => AccountType],
    currency: [3, "string"],
    owner: [4, "string"],
    overdraftLimit: [5, "int64"],
    unlimitedOverdraft: [6, "bool"],
    metadata: [7, "string", "map"],
    idempotencyKey: [8, "string"],
  },
};

export interface GetAccountRequest {
  /** Required. */
  id: bigint;
}

export const GetAccountRequest: MessageType<GetAccountRequest> = {
  name: "GetAccountRequest",
  fields: {
    id: [1, "int64"],
  },
};

export interface ListAccountsRequest {
  /** Only this owner's. Default: any the caller may see. */
  owner: string;
  type: AccountType;
  /** ISO 4217 code, active or withdrawn. Default: any. */
  currency: string;
  status: AccountStatus;
  /** Only names that start with exactly this. */
  namePrefix: string;
  /** Default 50; more than 1000 counts as 1000. A page may hold fewer than asked though more follow: it ends after 2 MiB of text. Only an empty next_page_token ends the list. */
  pageSize: number;
  /** next_page_token of the page before, with the same filters. Default: the first page. */
  pageToken: string;
}

export const ListAccountsRequest: MessageType<ListAccountsRequest> = {
  name: "ListAccountsRequest",
  fields: {
    owner: [1, "string"],
    type: [2, () => AccountType],
    currency: [3, "string"],
    status: [4, () => AccountStatus],
    namePrefix: [5, "string"],
    pageSize: [6, "int32"],
    pageToken: [7, "string"],
  },
};

export interface ListAccountsResponse {
  accounts: Account[];
  /** Empty on the last page. */
  nextPageToken: string;
}

export const ListAccountsResponse: MessageType<ListAccountsResponse> = {
  name: "ListAccountsResponse",
  fields: {
    accounts: [1, () => Account, "list"],
    nextPageToken: [2, "string"],
  },
};

export interface UpdateAccountRequest {
  /** Required. */
  id: bigint;
  /** Absent: unchanged. As in CreateAccountRequest. */
  name: string | undefined;
  /** Merged into what is there; a pair with an empty value is removed. */
  metadata: { [key: string]: string };
  /** Absent or UNSPECIFIED: unchanged. OPEN and FROZEN need finance.admin. */
  status: AccountStatus | undefined;
  /** Absent: unchanged. Minor units, 0 or more. Needs finance.admin. */
  overdraftLimit: bigint | undefined;
  /** Absent: unchanged. Needs finance.admin. */
  unlimitedOverdraft: boolean | undefined;
}

export const UpdateAccountRequest: MessageType<UpdateAccountRequest> = {
  name: "UpdateAccountRequest",
  fields: {
    id: [1, "int64"],
    name: [2, "string", "optional"],
    metadata: [3, "string", "map"],
    status: [4, () => AccountStatus, "optional"],
    overdraftLimit: [5, "int64", "optional"],
    unlimitedOverdraft: [6, "bool", "optional"],
  },
};

/** Entry is one line of an account's statement: what one transfer did to it. It never changes. */
export interface Entry {
  accountId: bigint;
  /** 1, 2, 3 ... without gaps; created_at rises with it, and is the same only within an atomic batch. */
  sequence: bigint;
  transferId: bigint;
  /** The account on the transfer's other side. */
  counterpartyAccountId: bigint;
  /** Signed, minor units: + raises the balance, whichever side is the account's normal one. */
  amount: bigint;
  /** The balance once this entry counted, minor units: the balance_after before it plus amount. */
  balanceAfter: bigint;
  /** The transfer's. */
  description: string;
  /** When it was recorded. */
  createdAt: string | undefined;
  /** The transfer's; of a capture the time when it was captured. */
  effectiveAt: string | undefined;
  /** The account's ISO 4217 code. */
  currency: string;
  /** The account's: decimal places of the currency's minor unit. */
  minorUnitDigits: number;
}

export const Entry: MessageType<Entry> = {
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
  },
};

export interface ListEntriesRequest {
  /** Required. */
  accountId: bigint;
  /** Only created at or after this time. */
  after: string | undefined;
  /** Only created before this time. Which entries a time that has passed selects never changes. */
  before: string | undefined;
  /** Default 50; more than 1000 counts as 1000. A page may hold fewer than asked though more follow: it ends after 2 MiB of text. Only an empty next_page_token ends the list. */
  pageSize: number;
  /** next_page_token of the page before, with the same filters and direction. Default: the first page. */
  pageToken: string;
  /** Default false: oldest first. */
  newestFirst: boolean;
}

export const ListEntriesRequest: MessageType<ListEntriesRequest> = {
  name: "ListEntriesRequest",
  fields: {
    accountId: [1, "int64"],
    after: [2, "time"],
    before: [3, "time"],
    pageSize: [4, "int32"],
    pageToken: [5, "string"],
    newestFirst: [6, "bool"],
  },
};

export interface ListEntriesResponse {
  entries: Entry[];
  /** Empty on the last page. */
  nextPageToken: string;
}

export const ListEntriesResponse: MessageType<ListEntriesResponse> = {
  name: "ListEntriesResponse",
  fields: {
    entries: [1, () => Entry, "list"],
    nextPageToken: [2, "string"],
  },
};

/** Interval is a calendar step in UTC. */
export enum Interval {
  /** Not allowed. */
  INTERVAL_UNSPECIFIED = 0,
  INTERVAL_HOUR = 1,
  INTERVAL_DAY = 2,
  /** From Monday. */
  INTERVAL_WEEK = 3,
  INTERVAL_MONTH = 4,
  /** A value that only a newer service knows. */
  UNRECOGNIZED = -1,
}

export interface GetBalanceRequest {
  /** Required. */
  accountId: bigint;
  /** The balance after the last entry recorded at or before this time, which may be up to the account's last recorded time, or up to a second ahead of the server's clock: then it is waited for. The answer never changes. Default: every entry counts. */
  asOf: string | undefined;
}

export const GetBalanceRequest: MessageType<GetBalanceRequest> = {
  name: "GetBalanceRequest",
  fields: {
    accountId: [1, "int64"],
    asOf: [2, "time"],
  },
};

export interface GetBalanceResponse {
  /** On the normal side, minor units. */
  balance: bigint;
  /** The time it answers for; when the account last changed, if none was asked for. */
  asOf: string | undefined;
  /** The last entry that counts in it; 0 when there was none. */
  sequence: bigint;
  /** The account's ISO 4217 code. */
  currency: string;
  /** The account's: decimal places of the currency's minor unit. */
  minorUnitDigits: number;
}

export const GetBalanceResponse: MessageType<GetBalanceResponse> = {
  name: "GetBalanceResponse",
  fields: {
    balance: [1, "int64"],
    asOf: [2, "time"],
    sequence: [3, "int64"],
    currency: [4, "string"],
    minorUnitDigits: [5, "int32"],
  },
};

export interface GetBalanceHistoryRequest {
  /** Required. */
  accountId: bigint;
  /** Required; rounded down to its interval. */
  start: string | undefined;
  /** Exclusive, after start, at most 10000 intervals later; it cuts the last interval. No interval that has not begun is answered. Default: now. */
  end: string | undefined;
  /** Required. */
  interval: Interval;
}

export const GetBalanceHistoryRequest: MessageType<GetBalanceHistoryRequest> = {
  name: "GetBalanceHistoryRequest",
  fields: {
    accountId: [1, "int64"],
    start: [2, "time"],
    end: [3, "time"],
    interval: [4, () => Interval],
  },
};

export interface GetBalanceHistoryResponse {
  /** One for each interval, oldest first. */
  points: BalancePoint[];
}

export const GetBalanceHistoryResponse: MessageType<GetBalanceHistoryResponse> = {
  name: "GetBalanceHistoryResponse",
  fields: {
    points: [1, () => BalancePoint, "list"],
  },
};

/** BalancePoint is one interval of an account's history. */
export interface BalancePoint {
  /** The interval's start. */
  time: string | undefined;
  /** At the interval's end, or at the end of the span where that cuts it, on the normal side, minor units. */
  balance: bigint;
  /** Posted within the interval, minor units. Stops at 9223372036854775807; total_debits goes on. */
  debits: bigint;
  /** Posted within the interval, minor units. Stops at 9223372036854775807; total_credits goes on. */
  credits: bigint;
  /** The exact debits of the interval in decimal digits, minor units; of any size. */
  totalDebits: string;
  /** The exact credits of the interval in decimal digits, minor units; of any size. */
  totalCredits: string;
  /** The account's ISO 4217 code. */
  currency: string;
  /** The account's: decimal places of the currency's minor unit. */
  minorUnitDigits: number;
}

export const BalancePoint: MessageType<BalancePoint> = {
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
  },
};

export interface GetTrialBalanceRequest {
  /** Counts entries recorded at or before this time, up to a second ahead of the server's clock. The answer never changes. Default: now. */
  asOf: string | undefined;
}

export const GetTrialBalanceRequest: MessageType<GetTrialBalanceRequest> = {
  name: "GetTrialBalanceRequest",
  fields: {
    asOf: [1, "time"],
  },
};

export interface GetTrialBalanceResponse {
  /** One for each currency in use, in code order. */
  currencies: CurrencyTrialBalance[];
  /** The time it answers for. */
  asOf: string | undefined;
}

export const GetTrialBalanceResponse: MessageType<GetTrialBalanceResponse> = {
  name: "GetTrialBalanceResponse",
  fields: {
    currencies: [1, () => CurrencyTrialBalance, "list"],
    asOf: [2, "time"],
  },
};

/** CurrencyTrialBalance is the proof of one currency's books. */
export interface CurrencyTrialBalance {
  /** ISO 4217 code. */
  currency: string;
  /** How many accounts are kept in it. */
  accounts: bigint;
  /** Minor units. Stops at 9223372036854775807; exact_total_debits goes on. */
  totalDebits: bigint;
  /** Minor units. Stops at 9223372036854775807; exact_total_credits goes on. */
  totalCredits: bigint;
  /** Whether the totals are equal and every account's balance is the sum of its entries. */
  balanced: boolean;
  /** The exact total in decimal digits, minor units; of any size. */
  exactTotalDebits: string;
  /** The exact total in decimal digits, minor units; of any size. */
  exactTotalCredits: string;
  /** Decimal places of the currency's minor unit: the most that any of its accounts has. */
  minorUnitDigits: number;
}

export const CurrencyTrialBalance: MessageType<CurrencyTrialBalance> = {
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
  },
};

/** TransferState is where a transfer stands. Only PENDING ever changes. */
export enum TransferState {
  /** Any state when listing; never returned. */
  TRANSFER_STATE_UNSPECIFIED = 0,
  /** The money moved at created_at. */
  TRANSFER_STATE_POSTED = 1,
  /** A hold: reserved, not moved. */
  TRANSFER_STATE_PENDING = 2,
  /** A hold that became a posting of captured_amount at settled_at. */
  TRANSFER_STATE_CAPTURED = 3,
  /** A hold that was given up. */
  TRANSFER_STATE_VOIDED = 4,
  /** A hold whose expires_at passed. Its money is free a moment later, when settled_at is there. */
  TRANSFER_STATE_EXPIRED = 5,
  /** A value that only a newer service knows. */
  UNRECOGNIZED = -1,
}

/** Transfer debits one account and credits another by the same amount. A posted one never changes. */
export interface Transfer {
  /** Assigned by the server; later transfers mostly have greater ids, without a promise. */
  id: bigint;
  debitAccountId: bigint;
  creditAccountId: bigint;
  /** Minor units, 1 to 10^15; older transfers may have more. For a hold, the amount that was reserved. */
  amount: bigint;
  /** ISO 4217 code of both accounts. */
  currency: string;
  state: TransferState;
  /** At most 500 characters. */
  description: string;
  metadata: { [key: string]: string };
  /** The key it was created with; empty when there was none, and hidden (empty) from all others but admins. Of a transfer from before 0.2.0 the owner of the debited account sees it. */
  idempotencyKey: string;
  /** The debited account's balance after the transfer, minor units. Hidden (0) when that account is not the caller's to see. */
  debitAccountBalance: bigint;
  /** The credited account's balance after the transfer, minor units. Hidden (0) when that account is not the caller's to see. */
  creditAccountBalance: bigint;
  /** What a CAPTURED hold posted, minor units; else 0. */
  capturedAmount: bigint;
  /** The transfer this one reverses; else 0. */
  reversesTransferId: bigint;
  /** The transfer that reversed this one; else 0. */
  reversedByTransferId: bigint;
  /** When it was recorded: by the database's clock, but later than all that was recorded on both accounts before. */
  createdAt: string | undefined;
  /** When it counts for the business. Default: created_at. */
  effectiveAt: string | undefined;
  /** When a hold expires, by the database's clock; absent when it does not. */
  expiresAt: string | undefined;
  /** When it was recorded that a hold was captured, voided or has expired; absent until then, and for a transfer that was never a hold. */
  settledAt: string | undefined;
  /** The `sub` of the caller that created it. Hidden (empty) from all others but admins; empty when it is older than 0.2.0. */
  createdBy: string;
  /** Decimal places of the currency's minor unit, as the debited account has them. */
  minorUnitDigits: number;
}

export const Transfer: MessageType<Transfer> = {
  name: "Transfer",
  fields: {
    id: [1, "int64"],
    debitAccountId: [2, "int64"],
    creditAccountId: [3, "int64"],
    amount: [4, "int64"],
    currency: [5, "string"],
    state: [6, () => TransferState],
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
  },
};

export interface CreateTransferRequest {
  /** Required. Without finance.admin it must be the caller's own, and of a type that a debit lowers. */
  debitAccountId: bigint;
  /** Required, another account in the same currency. Without finance.admin it must be of a type that a credit raises. */
  creditAccountId: bigint;
  /** Required, minor units, 1 to 1000000000000000 (10^15). */
  amount: bigint;
  /** At most 500 characters, none of them a control or bidirectional formatting character. */
  description: string;
  /** At most 50 pairs; keys 1 to 40 characters, values 1 to 500. */
  metadata: { [key: string]: string };
  /** A business date that may differ from created_at; never rewrites recorded history. Default: created_at. Needs finance.admin. */
  effectiveAt: string | undefined;
  /** Hold the amount instead of posting it. Default false. */
  pending: boolean;
  /** Only with pending, in the future. Default: the hold does not expire. */
  expiresAt: string | undefined;
  /** 1 to 64 characters, scoped to the caller, kept for ever: the same key and request give the first outcome again, with the header `idempotent-replayed: true`. Without one a retry may transfer twice. On CreateTransfer the header Idempotency-Key means the same. */
  idempotencyKey: string;
  /** Answer exactly as the real call would, its key included, and write nothing. A transfer that would be new has the id 0. Default false. */
  dryRun: boolean;
}

export const CreateTransferRequest: MessageType<CreateTransferRequest> = {
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
  },
};

export interface BatchCreateTransfersRequest {
  /** Required, 1 to 1000, decided in this order. Of an atomic batch all or none are dry runs. In an independent batch of both kinds a dry run sees all members before it, a real transfer only real ones. */
  transfers: CreateTransferRequest[];
  /** All or none; floors are checked once, at the end. Default false: each on its own. */
  atomic: boolean;
}

export const BatchCreateTransfersRequest: MessageType<BatchCreateTransfersRequest> = {
  name: "BatchCreateTransfersRequest",
  fields: {
    transfers: [1, () => CreateTransferRequest, "list"],
    atomic: [2, "bool"],
  },
};

export interface BatchCreateTransfersResponse {
  /** One for each transfer of the request, in its order. */
  results: BatchCreateTransfersResult[];
}

export const BatchCreateTransfersResponse: MessageType<BatchCreateTransfersResponse> = {
  name: "BatchCreateTransfersResponse",
  fields: {
    results: [1, () => BatchCreateTransfersResult, "list"],
  },
};

/** BatchCreateTransfersResult is what became of one member of a batch. */
export interface BatchCreateTransfersResult {
  /** None that is known: undefined. */
  outcome:
    | { $case: "transfer"; transfer: Transfer }
    | { $case: "error"; error: BatchCreateTransfersError }
    | undefined;
  /** Whether an earlier request with the same key decided it. */
  replayed: boolean;
}

export const BatchCreateTransfersResult: MessageType<BatchCreateTransfersResult> = {
  name: "BatchCreateTransfersResult",
  fields: {
    transfer: [1, () => Transfer, { oneof: "outcome" }],
    error: [2, () => BatchCreateTransfersError, { oneof: "outcome" }],
    replayed: [3, "bool"],
  },
};

/** BatchCreateTransfersError is a refusal in the form of a Twirp error. */
export interface BatchCreateTransfersError {
  /** A Twirp error code, as "failed_precondition". */
  code: string;
  /** For people. */
  msg: string;
  meta: { [key: string]: string };
}

export const BatchCreateTransfersError: MessageType<BatchCreateTransfersError> = {
  name: "BatchCreateTransfersError",
  fields: {
    code: [1, "string"],
    msg: [2, "string"],
    meta: [3, "string", "map"],
  },
};

export interface CaptureTransferRequest {
  /** Required. */
  id: bigint;
  /** Minor units, 1 to what is held. Absent: all of it. */
  amount: bigint | undefined;
  /** 1 to 64 characters, scoped to the caller, kept for ever. The header Idempotency-Key means the same. */
  idempotencyKey: string;
}

export const CaptureTransferRequest: MessageType<CaptureTransferRequest> = {
  name: "CaptureTransferRequest",
  fields: {
    id: [1, "int64"],
    amount: [2, "int64", "optional"],
    idempotencyKey: [3, "string"],
  },
};

export interface VoidTransferRequest {
  /** Required. */
  id: bigint;
  /** 1 to 64 characters, scoped to the caller, kept for ever. The header Idempotency-Key means the same. */
  idempotencyKey: string;
}

export const VoidTransferRequest: MessageType<VoidTransferRequest> = {
  name: "VoidTransferRequest",
  fields: {
    id: [1, "int64"],
    idempotencyKey: [2, "string"],
  },
};

export interface ReverseTransferRequest {
  /** Required. */
  id: bigint;
  /** At most 500 characters, none of them a control or bidirectional formatting character. */
  description: string;
  /** 1 to 64 characters, scoped to the caller, kept for ever. The header Idempotency-Key means the same. */
  idempotencyKey: string;
}

export const ReverseTransferRequest: MessageType<ReverseTransferRequest> = {
  name: "ReverseTransferRequest",
  fields: {
    id: [1, "int64"],
    description: [2, "string"],
    idempotencyKey: [3, "string"],
  },
};

export interface GetTransferRequest {
  /** Required. */
  id: bigint;
}

export const GetTransferRequest: MessageType<GetTransferRequest> = {
  name: "GetTransferRequest",
  fields: {
    id: [1, "int64"],
  },
};

export interface ListTransfersRequest {
  /** Only transfers that debit or credit this account. Default: any account the caller may see. */
  accountId: bigint;
  state: TransferState;
  /** Only created at or after this time. */
  createdAfter: string | undefined;
  /** Only created before this time. Which transfers a time that has passed selects never changes. */
  createdBefore: string | undefined;
  /** Only of at least this amount, minor units; 0: no bound. */
  minAmount: bigint;
  /** Only of at most this amount, minor units; 0: no bound. */
  maxAmount: bigint;
  /** Only transfers whose metadata holds all of these pairs exactly. */
  metadata: { [key: string]: string };
  /** Default 50; more than 1000 counts as 1000. A page may hold fewer than asked though more follow: it ends after 2 MiB of text. Only an empty next_page_token ends the list. */
  pageSize: number;
  /** next_page_token of the page before, with the same filters. Default: the first page. */
  pageToken: string;
  /** Only holds that were captured, voided or found expired at or after this time. */
  settledAfter: string | undefined;
  /** Only holds that were captured, voided or found expired before this time. */
  settledBefore: string | undefined;
}

export const ListTransfersRequest: MessageType<ListTransfersRequest> = {
  name: "ListTransfersRequest",
  fields: {
    accountId: [1, "int64"],
    state: [2, () => TransferState],
    createdAfter: [3, "time"],
    createdBefore: [4, "time"],
    minAmount: [5, "int64"],
    maxAmount: [6, "int64"],
    metadata: [7, "string", "map"],
    pageSize: [8, "int32"],
    pageToken: [9, "string"],
    settledAfter: [10, "time"],
    settledBefore: [11, "time"],
  },
};

export interface ListTransfersResponse {
  /** Newest id first. */
  transfers: Transfer[];
  /** Empty on the last page. */
  nextPageToken: string;
}

export const ListTransfersResponse: MessageType<ListTransfersResponse> = {
  name: "ListTransfersResponse",
  fields: {
    transfers: [1, () => Transfer, "list"],
    nextPageToken: [2, "string"],
  },
};
