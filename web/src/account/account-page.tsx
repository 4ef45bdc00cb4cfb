import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { type Account, AccountStatus, formatMoney } from "../../../src/client/index.ts";
import { AccountActions } from "../accounts/account-actions.tsx";
import { accountQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { Loading } from "../parts/loading.tsx";
import { PageHeading } from "../parts/page-heading.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { hindranceOf, typeOf } from "../parts/words.ts";
import { useSession } from "../session/session.ts";
import { paths } from "../shell/route.ts";
import { AccountHolds } from "./account-holds.tsx";
import { Statement } from "./statement.tsx";

// The chart's library is most of the code of this page.
const BalanceHistory = lazy(async () => ({ default: (await import("./balance-history.tsx")).BalanceHistory }));

/** One account: its figures, how its balance went, what is held, its statement. */
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
        <PageHeading title={`Account ${id}`} />
        <ProblemNote problem={problem} onRetry={() => void refetch()} />
        <a href={paths.accounts}>All accounts</a>
      </>
    );
  }
  return (
    <>
      <Summary account={account} />
      {problem !== null && <ProblemNote problem={problem} onRetry={() => void refetch()} />}
      <Suspense fallback={<div className="chart-room" />}>
        <BalanceHistory account={account} />
      </Suspense>
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
      <PageHeading title={name}>
        <p className="muted">
          No. {`${id}`} · {typeOf(account)} · {currency} · owned by {owner}
          {hindrance && <span className="tag">{hindrance}</span>}
        </p>
      </PageHeading>
      <dl className="figures">
        <div className="balance">
          <dt>Balance</dt>
          <dd>{formatMoney(balance, account)}</dd>
        </div>
        <div>
          <dt>Available</dt>
          <dd>{formatMoney(availableBalance, account)}</dd>
        </div>
        <div>
          <dt>Overdraft</dt>
          <dd>{unlimitedOverdraft ? "Unlimited" : formatMoney(overdraftLimit, account)}</dd>
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
    </section>
  );
}
