import type { Transfer } from "@finance-service/client";
import { useState } from "react";
import { AccountName } from "../components/account-name.tsx";
import { currencyOf } from "../components/currencies.ts";
import { Sum } from "../components/sum.tsx";
import { useAccounts } from "../data/use-accounts.ts";
import { dateTimeOf } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { CaptureDialog, VoidDialog } from "./settle-dialogs.tsx";

type Settlement = "capture" | "void";

interface HoldTableProps {
  /** The heading that names the table. */
  readonly labelledBy: string;
  readonly holds: readonly Transfer[];
}

/** Pending transfers, with what the caller may do about each. */
export function HoldTable({ labelledBy, holds }: HoldTableProps) {
  const [settling, setSettling] = useState<{ readonly hold: Transfer; readonly by: Settlement }>();
  const { may } = useSession();
  const accounts = useAccounts();
  const hasActions = holds.some((hold) => may.capture(hold, accounts) || may.void(hold, accounts));
  const close = () => setSettling(undefined);
  return (
    <>
      <table aria-labelledby={labelledBy}>
        <thead>
          <tr>
            <th scope="col" className="told">
              Hold
            </th>
            <th scope="col" className="wide">
              Expires
            </th>
            <th scope="col" className="figure">
              Amount
            </th>
            {hasActions && (
              <th scope="col" className="wide">
                <span className="unseen">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {holds.map((hold) => (
            <tr key={`${hold.id}`}>
              <td className="told">
                <a href={paths.transfer(hold.id)}>{hold.description || `Transfer ${hold.id}`}</a>
                <span className="muted">
                  <AccountName id={hold.debitAccountId} accounts={accounts} /> →{" "}
                  <AccountName id={hold.creditAccountId} accounts={accounts} />
                </span>
                <div className="narrow">
                  <HoldActions hold={hold} onSettle={(by) => setSettling({ hold, by })} />
                </div>
              </td>
              <td className="wide">
                {hold.expiresAt ? dateTimeOf(hold.expiresAt) : <span className="muted">Never</span>}
              </td>
              <td className="figure">
                <Sum minor={hold.amount} money={currencyOf(hold, accounts)} />
              </td>
              {hasActions && (
                <td className="wide">
                  <HoldActions hold={hold} onSettle={(by) => setSettling({ hold, by })} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {settling?.by === "capture" && <CaptureDialog hold={settling.hold} onClose={close} />}
      {settling?.by === "void" && <VoidDialog hold={settling.hold} onClose={close} />}
    </>
  );
}

interface HoldActionsProps {
  readonly hold: Transfer;
  onSettle(by: Settlement): void;
}

function HoldActions({ hold, onSettle }: HoldActionsProps) {
  const { may } = useSession();
  const accounts = useAccounts();
  return (
    <div className="actions compact">
      {may.capture(hold, accounts) && (
        <button
          type="button"
          className="quiet"
          aria-label={`Capture transfer ${hold.id}`}
          onClick={() => onSettle("capture")}
        >
          Capture
        </button>
      )}
      {may.void(hold, accounts) && (
        <button
          type="button"
          className="quiet"
          aria-label={`Void transfer ${hold.id}`}
          onClick={() => onSettle("void")}
        >
          Void
        </button>
      )}
    </div>
  );
}
