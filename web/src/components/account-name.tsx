import type { Account } from "@finance-service/client";
import { paths } from "../route.ts";

interface AccountNameProps {
  readonly id: bigint;
  readonly accounts: ReadonlyMap<bigint, Account>;
}

/** An account by its name where the caller may see it, else by its number; leads to it. */
export function AccountName({ id, accounts }: AccountNameProps) {
  const account = accounts.get(id);
  if (account === undefined) return <>Account {`${id}`}</>;
  return <a href={paths.account(id)}>{account.name}</a>;
}
