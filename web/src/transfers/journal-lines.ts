/**
 * The lines of a journal. A line keeps its idempotency key for every try until it changes, or until the service refuses it
 * for good. So after a lost reply, lines that were posted are not posted again, even if other lines change.
 */
import {
  type Account,
  type BatchCreateTransfersResult,
  type FinanceError,
  newIdempotencyKey,
  type Transfer,
} from "@finance-service/client";
import { readId } from "../route.ts";
import type { Permissions } from "../session/permissions.ts";
import { isDecided, placeRefusal } from "./refusal-place.ts";
import { type FieldProblems, readTransfer, type TransferDraft } from "./transfer-values.ts";

/** The API takes no larger batch. */
export const LINES_MAX = 1000;

export interface Line {
  /** For React. It never changes. */
  readonly id: string;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  /** In the major unit. */
  readonly amount: string;
  readonly description: string;
  readonly idempotencyKey: string;
  /** Whether its problems are shown. */
  readonly isLeft: boolean;
  /** Undefined until the line was sent, or tried by a dry run, since its last change. */
  readonly result?: LineResult | undefined;
}

export type LineResult =
  | { readonly kind: "accepted"; readonly transfer: Transfer; readonly isReplayed: boolean }
  | {
      readonly kind: "posted";
      readonly transfer: Transfer;
      readonly isReplayed: boolean;
      /** The transfer that reverses it, if it was undone here. */
      readonly reversal?: bigint;
    }
  | { readonly kind: "refused"; readonly problems: FieldProblems; readonly message: string }
  | {
      readonly kind: "not posted";
      /** The number of the line that was refused, from 1. */
      readonly because: number;
      readonly isDryRun: boolean;
    };

export type LineText = Pick<Line, "debitAccountId" | "creditAccountId" | "amount" | "description">;

const BLANK: LineText = { debitAccountId: "", creditAccountId: "", amount: "", description: "" };

export function newLine(text: Partial<LineText> = {}): Line {
  const key = newIdempotencyKey();
  return { ...BLANK, ...text, id: key, idempotencyKey: key, isLeft: false };
}

/** A blank line is ignored. */
export function isBlank(line: Line): boolean {
  return Object.keys(BLANK).every((name) => line[name as keyof LineText].trim() === "");
}

/** The line with other text, or for another effective time, is another transfer. */
export function changeLine(line: Line, text: Partial<LineText> = {}): Line {
  return { ...line, ...text, idempotencyKey: newIdempotencyKey(), result: undefined };
}

export type ReadLine = ReturnType<typeof readTransfer>;

export function readLine(
  line: Line,
  effectiveAt: string,
  accounts: ReadonlyMap<bigint, Account>,
  may: Pick<Permissions, "debit" | "credit">,
  isLooking: boolean,
): ReadLine {
  const values = { ...line, pending: false, holdDays: 0, expiresAt: "", effectiveAt, metadata: [] };
  return readTransfer(values, accounts, may, isLooking);
}

/** Lines from the cells of a pasted table: debit account, credit account, amount, description. Accounts may be names. */
export function linesOfTable(
  rows: readonly (readonly string[])[],
  accounts: ReadonlyMap<bigint, Account>,
): readonly Line[] {
  const isHead = ([debit = "", , amount = ""]: readonly string[]) =>
    !/\p{Nd}/u.test(amount) && readId(idOf(debit)) === undefined;
  const idOf = (text: string) => {
    const named = [...accounts.values()].filter(({ name }) => name.toLocaleLowerCase() === text.toLocaleLowerCase());
    return readId(text) === undefined && named.length === 1 ? `${named[0]?.id}` : text;
  };
  const body = rows[0] !== undefined && rows.length > 1 && isHead(rows[0]) ? rows.slice(1) : rows;
  return body.map(([debit = "", credit = "", amount = "", description = ""]) => ({
    ...newLine({ debitAccountId: idOf(debit), creditAccountId: idOf(credit), amount, description }),
    isLeft: true,
  }));
}

/**
 * A line with its outcome.
 *
 * @param numbers The number on the page of each line that was sent.
 */
export function settleLine(
  line: Line,
  draft: TransferDraft,
  { outcome, replayed }: BatchCreateTransfersResult,
  numbers: readonly number[],
  isDryRun: boolean,
): Line {
  if (outcome?.$case !== "error") {
    if (outcome === undefined) return line;
    // A dry run answers with the transfer itself if an earlier try has posted it.
    const kind = outcome.transfer.id > 0n ? "posted" : "accepted";
    return { ...line, result: { kind, transfer: outcome.transfer, isReplayed: replayed } };
  }
  const { code, msg, meta } = outcome.error;
  const index = Number(meta["index"]);
  if (meta["reason"] === "batch_refused") {
    return { ...line, result: { kind: "not posted", because: numbers[index] ?? index + 1, isDryRun } };
  }
  const argument = meta["argument"]?.replace(MEMBER, "");
  const refusal = { code, meta: { ...meta, ...(argument !== undefined && { argument }) } } as const;
  const message = wordingOfLine(meta, msg);
  const place = placeRefusal(refusal, draft.creditAccountId);
  const result: LineResult = { kind: "refused", message, problems: place === "form" ? {} : { [place]: message } };
  // A dry run keeps no decision, but it repeats that of an earlier try.
  const isSpent = isDecided(refusal) && (!isDryRun || replayed);
  return { ...line, result, ...(isSpent && { idempotencyKey: newIdempotencyKey() }) };
}

/** The path of a member of a batch, before the name of its field. */
const MEMBER = /transfers\[(\d+)\]\.?/;

function wordingOfLine(meta: Readonly<Record<string, string>>, message: string): string {
  if (meta["reason"] === "insufficient_funds") return "This is more than the account can spend.";
  if (meta["reason"] === "batch_partly_decided") {
    return "An earlier try has already posted some of the lines. Post each line on its own to see which.";
  }
  const words = message.replace(MEMBER, "");
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** The place in a batch, from 0, of the member that made the service refuse all of it as invalid. */
export function placeOfInvalid({ code, meta }: FinanceError): number | undefined {
  const place = code === "invalid_argument" ? MEMBER.exec(meta["argument"] ?? "")?.[1] : undefined;
  return place === undefined ? undefined : Number(place);
}

export interface Total {
  readonly currency: string;
  readonly minorUnitDigits: number;
  /** Minor units. */
  readonly minor: bigint;
}

/** The sum of the drafts in each currency, in the order of their first lines. */
export function totalsOf(drafts: readonly TransferDraft[], accounts: ReadonlyMap<bigint, Account>): readonly Total[] {
  const totals = new Map<string, Total>();
  for (const { debitAccountId, amount } of drafts) {
    const account = accounts.get(debitAccountId);
    if (account === undefined) continue;
    const { currency, minorUnitDigits } = account;
    totals.set(currency, { currency, minorUnitDigits, minor: (totals.get(currency)?.minor ?? 0n) + amount });
  }
  return [...totals.values()];
}
