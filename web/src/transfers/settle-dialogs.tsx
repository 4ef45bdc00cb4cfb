/** Dialogs that capture, void or reverse a transfer. Each keeps one idempotency key for all its tries. */

import { formatMoney, newIdempotencyKey, type Transfer } from "@finance-service/client";
import { type FormEvent, useState } from "react";
import { readAmount, writeAmount } from "../components/amount.ts";
import { Dialog, DialogActions } from "../components/dialog.tsx";
import { Field } from "../components/field.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { useChange } from "../data/use-change.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";

interface SettleProps {
  readonly hold: Transfer;
  onClose(): void;
}

/** Posts a hold, in full or in part. */
export function CaptureDialog({ hold, onClose }: SettleProps) {
  const { finance } = useSession();
  const [text, setText] = useState(() => writeAmount(hold.amount, hold));
  const [mistake, setMistake] = useState<string>();
  const [idempotencyKey, setIdempotencyKey] = useState(newIdempotencyKey);
  const capture = useChange((amount: bigint) => finance.captureTransfer({ id: hold.id, amount, idempotencyKey }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (capture.isPending) return;
    const amount = readAmount(text, hold);
    if (!amount.ok) return setMistake(amount.problem);
    if (amount.minor > hold.amount) return setMistake(`Only ${formatMoney(hold.amount, hold)} is held.`);
    capture.mutate(amount.minor, { onSuccess: onClose });
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
          hint={`${formatMoney(hold.amount, hold)} is held. The part that is not captured is released`}
          inputMode="decimal"
          autoComplete="off"
        />
        {capture.error && <ProblemNote problem={capture.error} />}
        <DialogActions confirm="Capture" isBusy={capture.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

/** Releases a hold. */
export function VoidDialog({ hold, onClose }: SettleProps) {
  const { finance } = useSession();
  const [idempotencyKey] = useState(newIdempotencyKey);
  const voiding = useChange(() => finance.voidTransfer({ id: hold.id, idempotencyKey }));
  return (
    <Dialog title={`Void transfer ${hold.id}?`} onClose={onClose}>
      <p>{formatMoney(hold.amount, hold)} is released at once. No money moves.</p>
      {voiding.error && <ProblemNote problem={voiding.error} />}
      <DialogActions
        confirm="Void"
        isDangerous
        isBusy={voiding.isPending}
        onConfirm={() => voiding.mutate(undefined, { onSuccess: onClose })}
        onCancel={onClose}
      />
    </Dialog>
  );
}

interface ReverseProps {
  readonly transfer: Transfer;
  onClose(): void;
}

/** Posts the opposite of a transfer, then opens its page. */
export function ReverseDialog({ transfer, onClose }: ReverseProps) {
  const { finance } = useSession();
  const [description, setDescription] = useState("");
  const [idempotencyKey, setIdempotencyKey] = useState(newIdempotencyKey);
  const reversal = useChange(() => finance.reverseTransfer({ id: transfer.id, description, idempotencyKey }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reversal.isPending) return;
    reversal.mutate(undefined, {
      onSuccess: ({ id }) => {
        onClose();
        window.location.hash = paths.transfer(id);
      },
    });
  };
  return (
    <Dialog title={`Reverse transfer ${transfer.id}?`} onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <p>
          {formatMoney(transfer.capturedAmount || transfer.amount, transfer)} goes back in a new transfer. Both stay on
          the statements. A transfer can be reversed only once.
        </p>
        <Field
          label="Description"
          value={description}
          onChange={({ target }) => {
            setDescription(target.value);
            setIdempotencyKey(newIdempotencyKey());
          }}
          hint="Optional"
          maxLength={500}
          autoComplete="off"
        />
        {reversal.error && <ProblemNote problem={reversal.error} />}
        <DialogActions confirm="Reverse" isDangerous isBusy={reversal.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
