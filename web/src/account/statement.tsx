import { type Account, type Entry, listEntries } from "@finance-service/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { readOf } from "../calls/recorded-call.ts";
import { AccountName } from "../components/account-name.tsx";
import {
  AccountFilter,
  AmountFilter,
  ClearFilters,
  DayFilter,
  MoreFilters,
  TextFilter,
} from "../components/filters.tsx";
import { Pages } from "../components/pages.tsx";
import { Sum } from "../components/sum.tsx";
import { type Column, Table, useSort } from "../components/table.tsx";
import { Time } from "../components/time.tsx";
import { ENTRY_PARAMETERS, readEntryFilters } from "../data/filters.ts";
import { entriesQuery, keys, PAGE_SIZE_MAX } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { entryColumns } from "../export/csv-columns.ts";
import { ListTools, pagesOf } from "../export/list-tools.tsx";
import { dateOf, sideOf } from "../labels.ts";
import { paths, useQueryOfAddress } from "../route.ts";
import { useSession } from "../session/session.ts";

/** The account's entries, newest first, with filters. */
export function Statement({ account }: { readonly account: Account }) {
  const { finance } = useSession();
  const accounts = useAccounts();
  const query = useQueryOfAddress();
  const columns = columnsFor(account, accounts);
  const sort = useSort(columns.flatMap(({ head, sortKey }) => (sortKey ? head : [])));
  const isFiltered = ENTRY_PARAMETERS.some((name) => query.has(name));
  const { filters, problems } = readEntryFilters(query, account);
  // The service lists entries by their date in both directions. By other columns, the page sorts what it has loaded.
  const isByDate = sort?.by === "date";
  const asked = { ...filters, accountId: account.id, newestFirst: !isByDate || sort.isDescending };
  const entries = useInfiniteQuery(
    entriesQuery(finance, account.id, {
      ...filters,
      newestFirst: asked.newestFirst,
      ...(sort !== undefined && !isByDate && { pageSize: PAGE_SIZE_MAX }),
    }),
  );
  return (
    <section className="table" aria-labelledby="statement-heading">
      <div className="heading-line">
        <h2 id="statement-heading">Statement</h2>
        <ListTools
          name={`statement-${account.id}`}
          columns={entryColumns(account, accounts)}
          pages={pagesOf(finance.listEntries, asked, (page) => page.entries)}
          read={readOf(listEntries, asked)}
          queryKey={keys.entries(account.id)}
        >
          <a href={paths.statement(account.id)}>Print or save a period</a>
        </ListTools>
      </div>
      <search>
        <MoreFilters summary="Filter the statement" names={ENTRY_PARAMETERS}>
          <DayFilter label="From" name="from" problems={problems} />
          <DayFilter label="Until" name="until" problems={problems} />
          <AccountFilter label="Other account" name="counterparty" problems={problems} accounts={accounts} />
          <AmountFilter label="Minimum amount" name="min" problems={problems} money={account} />
          <AmountFilter label="Maximum amount" name="max" problems={problems} money={account} />
          <TextFilter label="Metadata" name="metadata" problems={problems} placeholder="order=1042" />
        </MoreFilters>
      </search>
      <Pages
        query={entries}
        itemsOf={(page) => page.entries}
        what="the statement"
        isSorted={sort !== undefined && !isByDate}
        empty={
          isFiltered ? (
            <>
              <p>No entries match these filters.</p>
              <ClearFilters names={ENTRY_PARAMETERS}>Show the whole statement</ClearFilters>
            </>
          ) : (
            <p>This account has no entries yet.</p>
          )
        }
      >
        {(items) => (
          <Table
            labelledBy="statement-heading"
            rows={items}
            keyOf={({ sequence }) => `${sequence}`}
            columns={columns}
            isSortable
          />
        )}
      </Pages>
    </section>
  );
}

/** Columns that do not fit on a narrow screen are repeated, smaller, in those that do. */
export function columnsFor(account: Account, accounts: ReadonlyMap<bigint, Account>): readonly Column<Entry>[] {
  const sum = ({ amount }: Entry) => <Sum minor={absolute(amount)} money={account} />;
  const balance = ({ balanceAfter }: Entry) => <Sum minor={balanceAfter} money={account} />;
  return [
    {
      head: "Date",
      className: "wide",
      sortKey: ({ sequence }) => [sequence],
      startsDescending: true,
      cell: ({ createdAt }) => <Time time={createdAt} />,
    },
    {
      head: "Description",
      className: "told",
      sortKey: ({ transferId, description }) => [description || `Transfer ${transferId}`],
      cell: ({ transferId, description, counterpartyAccountId, createdAt }) => (
        <>
          <a href={paths.transfer(transferId)}>{description || `Transfer ${transferId}`}</a>
          <span className="muted">
            <AccountName id={counterpartyAccountId} accounts={accounts} />
          </span>
          <span className="muted narrow">{createdAt && dateOf(createdAt)}</span>
        </>
      ),
    },
    {
      head: "Debit",
      className: "figure wide",
      sortKey: (entry) => [sideOf(entry, account) === "Debit" ? absolute(entry.amount) : 0n],
      startsDescending: true,
      cell: (entry) => sideOf(entry, account) === "Debit" && sum(entry),
    },
    {
      head: "Credit",
      className: "figure wide",
      sortKey: (entry) => [sideOf(entry, account) === "Credit" ? absolute(entry.amount) : 0n],
      startsDescending: true,
      cell: (entry) => sideOf(entry, account) === "Credit" && sum(entry),
    },
    {
      head: "Amount",
      className: "figure narrow",
      sortKey: ({ amount }) => [amount],
      startsDescending: true,
      cell: (entry) => (
        <>
          <Sum minor={entry.amount} money={account} signed />
          <span className="muted">
            {sideOf(entry, account)} · {balance(entry)}
          </span>
        </>
      ),
    },
    {
      head: "Balance",
      className: "figure wide muted",
      sortKey: ({ balanceAfter }) => [balanceAfter],
      startsDescending: true,
      cell: balance,
    },
  ];
}

function absolute(amount: bigint): bigint {
  return amount < 0n ? -amount : amount;
}
