import type { Account, Entry } from "@finance-service/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { AccountName } from "../components/account-name.tsx";
import { Pages } from "../components/pages.tsx";
import { Sum } from "../components/sum.tsx";
import { TimeCell } from "../components/time-cell.tsx";
import { entriesQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { dateOf, sideOf } from "../labels.ts";
import { paths } from "../route.ts";
import { useSession } from "../session/session.ts";

/** The account's entries, newest first: debits and credits in columns of their own, and the balance after each. */
export function Statement({ account }: { readonly account: Account }) {
  const { finance } = useSession();
  const accounts = useAccounts();
  const entries = useInfiniteQuery(entriesQuery(finance, account.id));
  return (
    <section className="table" aria-labelledby="statement-heading">
      <h2 id="statement-heading">Statement</h2>
      <Pages
        query={entries}
        itemsOf={(page) => page.entries}
        what="the statement"
        empty={<p>Nothing has moved on this account yet.</p>}
      >
        {(items) => (
          <table aria-labelledby="statement-heading">
            <thead>
              <tr>
                <th scope="col" className="wide">
                  Date
                </th>
                <th scope="col" className="told">
                  Description
                </th>
                <th scope="col" className="figure wide">
                  Debit
                </th>
                <th scope="col" className="figure wide">
                  Credit
                </th>
                <th scope="col" className="figure narrow">
                  Amount
                </th>
                <th scope="col" className="figure wide">
                  Balance
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((entry) => (
                <EntryRow key={`${entry.sequence}`} entry={entry} account={account} accounts={accounts} />
              ))}
            </tbody>
          </table>
        )}
      </Pages>
    </section>
  );
}

interface EntryRowProps {
  readonly entry: Entry;
  readonly account: Account;
  readonly accounts: ReadonlyMap<bigint, Account>;
}

/** Columns that have no room on a narrow screen are told again, smaller, in those that have. */
function EntryRow({ entry, account, accounts }: EntryRowProps) {
  const { amount, balanceAfter, counterpartyAccountId, createdAt, description, transferId } = entry;
  const side = sideOf(entry, account);
  const sum = <Sum minor={amount < 0n ? -amount : amount} money={account} />;
  const balance = <Sum minor={balanceAfter} money={account} />;
  return (
    <tr>
      <TimeCell time={createdAt} />
      <td className="told">
        <a href={paths.transfer(transferId)}>{description || `Transfer ${transferId}`}</a>
        <span className="muted">
          <AccountName id={counterpartyAccountId} accounts={accounts} />
        </span>
        <span className="muted narrow">{createdAt && dateOf(createdAt)}</span>
      </td>
      <td className="figure wide">{side === "Debit" && sum}</td>
      <td className="figure wide">{side === "Credit" && sum}</td>
      <td className="figure narrow">
        <Sum minor={amount} money={account} signed />
        <span className="muted">
          {side} · {balance}
        </span>
      </td>
      <td className="figure wide muted">{balance}</td>
    </tr>
  );
}
