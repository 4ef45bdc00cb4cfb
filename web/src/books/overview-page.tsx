import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Loading } from "../components/loading.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { TransferTable } from "../components/transfer-table.tsx";
import { KNOWN_ACCOUNTS_MAX, knownAccountsQuery, transfersQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { BalancesByCurrency } from "./balances-by-currency.tsx";
import { TrialBalance } from "./trial-balance.tsx";

const LATEST = 8;

/** The books at a glance: what each currency's accounts hold, the latest activity and, for an admin, the trial balance. */
export function OverviewPage() {
  const { finance, may } = useSession();
  const known = useQuery(knownAccountsQuery(finance));
  const problem = known.error ?? known.failureReason;
  return (
    <>
      <PageHeading title="Overview" />
      <div className="columns">
        <div className="stack wide-gaps">
          <section aria-labelledby="balances-heading">
            <h2 id="balances-heading">Balances</h2>
            {known.data === undefined && problem === null && <Loading what="the accounts" />}
            {known.data?.accounts.length === 0 && (
              <div className="empty">
                <p>{may.isAdmin ? "The books are empty." : "You have no accounts yet."}</p>
                {may.write && (
                  <a className="button" href={paths.newAccount}>
                    Open an account
                  </a>
                )}
              </div>
            )}
            {known.data !== undefined && <BalancesByCurrency accounts={known.data.accounts} />}
            {known.data?.isComplete === false && (
              <p className="muted">Of your first {KNOWN_ACCOUNTS_MAX} accounts; there are more.</p>
            )}
            {problem !== null && <ProblemNote problem={problem} onRetry={() => void known.refetch()} />}
          </section>
          {may.readTrialBalance && <TrialBalance />}
        </div>
        <LatestActivity />
      </div>
    </>
  );
}

function LatestActivity() {
  const { finance, may } = useSession();
  const accounts = useAccounts();
  const { data, error, failureReason, refetch } = useInfiniteQuery({
    ...transfersQuery(finance, { pageSize: LATEST }),
    refetchInterval: 10_000,
  });
  const problem = error ?? failureReason;
  const transfers = data?.pages[0]?.transfers;
  return (
    <section className="table" aria-labelledby="activity-heading">
      <div className="heading-line">
        <h2 id="activity-heading">Latest activity</h2>
        <a href={paths.activity}>All</a>
      </div>
      {transfers === undefined && problem === null && <Loading what="the activity" />}
      {transfers?.length === 0 && (
        <p className="empty">{may.isAdmin ? "No money has moved yet." : "No money has moved on your accounts yet."}</p>
      )}
      {transfers !== undefined && transfers.length > 0 && (
        <TransferTable labelledBy="activity-heading" transfers={transfers} accounts={accounts} />
      )}
      {problem !== null && <ProblemNote problem={problem} onRetry={() => void refetch()} />}
    </section>
  );
}
