import { type Account, AccountStatus, FinanceError, formatMoney } from "@finance-service/client";
import { type FormEvent, type ReactNode, useRef, useState } from "react";
import { Dialog, DialogActions } from "../components/dialog.tsx";
import { Field } from "../components/field.tsx";
import { MetadataFields } from "../components/metadata-fields.tsx";
import { Preview, type PreviewRow } from "../components/preview.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { useFirstProblem } from "../components/use-first-problem.ts";
import { keys } from "../data/queries.ts";
import { useChange } from "../data/use-change.ts";
import { dryRunOf, useTrial } from "../data/use-trial.ts";
import { useSession } from "../session/session.ts";
import { type AccountEdit, type EditProblems, type EditValues, editValuesOf, readEdit } from "./account-values.ts";
import { OverdraftFields } from "./overdraft-fields.tsx";

/** A button that opens the form for an account's name, overdraft and metadata, if the caller may change any of them. */
export function EditAccount({ account }: { readonly account: Account }) {
  const { may } = useSession();
  const [isOpen, setOpen] = useState(false);
  const isClosed = account.status === AccountStatus.ACCOUNT_STATUS_CLOSED;
  if (isClosed ? !may.isAdmin : !may.describe(account)) return null;
  return (
    <>
      <button type="button" className="quiet" aria-label={`Edit ${account.name}`} onClick={() => setOpen(true)}>
        Edit
      </button>
      {isOpen && <EditDialog account={account} hasLimits={may.setLimits && !isClosed} onClose={() => setOpen(false)} />}
    </>
  );
}

interface EditDialogProps {
  readonly account: Account;
  readonly hasLimits: boolean;
  onClose(): void;
}

function EditDialog({ account, hasLimits, onClose }: EditDialogProps) {
  const { finance } = useSession();
  const [opened] = useState(account);
  const [values, setValues] = useState(() => editValuesOf(opened));
  const [isChecked, setChecked] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const focusFirstProblem = useFirstProblem(form);
  const update = useChange((edit: AccountEdit) => finance.updateAccount({ ...edit, id: account.id }));

  const read = readEdit(values, opened);
  const edit = "edit" in read && Object.keys(read.edit).length > 0 ? read.edit : undefined;
  const trial = useTrial(
    [...keys.account(account.id), "trial"],
    edit && { ...edit, id: account.id },
    dryRunOf(finance, finance.updateAccount),
  );
  const problem = update.error ?? trial.refusal;
  const refused = problem instanceof FinanceError ? problemsOf(problem) : {};
  const problems: EditProblems = { ...(isChecked && "problems" in read && read.problems), ...refused };
  const set = (change: Partial<EditValues>) => {
    setValues({ ...values, ...change });
    update.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (update.isPending) return;
    setChecked(true);
    if ("problems" in read) return focusFirstProblem();
    if (edit !== undefined) update.mutate(edit, { onSuccess: onClose, onError: focusFirstProblem });
  };

  return (
    <Dialog title={`Edit account ${account.id}`} onClose={onClose}>
      <form ref={form} className="stack" onSubmit={submit} noValidate>
        <Field
          label="Name"
          value={values.name}
          onChange={({ target }) => set({ name: target.value })}
          problem={problems.name}
          hint="The owner, the type and the currency never change"
          maxLength={200}
          autoComplete="off"
        />
        {hasLimits && <OverdraftFields values={values} problem={problems.overdraft} onChange={set} />}
        <MetadataFields
          pairs={values.metadata}
          onPairs={(metadata) => set({ metadata })}
          isChecked={isChecked}
          onLeft={() => setChecked(true)}
          problem={problems.metadata}
        />
        {edit && !trial.refusal && <Preview label="Changes" rows={rowsOf(edit, account, trial.reply)} />}
        <p className="muted" role="status">
          {isChecked && "edit" in read && edit === undefined && "Nothing is changed yet."}
        </p>
        {problem && Object.keys(refused).length === 0 && <ProblemNote problem={problem} />}
        <DialogActions confirm="Save changes" isBusy={update.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

/**
 * A row for each field of the edit.
 *
 * @param account As it is now.
 * @param changed As the dry run answered it; undefined while the answer is still to come.
 */
function rowsOf(edit: AccountEdit, account: Account, changed: Account | undefined): readonly PreviewRow[] {
  const { name, overdraftLimit, unlimitedOverdraft, metadata = {} } = edit;
  const row = (key: string, what: ReactNode, textOf: (account: Account) => string): PreviewRow => ({
    key,
    what,
    before: textOf(account),
    after: changed === undefined ? "…" : textOf(changed),
  });
  const hasLimit = overdraftLimit !== undefined || unlimitedOverdraft !== undefined;
  return [
    ...(name === undefined ? [] : [row("name", "Name", (account) => account.name)]),
    ...(hasLimit ? [row("overdraft", "Overdraft", overdraftOf)] : []),
    ...Object.keys(metadata).map((key) =>
      row(`metadata.${key}`, <code>{key}</code>, (account) => account.metadata[key] ?? "None"),
    ),
  ];
}

function overdraftOf(account: Account): string {
  if (account.unlimitedOverdraft) return "Unlimited";
  return account.overdraftLimit === 0n ? "None" : formatMoney(account.overdraftLimit, account);
}

/** The field that a refusal is about. */
function problemsOf({ meta, message, reason }: FinanceError): EditProblems {
  const problem = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  if (reason === "insufficient_funds") return { overdraft: "The account is already overdrawn by more than this." };
  switch (meta["argument"]?.split(".")[0]) {
    case "name":
      return { name: problem };
    case "overdraft_limit":
      return { overdraft: problem };
    case "metadata":
      return { metadata: problem };
    default:
      return {};
  }
}
