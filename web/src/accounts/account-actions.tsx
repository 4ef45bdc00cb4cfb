import { useState } from "react";
import { type Account, AccountStatus } from "../../../src/client/index.ts";
import { useChange } from "../data/use-change.ts";
import { Dialog } from "../parts/dialog.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { useSession } from "../session/session.ts";

/** Freezes, opens again or closes an account, as far as the caller may; a closed account has no actions. */
export function AccountActions({ account }: { readonly account: Account }) {
  const { finance, may } = useSession();
  const { id, name, status } = account;
  const [isClosing, setClosing] = useState(false);
  const change = useChange((next: AccountStatus) => finance.updateAccount({ id, status: next }));
  const mayClose = may.close(account);
  if (status === AccountStatus.ACCOUNT_STATUS_CLOSED || !(may.freeze || mayClose)) return null;
  const isFrozen = status === AccountStatus.ACCOUNT_STATUS_FROZEN;
  const dismiss = () => {
    setClosing(false);
    change.reset();
  };
  return (
    <div className="actions compact">
      {may.freeze && (
        <button
          type="button"
          className="quiet"
          aria-label={`${isFrozen ? "Unfreeze" : "Freeze"} ${name}`}
          aria-disabled={change.isPending}
          onClick={() => {
            if (change.isPending) return;
            change.mutate(isFrozen ? AccountStatus.ACCOUNT_STATUS_OPEN : AccountStatus.ACCOUNT_STATUS_FROZEN);
          }}
        >
          {isFrozen ? "Unfreeze" : "Freeze"}
        </button>
      )}
      {mayClose && (
        <button type="button" className="quiet" aria-label={`Close ${name}`} onClick={() => setClosing(true)}>
          Close
        </button>
      )}
      {!isClosing && change.error && (
        <Dialog title="The account stays as it was" onClose={dismiss}>
          <ProblemNote problem={change.error} />
          <div className="actions">
            <button type="button" onClick={dismiss}>
              Go on
            </button>
          </div>
        </Dialog>
      )}
      {isClosing && (
        <Dialog title={`Close ${name}?`} onClose={dismiss}>
          <p>No money will ever move on account {`${id}`} again. It must be empty, with nothing held.</p>
          {change.error && <ProblemNote problem={change.error} />}
          <div className="actions">
            <button
              type="button"
              className="danger"
              disabled={change.isPending}
              onClick={() => change.mutate(AccountStatus.ACCOUNT_STATUS_CLOSED, { onSuccess: dismiss })}
            >
              Close for good
            </button>
            <button type="button" className="quiet" onClick={dismiss}>
              Keep it
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
