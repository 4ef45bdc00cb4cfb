import type { Account } from "@finance-service/client";
import { paths } from "../route.ts";

interface AccountNameProps {
  readonly id: bigint;
  readonly accounts: ReadonlyMap<bigint, Account>;
}

/** A link with the account's name; plain text with its number if the caller may not see the account. */
export function AccountName({ id, accounts }: AccountNameProps) {
  const account = accounts.get(id);
  if (account === undefined) return <>Account {`${id}`}</>;
  return <a href={paths.account(id)}>{account.name}</a>;
}
