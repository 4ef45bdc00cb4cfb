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
 * What dry runs of transfers answered, in the order of the transfers. The balances before are also the service's, from the moment
 * of the dry run. Only for holds they are the page's, because a reply has no available balance.
 */
export function forecastOfTrials(trials: readonly Transfer[], accounts: Accounts): readonly BalanceChange[] {
  const changes = new Map<bigint, BalanceChange>();
  for (const trial of trials) {
    const isHold = trial.state === TransferState.TRANSFER_STATE_PENDING;
    for (const { account, isDebited } of sidesOf(trial, accounts)) {
      const raises = isDebited === isDebitNormal(account);
      if (isHold) {
        const before = account.availableBalance;
        if (!raises) changes.set(account.id, { account, isAvailable: true, before, after: before - trial.amount });
        continue;
      }
      const after = isDebited ? trial.debitAccountBalance : trial.creditAccountBalance;
      const before = changes.get(account.id)?.before ?? after - (raises ? trial.amount : -trial.amount);
      changes.set(account.id, { account, isAvailable: false, before, after });
    }
  }
  return [...changes.values()];
}

/**
 * What settling a hold does, by the rules of the ledger: the service has no dry run for it.
 *
 * @param captured Minor units; 0 if the hold is voided.
 */
export function forecastOfSettlement(hold: Transfer, captured: bigint, accounts: Accounts): readonly BalanceChange[] {
  return sidesOf(hold, accounts).flatMap(({ account, isDebited }) => {
    const { balance, availableBalance } = account;
    const raises = isDebited === isDebitNormal(account);
    const moved = raises ? captured : -captured;
    const freed = raises ? 0n : hold.amount + moved;
    return [
      ...(moved === 0n ? [] : [{ account, isAvailable: false, before: balance, after: balance + moved }]),
      ...(freed === 0n
        ? []
        : [{ account, isAvailable: true, before: availableBalance, after: availableBalance + freed }]),
    ];
  });
}

function sidesOf({ debitAccountId, creditAccountId }: Transfer, accounts: Accounts) {
  return [
    { account: accounts.get(debitAccountId), isDebited: true },
    { account: accounts.get(creditAccountId), isDebited: false },
  ].flatMap(({ account, isDebited }) => (account === undefined ? [] : [{ account, isDebited }]));
}
