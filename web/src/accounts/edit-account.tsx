import { type Account, AccountStatus, FinanceError, formatMoney } from "@finance-service/client";
import { type FormEvent, useRef, useState } from "react";
import { Dialog, DialogActions } from "../components/dialog.tsx";
import { Field } from "../components/field.tsx";
import { MetadataFields } from "../components/metadata-fields.tsx";
import { Preview, type PreviewRow } from "../components/preview.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { useFirstProblem } from "../components/use-first-problem.ts";
import { useChange } from "../data/use-change.ts";
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
  const rows = "edit" in read ? rowsOf(read.edit, account) : [];
  const refused = update.error instanceof FinanceError ? problemsOf(update.error) : {};
  const problems: EditProblems = { ...(isChecked && "problems" in read && read.problems), ...refused };
  const set = (change: Partial<EditValues>) => {
    setValues({ ...values, ...change });
    update.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (update.isPending) return;
    setChecked(true);
    if (!("edit" in read)) return focusFirstProblem();
    if (rows.length > 0) update.mutate(read.edit, { onSuccess: onClose, onError: focusFirstProblem });
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
        <Preview label="Changes" rows={rows} isCalculated />
        <p className="muted" role="status">
          {isChecked && "edit" in read && rows.length === 0 && "Nothing is changed yet."}
        </p>
        {update.error && Object.keys(refused).length === 0 && <ProblemNote problem={update.error} />}
        <DialogActions confirm="Save changes" isBusy={update.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

/** @param account As it is now. */
function rowsOf({ name, overdraftLimit, unlimitedOverdraft, metadata = {} }: AccountEdit, account: Account) {
  const limitOf = (limit: bigint, isUnlimited: boolean) =>
    isUnlimited ? "Unlimited" : limit === 0n ? "None" : formatMoney(limit, account);
  const hasLimit = overdraftLimit !== undefined || unlimitedOverdraft !== undefined;
  const limit: PreviewRow = {
    key: "overdraft",
    what: "Overdraft",
    before: limitOf(account.overdraftLimit, account.unlimitedOverdraft),
    after: limitOf(overdraftLimit ?? account.overdraftLimit, unlimitedOverdraft ?? account.unlimitedOverdraft),
  };
  return [
    ...(name === undefined ? [] : [{ key: "name", what: "Name", before: account.name, after: name }]),
    ...(hasLimit ? [limit] : []),
    ...Object.entries(metadata).map(([key, value]) => ({
      key: `metadata.${key}`,
      what: <code>{key}</code>,
      before: account.metadata[key] ?? "None",
      after: value || "None",
    })),
  ];
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
