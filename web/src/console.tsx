import { useMemo } from "react";
import { AccountList } from "./account-list.tsx";
import { AccountView } from "./account-view.tsx";
import type { Api } from "./api.ts";
import { usePages } from "./loading.ts";
import { HOME_PATH, useAccountInAddress } from "./route.ts";
import { subjectOf } from "./token.ts";

interface ConsoleProps {
  readonly api: Api;
  readonly token: string;
  readonly apiUrl: string;
  onSignOut(): void;
}

/** The accounts, and beside them the one in the address; a narrow screen shows one of the two. */
export function Console({ api, token, apiUrl, onSignOut }: ConsoleProps) {
  const accounts = usePages(api.listAccounts);
  const shown = useAccountInAddress();
  const names = useMemo(() => new Map(accounts.items?.map(({ id, name }) => [id, name])), [accounts.items]);
  const caller = subjectOf(token);

  return (
    <>
      <header className="bar">
        <a className="wordmark" href={HOME_PATH}>
          Finance console
        </a>
        <p className="where muted">
          {caller && <span>Signed in as {caller}</span>} <code>{new URL(apiUrl).host}</code>
        </p>
        <button type="button" className="quiet" onClick={onSignOut}>
          Sign out
        </button>
      </header>
      <div className={shown === undefined ? "panes" : "panes has-account"}>
        <AccountList accounts={accounts} shown={shown} />
        <main>
          {shown === undefined ? (
            <p className="empty">Choose an account to see its statement and to transfer from it.</p>
          ) : (
            <AccountView
              key={`${shown}`}
              id={shown}
              api={api}
              accounts={accounts.items ?? []}
              names={names}
              onTransferred={accounts.reload}
            />
          )}
        </main>
      </div>
    </>
  );
}
