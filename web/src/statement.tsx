import type { Account } from "../../generated/client/finance/v1/account.ts";
import type { Entry } from "../../generated/client/finance/v1/entry.ts";
import { sideOf } from "./account-words.ts";
import type { Pages } from "./loading.ts";
import { Loading } from "./loading-note.tsx";
import { formatMoney } from "./money.ts";
import { ProblemNote } from "./problem-note.tsx";

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

interface StatementProps {
  readonly account: Account;
  readonly entries: Pages<Entry>;
  readonly names: ReadonlyMap<bigint, string>;
}

/** The account's entries, newest first. */
export function Statement({ account, entries, names }: StatementProps) {
  const { items, problem, busy, hasMore, loadMore, reload } = entries;
  return (
    <section className="statement" aria-labelledby="statement-heading" aria-busy={busy}>
      <h2 id="statement-heading">Statement</h2>
      {items === undefined && problem === undefined && <Loading what="the statement" />}
      {items?.length === 0 && <p className="empty">Nothing has moved on this account yet.</p>}
      {items !== undefined && items.length > 0 && (
        <table aria-labelledby="statement-heading">
          <thead>
            <tr>
              <th scope="col" className="wide">
                Date
              </th>
              <th scope="col" className="told">
                Description
              </th>
              <th scope="col" className="wide">
                Side
              </th>
              <th scope="col" className="figure">
                Amount
              </th>
              <th scope="col" className="figure wide">
                Balance
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((entry) => (
              <EntryRow key={`${entry.sequence}`} entry={entry} account={account} names={names} />
            ))}
          </tbody>
        </table>
      )}
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {hasMore && (
        <button type="button" className="quiet" onClick={loadMore} disabled={busy}>
          Show more
        </button>
      )}
    </section>
  );
}

interface EntryRowProps {
  readonly entry: Entry;
  readonly account: Account;
  readonly names: ReadonlyMap<bigint, string>;
}

/** Cells that have no room on a narrow screen are told again, smaller, in those that have. */
function EntryRow({ entry, account, names }: EntryRowProps) {
  const { amount, balanceAfter, counterpartyAccountId, createdAt, description } = entry;
  const side = sideOf(entry, account);
  const balance = formatMoney(balanceAfter, account);
  const name = names.get(counterpartyAccountId) ?? "Account";
  return (
    <tr>
      <td className="wide">
        {createdAt && (
          <time dateTime={createdAt.toISOString()}>
            {DATE.format(createdAt)} <span className="muted">{TIME.format(createdAt)}</span>
          </time>
        )}
      </td>
      <td className="told">
        {description || "No description"}
        <span className="muted">
          {name} · No. {`${counterpartyAccountId}`}
        </span>
        <span className="muted narrow">
          {side}
          {createdAt && ` · ${DATE.format(createdAt)}`}
        </span>
      </td>
      <td className="wide">{side}</td>
      <td className={amount > 0n ? "figure raises" : "figure"}>
        {formatMoney(amount, account, { signed: true })}
        <span className="muted narrow">{balance}</span>
      </td>
      <td className="figure wide muted">{balance}</td>
    </tr>
  );
}
