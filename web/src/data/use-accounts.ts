import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Account } from "../../../src/client/index.ts";
import { useSession } from "../session/session.ts";
import { knownAccountsQuery } from "./queries.ts";

/** The caller's accounts by number, as far as they were fetched. */
export function useAccounts(): ReadonlyMap<bigint, Account> {
  const { finance } = useSession();
  const { data } = useQuery(knownAccountsQuery(finance));
  return useMemo(() => new Map(data?.accounts.map((account) => [account.id, account])), [data]);
}
