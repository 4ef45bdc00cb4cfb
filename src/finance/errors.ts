import { TwirpError, TwirpErrorCode } from "twirp-ts";
import type { AccountId, TransferId } from "./values.ts";

interface Situation {
  readonly code: TwirpErrorCode;
  /** The keys of its meta, besides `reason`. */
  readonly meta: readonly string[];
  /** Whether `meta.reason` is the situation's name. */
  readonly reason?: true;
  /** What happened, for docs/errors.md. */
  readonly meaning: string;
}

/**
 * All refusals, in order of precedence: if several apply, the first is reported.
 *
 * The order, the codes and the reasons are part of the API.
 */
export const catalogue = {
  unauthenticated: {
    code: TwirpErrorCode.Unauthenticated,
    meta: ["reason"],
    meaning: "The bearer token is missing, malformed, forged, expired or meant for another service.",
  },
  scope_missing: {
    code: TwirpErrorCode.PermissionDenied,
    meta: ["scope"],
    meaning: "The token is valid but lacks the scope that the method, or a field of the request, needs.",
  },
  invalid_argument: {
    code: TwirpErrorCode.InvalidArgument,
    meta: ["argument"],
    meaning: "A field is missing or has a value that is not allowed.",
  },
  idempotency_key_reused: {
    code: TwirpErrorCode.AlreadyExists,
    meta: [],
    reason: true,
    meaning: "The caller used this idempotency key for another request.",
  },
  not_found: {
    code: TwirpErrorCode.NotFound,
    meta: ["resource", "id"],
    meaning: "The account or transfer does not exist, or the caller may not see it.",
  },
  account_not_owned: {
    code: TwirpErrorCode.PermissionDenied,
    meta: ["account_id"],
    meaning: "The debited account belongs to another caller.",
  },
  account_not_debitable: {
    code: TwirpErrorCode.PermissionDenied,
    meta: ["account_id"],
    reason: true,
    meaning: "A debit raises this account's balance, which needs the scope finance.admin.",
  },
  hold_not_owned: {
    code: TwirpErrorCode.PermissionDenied,
    meta: ["transfer_id"],
    reason: true,
    meaning:
      "Without finance.admin, only the caller that placed a hold may capture it, and only that caller or the payee may void it.",
  },
  feed_diverged: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: [],
    reason: true,
    meaning:
      "The cursor is of another ledger's feed, or of events that a restore of the database has undone. Read the state again and follow the feed from its end or its start.",
  },
  transfer_not_pending: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["transfer_id"],
    reason: true,
    meaning: "The transfer is not a hold, or it was already captured or voided.",
  },
  transfer_expired: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["transfer_id"],
    reason: true,
    meaning: "The hold expired before it was captured or voided.",
  },
  already_reversed: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["transfer_id"],
    reason: true,
    meaning: "The transfer was already reversed.",
  },
  transfer_not_posted: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["transfer_id"],
    reason: true,
    meaning: "Only a transfer that has moved money can be reversed; void a hold instead.",
  },
  account_not_open: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["account_id"],
    reason: true,
    meaning: "One of the accounts is frozen or closed.",
  },
  currency_mismatch: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: [],
    reason: true,
    meaning: "The two accounts have different currencies.",
  },
  account_not_empty: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["account_id"],
    reason: true,
    meaning: "An account can be closed only if its balance is zero and nothing is pending.",
  },
  insufficient_funds: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["account_id"],
    reason: true,
    meaning: "The available balance would fall below the account's floor.",
  },
  out_of_range: {
    code: TwirpErrorCode.OutOfRange,
    meta: ["account_id"],
    meaning: "The account's balance, pending transfers included, would not fit int64.",
  },
  account_not_creditable: {
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["account_id"],
    reason: true,
    meaning:
      "The caller can't credit this account now: a credit would lower its balance, or the balance would not fit int64.",
  },
  batch_partly_decided: {
    code: TwirpErrorCode.AlreadyExists,
    meta: ["index"],
    reason: true,
    meaning:
      "Some transfers of the atomic batch were posted before under their keys, others were not; nothing is posted now.",
  },
  batch_refused: {
    code: TwirpErrorCode.Aborted,
    meta: ["index"],
    reason: true,
    meaning: "Another transfer of the same atomic batch was refused, so no transfer of the batch was posted.",
  },
  overloaded: {
    code: TwirpErrorCode.ResourceExhausted,
    meta: ["retry_after_ms"],
    meaning: "The server has too much to do, or the caller calls too often; nothing was decided.",
  },
  unavailable: {
    code: TwirpErrorCode.Unavailable,
    meta: [],
    meaning: "The database can't be reached or the server is shutting down; retry with the same idempotency key.",
  },
} as const satisfies Readonly<Record<string, Situation>>;

export type SituationName = keyof typeof catalogue;

type MetaOf<Name extends SituationName> = Record<(typeof catalogue)[Name]["meta"][number], string>;

/** A decision against a request. Inside the ledger it is a value that functions return; FinanceError carries it out. */
export interface Refusal {
  readonly situation: SituationName;
  /** For people: what was wrong, where, and what would be right. */
  readonly msg: string;
  readonly meta: Readonly<Record<string, string>>;
}

/** Whether a result is a refusal: nothing else names a situation. */
export function isRefusal(result: object): result is Refusal {
  return "situation" in result;
}

/** Makes a refusal; `meta.reason` is added where the catalogue says so. */
export function refuse<Name extends SituationName>(situation: Name, msg: string, meta: MetaOf<Name>): Refusal {
  const { reason }: Situation = catalogue[situation];
  return { situation, msg, meta: reason ? { reason: situation, ...meta } : meta };
}

/** An account that does not exist, or that the caller may not see. */
export function accountNotFound(id: AccountId): Refusal {
  return refuse("not_found", `there is no account ${id}`, { resource: "account", id: `${id}` });
}

/** A transfer that does not exist, or that the caller may not see. */
export function transferNotFound(id: TransferId): Refusal {
  return refuse("not_found", `there is no transfer ${id}`, { resource: "transfer", id: `${id}` });
}

/** The caller may not debit the account. */
export function notOwned(id: AccountId): Refusal {
  return refuse("account_not_owned", `account ${id} is not yours to debit`, { account_id: `${id}` });
}

/** The caller owns the account, but a debit would raise its balance. */
export function notDebitable(id: AccountId): Refusal {
  const msg = `a debit raises the balance of account ${id}; this needs the scope finance.admin`;
  return refuse("account_not_debitable", msg, { account_id: `${id}` });
}

/** The caller can't credit the account now. It does not say why, because the account may belong to another caller. */
export function notCreditable(id: AccountId): Refusal {
  return refuse("account_not_creditable", `you can't credit account ${id} now`, { account_id: `${id}` });
}

/** A field has a value that is not allowed. */
export function invalidField(argument: string, problem: string): Refusal {
  return refuse("invalid_argument", `${argument} ${problem}`, { argument });
}

/** The account is frozen or closed, so no money may move. */
export function notOpen(id: AccountId): Refusal {
  return refuse("account_not_open", `account ${id} is not open`, { account_id: `${id}` });
}

/** The server or the caller has too much to do; `retryAfterMs` is when to try again. */
export function overloaded(msg: string, retryAfterMs: number): FinanceError {
  const meta = { retry_after_ms: `${retryAfterMs}` };
  return new FinanceError(refuse("overloaded", `${msg}; try again in ${retryAfterMs} ms`, meta));
}

/** Carries a refusal out of a method to its caller. */
export class FinanceError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.msg);
    this.name = "FinanceError";
    this.refusal = refusal;
  }
}

/** The refusal of one field, to be thrown. */
export function invalidArgument(argument: string, problem: string): FinanceError {
  return new FinanceError(invalidField(argument, problem));
}

/** The refusal as the Twirp error that goes on the wire. */
export function toTwirpError({ situation, msg, meta }: Refusal): TwirpError {
  const error = new TwirpError(catalogue[situation].code, msg);
  for (const [key, value] of Object.entries(meta)) error.withMeta(key, value);
  return error;
}
