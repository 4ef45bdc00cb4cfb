import { useInfiniteQuery } from "@tanstack/react-query";
import { TransferState } from "../../../packages/client/src/index.ts";
import { transfersQuery } from "../data/queries.ts";
import { PageHeading } from "../parts/page-heading.tsx";
import { Pages } from "../parts/pages.tsx";
import { useSession } from "../session/session.ts";
import { paths } from "../shell/route.ts";
import { HoldTable } from "./hold-table.tsx";

/** Everything that is reserved and not moved yet. */
export function HoldsPage() {
  const { finance, may } = useSession();
  const holds = useInfiniteQuery(transfersQuery(finance, { state: TransferState.TRANSFER_STATE_PENDING }));
  return (
    <>
      <PageHeading title="Holds" />
      <section className="table" aria-labelledby="pending-heading">
        <h2 id="pending-heading" className="unseen">
          Pending transfers
        </h2>
        <Pages
          query={holds}
          itemsOf={({ transfers }) => transfers}
          what="the holds"
          empty={
            <>
              <p>{may.isAdmin ? "Nothing is held." : "Nothing is held on your accounts."}</p>
              <p className="muted">
                A hold reserves money until it is captured, voided or expires, like a card payment.
              </p>
              {may.write && (
                <a className="button quiet" href={paths.newTransfer()}>
                  Hold an amount
                </a>
              )}
            </>
          }
        >
          {(items) => <HoldTable labelledBy="pending-heading" holds={items} />}
        </Pages>
      </section>
    </>
  );
}
