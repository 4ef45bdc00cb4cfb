/**
 * Keeps an unfinished journal in this tab while people look at other pages, and over a reload. Its idempotency keys are kept
 * too: a journal that was sent before the reload is not posted twice.
 */
import { isBlank, type Line, newLine } from "./journal-lines.ts";

export interface JournalDraft {
  readonly lines: readonly Line[];
  readonly isAtomic: boolean;
  /** See local-time.ts. */
  readonly effectiveAt: string;
}

/** Deleted with the token when people sign out. */
const KEY = "finance-journal";

interface StoredDraft {
  readonly caller: string;
  readonly isAtomic: boolean;
  readonly effectiveAt: string;
  /** For each line its key, accounts, amount and description. */
  readonly cells: readonly (readonly string[])[];
}

/** @param caller Undefined for a token that does not name one; its drafts are not kept. */
export function loadDraft(caller: string | undefined): JournalDraft {
  const stored: StoredDraft | null = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (stored === null || stored.caller !== caller) {
    return { lines: [newLine(), newLine()], isAtomic: true, effectiveAt: "" };
  }
  const lines = stored.cells.map(
    ([key = "", debitAccountId = "", creditAccountId = "", amount = "", description = ""]) => ({
      ...newLine({ debitAccountId, creditAccountId, amount, description }),
      idempotencyKey: key,
      isLeft: true,
    }),
  );
  return { lines, isAtomic: stored.isAtomic, effectiveAt: stored.effectiveAt };
}

/** Stores the lines that can still be posted. */
export function storeDraft(caller: string | undefined, { lines, isAtomic, effectiveAt }: JournalDraft): void {
  if (caller === undefined) return;
  const open = lines.filter((line) => !isBlank(line) && line.result?.kind !== "posted");
  const cells = open.map(({ idempotencyKey, debitAccountId, creditAccountId, amount, description }) => [
    idempotencyKey,
    debitAccountId,
    creditAccountId,
    amount,
    description,
  ]);
  if (cells.length === 0) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify({ caller, isAtomic, effectiveAt, cells } satisfies StoredDraft));
}
