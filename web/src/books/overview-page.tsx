import type { FinanceClient } from "@finance-service/client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Loaded, Settled } from "../components/loaded.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { TransferTable } from "../components/transfer-table.tsx";
import { knownAccountsQuery, PAGE_SIZE_MAX, transfersQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { BalancesByCurrency } from "./balances-by-currency.tsx";
import { ExpiringHolds, pendingQuery } from "./expiring-holds.tsx";
import { movementsQuery } from "./movement.ts";
import { MovementSection } from "./movement-section.tsx";
import { TrialBalance } from "./trial-balance.tsx";

const LATEST = 6;
const latestQuery = (finance: FinanceClient) => transfersQuery(finance, { pageSize: LATEST });

/** The books at a glance: movement, balances, holds that expire soon, the latest activity and, for an admin, the trial balance. */
export function OverviewPage() {
  const { finance, may } = useSession();
  const known = useQuery(knownAccountsQuery(finance));
  const others = [
    useQuery(movementsQuery(finance)),
    useInfiniteQuery(pendingQuery(finance)),
    useInfiniteQuery(latestQuery(finance)),
  ];
  return (
    <>
      <PageHeading title="Overview" />
      <Settled queries={[known, ...others]} what="the overview">
        <MovementSection />
        <div className="columns">
          <div className="stack wide-gaps">
            <section aria-labelledby="balances-heading">
              <h2 id="balances-heading">Balances</h2>
              <Loaded query={known} what="the accounts">
                {({ accounts, isComplete }) => (
                  <>
                    {accounts.length === 0 && <NoAccounts />}
                    <BalancesByCurrency accounts={accounts} />
                    {!isComplete && (
                      <p className="muted">These sums cover the first {PAGE_SIZE_MAX} accounts; there are more.</p>
                    )}
                  </>
                )}
              </Loaded>
            </section>
            {may.readTrialBalance && <TrialBalance />}
          </div>
          <div className="stack wide-gaps">
            <ExpiringHolds />
            <LatestActivity />
          </div>
        </div>
      </Settled>
    </>
  );
}

function NoAccounts() {
  const { may } = useSession();
  return (
    <div className="empty">
      <p>{may.isAdmin ? "There are no accounts yet." : "You have no accounts yet."}</p>
      {may.write && (
        <a className="button" href={paths.newAccount}>
          Open an account
        </a>
      )}
    </div>
  );
}

function LatestActivity() {
  const { finance, may } = useSession();
  const accounts = useAccounts();
  const query = useInfiniteQuery(latestQuery(finance));
  return (
    <section className="table" aria-labelledby="activity-heading">
      <div className="heading-line">
        <h2 id="activity-heading">Latest activity</h2>
        <a href={paths.activity}>Show all</a>
      </div>
      <Loaded query={query} what="the activity">
        {({ pages: [latest] }) =>
          latest === undefined || latest.transfers.length === 0 ? (
            <p className="empty">
              {may.isAdmin ? "There are no transfers yet." : "Your accounts have no transfers yet."}
            </p>
          ) : (
            <TransferTable labelledBy="activity-heading" transfers={latest.transfers} accounts={accounts} />
          )
        }
      </Loaded>
    </section>
  );
}
