import type { Account, FinanceClient } from "@finance-service/client";
import { queryOptions } from "@tanstack/react-query";
import { readKey, readNamePrefix } from "../data/filters.ts";
import { orMissing } from "../data/queries.ts";
import { readId } from "../route.ts";

/** Results of each kind that are shown. */
const SHOWN_MAX = 8;

interface KnownAccounts {
  readonly accounts: readonly Account[];
  readonly isComplete: boolean;
}

/** Accounts with this number, then those with this text in their name. */
export function accountsNamed(text: string, accounts: readonly Account[]): readonly Account[] {
  const words = text.toLocaleLowerCase();
  if (words === "") return [];
  const numbered = accounts.filter(({ id }) => `${id}` === text);
  const named = accounts.filter((account) => account.name.toLocaleLowerCase().includes(words));
  return [...new Set([...numbered, ...named])].slice(0, SHOWN_MAX);
}

/** What only the service knows: transfers by number and key, and accounts beyond the known ones. */
export function findQuery(finance: FinanceClient, text: string, known: KnownAccounts | undefined) {
  return queryOptions({
    queryKey: ["find", text],
    queryFn: async ({ signal }) => {
      const id = readId(text);
      const key = readKey(text);
      const isIncomplete = known?.isComplete === false;
      const isKnown = known?.accounts.some((account) => account.id === id);
      const [account, named, transfer, keyed] = await Promise.all([
        id !== undefined && isIncomplete && !isKnown ? orMissing(finance.getAccount({ id }, { signal })) : undefined,
        isIncomplete
          ? finance.listAccounts({ namePrefix: readNamePrefix(text), pageSize: SHOWN_MAX }, { signal })
          : undefined,
        id === undefined ? undefined : orMissing(finance.getTransfer({ id }, { signal })),
        key === undefined ? undefined : finance.listTransfers({ idempotencyKey: key, pageSize: SHOWN_MAX }, { signal }),
      ]);
      return {
        accounts: [...(account ? [account] : []), ...(named?.accounts ?? [])],
        transfers: [...(transfer ? [transfer] : []), ...(keyed?.transfers ?? [])],
      };
    },
  });
}
