import { type Account, type FinanceClient, listAccounts } from "@finance-service/client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { readOf } from "../calls/recorded-call.ts";
import { ChoiceFilter, ClearFilters, TextFilter } from "../components/filters.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { Pages } from "../components/pages.tsx";
import { Sum } from "../components/sum.tsx";
import { type Column, Table, useSort } from "../components/table.tsx";
import { ACCOUNT_PARAMETERS, readAccountFilters } from "../data/filters.ts";
import { type AccountFilters, accountsQuery, keys, knownAccountsQuery, PAGE_SIZE_MAX } from "../data/queries.ts";
import { accountColumns } from "../export/csv-columns.ts";
import { ListTools, pagesOf } from "../export/list-tools.tsx";
import { accountStatuses, accountTypes, hindranceOf, typeOf } from "../labels.ts";
import { paths, readId, useQueryOfAddress } from "../route.ts";
import { useSession } from "../session/session.ts";
import { AccountActions } from "./account-actions.tsx";

/** The accounts that the caller may see, with a search and filters. */
export function AccountsPage() {
  const { finance, may } = useSession();
  const query = useQueryOfAddress();
  const isFiltered = ACCOUNT_PARAMETERS.some((name) => query.has(name));
  const { filters, problems } = readAccountFilters(query);
  const { data: known } = useQuery(knownAccountsQuery(finance));
  const sort = useSort(columns.flatMap(({ head, sortKey }) => (sortKey ? head : [])));
  const { listed, asked, shown, isByPrefix, pages } = useSoughtAccounts(finance, filters, sort !== undefined);
  const currencies = [...(known?.accounts ?? []), filters].map(({ currency }) => currency).filter(Boolean);
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
        <TextFilter
          label="Search"
          name="q"
          problems={problems}
          type="search"
          isInstant={!isByPrefix}
          placeholder="Name or number"
          hint={
            isByPrefix && query.has("q") ? "Finds names that start with this text; upper and lower case matter" : ""
          }
        />
        <ChoiceFilter
          label="Type"
          name="type"
          problems={problems}
          any="Any type"
          choices={accountTypes.map(({ label }) => label)}
        />
        <ChoiceFilter
          label="Status"
          name="status"
          problems={problems}
          any="Any status"
          choices={accountStatuses.map(({ label }) => label)}
        />
        <ChoiceFilter
          label="Currency"
          name="currency"
          problems={problems}
          any="Any currency"
          choices={[...new Set(currencies)].sort()}
          toAddress={(code) => code}
        />
      </search>
      <section className="table" aria-label="Accounts found">
        <ListTools
          name="accounts"
          columns={accountColumns}
          pages={pages}
          read={readOf(listAccounts, asked)}
          queryKey={keys.accounts}
        />
        <Pages
          query={listed}
          itemsOf={({ accounts }) => accounts.filter(shown)}
          what="the accounts"
          isSorted={sort !== undefined}
          empty={
            isFiltered ? (
              <>
                <p>No accounts match these filters.</p>
                <ClearFilters names={ACCOUNT_PARAMETERS}>Show all accounts</ClearFilters>
              </>
            ) : (
              <>
                <p>{may.isAdmin ? "There are no accounts yet." : "You have no accounts yet."}</p>
                {may.write && (
                  <a className="button" href={paths.newAccount}>
                    Open an account
                  </a>
                )}
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
 * names; otherwise the service searches by the start of the name, or by the number.
 */
function useSoughtAccounts(
  finance: FinanceClient,
  { namePrefix: text, ...filters }: AccountFilters,
  isSorted: boolean,
) {
  const { data: known } = useQuery(knownAccountsQuery(finance));
  const isByPrefix = known?.isComplete === false;
  const id = isByPrefix ? readId(text) : undefined;
  const asked = { ...filters, namePrefix: isByPrefix ? text : "" };
  const listed = useInfiniteQuery(accountsQuery(finance, { ...asked, id }, isSorted ? PAGE_SIZE_MAX : undefined));
  const words = text.toLocaleLowerCase();
  const shown = ({ id, name }: Account) => isByPrefix || `${id}` === text || name.toLocaleLowerCase().includes(words);
  /** All rows, for a file. */
  async function* pages(signal: AbortSignal): AsyncIterable<readonly Account[]> {
    yield listed.data?.pages[0]?.accounts.filter((account) => account.id === id) ?? [];
    const rowsOf = ({ accounts }: { readonly accounts: readonly Account[] }) =>
      accounts.filter((account) => account.id !== id && shown(account));
    yield* pagesOf(finance.listAccounts, asked, rowsOf)(signal);
  }
  return { listed, asked, shown, isByPrefix, pages };
}

const columns: readonly Column<Account>[] = [
  {
    head: "Account",
    className: "told",
    sortKey: ({ name }) => [name],
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
  { head: "Owner", className: "owner wide", sortKey: ({ owner }) => [owner], cell: ({ owner }) => owner },
  {
    head: "Available",
    className: "figure wide muted",
    sortKey: ({ currency, availableBalance }) => [currency, availableBalance],
    startsDescending: true,
    cell: (account) => <Sum minor={account.availableBalance} money={account} />,
  },
  {
    head: "Balance",
    className: "figure",
    sortKey: ({ currency, balance }) => [currency, balance],
    startsDescending: true,
    cell: (account) => <Sum minor={account.balance} money={account} />,
  },
];

const actions: Column<Account> = {
  head: "Actions",
  className: "wide",
  isHeadHidden: true,
  cell: (account) => <AccountActions account={account} />,
};

function AccountTable({ accounts }: { readonly accounts: readonly Account[] }) {
  const { may } = useSession();
  return (
    <Table
      rows={accounts}
      keyOf={({ id }) => `${id}`}
      columns={may.write ? [...columns, actions] : columns}
      isSortable
    />
  );
}
