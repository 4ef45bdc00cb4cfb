import { type Account, AccountStatus } from "@finance-service/client";
import { useQuery } from "@tanstack/react-query";
import { AccountActions } from "../accounts/account-actions.tsx";
import { FailureBoundary } from "../components/failure-boundary.tsx";
import { Loading } from "../components/loading.tsx";
import { Metadata } from "../components/metadata.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { ProblemNote } from "../components/problem-note.tsx";
import { Sum } from "../components/sum.tsx";
import { accountQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { hindranceOf, typeOf } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";
import { AccountHolds } from "./account-holds.tsx";
import { BalanceHistory } from "./balance-history.tsx";
import { Statement } from "./statement.tsx";

const back = { href: paths.accounts, to: "Accounts" };

/** One account: its figures, its balance over time, what is held, its statement. */
export function AccountPage({ id }: { readonly id: bigint }) {
  const { finance } = useSession();
  const { data, error, failureReason, refetch } = useQuery(accountQuery(finance, id));
  const known = useAccounts();
  // What the list knows is shown at once.
  const account = data ?? known.get(id);
  const problem = error ?? failureReason;
  if (account === undefined) {
    return problem === null ? (
      <Loading what="the account" />
    ) : (
      <>
        <PageHeading title={`Account ${id}`} back={back} />
        <ProblemNote problem={problem} onRetry={() => void refetch()} />
      </>
    );
  }
  return (
    <>
      <Summary account={account} />
      {problem !== null && <ProblemNote problem={problem} onRetry={() => void refetch()} />}
      <FailureBoundary what="The chart">
        <BalanceHistory account={account} />
      </FailureBoundary>
      <AccountHolds account={account} />
      <Statement account={account} />
    </>
  );
}

function Summary({ account }: { readonly account: Account }) {
  const { may } = useSession();
  const { id, name, owner, currency, balance, availableBalance, overdraftLimit, unlimitedOverdraft } = account;
  const hindrance = hindranceOf(account);
  const isOpen = account.status === AccountStatus.ACCOUNT_STATUS_OPEN;
  return (
    <section className="summary" aria-label="Account">
      <PageHeading title={name} back={back}>
        <p className="muted">
          No. {`${id}`} · {typeOf(account)} · {currency} · owned by {owner}
          {hindrance && <span className="tag">{hindrance}</span>}
        </p>
      </PageHeading>
      <dl className="figures">
        <div className="balance">
          <dt>Balance</dt>
          <dd>
            <Sum minor={balance} money={account} />
          </dd>
        </div>
        <div>
          <dt>Available</dt>
          <dd>
            <Sum minor={availableBalance} money={account} />
          </dd>
        </div>
        <div>
          <dt>Overdraft</dt>
          <dd>
            {unlimitedOverdraft ? (
              "Unlimited"
            ) : overdraftLimit === 0n ? (
              "None"
            ) : (
              <Sum minor={overdraftLimit} money={account} />
            )}
          </dd>
        </div>
      </dl>
      <div className="actions">
        {isOpen && may.debit(account) && (
          <a className="button" href={paths.newTransfer({ from: id })}>
            Transfer from here
          </a>
        )}
        {isOpen && may.credit(account) && (
          <a className="button quiet" href={paths.newTransfer({ to: id })}>
            Transfer to here
          </a>
        )}
        <AccountActions account={account} />
      </div>
      <Metadata metadata={account.metadata} />
    </section>
  );
}
