import { type Event, TransferState } from "@finance-service/client";
import type { QueryKey } from "@tanstack/react-query";
import { keys } from "../data/queries.ts";

/** The start of every query's key. */
export const EVERYTHING: readonly QueryKey[] = [[]];

/** The starts of the keys of all queries whose replies an event changes. */
export function touchedBy({ transfer, account }: Event): readonly QueryKey[] {
  if (account !== undefined) {
    const { id } = account;
    return [keys.accounts, keys.account(id), keys.accountChanges(id), ...trialsOf(id)];
  }
  // An event of a newer service.
  if (transfer === undefined) return EVERYTHING;
  const { id, state, debitAccountId, creditAccountId, reversesTransferId } = transfer;
  const sides = [debitAccountId, creditAccountId];
  const isMoved = state === TransferState.TRANSFER_STATE_POSTED || state === TransferState.TRANSFER_STATE_CAPTURED;
  return [
    keys.accounts,
    keys.transfer(id),
    ...(reversesTransferId > 0n ? [keys.transfer(reversesTransferId)] : []),
    ...[0n, ...sides].flatMap((side) => statesBeforeAndAfter(state).map((filter) => keys.transfers(side, filter))),
    ...sides.flatMap((side) => [
      keys.account(side),
      ...trialsOf(side),
      ...(isMoved ? [keys.entries(side), keys.history(side)] : []),
    ]),
  ];
}

/** The filters of lists that the transfer is in now or was in before. Every settled hold was pending. */
function statesBeforeAndAfter(state: TransferState): readonly TransferState[] {
  return [
    TransferState.TRANSFER_STATE_UNSPECIFIED,
    state,
    ...(state === TransferState.TRANSFER_STATE_POSTED ? [] : [TransferState.TRANSFER_STATE_PENDING]),
  ];
}

function trialsOf(accountId: bigint): readonly QueryKey[] {
  return [keys.trial({ debit: accountId }), keys.trial({ credit: accountId })];
}
