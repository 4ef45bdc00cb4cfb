import { type Account, AccountStatus, AccountType, type FinanceClient } from "@finance-service/client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { Field, SelectField } from "../components/field.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { Pages } from "../components/pages.tsx";
import { Sum } from "../components/sum.tsx";
import { type Column, Table } from "../components/table.tsx";
import { accountsQuery, knownAccountsQuery } from "../data/queries.ts";
import { accountStatuses, accountTypes, hindranceOf, typeOf } from "../labels.ts";
import { paths, readId } from "../route.ts";
import { useSession } from "../session/session.ts";
import { AccountActions } from "./account-actions.tsx";

const ANY = {
  search: "",
  type: AccountType.ACCOUNT_TYPE_UNSPECIFIED,
  status: AccountStatus.ACCOUNT_STATUS_UNSPECIFIED,
  currency: "",
};

/** The accounts that the caller may see, with a search and filters. */
export function AccountsPage() {
  const { finance, may } = useSession();
  const [sought, setSought] = useState(ANY);
  const { data: known } = useQuery(knownAccountsQuery(finance));
  const { listed, shown, isByPrefix } = useSoughtAccounts(finance, useDeferredValue(sought));
  const currencies = [...new Set(known?.accounts.map(({ currency }) => currency))].sort();
  return (
    <>
      <PageHeading title="Accounts">
        {may.write && (
          <a className="button" href={paths.newAccount}>
            New account
          </a>
        )}
      </PageHeading>
      <search className="filters">
        <Field
          label="Search"
          type="search"
          value={sought.search}
          onChange={({ target }) => setSought({ ...sought, search: target.value })}
          placeholder="Name or number"
          hint={isByPrefix ? "Finds names that start with this text; upper and lower case matter" : ""}
        />
        <SelectField
          label="Type"
          value={sought.type}
          onChange={({ target }) => setSought({ ...sought, type: Number(target.value) })}
          choices={[{ value: ANY.type, label: "Any type" }, ...accountTypes]}
        />
        <SelectField
          label="Status"
          value={sought.status}
          onChange={({ target }) => setSought({ ...sought, status: Number(target.value) })}
          choices={[{ value: ANY.status, label: "Any status" }, ...accountStatuses]}
        />
        <SelectField
          label="Currency"
          value={sought.currency}
          onChange={({ target }) => setSought({ ...sought, currency: target.value })}
          choices={[
            { value: ANY.currency, label: "Any currency" },
            ...currencies.map((currency) => ({ value: currency, label: currency })),
          ]}
        />
      </search>
      <section className="table" aria-label="Accounts found">
        <Pages
          query={listed}
          itemsOf={({ accounts }) => accounts.filter(shown)}
          what="the accounts"
          empty={
            sought === ANY ? (
              <p>{may.isAdmin ? "There are no accounts yet." : "You have no accounts yet."}</p>
            ) : (
              <>
                <p>No accounts match these filters.</p>
                <button type="button" className="quiet" onClick={() => setSought(ANY)}>
                  Show all accounts
                </button>
              </>
            )
          }
        >
          {(accounts) => <AccountTable accounts={accounts} />}
        </Pages>
      </section>
    </>
  );
}

/**
 * Finds the accounts that match. If all of the caller's accounts fit on one page, this page searches anywhere in their
 * names; otherwise the service searches by the start of the name.
 */
function useSoughtAccounts(finance: FinanceClient, sought: typeof ANY) {
  const { search, ...filters } = sought;
  const text = search.trim();
  const { data: known } = useQuery(knownAccountsQuery(finance));
  const isByPrefix = known?.isComplete === false && readId(text) === undefined;
  const listed = useInfiniteQuery(accountsQuery(finance, { ...filters, namePrefix: isByPrefix ? text : "" }));
  const words = text.toLocaleLowerCase();
  const shown = ({ id, name }: Account) => isByPrefix || `${id}` === text || name.toLocaleLowerCase().includes(words);
  return { listed, shown, isByPrefix };
}

function AccountTable({ accounts }: { readonly accounts: readonly Account[] }) {
  const { may } = useSession();
  const actions: Column<Account> = {
    head: "Actions",
    className: "wide",
    isHeadHidden: true,
    cell: (account) => <AccountActions account={account} />,
  };
  return (
    <Table
      rows={accounts}
      keyOf={({ id }) => `${id}`}
      columns={[
        {
          head: "Account",
          className: "told",
          cell: (account) => (
            <>
              <a href={paths.account(account.id)}>{account.name}</a>
              {hindranceOf(account) && <span className="tag">{hindranceOf(account)}</span>}
              <span className="muted">
                No. {`${account.id}`} · {typeOf(account)}
              </span>
            </>
          ),
        },
        { head: "Owner", className: "owner wide", cell: ({ owner }) => owner },
        {
          head: "Available",
          className: "figure wide muted",
          cell: (account) => <Sum minor={account.availableBalance} money={account} />,
        },
        {
          head: "Balance",
          className: "figure",
          cell: (account) => <Sum minor={account.balance} money={account} />,
        },
        ...(may.write ? [actions] : []),
      ]}
    />
  );
}
