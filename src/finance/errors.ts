import { TwirpError, TwirpErrorCode } from "twirp-ts";
import type { AccountId, TransferId } from "./values.ts";

interface Situation {
  readonly situation: string;
  readonly code: TwirpErrorCode;
  /** Keys that its meta always has, besides `reason`. */
  readonly meta: readonly string[];
  /** Whether meta.reason is the situation's name. */
  readonly reason?: true;
  /** What happened, for docs. */
  readonly meaning: string;
}

/**
 * Everything a call may be refused for, in the order of precedence: where several hold, the first is reported.
 *
 * The order, the codes and the reasons are part of the API.
 */
export const catalogue = [
  {
    situation: "unauthenticated",
    code: TwirpErrorCode.Unauthenticated,
    meta: ["reason"],
    meaning: "There is no bearer token, or it is malformed, forged, expired or meant for somebody else.",
  },
  {
    situation: "scope_missing",
    code: TwirpErrorCode.PermissionDenied,
    meta: ["scope"],
    meaning: "The token is good but lacks the scope that the method, or a field of the request, needs.",
  },
  {
    situation: "invalid_argument",
    code: TwirpErrorCode.InvalidArgument,
    meta: ["argument"],
    meaning: "A field is missing or out of its domain.",
  },
  {
    situation: "idempotency_key_reused",
    code: TwirpErrorCode.AlreadyExists,
    meta: [],
    reason: true,
    meaning: "The caller used this idempotency key for another request.",
  },
  {
    situation: "not_found",
    code: TwirpErrorCode.NotFound,
    meta: ["resource", "id"],
    meaning: "There is no such account or transfer, or it is not the caller's to see.",
  },
  {
    situation: "account_not_owned",
    code: TwirpErrorCode.PermissionDenied,
    meta: ["account_id"],
    meaning: "The debited account belongs to somebody else.",
  },
  {
    situation: "account_not_debitable",
    code: TwirpErrorCode.PermissionDenied,
    meta: ["account_id"],
    reason: true,
    meaning: "A debit raises this account's balance; only finance.admin may post one.",
  },
  {
    situation: "hold_not_owned",
    code: TwirpErrorCode.PermissionDenied,
    meta: ["transfer_id"],
    reason: true,
    meaning: "Without finance.admin only who placed a hold may capture it, and only they or the payee may void it.",
  },
  {
    situation: "transfer_not_pending",
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["transfer_id"],
    reason: true,
    meaning: "The transfer is not a hold, or was captured or voided already.",
  },
  {
    situation: "transfer_expired",
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["transfer_id"],
    reason: true,
    meaning: "The hold expired before it was captured or voided.",
  },
  {
    situation: "already_reversed",
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["transfer_id"],
    reason: true,
    meaning: "The transfer was reversed before; a reversal happens once.",
  },
  {
    situation: "transfer_not_posted",
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["transfer_id"],
    reason: true,
    meaning: "Only a transfer that has moved money can be reversed; void a hold instead.",
  },
  {
    situation: "account_not_open",
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["account_id"],
    reason: true,
    meaning: "An account is frozen or closed.",
  },
  {
    situation: "currency_mismatch",
    code: TwirpErrorCode.FailedPrecondition,
    meta: [],
    reason: true,
    meaning: "The two accounts are kept in different currencies.",
  },
  {
    situation: "account_not_empty",
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["account_id"],
    reason: true,
    meaning: "An account can be closed only with a zero balance and nothing pending.",
  },
  {
    situation: "insufficient_funds",
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["account_id"],
    reason: true,
    meaning: "The available balance would fall below the account's floor.",
  },
  {
    situation: "out_of_range",
    code: TwirpErrorCode.OutOfRange,
    meta: ["account_id"],
    meaning: "The account's balance, with what is pending, would leave int64 until money moves back.",
  },
  {
    situation: "account_not_creditable",
    code: TwirpErrorCode.FailedPrecondition,
    meta: ["account_id"],
    reason: true,
    meaning: "The caller can't credit this account now: a credit lowers it, or its balance would leave int64.",
  },
  {
    situation: "batch_partly_decided",
    code: TwirpErrorCode.AlreadyExists,
    meta: ["index"],
    reason: true,
    meaning:
      "Some transfers of the atomic batch were posted before under their keys and some were not; none is posted now.",
  },
  {
    situation: "batch_refused",
    code: TwirpErrorCode.Aborted,
    meta: ["index"],
    reason: true,
    meaning: "Another transfer of the same atomic batch was refused, so none was posted.",
  },
  {
    situation: "overloaded",
    code: TwirpErrorCode.ResourceExhausted,
    meta: ["retry_after_ms"],
    meaning: "Too much waits or is held already, or the caller calls too often; nothing was decided.",
  },
  {
    situation: "unavailable",
    code: TwirpErrorCode.Unavailable,
    meta: [],
    meaning: "The database is away or the server is draining; retry with the same idempotency key.",
  },
] as const satisfies readonly Situation[];

type Entry = (typeof catalogue)[number];

export type SituationName = Entry["situation"];

type MetaOf<Name extends SituationName> = Record<Extract<Entry, { situation: Name }>["meta"][number], string>;

/** A decision against a request: a value, never thrown between the ledger's own parts. */
export interface Refusal {
  readonly situation: SituationName;
  /** For people: what was wrong, where, and what would be right. */
  readonly msg: string;
  readonly meta: Readonly<Record<string, string>>;
}

const bySituation = new Map<string, Situation>(catalogue.map((entry) => [entry.situation, entry]));

/** Makes a refusal; `meta.reason` is added where the catalogue says so. */
export function refuse<Name extends SituationName>(situation: Name, msg: string, meta: MetaOf<Name>): Refusal {
  return {
    situation,
    msg,
    meta: bySituation.get(situation)?.reason ? { reason: situation, ...meta } : meta,
  };
}

/** An account that does not exist, or is not the caller's to see. */
export function accountNotFound(id: AccountId): Refusal {
  return refuse("not_found", `there is no account ${id}`, { resource: "account", id: `${id}` });
}

/** A transfer that does not exist, or is not the caller's to see. */
export function transferNotFound(id: TransferId): Refusal {
  return refuse("not_found", `there is no transfer ${id}`, { resource: "transfer", id: `${id}` });
}

/** An account that the caller must not debit. */
export function notOwned(id: AccountId): Refusal {
  return refuse("account_not_owned", `account ${id} is not yours to debit`, { account_id: `${id}` });
}

/** An account of the caller's whose balance a debit would raise. */
export function notDebitable(id: AccountId): Refusal {
  const msg = `a debit raises the balance of account ${id}: posting one needs the scope finance.admin`;
  return refuse("account_not_debitable", msg, { account_id: `${id}` });
}

/** An account that the caller can't credit now; it does not say why, since the account may be a stranger's. */
export function notCreditable(id: AccountId): Refusal {
  return refuse("account_not_creditable", `account ${id} can't be credited by you now`, { account_id: `${id}` });
}

/** A field of a request that is out of its domain, at its path in the proto. */
export function invalidField(argument: string, problem: string): Refusal {
  return refuse("invalid_argument", `${argument} ${problem}`, { argument });
}

/** An account whose status lets no money move. */
export function notOpen(id: AccountId): Refusal {
  return refuse("account_not_open", `account ${id} is not open`, { account_id: `${id}` });
}

/** Too much is asked of the server, or by the caller: it is worth trying again after so many milliseconds. */
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

/** The refusal as the Twirp error that goes on the wire. */
export function toTwirpError(refusal: Refusal): TwirpError {
  const code = bySituation.get(refusal.situation)?.code ?? TwirpErrorCode.Internal;
  const error = new TwirpError(code, refusal.msg);
  for (const [key, value] of Object.entries(refusal.meta)) error.withMeta(key, value);
  return error;
}
