/**
 * Carries out a batch of postings in one transaction.
 *
 * Method: lock each balance row once, in id order; read the idempotency keys; decide each posting in memory, on the books
 * that the earlier ones left; write all rows of a table with one statement, keys in key order; commit. Statements are
 * pipelined, so a batch costs two round trips. It costs a third if keys were used before or postings refer to earlier
 * transfers. A transaction writes keys only after it has locked all its rows, so rows and keys can't deadlock.
 */
import type { ClientBase, QueryConfig } from "pg";
import { isConnectionError } from "../../database/index.ts";
import { settleAll } from "../../database/pool.ts";
import { isRefusal } from "../errors.ts";
import { joinWriters } from "../records/final-time.ts";
import { loadTransfers, type TransferRecord } from "../records/transfers.ts";
import { type AccountId, type Micros, type TransferId, transferId } from "../values.ts";
import { Books, type Movement, type Remembered } from "./books.ts";
import { makesTransfer, targetOf } from "./decide.ts";
import { decideGroup, type Outcome } from "./decide-group.ts";
import { isUsed, type KeptOutcome, type KeyRow, keyUseOf, rememberOutcomes } from "./idempotency.ts";
import type { Posting, PostingGroup } from "./posting.ts";
import {
  type DrawnRow,
  drawIdsAndReadKeys,
  type FeedMember,
  feedMemberOf,
  insertEntries,
  insertFeedRows,
  insertHolds,
  insertSettlements,
  insertTransfers,
  type LockedRow,
  lockAccounts,
  readParties,
  settleHolds,
  toKeyRow,
  toLockedAccount,
  updateBalances,
} from "./statements.ts";

/** The connection was lost during the commit: only idempotency keys can tell whether the batch was committed. */
export class CommitUnknownError extends Error {
  constructor(cause: unknown) {
    super("the connection was lost while committing", { cause });
    this.name = "CommitUnknownError";
  }
}

/**
 * Carries out a batch in a transaction of its own.
 *
 * @param client a pipelining connection outside any transaction; after an error it is outside one again, or broken.
 * @returns the outcomes of each group's postings, after the commit.
 * @throws CommitUnknownError, or the database's error after a rollback.
 */
export async function postBatch(client: ClientBase, groups: readonly PostingGroup[]): Promise<Outcome[][]> {
  let committing = false;
  try {
    const input = await lockAndRead(client, postingsOf(groups), {
      begin: ["begin isolation level read committed"],
      skipsLocked: groups.every(({ background }) => background),
    });
    committing = true;
    const { outcomes, changes } = decideAll(groups, input);
    await write(client, changes, () => [...insertFeedRows(changes.decisions.map(feedMemberOf)), "commit"]);
    return outcomes;
  } catch (error) {
    if (isConnectionError(error)) throw committing ? new CommitUnknownError(error) : error;
    // Report the first error.
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

/**
 * Carries out a batch of imported history within the caller's transaction.
 *
 * @param clock the time to use instead of the database's clock; later times that are already recorded still count.
 * @param members gets the batch's events. The caller inserts those of all batches at the end, when all accounts are locked.
 */
export async function postWithin(
  client: ClientBase,
  groups: readonly PostingGroup[],
  clock: Micros,
  members: FeedMember[],
): Promise<Outcome[][]> {
  const { outcomes, changes } = decideAll(groups, await lockAndRead(client, postingsOf(groups), { clock }));
  await write(client, changes, () => []);
  members.push(...changes.decisions.map(feedMemberOf));
  return outcomes;
}

function postingsOf(groups: readonly PostingGroup[]): Posting[] {
  const all: Posting[] = [];
  for (const { postings } of groups) for (const posting of postings) all.push(posting);
  return all;
}

function decideAll(groups: readonly PostingGroup[], { books, ids }: BatchInput) {
  const changes = books.layer();
  let start = 0;
  const outcomes = groups.map(({ postings, atomic }) => {
    const group = postings.map((posting, index) => ({ posting, id: ids[start + index] ?? transferId(0n) }));
    start += postings.length;
    return decideGroup(group, atomic, changes);
  });
  return { outcomes, changes };
}

async function write(
  client: ClientBase,
  changes: Books,
  ending: () => readonly (QueryConfig | string)[],
): Promise<void> {
  const { decisions, remembered } = changes;
  const created = decisions.filter(({ effect }) => effect === "created").map(({ transfer }) => transfer);
  const held = created.filter(({ awaitsSettlement }) => awaitsSettlement);
  const settled = decisions.filter(({ effect }) => effect === "settled").map(({ transfer }) => transfer);
  const movements: Movement[] = [];
  for (const decision of decisions) movements.push(...decision.movements);

  const sent: Promise<unknown>[] = [];
  try {
    // Each statement is sent before the next one is made: PostgreSQL works on it meanwhile.
    const send = (statement: QueryConfig | string) => sent.push(client.query(statement));
    if (created.length > 0) send(insertTransfers(created));
    if (held.length > 0) send(insertHolds(held));
    if (settled.length > 0) send(settleHolds(settled));
    if (settled.length > 0) send(insertSettlements(settled));
    if (movements.length > 0) send(insertEntries(movements));
    if (changes.accounts.size > 0) send(updateBalances([...changes.accounts.values()]));
    if (remembered.length > 0) send(rememberOutcomes(remembered.map(toKept)));
    for (const statement of ending()) send(statement);
  } finally {
    // After a failed statement, PostgreSQL answers "commit" with a rollback and no error; the failed statement has the error.
    await settleAll(sent);
  }
}

function toKept({ claim, outcome }: Remembered): KeptOutcome {
  return isRefusal(outcome) ? { claim, response: { refusal: outcome } } : { claim, transferId: outcome.id };
}

/** The input of a batch's decisions. */
interface BatchInput {
  /** The content of the database; changes go into a layer on top of it. */
  readonly books: Books;
  /** The id of the transfer that each posting makes; 0 for a posting that makes none. */
  readonly ids: readonly TransferId[];
}

const NO_ID = transferId(0n);

interface LockOptions {
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
async function lockAndRead(
  client: ClientBase,
  postings: readonly Posting[],
  { begin = [], clock, skipsLocked = false }: LockOptions,
): Promise<BatchInput> {
  const targets = targetsOf(postings);
  const ids = new Set(await accountsOfTargets(client, targets));
  for (const { command } of postings) {
    if (command.kind !== "create") continue;
    ids.add(command.transfer.debitAccountId);
    ids.add(command.transfer.creditAccountId);
  }

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

  const [, drawnClock, firstOpen] = drawn[0] ?? [];
  const times = { clock: clock ?? drawnClock ?? 0n, firstOpen: firstOpen ?? 0n };
  const used: KeyRow[] = [];
  for (const row of drawn) {
    const key = toKeyRow(row);
    if (key !== undefined && isUsed(key)) used.push(key);
  }
  const outcomes = used.flatMap(({ transfer_id: id }) => id ?? []);
  const loaded = await loadTransfers(client, [...new Set([...targets, ...outcomes])]);
  const transfers = targets.flatMap((id): [TransferId, TransferRecord][] => {
    const found = loaded.get(id);
    return found === undefined ? [] : [[id, found.current]];
  });
  return {
    books: new Books(times, {
      accounts: new Map(locked.map((row) => [row[0], toLockedAccount(row)])),
      transfers: new Map(transfers),
      keys: new Map(used.map((row) => [row.key_digest, keyUseOf(row, loaded)])),
    }),
    ids: drawn.map((row) => row[0] ?? NO_ID),
  };
}

/** The earlier transfers that postings change or reverse. */
function targetsOf(postings: readonly Posting[]): TransferId[] {
  const targets = new Set<TransferId>();
  for (const { command } of postings) {
    const target = targetOf(command);
    if (target !== undefined) targets.add(target);
  }
  return [...targets];
}

async function accountsOfTargets(client: ClientBase, targets: readonly TransferId[]): Promise<AccountId[]> {
  if (targets.length === 0) return [];
  const { rows } = await client.query<{ debit_account_id: AccountId; credit_account_id: AccountId }>(
    readParties(targets),
  );
  return rows.flatMap((row) => [row.debit_account_id, row.credit_account_id]);
}
