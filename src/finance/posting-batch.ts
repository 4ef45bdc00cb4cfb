/**
 * Posts a batch of transfers in one transaction and one flush.
 *
 * Method: lock every touched balance row once, in id order; claim the idempotency keys in key order; decide each request
 * in memory on the balances that the earlier ones left; write set-wise; commit. Statements go out together, so a batch
 * costs two round trips, or three when a key was used before. A transaction waits for keys only once it holds all its
 * rows, so rows and keys can't wait for each other in a circle.
 */
import type { ClientBase, QueryConfig } from "pg";
import { TransferState } from "../../generated/server/finance/v1/transfer.ts";
import type { Actor } from "./account.ts";
import { decidePosting, type LockedAccounts, type Posted } from "./decide.ts";
import type { Refusal } from "./errors.ts";
import { type Claim, keyReused } from "./idempotency.ts";
import { accountId, type TransferId, transferId } from "./identifiers.ts";
import { latestOf, type Micros } from "./micros.ts";
import {
  type DrawnRow,
  drawIdsAndClaimKeys,
  type EarlierRow,
  insertEntries,
  insertTransfers,
  type LockedRow,
  lockAccounts,
  type PostedDraft,
  readEarlierOutcomes,
  rememberRefusals,
  toLockedAccount,
  updateBalances,
} from "./posting-statements.ts";
import { asCreated, loadTransfers, type TransferRecord } from "./transfers.ts";
import type { NewTransfer } from "./validation.ts";

/** A transfer to post, with who asks for it. */
export interface PostingRequest {
  readonly transfer: NewTransfer;
  readonly actor: Actor;
  /** Absent: a repeated request posts again. */
  readonly claim: Claim | undefined;
}

/** What became of a request. */
export interface PostingOutcome {
  readonly result: TransferRecord | Refusal;
  /** Whether an earlier request with the same key decided it. */
  readonly replayed: boolean;
}

/**
 * Posts a batch in a transaction of its own. A key must not occur twice in it.
 *
 * @param client a pipelining connection outside any transaction; after an error it is outside one again, or broken.
 * @returns an outcome for each request, in order, all of them committed.
 * @throws the database's error. Then nothing was posted, unless the connection was lost while committing.
 */
export async function postBatch(client: ClientBase, requests: readonly PostingRequest[]): Promise<PostingOutcome[]> {
  try {
    const claimed = await lockAndClaim(client, requests, ["begin"]);
    return await decideAndWrite(client, requests, claimed, ["commit"]);
  } catch (error) {
    // A broken connection has rolled back already; the first error is the one to report.
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

/**
 * Posts a batch within the caller's transaction, as imported history.
 *
 * @param recordedAt the time to record instead of the clock's; an account's newest entry wins when it is later.
 */
export async function postWithin(
  client: ClientBase,
  requests: readonly PostingRequest[],
  recordedAt: Micros,
): Promise<PostingOutcome[]> {
  const { accounts, draws, newest } = await lockAndClaim(client, requests, []);
  return await decideAndWrite(client, requests, { accounts, draws, now: latestOf([recordedAt], newest) }, []);
}

interface Claimed {
  readonly accounts: LockedAccounts;
  readonly draws: readonly DrawnRow[];
  /** The time to record. */
  readonly now: Micros;
}

async function lockAndClaim(
  client: ClientBase,
  requests: readonly PostingRequest[],
  prelude: readonly string[],
): Promise<Claimed & { readonly newest: Micros }> {
  const ids = new Set(requests.flatMap(({ transfer }) => [transfer.debitAccountId, transfer.creditAccountId]));
  const begun = prelude.map((statement) => client.query(statement));
  const locking = client.query<LockedRow>(lockAccounts([...ids]));
  const drawing = client.query<DrawnRow>(drawIdsAndClaimKeys(requests.map(({ claim }) => claim)));
  await settleAll([...begun, locking, drawing]);
  const { rows } = await locking;
  const newest = latestOf(
    rows.map((row) => row.updated_at),
    0n,
  );
  return {
    accounts: new Map(rows.map((row) => [accountId(row.account_id), toLockedAccount(row)])),
    draws: (await drawing).rows,
    newest,
    // The clock is read as each row is locked. Set back, it must not make an account's entries fall in time.
    now: latestOf(
      rows.map((row) => row.now),
      newest,
    ),
  };
}

async function decideAndWrite(
  client: ClientBase,
  requests: readonly PostingRequest[],
  { accounts, draws, now }: Claimed,
  ending: readonly string[],
): Promise<PostingOutcome[]> {
  const decided = requests.map((request, index) => {
    const drawn = draws[index];
    if (drawn === undefined) throw new Error("fewer transfer ids were drawn than asked for");
    if (request.claim !== undefined && !drawn.claimed) return undefined;
    return { id: transferId(drawn.id), decision: decidePosting(request.transfer, request.actor, accounts) };
  });
  const repeated = requests.filter((_, index) => decided[index] === undefined);
  const earlier = await loadEarlierOutcomes(client, repeated);

  const posted: PostedDraft[] = [];
  const refused: { claim: Claim; refusal: Refusal }[] = [];
  const outcomes = requests.map((request, index): PostingOutcome => {
    const draft = decided[index];
    if (draft === undefined) return earlierOutcome(request, earlier);
    const { id, decision } = draft;
    if ("situation" in decision) {
      if (request.claim !== undefined) refused.push({ claim: request.claim, refusal: decision });
      return { result: decision, replayed: false };
    }
    posted.push({ id, transfer: request.transfer, claim: request.claim, posted: decision });
    return { result: newRecord(request, id, decision, now), replayed: false };
  });

  await write(client, posted, refused, accounts, now, ending);
  return outcomes;
}

interface EarlierOutcomes {
  readonly rows: ReadonlyMap<string, EarlierRow>;
  readonly transfers: ReadonlyMap<TransferId, TransferRecord>;
}

async function loadEarlierOutcomes(client: ClientBase, repeated: readonly PostingRequest[]): Promise<EarlierOutcomes> {
  const claims = repeated.flatMap(({ claim }) => claim ?? []);
  if (claims.length === 0) return { rows: new Map(), transfers: new Map() };
  const { rows } = await client.query<EarlierRow>(readEarlierOutcomes(claims));
  const ids = rows.flatMap((row) => (row.transfer_id === null ? [] : [transferId(row.transfer_id)]));
  const transfers = await loadTransfers(client, ids);
  return {
    rows: new Map(rows.map((row) => [row.key_digest, row])),
    transfers: new Map(transfers.map((transfer) => [transfer.id, transfer])),
  };
}

function earlierOutcome({ claim }: PostingRequest, earlier: EarlierOutcomes): PostingOutcome {
  const row = claim && earlier.rows.get(claim.keyDigest);
  if (row === undefined) throw new Error("a claimed idempotency key has no row");
  if (row.request_digest !== claim?.requestDigest) return { result: keyReused(claim?.key ?? ""), replayed: false };
  if (row.response?.refusal !== undefined) return { result: row.response.refusal, replayed: true };
  const transfer = row.transfer_id === null ? undefined : earlier.transfers.get(transferId(row.transfer_id));
  if (transfer === undefined) throw new Error("an idempotency key has no outcome");
  return { result: asCreated(transfer), replayed: true };
}

function newRecord({ transfer, claim }: PostingRequest, id: TransferId, posted: Posted, now: Micros): TransferRecord {
  return {
    id,
    debitAccountId: transfer.debitAccountId,
    creditAccountId: transfer.creditAccountId,
    debitOwner: posted.debit.owner,
    creditOwner: posted.credit.owner,
    amount: transfer.amount,
    currency: posted.currency,
    state: TransferState.POSTED,
    description: transfer.description,
    metadata: transfer.metadata,
    idempotencyKey: claim?.key ?? "",
    debitAccountBalance: posted.debit.balanceAfter,
    creditAccountBalance: posted.credit.balanceAfter,
    capturedAmount: 0n,
    reversesTransferId: undefined,
    reversedByTransferId: undefined,
    createdAt: now,
    effectiveAt: transfer.effectiveAt ?? now,
    expiresAt: undefined,
    settledAt: undefined,
  };
}

async function write(
  client: ClientBase,
  posted: readonly PostedDraft[],
  refused: readonly { claim: Claim; refusal: Refusal }[],
  accounts: LockedAccounts,
  now: Micros,
  ending: readonly string[],
): Promise<void> {
  const statements: (QueryConfig | string)[] = [];
  if (posted.length > 0) {
    const moved = new Set(posted.flatMap(({ transfer }) => [transfer.debitAccountId, transfer.creditAccountId]));
    const balances = [...accounts.values()].filter((account) => moved.has(account.id));
    statements.push(insertTransfers(posted, now), insertEntries(posted, now), updateBalances(balances, now));
  }
  if (refused.length > 0) statements.push(rememberRefusals(refused));
  // After a failed statement PostgreSQL answers "commit" with a rollback and no error; the failed one has the error.
  await settleAll([...statements, ...ending].map((statement) => client.query(statement)));
}

/** Waits for all statements of a pipeline, then throws the first error, if any. */
async function settleAll(statements: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(statements);
  await Promise.all(statements);
}
