import { Account } from "../../generated/client/finance/v1/account.ts";
import { AccountStatus, AccountType } from "../../src/client/index.ts";

/** An open liability in dollars, but for what is said. */
export function anAccount(account: Partial<Account>): Account {
  return Account.fromPartial({
    id: 1n,
    name: "Wallet",
    type: AccountType.ACCOUNT_TYPE_LIABILITY,
    status: AccountStatus.ACCOUNT_STATUS_OPEN,
    currency: "USD",
    minorUnitDigits: 2,
    ...account,
  });
}
