import { Account, AccountStatus, AccountType } from "../generated/server/finance/v1/account.ts";
import type { FinanceServiceTwirp } from "../generated/server/finance/v1/finance.twirp.ts";

/** The path that the adapter suite calls on every server. */
export const GET_ACCOUNT = "/twirp/finance.v1.FinanceService/GetAccount";

/** Answered with two empty fields, which shows the cost of a call without its message. */
export const LIST_ENTRIES = "/twirp/finance.v1.FinanceService/ListEntries";

/** The reply of every server. */
export const account: Account = Account.create({
  id: 4n,
  name: "Alice, checking",
  owner: "alice",
  type: AccountType.LIABILITY,
  currency: "USD",
  status: AccountStatus.OPEN,
  minorUnitDigits: 2,
  debitsPosted: 1_234_567n,
  creditsPosted: 2_345_678n,
  balance: 1_111_111n,
  availableBalance: 1_111_111n,
  overdraftLimit: 50_000n,
  metadata: { branch: "12", product: "checking" },
  createdAt: { seconds: 1_767_225_600n, nanos: 123_456_000 },
  updatedAt: { seconds: 1_767_312_000n, nanos: 654_321_000 },
});

/** A service with one account and no entries, limited to the methods that the suite calls. */
export const constantService = {
  GetAccount: async () => account,
  ListEntries: async () => ({ entries: [], nextPageToken: "" }),
} satisfies Partial<FinanceServiceTwirp> as unknown as FinanceServiceTwirp;
