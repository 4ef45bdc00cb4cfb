import type { Account } from "@finance-service/client";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useSession } from "../session/session.ts";
import { accountQuery, knownAccountsQuery } from "./queries.ts";

type Accounts = ReadonlyMap<bigint, Account>;

/** The caller's accounts that were loaded, by id. */
export function useAccounts(): Accounts {
  const { finance } = useSession();
  const { data } = useQuery(knownAccountsQuery(finance));
  return useMemo(() => new Map(data?.accounts.map((account) => [account.id, account])), [data]);
}

/** The same with more accounts, loaded by their ids if the list does not hold them all. */
export function useAccountsWith(ids: readonly bigint[]): {
  readonly accounts: Accounts;
  /** Whether some of them are still being loaded. */
  readonly isLooking: boolean;
} {
  const { finance } = useSession();
  const known = useAccounts();
  const { data: list, isPending } = useQuery(knownAccountsQuery(finance));
  const missing = list?.isComplete === false ? [...new Set(ids)].filter((id) => !known.has(id)) : [];
  const { found, isLooking } = useQueries({ queries: missing.map((id) => accountQuery(finance, id)), combine });
  const accounts = useMemo(
    () => (found.length === 0 ? known : new Map([...known, ...found.map((account) => [account.id, account] as const)])),
    [known, found],
  );
  return { accounts, isLooking: isPending || isLooking };
}

function combine(queries: readonly { readonly data: Account | undefined; readonly isPending: boolean }[]) {
  return {
    found: queries.flatMap(({ data }) => data ?? []),
    isLooking: queries.some(({ isPending }) => isPending),
  };
}
