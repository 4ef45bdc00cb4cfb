import { type Account, AccountStatus, getAccount } from "@finance-service/client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { AccountActions } from "../accounts/account-actions.tsx";
import { EditAccount } from "../accounts/edit-account.tsx";
import { CallButton } from "../calls/call-button.tsx";
import { readOf } from "../calls/recorded-call.ts";
import { Copyable } from "../components/copy.tsx";
import { FailureBoundary } from "../components/failure-boundary.tsx";
import { Loaded, Settled } from "../components/loaded.tsx";
import { Metadata } from "../components/metadata.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { Sum } from "../components/sum.tsx";
import { ENTRY_PARAMETERS } from "../data/filters.ts";
import {
  accountChangesQuery,
  accountQuery,
  entriesQuery,
  historyQuery,
  keys,
  knownAccountsQuery,
} from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { hindranceOf, typeOf } from "../labels.ts";
import { paths, useQueryOfAddress } from "../route.ts";
import { useSession } from "../session/session.ts";
import { AccountHolds, accountHoldsQuery } from "./account-holds.tsx";
import { AuditTrail } from "./audit-trail.tsx";
import { BalanceHistory, firstSpan } from "./balance-history.tsx";
import { Statement } from "./statement.tsx";

const back = { href: paths.accounts, to: "Accounts" };

/** One account: its figures, its balance over time, its holds, the changes of its settings, its statement. */
export function AccountPage({ id }: { readonly id: bigint }) {
  const { finance } = useSession();
  const query = useQuery(accountQuery(finance, id));
  const known = useAccounts();
  const [openedAt] = useState(() => new Date());
  const address = useQueryOfAddress();
  const isFiltered = [...ENTRY_PARAMETERS, "sort"].some((name) => address.has(name));
  const entries = useInfiniteQuery({ ...entriesQuery(finance, id), enabled: !isFiltered });
  const parts = [
    useQuery(knownAccountsQuery(finance)),
    useQuery(historyQuery(finance, id, firstSpan(openedAt))),
    useInfiniteQuery(accountHoldsQuery(finance, id)),
    useInfiniteQuery(accountChangesQuery(finance, id)),
    ...(isFiltered ? [] : [entries]),
  ];
  // Show what the list knows until the account itself is loaded.
  const data = query.data ?? known.get(id);
  return (
    <>
      {data === undefined && <PageHeading title={`Account ${id}`} back={back} />}
      <Loaded query={{ ...query, data }} what="the account">
        {(account) => (
          <>
            <Summary account={account} />
            <Settled queries={parts} what="the history">
              <FailureBoundary what="The chart">
                <BalanceHistory account={account} openedAt={openedAt} />
              </FailureBoundary>
              <AccountHolds account={account} />
              <AuditTrail account={account} />
              <Statement account={account} />
            </Settled>
          </>
        )}
      </Loaded>
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
          No. <Copyable text={`${id}`} what="the account number" /> · {typeOf(account)} · {currency} · owned by {owner}
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
        <EditAccount account={account} />
        <AccountActions account={account} />
        <CallButton read={readOf(getAccount, { id })} queryKey={keys.account(id)} />
      </div>
      <Metadata metadata={account.metadata} />
    </section>
  );
}
