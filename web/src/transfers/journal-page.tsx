import { type Account, FinanceError, formatMoney } from "@finance-service/client";
import { useMutation } from "@tanstack/react-query";
import { type ClipboardEvent, type FormEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { PageHeading } from "../components/page-heading.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { SubmitButton } from "../components/submit-button.tsx";
import { useFirstProblem } from "../components/use-first-problem.ts";
import { useRowFocus } from "../components/use-row-focus.ts";
import { useAccountsWith } from "../data/use-accounts.ts";
import { useChange } from "../data/use-change.ts";
import { CsvButton } from "../export/csv-button.tsx";
import { journalColumns } from "../export/csv-columns.ts";
import { hindranceOf } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { BalancesAfterwards } from "./balances-afterwards.tsx";
import { forecastOfTrials } from "./forecast.ts";
import { loadDraft, storeDraft } from "./journal-draft.ts";
import { JournalLine } from "./journal-line.tsx";
import {
  changeLine,
  isBlank,
  LINES_MAX,
  type Line,
  type LineText,
  linesOfTable,
  newLine,
  placeOfInvalid,
  type ReadLine,
  readLine,
  settleLine,
  totalsOf,
} from "./journal-lines.ts";
import { readPastedTable } from "./pasted-table.ts";
import { ReverseDialog } from "./settle-dialogs.tsx";
import { TimeField, unfinishedTimes } from "./time-field.tsx";
import { accountsOf, type TransferDraft } from "./transfer-values.ts";

/** A line that can be sent. */
interface Member {
  readonly line: Line;
  readonly draft: TransferDraft;
  /** From 1. */
  readonly number: number;
}

/** Several transfers at once. A dry run of all lines shows what would be refused and the balances afterwards; then they can be posted. */
export function JournalPage() {
  const { finance, caller, may } = useSession();
  const [draft] = useState(() => loadDraft(caller));
  const [lines, setLines] = useState(draft.lines);
  const [isAtomic, setAtomic] = useState(draft.isAtomic);
  const [effectiveAt, setEffectiveAt] = useState(draft.effectiveAt);
  useEffect(() => storeDraft(caller, { lines, isAtomic, effectiveAt }), [caller, lines, isAtomic, effectiveAt]);
  const [timeProblem, setTimeProblem] = useState<string>();
  /** What the last paste, check or posting did. */
  const [notice, setNotice] = useState("");
  const [undoing, setUndoing] = useState<Line>();
  const form = useRef<HTMLFormElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const { accounts, isLooking } = useAccountsWith(lines.flatMap(accountsOf));
  const focusFirstProblem = useFirstProblem(form);
  useRowFocus(list, lines.length, "li");

  const read = useReadLines(effectiveAt, accounts, isLooking);
  const members = lines.flatMap((line, index): readonly Member[] => {
    const { draft } = { draft: undefined, ...read(line) };
    return draft === undefined || line.result?.kind === "posted" ? [] : [{ line, draft, number: index + 1 }];
  });
  const accepted = members.filter(({ line }) => line.result?.kind === "accepted");
  const openLines = lines.filter((line) => !isBlank(line) && line.result?.kind !== "posted");
  const isChecked = accepted.length > 0 && (!isAtomic || accepted.length === openLines.length);
  const isAllPosted = openLines.length === 0 && lines.some(({ result }) => result?.kind === "posted");

  const send = async (sent: readonly Member[], isDryRun: boolean) => {
    const transfers = sent.map(({ line, draft }) => ({
      ...draft,
      idempotencyKey: line.idempotencyKey,
      dryRun: isDryRun,
    }));
    const { results } = await finance.batchCreateTransfers({ atomic: isAtomic, transfers }).catch((error: unknown) => {
      const place = error instanceof FinanceError ? placeOfInvalid(error) : undefined;
      if (!(error instanceof FinanceError) || place === undefined) throw error;
      const { code, message: msg, meta } = error;
      const refused = { outcome: { $case: "error", error: { code, msg, meta } }, replayed: false } as const;
      return { results: sent.map((_, index) => (index === place ? refused : undefined)) };
    });
    const numbers = sent.map(({ number }) => number);
    const settled = new Map(
      sent.flatMap(({ line, draft }, index) => {
        const result = results[index];
        return result === undefined ? [] : [[line.id, settleLine(line, draft, result, numbers, isDryRun)]];
      }),
    );
    setLines((before) => before.map((line) => settled.get(line.id) ?? line));
    const refused = sent.filter(({ line }) => settled.get(line.id)?.result?.kind === "refused");
    const posted = [...settled.values()].filter(({ result }) => result?.kind === "posted");
    setNotice(summaryOf({ refused, posted: posted.length, sent: sent.length, isDryRun, isAtomic }));
    if (refused.length > 0) focusFirstProblem();
  };
  const checking = useMutation({ mutationFn: (sent: readonly Member[]) => send(sent, true) });
  const posting = useChange((sent: readonly Member[]) => send(sent, false));
  const isBusy = checking.isPending || posting.isPending;
  const problem = posting.error ?? checking.error;

  /** Changes lines. The check covered all of them together, so its results no longer hold. */
  const edit = useCallback(
    (change: (before: readonly Line[]) => readonly Line[]) => {
      checking.reset();
      posting.reset();
      setNotice("");
      setLines((before) => withoutCheck(change(before)));
    },
    [checking.reset, posting.reset],
  );
  const onText = useCallback(
    ({ id }: Line, text: Partial<LineText>) =>
      edit((before) => before.map((line) => (line.id === id ? changeLine(line, text) : line))),
    [edit],
  );
  const onLeft = useCallback(
    ({ id }: Line) =>
      setLines((before) => before.map((line) => (line.id === id && !line.isLeft ? { ...line, isLeft: true } : line))),
    [],
  );
  const onRemove = useCallback(
    ({ id }: Line) =>
      edit((before) => {
        const kept = before.filter((line) => line.id !== id);
        return kept.length === 0 ? [newLine()] : kept;
      }),
    [edit],
  );

  const onPaste = (event: ClipboardEvent) => {
    const rows = readPastedTable(event.clipboardData.getData("text/plain"));
    const { target } = event;
    if (rows === undefined || isBusy || !(target instanceof Element)) return;
    event.preventDefault();
    const at = [...(list.current?.querySelectorAll("li") ?? [])].findIndex((item) => item.contains(target));
    const pasted = linesOfTable(rows, accounts);
    const room = LINES_MAX - lines.filter((line) => !isBlank(line)).length;
    const added = pasted.slice(0, room);
    edit((before) => [
      ...before.slice(0, at + 1).filter((line, index) => index < at || !isBlank(line)),
      ...added,
      ...before.slice(at + 1).filter((line) => !isBlank(line)),
    ]);
    const left = pasted.length - added.length;
    setNotice(
      `${countOf(added.length)} pasted.${left > 0 ? ` ${left} more left out: a journal has at most ${LINES_MAX}.` : ""}`,
    );
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    // Until the accounts are known, no line can be read.
    if (isBusy || isLooking || isAllPosted) return;
    const [unfinished] = Object.values(unfinishedTimes(form.current));
    setTimeProblem(unfinished);
    if (unfinished !== undefined || members.length < Math.max(1, openLines.length)) {
      // With nothing to send, the first line says what is missing.
      setLines((before) => before.map((line) => ({ ...line, isLeft: true })));
      if (openLines.length === 0) setNotice("Enter a line first.");
      return focusFirstProblem();
    }
    if (isChecked) posting.mutate(accepted);
    else checking.mutate(members);
  };

  const open = useMemo(() => [...accounts.values()].filter((account) => !hindranceOf(account)), [accounts]);
  const debitable = useMemo(() => open.filter(may.debit), [open, may]);
  const creditable = useMemo(() => open.filter(may.credit), [open, may]);
  const counted = isChecked ? accepted : members;
  const totals = totalsOf(
    counted.map(({ draft }) => draft),
    accounts,
  );
  const trials = accepted.flatMap(({ line: { result } }) => (result?.kind === "accepted" ? [result.transfer] : []));

  return (
    <>
      <PageHeading title="New journal" back={{ href: paths.newTransfer(), to: "New transfer" }} />
      <form ref={form} className="card journal" onSubmit={submit} onPaste={onPaste} noValidate>
        <p className="muted">
          Each line is a transfer. You can paste rows from a spreadsheet into a line, with the columns debit account,
          credit account, amount and description.
        </p>
        <div ref={list} className="stack">
          <ol className="lines">
            {lines.map((line, index) => (
              <JournalLine
                key={line.id}
                line={line}
                read={read(line)}
                number={index + 1}
                accounts={accounts}
                debitable={debitable}
                creditable={creditable}
                isBusy={isBusy}
                onText={onText}
                onLeft={onLeft}
                onRemove={onRemove}
                onUndo={setUndoing}
              />
            ))}
          </ol>
          {!isAllPosted && lines.length < LINES_MAX && (
            <button
              type="button"
              className="quiet alone-in-row"
              onClick={() => !isBusy && edit((before) => [...before, newLine()])}
            >
              Add a line
            </button>
          )}
        </div>
        {may.setEffectiveTime && !isAllPosted && (
          <div className="pair">
            <TimeField
              label="Effective"
              name="effectiveAt"
              text={effectiveAt}
              onText={(text) => {
                setEffectiveAt(text);
                setTimeProblem(undefined);
                edit((before) => before.map((line) => (line.result?.kind === "posted" ? line : changeLine(line))));
              }}
              onLeft={() => undefined}
              problem={timeProblem}
              hint="For all lines. Leave it empty for the time of recording"
              readOnly={isBusy}
            />
          </div>
        )}
        {!isAllPosted && (
          <label className="check">
            <input
              type="checkbox"
              checked={isAtomic}
              disabled={isBusy}
              onChange={({ target }) => {
                setAtomic(target.checked);
                edit((before) => before);
              }}
            />
            All or nothing: if a line is refused, no line is posted
          </label>
        )}
        {totals.length > 0 && (
          <p>
            {countOf(counted.length)}:{" "}
            <strong>{totals.map((total) => formatMoney(total.minor, total)).join(" and ")}</strong>
          </p>
        )}
        {isChecked && <BalancesAfterwards changes={forecastOfTrials(trials, accounts)} />}
        <p role="status" className={isAllPosted ? "done" : "hint"}>
          {notice}
        </p>
        {problem && <ProblemNote problem={problem} />}
        <div className="actions">
          {isAllPosted ? (
            <button type="button" onClick={() => edit(() => [newLine(), newLine()])}>
              Start another journal
            </button>
          ) : (
            <SubmitButton isBusy={isBusy} isWaiting={isLooking}>
              {isChecked ? `Post ${countOf(accepted.length, openLines.length)}` : "Check the lines"}
            </SubmitButton>
          )}
          {lines.some(({ result }) => result !== undefined) && (
            <CsvButton
              name="journal"
              columns={journalColumns}
              pages={async function* () {
                yield lines.map((line, index) => ({ line, number: index + 1 })).filter(({ line }) => !isBlank(line));
              }}
            />
          )}
        </div>
      </form>
      {undoing?.result?.kind === "posted" && (
        <ReverseDialog
          transfer={undoing.result.transfer}
          onDone={(reversal) => setLines((before) => before.map((line) => undone(line, undoing.id, reversal.id)))}
          onClose={() => setUndoing(undefined)}
        />
      )}
    </>
  );
}

function undone(line: Line, id: string, reversal: bigint): Line {
  return line.id === id && line.result?.kind === "posted" ? { ...line, result: { ...line.result, reversal } } : line;
}

/** Reads lines, each once: a journal may have a thousand, and one of them changes at a time. */
function useReadLines(
  effectiveAt: string,
  accounts: ReadonlyMap<bigint, Account>,
  isLooking: boolean,
): (line: Line) => ReadLine {
  const { may } = useSession();
  return useMemo(() => {
    const known = new WeakMap<Line, ReadLine>();
    return (line) => {
      const found = known.get(line) ?? readLine(line, effectiveAt, accounts, may, isLooking);
      known.set(line, found);
      return found;
    };
  }, [effectiveAt, accounts, may, isLooking]);
}

function withoutCheck(lines: readonly Line[]): readonly Line[] {
  return lines.map((line) =>
    line.result === undefined || line.result.kind === "posted" || line.result.kind === "refused"
      ? line
      : { ...line, result: undefined },
  );
}

interface Outcome {
  readonly refused: readonly Member[];
  readonly posted: number;
  readonly sent: number;
  readonly isDryRun: boolean;
  readonly isAtomic: boolean;
}

function summaryOf({ refused, posted, sent, isDryRun, isAtomic }: Outcome): string {
  const refusal = refused.length === 0 ? "" : `${linesAt(refused)} ${verbFor(refused.length, isDryRun)} refused.`;
  const others = sent - posted - refused.length;
  if (!isDryRun) return [posted > 0 ? `${countOf(posted)} posted.` : "Nothing was posted.", refusal].join(" ").trim();
  const already = posted > 0 ? `${countOf(posted)} already posted by an earlier try.` : "";
  if (refused.length > 0 && isAtomic) return `${already} ${refusal} Nothing would be posted.`.trim();
  return `${already} ${others > 0 ? `${countOf(others)} can be posted.` : ""} ${refusal}`.trim();
}

function verbFor(count: number, isDryRun: boolean): string {
  return isDryRun ? "would be" : count === 1 ? "was" : "were";
}

/** Such as "Lines 2, 3", or how many if there are too many to list. */
function linesAt(members: readonly Member[]): string {
  if (members.length > 5) return countOf(members.length);
  return `${members.length === 1 ? "Line" : "Lines"} ${members.map(({ number }) => number).join(", ")}`;
}

/** Such as "1 line", or "2 of 3 lines". */
function countOf(count: number, all = count): string {
  return `${count}${all === count ? "" : ` of ${all}`} ${all === 1 ? "line" : "lines"}`;
}
