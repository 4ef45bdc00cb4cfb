import type { Account } from "@finance-service/client";
import { memo } from "react";
import { Field } from "../components/field.tsx";
import { paths, readId } from "../route.ts";
import { useSession } from "../session/session.ts";
import { AccountPicker } from "./account-picker.tsx";
import { isBlank, type Line, type LineText, type ReadLine } from "./journal-lines.ts";
import { DESCRIPTION_LENGTH_MAX, type FieldName } from "./transfer-values.ts";

export interface JournalLineProps {
  readonly line: Line;
  readonly read: ReadLine;
  /** From 1. */
  readonly number: number;
  readonly accounts: ReadonlyMap<bigint, Account>;
  /** Open accounts that the caller may debit, and those that they may credit. */
  readonly debitable: readonly Account[];
  readonly creditable: readonly Account[];
  /** Whether the lines are being sent. */
  readonly isBusy: boolean;
  onText(line: Line, text: Partial<LineText>): void;
  onLeft(line: Line): void;
  onRemove(line: Line): void;
  /** Called for a posted line. */
  onUndo(line: Line): void;
}

/** One line. A journal may have a thousand, so only lines that change are rendered again. */
export const JournalLine = memo(function JournalLine(props: JournalLineProps) {
  const { line, read, number, accounts, debitable, creditable, isBusy, onText, onLeft, onRemove, onUndo } = props;
  const isPosted = line.result?.kind === "posted";
  const refused = line.result?.kind === "refused" ? line.result.problems : {};
  const shown = line.isLeft && !isBlank(line) && !isPosted && "problems" in read ? read.problems : {};
  const problemOf = (name: FieldName) => refused[name] ?? shown[name];
  const debited = accounts.get(readId(line.debitAccountId) ?? 0n);
  const controlFor = (name: keyof LineText) => ({
    name,
    problem: problemOf(name),
    readOnly: isBusy || isPosted,
  });
  const fieldFor = (name: "amount" | "description") => ({
    ...controlFor(name),
    value: line[name],
    onChange: ({ target }: { readonly target: { readonly value: string } }) => onText(line, { [name]: target.value }),
  });
  const pickerFor = (name: "debitAccountId" | "creditAccountId") => ({
    ...controlFor(name),
    text: line[name],
    onText: (text: string) => onText(line, { [name]: text }),
    onLeft: () => undefined,
  });
  return (
    <li>
      <fieldset
        className="line"
        aria-label={`Line ${number}`}
        onBlur={({ currentTarget, relatedTarget }) => {
          // A problem that appears while a button is being pressed would move the button away.
          if (relatedTarget instanceof HTMLInputElement && !currentTarget.contains(relatedTarget)) onLeft(line);
        }}
      >
        <AccountPicker {...pickerFor("debitAccountId")} label="Debit account" accounts={debitable} />
        <AccountPicker
          {...pickerFor("creditAccountId")}
          label="Credit account"
          accounts={creditable.filter(
            ({ id, currency }) => id !== debited?.id && currency === (debited?.currency ?? currency),
          )}
        />
        <Field
          {...fieldFor("amount")}
          label="Amount"
          hint={debited?.currency}
          inputMode="decimal"
          autoComplete="off"
          className="figure"
        />
        <Field {...fieldFor("description")} label="Description" maxLength={DESCRIPTION_LENGTH_MAX} autoComplete="off" />
        {!isPosted && (
          <button
            type="button"
            className="plain"
            aria-label={`Remove line ${number}`}
            onClick={() => !isBusy && onRemove(line)}
          >
            Remove
          </button>
        )}
        <LineOutcome line={line} accounts={accounts} onUndo={onUndo} />
      </fieldset>
    </li>
  );
});

/** The outcome of the line, unless a field shows it. */
function LineOutcome({ line, accounts, onUndo }: Pick<JournalLineProps, "line" | "accounts" | "onUndo">) {
  const { may } = useSession();
  const { result } = line;
  switch (result?.kind) {
    case "posted": {
      const { transfer, isReplayed, reversal } = result;
      return (
        <div className="outcome">
          <span className="good">{isReplayed ? "Already posted as" : "Posted as"} </span>
          <a href={paths.transfer(transfer.id)}>transfer {`${transfer.id}`}</a>
          {reversal !== undefined && (
            <>
              , reversed by <a href={paths.transfer(reversal)}>transfer {`${reversal}`}</a>
            </>
          )}
          {reversal === undefined && may.reverse(transfer, accounts) && (
            <button
              type="button"
              className="plain"
              aria-label={`Undo transfer ${transfer.id}`}
              onClick={() => onUndo(line)}
            >
              Undo
            </button>
          )}
        </div>
      );
    }
    case "refused":
      return Object.keys(result.problems).length === 0 && <p className="outcome wrong">{result.message}</p>;
    case "not posted":
      return (
        <p className="outcome muted">
          {result.isDryRun ? "Would not be posted, because" : "Not posted, because"} line {result.because}{" "}
          {result.isDryRun ? "would be" : "was"} refused.
        </p>
      );
    default:
      return null;
  }
}
