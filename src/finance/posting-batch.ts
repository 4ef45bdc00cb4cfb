/**
 * Carries out a batch of orders in one transaction and one flush.
 *
 * Method: lock every touched balance row once, in id order; claim the idempotency keys in key order; decide each order in
 * memory on the books that the earlier ones left; write set-wise; commit. Statements go out together, so a batch costs
 * two round trips; a third when keys were used before, holds are pending or orders are about earlier transfers. A
 * transaction waits for keys only once it holds all its rows, so rows and keys can't wait for each other in a circle.
 */
import type { ClientBase, QueryConfig } from "pg";
import { isConnectionError } from "../database/index.ts";
import { type BatchInput, lockAndRead } from "./batch-input.ts";
import type { Books } from "./books.ts";
import type { Decision } from "./decide.ts";
import { decideGroup } from "./decide-group.ts";
import type { Refusal } from "./errors.ts";
import { type Claim, keyReused } from "./idempotency.ts";
import { transferId } from "./identifiers.ts";
import type { Micros } from "./micros.ts";
import { makesTransfer, type Order, type OrderGroup } from "./order.ts";
import { settleAll } from "./pipeline.ts";
import {
  insertEntries,
  insertHolds,
  insertTransfers,
  rememberRefusals,
  settleHolds,
  updateBalances,
} from "./posting-statements.ts";
import type { TransferRecord } from "./transfers.ts";

/** What became of an order. */
export interface Outcome {
  readonly result: TransferRecord | Refusal;
  /** Whether an earlier request with the same key decided it. */
  readonly replayed: boolean;
}

/** The connection was lost while committing: the batch was kept or it was not. Only keys can tell. */
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
 * @returns the outcomes of each group's orders, all of them committed.
 * @throws CommitUnknownError, or the database's error and then nothing was done.
 */
export async function postBatch(client: ClientBase, groups: readonly OrderGroup[]): Promise<Outcome[][]> {
  let committing = false;
  try {
    const input = await lockAndRead(client, ordersOf(groups), ["begin"]);
    committing = true;
    return await decideAndWrite(client, groups, input, ["commit"]);
  } catch (error) {
    if (isConnectionError(error)) throw committing ? new CommitUnknownError(error) : error;
    // The first error is the one to report.
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

/**
 * Carries out a batch within the caller's transaction, as imported history.
 *
 * @param recordedAt the time to record instead of the clock's; an account's newest entry wins when it is later.
 */
export async function postWithin(
  client: ClientBase,
  groups: readonly OrderGroup[],
  recordedAt: Micros,
): Promise<Outcome[][]> {
  const input = await lockAndRead(client, ordersOf(groups), [], recordedAt);
  return await decideAndWrite(client, groups, input, []);
}

function ordersOf(groups: readonly OrderGroup[]): Order[] {
  return groups.flatMap(({ orders }) => orders);
}

/** What the batch is to write. */
interface Effects {
  readonly decisions: Decision[];
  readonly refused: { readonly claim: Claim; readonly refusal: Refusal }[];
}

async function decideAndWrite(
  client: ClientBase,
  groups: readonly OrderGroup[],
  input: BatchInput,
  ending: readonly string[],
): Promise<Outcome[][]> {
  const { books } = input;
  const before = new Map(books.accounts);
  const effects: Effects = { decisions: [], refused: [] };
  const outcomes: Outcome[] = [];
  const grouped = groups.map((group) => {
    const start = outcomes.length;
    const results = decideFresh(group, start, input, effects);
    group.orders.forEach((order, index) => {
      const outcome = results.get(index) ?? repeatedOutcome(order, start + index, input, outcomes);
      outcomes.push(outcome);
    });
    return outcomes.slice(start);
  });
  await write(client, effects, books, before, ending);
  return grouped;
}

/** Decides those orders of a group that nothing has decided yet; gives their outcomes by index within the group. */
function decideFresh(
  { orders, atomic }: OrderGroup,
  start: number,
  { books, draws }: BatchInput,
  effects: Effects,
): Map<number, Outcome> {
  const fresh = orders.flatMap((order, index) => {
    const draw = draws[start + index];
    return draw?.course === "decide" ? [{ order, id: draw.id, index }] : [];
  });
  const decided = decideGroup(fresh, atomic, books);
  return new Map(
    fresh.map(({ order, index }, position): [number, Outcome] => {
      const decision = decided[position];
      if (decision === undefined) throw new Error("an order was left undecided");
      if ("situation" in decision) {
        if (order.claim !== undefined && !order.dryRun) effects.refused.push({ claim: order.claim, refusal: decision });
        return [index, { result: decision, replayed: false }];
      }
      if (!order.dryRun) effects.decisions.push(decision);
      return [index, { result: decision.transfer, replayed: false }];
    }),
  );
}

/** The outcome that the order's key had before, in this batch or an earlier one. */
function repeatedOutcome(order: Order, index: number, input: BatchInput, outcomes: readonly Outcome[]): Outcome {
  const { claim } = order;
  const course = input.draws[index]?.course;
  if (claim === undefined || course === undefined) throw new Error("an order without a key was not decided");
  if (typeof course === "number") {
    const first = outcomes[course];
    const firstClaim = input.claims[course];
    if (first === undefined) throw new Error("an order repeats one that was not decided");
    return firstClaim?.requestDigest === claim.requestDigest ? { ...first, replayed: true } : reused(claim);
  }
  const row = input.earlier.get(claim.keyDigest);
  if (row === undefined) throw new Error("a used idempotency key has no row");
  if (row.request_digest !== claim.requestDigest) return reused(claim);
  if (row.response?.refusal !== undefined) return { result: row.response.refusal, replayed: true };
  const loaded = row.transfer_id === null ? undefined : input.earlierTransfers.get(transferId(row.transfer_id));
  if (loaded === undefined) throw new Error("an idempotency key has no outcome");
  const result = makesTransfer(order.command) ? loaded.created : { ...loaded.current, reversedByTransferId: undefined };
  return { result, replayed: true };
}

function reused(claim: Claim): Outcome {
  return { result: keyReused(claim.key), replayed: false };
}

async function write(
  client: ClientBase,
  { decisions, refused }: Effects,
  { accounts, now }: Books,
  before: Books["accounts"],
  ending: readonly string[],
): Promise<void> {
  const created = decisions.flatMap(({ effect, transfer }) => (effect === "created" ? [transfer] : []));
  const held = created.filter(({ awaitsSettlement }) => awaitsSettlement);
  const settled = decisions.flatMap(({ effect, transfer }) => (effect === "settled" ? [transfer] : []));
  const movements = decisions.flatMap((decision) => decision.movements);
  const changed = [...accounts.values()].filter((account) => before.get(account.id) !== account);

  const statements: (QueryConfig | string)[] = [];
  if (created.length > 0) statements.push(insertTransfers(created, now));
  if (held.length > 0) statements.push(insertHolds(held));
  if (settled.length > 0) statements.push(settleHolds(settled, now));
  if (movements.length > 0) statements.push(insertEntries(movements, now));
  if (changed.length > 0) statements.push(updateBalances(changed, now));
  if (refused.length > 0) statements.push(rememberRefusals(refused));
  // After a failed statement PostgreSQL answers "commit" with a rollback and no error; the failed one has the error.
  await settleAll([...statements, ...ending].map((statement) => client.query(statement)));
}
