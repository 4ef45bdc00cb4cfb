import { listTransfers, TransferState } from "@finance-service/client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { readOf } from "../calls/recorded-call.ts";
import { Settled } from "../components/loaded.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { Pages } from "../components/pages.tsx";
import { keys, knownAccountsQuery, transfersQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { transferColumns } from "../export/csv-columns.ts";
import { ListTools, pagesOf } from "../export/list-tools.tsx";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { HoldTable, useSettlement } from "./hold-table.tsx";

const PENDING = { state: TransferState.TRANSFER_STATE_PENDING };

/** Every pending transfer that the caller may see. */
export function HoldsPage() {
  const { finance, may } = useSession();
  const known = useQuery(knownAccountsQuery(finance));
  const holds = useInfiniteQuery(transfersQuery(finance, PENDING));
  const accounts = useAccounts();
  const { settle, dialog } = useSettlement();
  return (
    <>
      <PageHeading title="Holds" />
      <section className="table" aria-labelledby="pending-heading">
        <h2 id="pending-heading" className="unseen">
          Pending transfers
        </h2>
        <ListTools
          name="holds"
          columns={transferColumns(accounts)}
          pages={pagesOf(finance.listTransfers, PENDING, ({ transfers }) => transfers)}
          read={readOf(listTransfers, PENDING)}
          queryKey={keys.transfers(0n, PENDING.state)}
        />
        <Settled queries={[holds, known]} what="the holds">
          <Pages
            query={holds}
            itemsOf={({ transfers }) => transfers}
            what="the holds"
            empty={
              <>
                <p>{may.isAdmin ? "There are no holds." : "Your accounts have no holds."}</p>
                <p className="muted">
                  A hold reserves money, as a card payment does, until it is captured, voided or expires.
                </p>
                {may.write && (
                  <a className="button quiet" href={paths.newTransfer()}>
                    Hold an amount
                  </a>
                )}
              </>
            }
          >
            {(items) => <HoldTable labelledBy="pending-heading" holds={items} onSettle={settle} />}
          </Pages>
        </Settled>
      </section>
      {dialog}
    </>
  );
}
