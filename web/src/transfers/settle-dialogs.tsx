/** Dialogs that capture, void or reverse a transfer. Each keeps one idempotency key for all its tries. */

import { formatMoney, newIdempotencyKey, type Transfer } from "@finance-service/client";
import { type FormEvent, useState } from "react";
import { readAmount, writeAmount } from "../components/amount.ts";
import { Dialog, DialogActions } from "../components/dialog.tsx";
import { Field } from "../components/field.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { keys } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { useChange } from "../data/use-change.ts";
import { dryRunOf, useTrial } from "../data/use-trial.ts";
import { useSession } from "../session/session.ts";
import { TrialForecast } from "./balances-afterwards.tsx";
import { DESCRIPTION_LENGTH_MAX } from "./transfer-values.ts";

interface SettleProps {
  readonly transfer: Transfer;
  /** Called before `onClose` with the settled hold, or with the transfer that reverses. */
  onDone?(result: Transfer): void;
  onClose(): void;
}

/** Posts a hold, in full or in part. */
export function CaptureDialog({ transfer: hold, onDone, onClose }: SettleProps) {
  const { finance } = useSession();
  const accounts = useAccounts();
  const [text, setText] = useState(() => writeAmount(hold.amount, hold));
  const [mistake, setMistake] = useState<string>();
  const [idempotencyKey, setIdempotencyKey] = useState(newIdempotencyKey);
  const capture = useChange((amount: bigint) => finance.captureTransfer({ id: hold.id, amount, idempotencyKey }));
  const amount = readAmount(text, hold);
  const isHeld = amount.ok && amount.minor <= hold.amount;
  const isPartial = isHeld && amount.minor < hold.amount;
  const trial = useTrial(
    trialKeyOf(hold, "capture"),
    isHeld ? { id: hold.id, amount: amount.minor } : undefined,
    dryRunOf(finance, finance.captureTransfer),
  );
  const problem = capture.error ?? trial.refusal;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (capture.isPending) return;
    if (!amount.ok) return setMistake(amount.problem);
    if (!isHeld) return setMistake(`Only ${formatMoney(hold.amount, hold)} is held.`);
    capture.mutate(amount.minor, { onSuccess: closeWith(onDone, onClose) });
  };
  return (
    <Dialog title={`Capture transfer ${hold.id}`} onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <Field
          label={`Amount in ${hold.currency}`}
          value={text}
          onChange={({ target }) => {
            setText(target.value);
            setMistake(undefined);
            setIdempotencyKey(newIdempotencyKey());
          }}
          problem={mistake}
          hint={
            isPartial
              ? `The other ${formatMoney(hold.amount - amount.minor, hold)} of the hold is released`
              : `${formatMoney(hold.amount, hold)} is held. The part that is not captured is released`
          }
          readOnly={capture.isPending}
          inputMode="decimal"
          autoComplete="off"
        />
        <TrialForecast trial={trial} accounts={accounts} rows={isPartial ? 3 : 2} />
        {problem && <ProblemNote problem={problem} />}
        <DialogActions confirm="Capture" isBusy={capture.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

/** Releases a hold. */
export function VoidDialog({ transfer: hold, onDone, onClose }: SettleProps) {
  const { finance } = useSession();
  const accounts = useAccounts();
  const [idempotencyKey] = useState(newIdempotencyKey);
  const voiding = useChange(() => finance.voidTransfer({ id: hold.id, idempotencyKey }));
  const trial = useTrial(trialKeyOf(hold, "void"), { id: hold.id }, dryRunOf(finance, finance.voidTransfer));
  const problem = voiding.error ?? trial.refusal;
  return (
    <Dialog title={`Void transfer ${hold.id}?`} onClose={onClose}>
      <p>{formatMoney(hold.amount, hold)} is released at once. No money moves.</p>
      <TrialForecast trial={trial} accounts={accounts} rows={1} />
      {problem && <ProblemNote problem={problem} />}
      <DialogActions
        confirm="Void"
        isDangerous
        isBusy={voiding.isPending}
        onConfirm={() => voiding.mutate(undefined, { onSuccess: closeWith(onDone, onClose) })}
        onCancel={onClose}
      />
    </Dialog>
  );
}

/** Posts the opposite of a transfer. */
export function ReverseDialog({ transfer, onDone, onClose }: SettleProps) {
  const { finance } = useSession();
  const accounts = useAccounts();
  const [description, setDescription] = useState("");
  const [idempotencyKey, setIdempotencyKey] = useState(newIdempotencyKey);
  const reversal = useChange(() => finance.reverseTransfer({ id: transfer.id, description, idempotencyKey }));
  const moved = transfer.capturedAmount || transfer.amount;
  const trial = useTrial(
    trialKeyOf(transfer, "reverse"),
    { id: transfer.id },
    dryRunOf(finance, finance.reverseTransfer),
  );
  const problem = reversal.error ?? trial.refusal;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reversal.isPending) return;
    reversal.mutate(undefined, { onSuccess: closeWith(onDone, onClose) });
  };
  return (
    <Dialog title={`Reverse transfer ${transfer.id}?`} onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <p>
          {formatMoney(moved, transfer)} goes back in a new transfer. Nothing is deleted: both transfers stay on the
          statements. A transfer can be reversed only once.
        </p>
        <Field
          label="Description"
          value={description}
          onChange={({ target }) => {
            setDescription(target.value);
            setIdempotencyKey(newIdempotencyKey());
          }}
          hint="Optional"
          maxLength={DESCRIPTION_LENGTH_MAX}
          readOnly={reversal.isPending}
          autoComplete="off"
        />
        <TrialForecast trial={trial} accounts={accounts} rows={2} />
        {problem && <ProblemNote problem={problem} />}
        <DialogActions confirm="Reverse" isDangerous isBusy={reversal.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

function trialKeyOf({ debitAccountId: debit, creditAccountId: credit }: Transfer, action: string) {
  return [...keys.trial({ debit, credit }), action];
}

function closeWith(onDone: SettleProps["onDone"], onClose: () => void) {
  return (result: Transfer) => {
    onDone?.(result);
    onClose();
  };
}
