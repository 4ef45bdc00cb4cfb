import { type Account, AccountStatus } from "@finance-service/client";
import { type ReactNode, useState } from "react";
import { Dialog, DialogActions } from "../components/dialog.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { keys } from "../data/queries.ts";
import { useChange } from "../data/use-change.ts";
import { dryRunOf, useTrial } from "../data/use-trial.ts";
import { useSession } from "../session/session.ts";

/** A change of an account's status, and the dialog that confirms it. */
interface StatusChange {
  readonly word: string;
  readonly status: AccountStatus;
  /** The consequences, for the person who decides. */
  readonly meaning: ReactNode;
  /** The label of the button that does it. */
  readonly confirm: string;
}

const CHANGES = {
  freeze: {
    word: "Freeze",
    status: AccountStatus.ACCOUNT_STATUS_FROZEN,
    meaning: "No money can move in or out until an admin unfreezes it. Holds can be voided but not captured.",
    confirm: "Freeze the account",
  },
  unfreeze: {
    word: "Unfreeze",
    status: AccountStatus.ACCOUNT_STATUS_OPEN,
    meaning: "Money can move in and out again.",
    confirm: "Unfreeze the account",
  },
  close: {
    word: "Close",
    status: AccountStatus.ACCOUNT_STATUS_CLOSED,
    meaning: "It can never be used again. Its balance must be zero, with nothing held.",
    confirm: "Close permanently",
  },
} satisfies Record<string, StatusChange>;

/** Buttons to freeze, unfreeze or close an account, if the caller may. A closed account has none. */
export function AccountActions({ account }: { readonly account: Account }) {
  const { may } = useSession();
  const [asked, setAsked] = useState<StatusChange>();
  const { name, status } = account;
  if (status === AccountStatus.ACCOUNT_STATUS_CLOSED) return null;
  const isFrozen = status === AccountStatus.ACCOUNT_STATUS_FROZEN;
  const offered: readonly StatusChange[] = [
    ...(may.freeze ? [isFrozen ? CHANGES.unfreeze : CHANGES.freeze] : []),
    ...(may.close(account) ? [CHANGES.close] : []),
  ];
  if (offered.length === 0) return null;
  return (
    <div className="actions compact">
      {offered.map((change) => (
        <button
          // The button to freeze becomes the one to unfreeze, and keeps the focus.
          key={change === CHANGES.close ? "close" : "freeze"}
          type="button"
          className="quiet"
          aria-label={`${change.word} ${name}`}
          onClick={() => setAsked(change)}
        >
          {change.word}
        </button>
      ))}
      {asked && <StatusDialog account={account} change={asked} onClose={() => setAsked(undefined)} />}
    </div>
  );
}

interface StatusDialogProps {
  readonly account: Account;
  readonly change: StatusChange;
  onClose(): void;
}

function StatusDialog({ account: { id, name }, change, onClose }: StatusDialogProps) {
  const { finance } = useSession();
  const { word, status, meaning, confirm } = change;
  const update = useChange(() => finance.updateAccount({ id, status }));
  const trial = useTrial([...keys.account(id), "trial"], { id, status }, dryRunOf(finance, finance.updateAccount));
  const problem = update.error ?? trial.refusal;
  return (
    <Dialog title={`${word} ${name}?`} onClose={onClose}>
      <p>
        Account {`${id}`}. {meaning}
      </p>
      {problem && <ProblemNote problem={problem} />}
      <DialogActions
        confirm={confirm}
        isDangerous
        isBusy={update.isPending}
        onConfirm={() => update.mutate(undefined, { onSuccess: onClose })}
        onCancel={onClose}
      />
    </Dialog>
  );
}
