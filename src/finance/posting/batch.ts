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
import { type Micros, transferId } from "../values.ts";
import type { Books, Remembered } from "./books.ts";
import { decideGroup, type Outcome } from "./decide-group.ts";
import { type KeptOutcome, rememberOutcomes } from "./idempotency.ts";
import { type BatchInput, lockAndRead } from "./lock-and-read.ts";
import type { Posting, PostingGroup } from "./posting.ts";
import { insertEntries, insertHolds, insertTransfers, settleHolds, updateBalances } from "./statements.ts";

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
    return await decideAndWrite(client, groups, input, ["commit"]);
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
 */
export async function postWithin(
  client: ClientBase,
  groups: readonly PostingGroup[],
  clock: Micros,
): Promise<Outcome[][]> {
  const input = await lockAndRead(client, postingsOf(groups), { clock });
  return await decideAndWrite(client, groups, input, []);
}

function postingsOf(groups: readonly PostingGroup[]): Posting[] {
  return groups.flatMap(({ postings }) => postings);
}

async function decideAndWrite(
  client: ClientBase,
  groups: readonly PostingGroup[],
  { books, ids }: BatchInput,
  ending: readonly string[],
): Promise<Outcome[][]> {
  const changes = books.layer();
  let start = 0;
  const outcomes = groups.map(({ postings, atomic }) => {
    const group = postings.map((posting, index) => ({ posting, id: ids[start + index] ?? transferId(0n) }));
    start += postings.length;
    return decideGroup(group, atomic, changes);
  });
  await write(client, changes, ending);
  return outcomes;
}

async function write(client: ClientBase, changes: Books, ending: readonly string[]): Promise<void> {
  const { decisions, remembered } = changes;
  const created = decisions.flatMap(({ effect, transfer }) => (effect === "created" ? [transfer] : []));
  const held = created.filter(({ awaitsSettlement }) => awaitsSettlement);
  const settled = decisions.flatMap(({ effect, transfer }) => (effect === "settled" ? [transfer] : []));
  const movements = decisions.flatMap((decision) => decision.movements);
  const accounts = [...changes.accounts.values()];

  const statements: (QueryConfig | string)[] = [];
  if (created.length > 0) statements.push(insertTransfers(created));
  if (held.length > 0) statements.push(insertHolds(held));
  if (settled.length > 0) statements.push(settleHolds(settled));
  if (movements.length > 0) statements.push(insertEntries(movements));
  if (accounts.length > 0) statements.push(updateBalances(accounts));
  if (remembered.length > 0) statements.push(rememberOutcomes(remembered.map(toKept)));
  // After a failed statement, PostgreSQL answers "commit" with a rollback and no error; the failed statement has the error.
  await settleAll([...statements, ...ending].map((statement) => client.query(statement)));
}

function toKept({ claim, outcome }: Remembered): KeptOutcome {
  return isRefusal(outcome) ? { claim, response: { refusal: outcome } } : { claim, transferId: outcome.id };
}
