import type { Account } from "@finance-service/client";
import { useQuery } from "@tanstack/react-query";
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

/** The same with one more account, loaded by its id if the list does not hold them all. */
export function useAccountsWith(id: bigint | undefined): {
  readonly accounts: Accounts;
  /** Whether that account is still being loaded. */
  readonly isLooking: boolean;
} {
  const { finance } = useSession();
  const known = useAccounts();
  const { data: list, isPending: isListing } = useQuery(knownAccountsQuery(finance));
  const isMissing = id !== undefined && list?.isComplete === false && !known.has(id);
  const { data, isPending } = useQuery({ ...accountQuery(finance, id ?? 0n), enabled: isMissing });
  const accounts = useMemo(
    () => (isMissing && data ? new Map([...known, [id, data]]) : known),
    [isMissing, data, known, id],
  );
  return { accounts, isLooking: isListing || (isMissing && isPending) };
}
