import { useState } from "react";
import { formatMoney, type Transfer } from "../../../src/client/index.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { AccountName } from "../parts/account-name.tsx";
import { currencyOf } from "../parts/currencies.ts";
import { dateTimeOf } from "../parts/words.ts";
import { useSession } from "../session/session.ts";
import { paths } from "../shell/route.ts";
import { CaptureDialog, VoidDialog } from "./settle-dialogs.tsx";

interface HoldTableProps {
  /** The heading that names the table. */
  readonly labelledBy: string;
  readonly holds: readonly Transfer[];
}

/** Pending transfers, with what the caller may do about each. */
export function HoldTable({ labelledBy, holds }: HoldTableProps) {
  const [settling, setSettling] = useState<{ readonly hold: Transfer; readonly by: "capture" | "void" }>();
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
              <th scope="col">
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
              </td>
              <td className="wide">
                {hold.expiresAt ? dateTimeOf(hold.expiresAt) : <span className="muted">Never</span>}
              </td>
              <td className="figure">{formatMoney(hold.amount, currencyOf(hold, accounts))}</td>
              {hasActions && (
                <td>
                  <div className="actions compact">
                    {may.capture(hold, accounts) && (
                      <button
                        type="button"
                        className="quiet"
                        aria-label={`Capture transfer ${hold.id}`}
                        onClick={() => setSettling({ hold, by: "capture" })}
                      >
                        Capture
                      </button>
                    )}
                    {may.void(hold, accounts) && (
                      <button
                        type="button"
                        className="quiet"
                        aria-label={`Void transfer ${hold.id}`}
                        onClick={() => setSettling({ hold, by: "void" })}
                      >
                        Void
                      </button>
                    )}
                  </div>
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
