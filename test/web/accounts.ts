import * as fields from "../../generated/client/fields.ts";
import { type Account, AccountStatus, AccountType } from "../../packages/client/src/index.ts";
import { complete } from "../../packages/client/src/message.ts";

/** An open liability account in dollars, with the given changes. */
export function anAccount(account: Partial<Account>): Account {
  return complete(fields.Account, {
    id: 1n,
    name: "Wallet",
    type: AccountType.ACCOUNT_TYPE_LIABILITY,
    status: AccountStatus.ACCOUNT_STATUS_OPEN,
    currency: "USD",
    minorUnitDigits: 2,
    ...account,
  });
}
