import type { Transfer } from "@finance-service/client";
import { type ReactNode, useState } from "react";
import { Sum } from "../components/sum.tsx";
import { Table } from "../components/table.tsx";
import { TransferLink } from "../components/transfer-table.tsx";
import { useAccounts } from "../data/use-accounts.ts";
import { dateTimeOf } from "../labels.ts";
import { useSession } from "../session/session.ts";
import { CaptureDialog, VoidDialog } from "./settle-dialogs.tsx";

type Settlement = "capture" | "void";

/** A dialog that settles a hold. It stays open, with what was typed, when someone else settles the hold and its row disappears. */
export function useSettlement(): { settle(hold: Transfer, by: Settlement): void; readonly dialog: ReactNode } {
  const [settling, setSettling] = useState<{ readonly hold: Transfer; readonly by: Settlement }>();
  const close = () => setSettling(undefined);
  return {
    settle: (hold, by) => setSettling({ hold, by }),
    dialog:
      settling &&
      (settling.by === "capture" ? (
        <CaptureDialog transfer={settling.hold} onClose={close} />
      ) : (
        <VoidDialog transfer={settling.hold} onClose={close} />
      )),
  };
}

interface HoldTableProps {
  /** The id of the heading that names the table. */
  readonly labelledBy: string;
  readonly holds: readonly Transfer[];
  onSettle(hold: Transfer, by: Settlement): void;
}

/** Pending transfers, each with the actions that the caller may take. */
export function HoldTable({ labelledBy, holds, onSettle }: HoldTableProps) {
  const { may } = useSession();
  const accounts = useAccounts();
  const hasActions = holds.some((hold) => may.capture(hold, accounts) || may.void(hold, accounts));
  const actionsOf = (hold: Transfer) => <HoldActions hold={hold} onSettle={(by) => onSettle(hold, by)} />;
  const actions = { head: "Actions", className: "wide", isHeadHidden: true, cell: actionsOf };
  return (
    <Table
      labelledBy={labelledBy}
      rows={holds}
      keyOf={({ id }) => `${id}`}
      columns={[
        {
          head: "Hold",
          className: "told",
          cell: (hold) => (
            <>
              <TransferLink transfer={hold} accounts={accounts} />
              <div className="narrow">{actionsOf(hold)}</div>
            </>
          ),
        },
        {
          head: "Expires",
          className: "wide",
          cell: ({ expiresAt }) => (expiresAt ? dateTimeOf(expiresAt) : <span className="muted">Never</span>),
        },
        { head: "Amount", className: "figure", cell: (hold) => <Sum minor={hold.amount} money={hold} /> },
        ...(hasActions ? [actions] : []),
      ]}
    />
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
