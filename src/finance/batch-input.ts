/** Locks and reads what a batch of orders needs to be decided. */
import type { ClientBase } from "pg";
import { Books, type KeyUse, type LockedAccount } from "./books.ts";
import { isSameRequest, isUsed, type KeyRow } from "./idempotency.ts";
import { type AccountId, accountId, type TransferId, transferId } from "./identifiers.ts";
import { latestOf, type Micros } from "./micros.ts";
import { makesTransfer, type Order, targetOf } from "./order.ts";
import { settleAll } from "./pipeline.ts";
import {
  type DrawnRow,
  drawIdsAndReadKeys,
  type LapsedRow,
  type LockedRow,
  lockAccounts,
  readLapsedHolds,
  readParties,
  toLockedAccount,
} from "./posting-statements.ts";
import { type LoadedTransfer, loadTransfers, type TransferRecord } from "./transfers.ts";

export interface BatchInput {
  /** What was read; changes go into a layer on it. */
  readonly books: Books;
  /** For each order the id of the transfer that it makes; 0 for an order that makes none. */
  readonly ids: readonly TransferId[];
}

const NO_ID = transferId(0n);

/**
 * Locks the accounts of all orders and reads what deciding them needs.
 *
 * @param begin statements to send first, in the same round trip.
 * @param recordedAt the time to record instead of the clock's; an account's newest entry wins when it is later.
 */
export async function lockAndRead(
  client: ClientBase,
  orders: readonly Order[],
  begin: readonly string[],
  recordedAt?: Micros,
): Promise<BatchInput> {
  const targets = [...new Set(orders.flatMap(({ command }) => targetOf(command) ?? []))];
  const ids = new Set([...accountsOfNew(orders), ...(await accountsOfTargets(client, targets))]);

  const begun = begin.map((statement) => client.query(statement));
  const locking = client.query<LockedRow>(lockAccounts([...ids]));
  const drawing = client.query<DrawnRow>(
    drawIdsAndReadKeys(
      orders.map(({ claim, command, dryRun }) => ({ claim, draws: makesTransfer(command) && !dryRun })),
    ),
  );
  await settleAll([...begun, locking, drawing]);
  const locked = (await locking).rows;
  const drawn = (await drawing).rows;

  const now = recordingTime(locked, recordedAt ?? drawn[0]?.now ?? 0n);
  const used = drawn.flatMap(({ key_digest, ...row }) =>
    key_digest !== null && isUsed({ key_digest, ...row }) ? [{ key_digest, ...row }] : [],
  );
  const outcomes = used.flatMap(({ transfer_id: id }) => (id === null ? [] : [transferId(id)]));
  const [lapsed, loaded] = await Promise.all([
    loadLapsedHolds(client, locked, now),
    loadById(client, [...new Set([...targets, ...outcomes])]),
  ]);
  return {
    books: new Books(now, {
      accounts: new Map(locked.map((row) => [accountId(row.account_id), withoutLapsed(toLockedAccount(row), lapsed)])),
      transfers: new Map(targets.flatMap((id) => transferEntry(id, loaded))),
      keys: new Map(used.map((row) => [row.key_digest, keyUseOf(row, loaded)])),
    }),
    ids: drawn.map(({ id }) => (id === null ? NO_ID : transferId(id))),
  };
}

function transferEntry(
  id: TransferId,
  loaded: ReadonlyMap<TransferId, LoadedTransfer>,
): [TransferId, TransferRecord][] {
  const found = loaded.get(id);
  return found === undefined ? [] : [[id, found.current]];
}

/** What a key was used for before this batch. */
function keyUseOf(row: KeyRow, loaded: ReadonlyMap<TransferId, LoadedTransfer>): KeyUse {
  return {
    isFor: (claim) => isSameRequest(row, claim),
    outcomeOf: ({ command }) => {
      if (row.response?.refusal !== undefined) return row.response.refusal;
      const transfer = row.transfer_id === null ? undefined : loaded.get(transferId(row.transfer_id));
      if (transfer === undefined) throw new Error("an idempotency key has no outcome");
      return makesTransfer(command) ? transfer.created : { ...transfer.current, reversedByTransferId: undefined };
    },
  };
}

function accountsOfNew(orders: readonly Order[]): AccountId[] {
  return orders.flatMap(({ command }) =>
    command.kind === "create" ? [command.transfer.debitAccountId, command.transfer.creditAccountId] : [],
  );
}

async function accountsOfTargets(client: ClientBase, targets: readonly TransferId[]): Promise<AccountId[]> {
  if (targets.length === 0) return [];
  const { rows } = await client.query<{ debit_account_id: bigint; credit_account_id: bigint }>(readParties(targets));
  return rows.flatMap((row) => [accountId(row.debit_account_id), accountId(row.credit_account_id)]);
}

/** A clock that was set back must not make an account's entries fall in time. */
function recordingTime(locked: readonly LockedRow[], clock: Micros): Micros {
  return latestOf(
    locked.map((row) => row.updated_at),
    clock,
  );
}

async function loadLapsedHolds(
  client: ClientBase,
  locked: readonly LockedRow[],
  now: Micros,
): Promise<ReadonlyMap<AccountId, LapsedRow>> {
  const holding = locked.filter((row) => row.debits_pending > 0n || row.credits_pending > 0n);
  if (holding.length === 0) return new Map();
  const ids = holding.map((row) => accountId(row.account_id));
  const { rows } = await client.query<LapsedRow>(readLapsedHolds(ids, now));
  return new Map(rows.map((row) => [accountId(row.account_id), row]));
}

async function loadById(client: ClientBase, ids: readonly TransferId[]): Promise<Map<TransferId, LoadedTransfer>> {
  if (ids.length === 0) return new Map();
  return new Map((await loadTransfers(client, ids)).map((loaded) => [loaded.current.id, loaded]));
}

function withoutLapsed(account: LockedAccount, lapsed: ReadonlyMap<AccountId, LapsedRow>): LockedAccount {
  const row = lapsed.get(account.id);
  if (row === undefined) return account;
  return {
    ...account,
    debitsPending: account.debitsPending - row.debits,
    creditsPending: account.creditsPending - row.credits,
    lapsedDebits: row.debits,
    lapsedCredits: row.credits,
  };
}
