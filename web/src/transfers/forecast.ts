/** How a change that was not made yet would alter balances. */
import { type Account, type Transfer, TransferState } from "@finance-service/client";
import { isDebitNormal } from "../labels.ts";

export interface BalanceChange {
  readonly account: Account;
  /** Whether it is the available balance. */
  readonly isAvailable: boolean;
  readonly before: bigint;
  readonly after: bigint;
}

/** The accounts that the page knows; the caller may not see other balances. */
type Accounts = ReadonlyMap<bigint, Account>;

/**
 * What dry runs answered, in their order. Balances before are also the service's, from the moment of the dry run. Only the
 * available balances are the page's, because a reply has none.
 */
export function forecastOfTrials(trials: readonly Transfer[], accounts: Accounts): readonly BalanceChange[] {
  const changes = new Map<string, BalanceChange>();
  for (const trial of trials) {
    const { moved, freed } = effectOf(trial);
    for (const { account, isDebited } of sidesOf(trial, accounts)) {
      const raises = isDebited === isDebitNormal(account);
      if (moved > 0n) {
        const key = `${account.id} balance`;
        const after = isDebited ? trial.debitAccountBalance : trial.creditAccountBalance;
        const before = changes.get(key)?.before ?? after - (raises ? moved : -moved);
        changes.set(key, { account, isAvailable: false, before, after });
      }
      if (freed !== 0n && !raises) {
        const key = `${account.id} available`;
        const { before, after } = changes.get(key) ?? {
          before: account.availableBalance,
          after: account.availableBalance,
        };
        changes.set(key, { account, isAvailable: true, before, after: after + freed });
      }
    }
  }
  return [...changes.values()];
}

/** How much a transfer moves, and by how much it raises the available balance of an account that it holds from. */
function effectOf({ state, amount, capturedAmount }: Transfer): { readonly moved: bigint; readonly freed: bigint } {
  switch (state) {
    case TransferState.TRANSFER_STATE_PENDING:
      return { moved: 0n, freed: -amount };
    case TransferState.TRANSFER_STATE_POSTED:
      return { moved: amount, freed: 0n };
    default:
      return { moved: capturedAmount, freed: amount - capturedAmount };
  }
}

function sidesOf({ debitAccountId, creditAccountId }: Transfer, accounts: Accounts) {
  return [
    { account: accounts.get(debitAccountId), isDebited: true },
    { account: accounts.get(creditAccountId), isDebited: false },
  ].flatMap(({ account, isDebited }) => (account === undefined ? [] : [{ account, isDebited }]));
}
