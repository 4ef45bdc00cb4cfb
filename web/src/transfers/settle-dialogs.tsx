/** Dialogs that capture, void or reverse a transfer. Each keeps one idempotency key for all its tries. */

import { formatMoney, newIdempotencyKey, type Transfer } from "@finance-service/client";
import { type FormEvent, useState } from "react";
import { readAmount, writeAmount } from "../components/amount.ts";
import { Dialog, DialogActions } from "../components/dialog.tsx";
import { Field } from "../components/field.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { useAccounts } from "../data/use-accounts.ts";
import { useChange } from "../data/use-change.ts";
import { useSession } from "../session/session.ts";
import { BalancesAfterwards, TrialForecast } from "./balances-afterwards.tsx";
import { forecastOfSettlement } from "./forecast.ts";
import { DESCRIPTION_LENGTH_MAX, TRANSFER_AMOUNT_MAX } from "./transfer-values.ts";
import { useTrial } from "./use-trial.ts";

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
            isHeld && amount.minor < hold.amount
              ? `The other ${formatMoney(hold.amount - amount.minor, hold)} of the hold is released`
              : `${formatMoney(hold.amount, hold)} is held. The part that is not captured is released`
          }
          readOnly={capture.isPending}
          inputMode="decimal"
          autoComplete="off"
        />
        {isHeld && <BalancesAfterwards changes={forecastOfSettlement(hold, amount.minor, accounts)} isCalculated />}
        {capture.error && <ProblemNote problem={capture.error} />}
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
  return (
    <Dialog title={`Void transfer ${hold.id}?`} onClose={onClose}>
      <p>{formatMoney(hold.amount, hold)} is released at once. No money moves.</p>
      <BalancesAfterwards changes={forecastOfSettlement(hold, 0n, accounts)} isCalculated />
      {voiding.error && <ProblemNote problem={voiding.error} />}
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
  const opposite = {
    debitAccountId: transfer.creditAccountId,
    creditAccountId: transfer.debitAccountId,
    amount: moved,
    description: "",
    pending: false,
    metadata: {},
  };
  // A transfer from before the limit can be reversed, but the dry run of a new one would be refused.
  const trial = useTrial(moved > TRANSFER_AMOUNT_MAX ? undefined : opposite);
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

function closeWith(onDone: SettleProps["onDone"], onClose: () => void) {
  return (result: Transfer) => {
    onDone?.(result);
    onClose();
  };
}
