import type { Account, Entry } from "@finance-service/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { AccountName } from "../components/account-name.tsx";
import { Pages } from "../components/pages.tsx";
import { Sum } from "../components/sum.tsx";
import { type Column, Table } from "../components/table.tsx";
import { Time } from "../components/time.tsx";
import { entriesQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { dateOf, sideOf } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";

/** The account's entries, newest first. */
export function Statement({ account }: { readonly account: Account }) {
  const { finance } = useSession();
  const columns = columnsFor(account, useAccounts());
  const entries = useInfiniteQuery(entriesQuery(finance, account.id));
  return (
    <section className="table" aria-labelledby="statement-heading">
      <div className="heading-line">
        <h2 id="statement-heading">Statement</h2>
        <div className="tools">
          <a href={paths.statement(account.id)}>Print or save a period</a>
        </div>
      </div>
      <Pages
        query={entries}
        itemsOf={(page) => page.entries}
        what="the statement"
        empty={<p>This account has no entries yet.</p>}
      >
        {(items) => (
          <Table
            labelledBy="statement-heading"
            rows={items}
            keyOf={({ sequence }) => `${sequence}`}
            columns={columns}
          />
        )}
      </Pages>
    </section>
  );
}

/** Columns that do not fit on a narrow screen are repeated, smaller, in those that do. */
export function columnsFor(account: Account, accounts: ReadonlyMap<bigint, Account>): readonly Column<Entry>[] {
  const sum = ({ amount }: Entry) => <Sum minor={amount < 0n ? -amount : amount} money={account} />;
  const balance = ({ balanceAfter }: Entry) => <Sum minor={balanceAfter} money={account} />;
  return [
    { head: "Date", className: "wide", cell: ({ createdAt }) => <Time time={createdAt} /> },
    {
      head: "Description",
      className: "told",
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
      cell: (entry) => sideOf(entry, account) === "Debit" && sum(entry),
    },
    {
      head: "Credit",
      className: "figure wide",
      cell: (entry) => sideOf(entry, account) === "Credit" && sum(entry),
    },
    {
      head: "Amount",
      className: "figure narrow",
      cell: (entry) => (
        <>
          <Sum minor={entry.amount} money={account} signed />
          <span className="muted">
            {sideOf(entry, account)} · {balance(entry)}
          </span>
        </>
      ),
    },
    { head: "Balance", className: "figure wide muted", cell: balance },
  ];
}
