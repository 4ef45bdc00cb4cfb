import { type Account, type Transfer, TransferState } from "@finance-service/client";
import { useEffect, useRef, useState } from "react";
import { AccountName } from "../components/account-name.tsx";
import { Sum } from "../components/sum.tsx";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { ReverseDialog, VoidDialog } from "./settle-dialogs.tsx";

interface DoneNoteProps {
  readonly transfer: Transfer;
  readonly accounts: ReadonlyMap<bigint, Account>;
}

/** Says what was posted or held, with a button to undo it if the caller may. */
export function DoneNote({ transfer, accounts }: DoneNoteProps) {
  const { may } = useSession();
  const [isAsked, setAsked] = useState(false);
  const [undone, setUndone] = useState<Transfer>();
  const note = useRef<HTMLParagraphElement>(null);
  // The button that had the focus is gone.
  useEffect(() => {
    if (undone !== undefined) note.current?.focus();
  }, [undone]);
  const { id, amount, creditAccountId, debitAccountId, state } = transfer;
  const isHold = state === TransferState.TRANSFER_STATE_PENDING;
  const mayUndo = isHold ? may.void(transfer, accounts) : may.reverse(transfer, accounts);
  const Undo = isHold ? VoidDialog : ReverseDialog;
  if (undone !== undefined) {
    return (
      <p ref={note} tabIndex={-1} className="done">
        Undone: {isHold ? "the hold is voided" : "the amount went back"}. See{" "}
        {undone.id !== id && (
          <>
            <a href={paths.transfer(undone.id)}>transfer {`${undone.id}`}</a>, which reverses{" "}
          </>
        )}
        <a href={paths.transfer(id)}>transfer {`${id}`}</a>.
      </p>
    );
  }
  return (
    <>
      <p className="done">
        {isHold ? "Held" : "Transferred"} <Sum minor={amount} money={transfer} /> to{" "}
        <AccountName id={creditAccountId} accounts={accounts} />. See{" "}
        <a href={paths.transfer(id)}>transfer {`${id}`}</a>
        {accounts.has(debitAccountId) && (
          <>
            {" "}
            or the <a href={paths.account(debitAccountId)}>statement of {accounts.get(debitAccountId)?.name}</a>
          </>
        )}
        .
      </p>
      {mayUndo && (
        <button type="button" className="quiet alone-in-row" onClick={() => setAsked(true)}>
          Undo
        </button>
      )}
      {isAsked && <Undo transfer={transfer} onDone={setUndone} onClose={() => setAsked(false)} />}
    </>
  );
}
