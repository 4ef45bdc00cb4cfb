import { type FinanceClient, TransferState, toDate } from "@finance-service/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Loaded } from "../components/loaded.tsx";
import { transfersQuery } from "../data/queries.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { HoldTable, useSettlement } from "../transfers/hold-table.tsx";

const SHOWN_MAX = 5;
/** The newest holds that are looked through. */
const HOLDS_MAX = 200;
const SOON_DAYS = 7;
const DAY_MS = 86_400_000;

export function pendingQuery(finance: FinanceClient) {
  return transfersQuery(finance, { state: TransferState.TRANSFER_STATE_PENDING, pageSize: HOLDS_MAX });
}

/** The holds that expire first, to capture or void in time. */
export function ExpiringHolds() {
  const { finance } = useSession();
  const query = useInfiniteQuery(pendingQuery(finance));
  const { settle, dialog } = useSettlement();
  const soon = fromNow(SOON_DAYS);
  return (
    <section className="table" aria-labelledby="expiring-heading">
      <div className="heading-line">
        <h2 id="expiring-heading">Holds that expire soon</h2>
        <a href={paths.holds}>Show all</a>
      </div>
      <Loaded query={query} what="the holds">
        {({ pages: [newest] }) => {
          const expiring = (newest?.transfers ?? [])
            .flatMap((hold) => (hold.expiresAt === undefined ? [] : [{ hold, time: toDate(hold.expiresAt) }]))
            .filter(({ time }) => time < soon)
            .sort((one, other) => one.time.getTime() - other.time.getTime())
            .slice(0, SHOWN_MAX)
            .map(({ hold }) => hold);
          return (
            <>
              {expiring.length === 0 ? (
                <p className="muted">No hold expires in the next {SOON_DAYS} days.</p>
              ) : (
                <HoldTable labelledBy="expiring-heading" holds={expiring} onSettle={settle} />
              )}
              {newest?.nextPageToken !== "" && (
                <p className="muted">There are more than {HOLDS_MAX} holds. Older ones are not shown here.</p>
              )}
            </>
          );
        }}
      </Loaded>
      {dialog}
    </section>
  );
}

function fromNow(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}
