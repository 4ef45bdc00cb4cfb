import type { Account } from "../../generated/client/finance/v1/account.ts";
import { hindranceOf, typeOf } from "./account-words.ts";
import type { Pages } from "./loading.ts";
import { Loading } from "./loading-note.tsx";
import { formatMoney } from "./money.ts";
import { ProblemNote } from "./problem-note.tsx";
import { accountPath } from "./route.ts";

interface AccountListProps {
  readonly accounts: Pages<Account>;
  readonly shown: bigint | undefined;
}

export function AccountList({ accounts, shown }: AccountListProps) {
  const { items, problem, busy, hasMore, loadMore, reload } = accounts;
  return (
    <nav className="accounts" aria-labelledby="accounts-heading">
      <h2 id="accounts-heading">Accounts</h2>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {items === undefined && problem === undefined && <Loading what="accounts" />}
      {items?.length === 0 && <p className="empty">You have no accounts yet. CreateAccount opens one.</p>}
      {items !== undefined && items.length > 0 && (
        <ul>
          {items.map((account) => (
            <AccountItem key={`${account.id}`} account={account} isShown={account.id === shown} />
          ))}
        </ul>
      )}
      {hasMore && (
        <button type="button" className="quiet" onClick={loadMore} disabled={busy}>
          Show more accounts
        </button>
      )}
    </nav>
  );
}

function AccountItem({ account, isShown }: { readonly account: Account; readonly isShown: boolean }) {
  const hindrance = hindranceOf(account);
  return (
    <li>
      <a href={accountPath(account.id)} aria-current={isShown ? "page" : undefined}>
        <span className="name">{account.name}</span>
        <span className="money">{formatMoney(account.balance, account)}</span>
        <span className="muted">
          No. {`${account.id}`} · {typeOf(account)}
          {hindrance && <span className="tag">{hindrance}</span>}
        </span>
      </a>
    </li>
  );
}
