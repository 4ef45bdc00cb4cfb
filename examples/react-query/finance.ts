import { createFinanceClient, newIdempotencyKey } from "@finance-service/client";
import { QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

const api = new URLSearchParams(location.search).get("api") ?? "http://localhost:9707";

/** One for all calls, also for those that start while it is fetched. */
let token: Promise<string> | undefined;

async function fetchToken(): Promise<string> {
  const response = await fetch("/session/token", { method: "POST" });
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  return await response.text();
}

const finance = createFinanceClient({
  baseUrl: api,
  // Asked before each try. `refused` says that the service no longer takes the token: give another, and the call is repeated.
  token: ({ refused }) => {
    if (token === undefined || refused !== undefined) {
      token = fetchToken();
      token.catch(() => {
        token = undefined;
      });
    }
    return token;
  },
});

// The client already retries what is safe to repeat; React Query would triple its tries.
export const queryClient = new QueryClient({
  defaultOptions: { queries: { retry: false }, mutations: { retry: false } },
});

// A query key is hashed by JSON.stringify, which throws at a bigint: write ids as text.
const keys = {
  account: (id: bigint) => ["account", `${id}`],
  entries: (id: bigint) => ["account", `${id}`, "entries"],
};

export function useAccount(id: bigint) {
  return useQuery({ queryKey: keys.account(id), queryFn: ({ signal }) => finance.getAccount({ id }, { signal }) });
}

export function useEntries(id: bigint) {
  return useQuery({
    queryKey: keys.entries(id),
    queryFn: ({ signal }) => finance.listEntries({ accountId: id, newestFirst: true, pageSize: 5 }, { signal }),
  });
}

/** A transfer that may be sent again after a failure: one key, so money moves once. A success starts the next transfer. */
export function useTransfer(from: bigint, to: bigint) {
  const [idempotencyKey, setKey] = useState(newIdempotencyKey);
  return useMutation({
    mutationFn: (amount: bigint) =>
      finance.createTransfer({ debitAccountId: from, creditAccountId: to, amount, idempotencyKey }),
    onSuccess: () => {
      setKey(newIdempotencyKey());
      // The key of the entries begins with that of the account, so this loads both again.
      return queryClient.invalidateQueries({ queryKey: keys.account(from) });
    },
  });
}
