import { useCallback, useEffect, useRef } from "react";
import type { Account } from "../../generated/client/finance/v1/account.ts";
import { hindranceOf, typeOf } from "./account-words.ts";
import type { Api } from "./api.ts";
import { useLoaded, usePages } from "./loading.ts";
import { Loading } from "./loading-note.tsx";
import { formatMoney } from "./money.ts";
import { ProblemNote } from "./problem-note.tsx";
import { HOME_PATH } from "./route.ts";
import { Statement } from "./statement.tsx";
import { TransferForm } from "./transfer-form.tsx";

interface AccountViewProps {
  readonly id: bigint;
  readonly api: Api;
  /** Those the caller may see, as far as they were fetched. */
  readonly accounts: readonly Account[];
  readonly names: ReadonlyMap<bigint, string>;
  /** Balances elsewhere on the page are old now. */
  onTransferred(): void;
}

/** One account: its figures, a transfer from it, its statement. */
export function AccountView({ id, api, accounts, names, onTransferred }: AccountViewProps) {
  const { value, problem, reload } = useLoaded(
    useCallback((signal: AbortSignal) => api.getAccount(id, signal), [api, id]),
  );
  const entries = usePages(
    useCallback((pageToken: string, signal: AbortSignal) => api.listEntries(id, pageToken, signal), [api, id]),
  );
  // What the list knows is shown at once.
  const account = value ?? accounts.find((candidate) => candidate.id === id);
  const back = (
    <a className="back" href={HOME_PATH}>
      All accounts
    </a>
  );

  if (account === undefined) {
    return (
      <>
        {back}
        {problem === undefined ? <Loading what="the account" /> : <ProblemNote problem={problem} onRetry={reload} />}
      </>
    );
  }
  return (
    <>
      {back}
      <Summary account={account} />
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      <TransferForm
        account={account}
        accounts={accounts}
        createTransfer={api.createTransfer}
        onTransferred={() => {
          reload();
          entries.reload();
          onTransferred();
        }}
        onRefused={reload}
      />
      <Statement account={account} entries={entries} names={names} />
    </>
  );
}

function Summary({ account }: { readonly account: Account }) {
  const { id, name, owner, currency, balance, availableBalance, overdraftLimit, unlimitedOverdraft } = account;
  const heading = useRef<HTMLHeadingElement>(null);
  const hindrance = hindranceOf(account);

  useEffect(() => {
    document.title = `${name} · Finance console`;
  }, [name]);
  // A keyboard or a screen reader goes on where the new content begins.
  useEffect(() => heading.current?.focus(), []);

  return (
    <section className="summary" aria-labelledby="account-heading">
      <div>
        <h1 id="account-heading" ref={heading} tabIndex={-1}>
          {name}
        </h1>
        <p className="muted">
          No. {`${id}`} · {typeOf(account)} · {currency} · owned by {owner}
          {hindrance && <span className="tag">{hindrance}</span>}
        </p>
      </div>
      <dl>
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
    </section>
  );
}
