/** Locks and reads everything that is needed to decide a batch of postings. */
import type { ClientBase } from "pg";
import { settleAll } from "../../database/pool.ts";
import { joinWriters } from "../records/final-time.ts";
import { loadTransfers, type TransferRecord } from "../records/transfers.ts";
import { type AccountId, type Micros, type TransferId, transferId } from "../values.ts";
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
  /** The content of the database; changes go into a layer on top of it. */
  readonly books: Books;
  /** The id of the transfer that each posting makes; 0 for a posting that makes none. */
  readonly ids: readonly TransferId[];
}

const NO_ID = transferId(0n);

export interface LockOptions {
  /** Statements to send first, in the same round trip. Default none. */
  readonly begin?: readonly string[];
  /** For imported history: the time to use instead of the database's clock. */
  readonly clock?: Micros;
  /** Treat an account that another transaction has locked as absent, instead of waiting for it. Default false. */
  readonly skipsLocked?: boolean;
}

/**
 * Locks the accounts of all postings and reads what is needed to decide them.
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
    key_digest !== null && isUsed(row) ? [{ key_digest, ...row }] : [],
  );
  const outcomes = used.flatMap(({ transfer_id: id }) => id ?? []);
  const loaded = await loadTransfers(client, [...new Set([...targets, ...outcomes])]);
  const transfers = targets.flatMap((id): [TransferId, TransferRecord][] => {
    const found = loaded.get(id);
    return found === undefined ? [] : [[id, found.current]];
  });
  return {
    books: new Books(times, {
      accounts: new Map(locked.map((row) => [row.id, toLockedAccount(row)])),
      transfers: new Map(transfers),
      keys: new Map(used.map((row) => [row.key_digest, keyUseOf(row, loaded)])),
    }),
    ids: drawn.map(({ id }) => id ?? NO_ID),
  };
}

function accountsOfNew(postings: readonly Posting[]): AccountId[] {
  return postings.flatMap(({ command }) =>
    command.kind === "create" ? [command.transfer.debitAccountId, command.transfer.creditAccountId] : [],
  );
}

async function accountsOfTargets(client: ClientBase, targets: readonly TransferId[]): Promise<AccountId[]> {
  if (targets.length === 0) return [];
  const { rows } = await client.query<{ debit_account_id: AccountId; credit_account_id: AccountId }>(
    readParties(targets),
  );
  return rows.flatMap((row) => [row.debit_account_id, row.credit_account_id]);
}
