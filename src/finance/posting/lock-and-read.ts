/** Locks and reads what a batch of postings needs to be decided. */
import type { ClientBase } from "pg";
import { settleAll } from "../../database/pool.ts";
import { joinWriters } from "../records/final-time.ts";
import { type LoadedTransfer, loadTransfers, type TransferRecord } from "../records/transfers.ts";
import type { Micros } from "../values.ts";
import { type AccountId, accountId, type TransferId, transferId } from "../values.ts";
import { Books } from "./books.ts";
import { isUsed } from "./idempotency.ts";
import { makesTransfer, type Posting, targetOf } from "./posting.ts";
import { keyUseOf } from "./replay.ts";
import {
  type DrawnRow,
  drawIdsAndReadKeys,
  type LockedRow,
  lockAccounts,
  readParties,
  toLockedAccount,
} from "./statements.ts";

export interface BatchInput {
  /** What was read; changes go into a layer on it. */
  readonly books: Books;
  /** For each posting the id of the transfer that it makes; 0 for a posting that makes none. */
  readonly ids: readonly TransferId[];
}

const NO_ID = transferId(0n);

export interface LockOptions {
  /** Statements to send first, in the same round trip. Default none. */
  readonly begin?: readonly string[];
  /** The time to go by instead of the database's clock, for imported history. */
  readonly clock?: Micros;
  /** Do as if an account that somebody else has locked were not there, instead of waiting for it. Default false. */
  readonly skipsLocked?: boolean;
}

/**
 * Locks the accounts of all postings and reads what deciding them needs.
 *
 * @throws the database's error.
 */
export async function lockAndRead(
  client: ClientBase,
  postings: readonly Posting[],
  { begin = [], clock, skipsLocked = false }: LockOptions,
): Promise<BatchInput> {
  const targets = [...new Set(postings.flatMap(({ command }) => targetOf(command) ?? []))];
  const ids = new Set([...accountsOfNew(postings), ...(await accountsOfTargets(client, targets))]);

  const begun = [...begin, joinWriters].map((statement) => client.query(statement));
  const locking = client.query<LockedRow>(lockAccounts([...ids], skipsLocked));
  const drawing = client.query<DrawnRow>(
    drawIdsAndReadKeys(
      postings.map(({ claim, command, dryRun }) => ({ claim, draws: makesTransfer(command) && !dryRun })),
    ),
  );
  await settleAll([...begun, locking, drawing]);
  const locked = (await locking).rows;
  const drawn = (await drawing).rows;

  const times = { clock: clock ?? drawn[0]?.clock ?? 0n, firstOpen: drawn[0]?.first_open ?? 0n };
  const used = drawn.flatMap(({ key_digest, ...row }) =>
    key_digest !== null && isUsed({ key_digest, ...row }) ? [{ key_digest, ...row }] : [],
  );
  const outcomes = used.flatMap(({ transfer_id: id }) => (id === null ? [] : [transferId(id)]));
  const loaded = await loadById(client, [...new Set([...targets, ...outcomes])]);
  return {
    books: new Books(times, {
      accounts: new Map(locked.map((row) => [accountId(row.account_id), toLockedAccount(row)])),
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

function accountsOfNew(postings: readonly Posting[]): AccountId[] {
  return postings.flatMap(({ command }) =>
    command.kind === "create" ? [command.transfer.debitAccountId, command.transfer.creditAccountId] : [],
  );
}

async function accountsOfTargets(client: ClientBase, targets: readonly TransferId[]): Promise<AccountId[]> {
  if (targets.length === 0) return [];
  const { rows } = await client.query<{ debit_account_id: bigint; credit_account_id: bigint }>(readParties(targets));
  return rows.flatMap((row) => [accountId(row.debit_account_id), accountId(row.credit_account_id)]);
}

async function loadById(client: ClientBase, ids: readonly TransferId[]): Promise<Map<TransferId, LoadedTransfer>> {
  if (ids.length === 0) return new Map();
  return new Map((await loadTransfers(client, ids)).map((loaded) => [loaded.current.id, loaded]));
}
