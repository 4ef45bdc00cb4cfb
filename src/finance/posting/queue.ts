/**
 * Group commit. Goal: many callers, even on one hot account, share a transaction.
 *
 * Method: at most `lanes` batches are in flight. Postings that arrive meanwhile are queued and form the next batch, in which
 * callers take turns (turns.ts). A batch is never delayed to gather more, so on an idle server nobody waits. A batch that
 * fails is halved and tried again, so that one bad request does not fail the others. A batch whose connection was lost is
 * sent again, because its keys make it happen exactly once.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import { brokenBy, DatabaseAwayError, isConnectionError, isRetryable, isTimeout } from "../../database/index.ts";
import { overloaded } from "../errors.ts";
import type { LedgerWatch } from "../turns.ts";
import { type Batch, FairQueue } from "../turns.ts";
import { CommitUnknownError, postBatch } from "./batch.ts";
import type { Outcome } from "./decide-group.ts";
import { isKeyCollision } from "./idempotency.ts";
import type { PostingGroup } from "./posting.ts";

export interface PostingQueueOptions {
  /** At least `lanes` connections that pipeline. */
  readonly pool: Pool;
  readonly watch: LedgerWatch;
  /** Is told after each batch that it was committed. Default: nothing is told. */
  readonly feed?: { committed(): void };
  /** Batches in flight at once. Default {@link POSTING_LANES}. */
  readonly lanes?: number;
  /** Postings in a batch, unless one group alone has more. Default 512. */
  readonly batchSizeMax?: number;
  /** Queued postings of all callers; a caller that would have more than half is refused at once. Default 32768. */
  readonly queueLengthMax?: number;
  /** A monotonic clock in milliseconds. Default: the process's. */
  readonly now?: () => number;
}

/** While one batch is in flight the next one fills; two at once would wait for each other's accounts. */
export const POSTING_LANES = 1;

/** Postings that a caller may send in one round of turns; see turns.ts. */
const TURN_SIZE = 64;

/** A group that waits for its outcomes. */
interface Waiting {
  readonly group: PostingGroup;
  /** See `BatchTracing.origin`. */
  readonly origin: unknown;
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (error: unknown) => void;
  /** How often it was queued again because other requests used its keys. */
  readonly collisions: number;
}

/** Each collision decides at least one more key of the group; more collisions are deliberate. */
const COLLISIONS_MAX = 20;

/** The background's lane time, as a share of the callers' lane time. */
const BACKGROUND_SHARE = 0.15;
const BACKGROUND_BUDGET_MS_MAX = 20;

/** The pause before each retry; after the last one the caller must retry. */
const RETRY_PAUSES_MS = [0, 50, 200, 500];
/** The same while the database is known to be away and no commit is in doubt: enough for a broken connection. */
const AWAY_PAUSES_MS = [0, 50];
const RETRY_TIME_MS_MAX = 3000;
const RETRY_AFTER_MS = 250;

export class PostingQueue {
  readonly #pool: Pool;
  readonly #watch: LedgerWatch;
  readonly #feed: PostingQueueOptions["feed"];
  readonly #lanes: number;
  readonly #now: () => number;
  readonly #waiting: FairQueue<Waiting>;
  /** Ends a pause in which no batch may be taken. */
  #pause: NodeJS.Timeout | undefined;
  readonly #background: Waiting[] = [];
  /** Lane time that the background may still take while callers wait. */
  #backgroundBudgetMs = 0;
  #inFlight = 0;

  constructor(options: PostingQueueOptions) {
    this.#pool = options.pool;
    this.#watch = options.watch;
    this.#feed = options.feed;
    this.#lanes = options.lanes ?? POSTING_LANES;
    this.#now = options.now ?? (() => performance.now());
    this.#waiting = new FairQueue({
      sizeMax: options.queueLengthMax ?? 32_768,
      turnSize: TURN_SIZE,
      batchSizeMax: options.batchSizeMax ?? 512,
    });
  }

  /** Queued postings. */
  get length(): number {
    return this.#waiting.size;
  }

  /**
   * Carries out a group of postings of one caller, in a batch with other queued groups.
   * A background group waits in a line of its own, which is never full.
   *
   * @returns an outcome for each posting, after the commit.
   * @throws FinanceError overloaded when the caller has too many queued postings: nothing was decided and no key was used.
   *   The database's error when it stays away; postings with keys can be sent again.
   */
  post(group: PostingGroup): Promise<Outcome[]> {
    return new Promise((resolve, reject) => {
      const waiting = { group, origin: this.#watch.origin(), resolve, reject, collisions: 0 };
      if (group.background) this.#background.push(waiting);
      else this.#enqueue(waiting);
      this.#fillLanes();
    });
  }

  #enqueue(waiting: Waiting): void {
    const { postings } = waiting.group;
    const caller = postings[0]?.actor.subject ?? "";
    if (this.#waiting.add(caller, postings.length, waiting, this.#now())) return;
    this.#watch.refused("postings");
    waiting.reject(overloaded("too many of your transfers are already waiting", RETRY_AFTER_MS));
  }

  #fillLanes(): void {
    while (this.#inFlight < this.#lanes) {
      const batch = this.#takeBatch();
      if (batch === undefined) break;
      this.#inFlight += 1;
      void this.#runLane(batch);
    }
    this.#awaitPause();
  }

  /** The next batch: callers' groups, or a background group if it has a share left or no caller's group may be taken. */
  #takeBatch(): Batch<Waiting> | undefined {
    const [first] = this.#background;
    const batch = first !== undefined && this.#backgroundBudgetMs > 0 ? undefined : this.#waiting.take(this.#now());
    if (batch !== undefined || first === undefined) return batch;
    this.#background.shift();
    return { items: [first] };
  }

  /** Takes the next batch at the end of the pause, if all queued groups are in one. */
  #awaitPause(): void {
    clearTimeout(this.#pause);
    const nowMs = this.#now();
    const nextMs = this.#waiting.nextMs(nowMs);
    if (this.#inFlight === this.#lanes || nextMs === Number.POSITIVE_INFINITY) return;
    this.#pause = setTimeout(() => this.#fillLanes(), Math.ceil(nextMs - nowMs));
  }

  async #runLane({ items, largeOf }: Batch<Waiting>): Promise<void> {
    const startedMs = this.#now();
    await this.#postOrHalve(items);
    const endedMs = this.#now();
    const tookMs = endedMs - startedMs;
    if (largeOf !== undefined) this.#waiting.ended(largeOf, tookMs, endedMs);
    const change = items[0]?.group.background ? -tookMs : tookMs * BACKGROUND_SHARE;
    const budgetMs = Math.min(this.#backgroundBudgetMs + change, BACKGROUND_BUDGET_MS_MAX);
    this.#backgroundBudgetMs = Math.max(budgetMs, -BACKGROUND_BUDGET_MS_MAX);
    this.#inFlight -= 1;
    this.#fillLanes();
  }

  async #postOrHalve(batch: readonly Waiting[]): Promise<void> {
    try {
      const groups = batch.map(({ group }) => group);
      const outcomes = await this.#watch.run(
        "postings",
        groups.reduce((size, { postings }) => size + postings.length, 0),
        () => batch.map(({ origin }) => origin),
        () => this.#postWithRetries(groups),
      );
      this.#feed?.committed();
      // Send the next batch first: PostgreSQL works on it while the callers of this one are answered.
      setImmediate(() => {
        batch.forEach(({ resolve }, index) => {
          resolve(outcomes[index] ?? []);
        });
      });
    } catch (error) {
      const [only] = batch;
      if (isKeyCollision(error) && only !== undefined && batch.length === 1 && only.collisions < COLLISIONS_MAX) {
        // At the end of the queue, so that the others need not wait for its next try.
        this.#enqueue({ ...only, collisions: only.collisions + 1 });
        return;
      }
      if (only?.group.background && only.group.postings.length > 1 && !isConnectionError(error)) {
        this.#postInHalves(only);
        return;
      }
      const parts = partsAfter(error, batch);
      if (parts.length === 0) for (const { reject } of batch) reject(error);
      for (const part of parts) await this.#postOrHalve(part);
    }
  }

  /**
   * In the background, a posting that fails must not prevent the others. Each half has a turn of its own, so that callers
   * need not wait for the search.
   */
  #postInHalves({ group, resolve, reject }: Waiting): void {
    const middle = Math.ceil(group.postings.length / 2);
    const halves = [group.postings.slice(0, middle), group.postings.slice(middle)];
    const posting = Promise.allSettled(halves.map((postings) => this.post({ ...group, postings })));
    void posting.then((results) => {
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) reject(failed.reason);
      else resolve(results.flatMap((result) => (result.status === "fulfilled" ? result.value : [])));
    });
  }

  /** Retries a batch that was rolled back through no fault of its own, for as long as callers can be kept waiting. */
  async #postWithRetries(groups: readonly PostingGroup[]): Promise<Outcome[][]> {
    const startedMs = performance.now();
    let unknown: CommitUnknownError | undefined;
    let hasCollided = false;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#postOnce(groups);
      } catch (error) {
        if (error instanceof CommitUnknownError) unknown = error;
        const lost = isConnectionError(error) || error instanceof CommitUnknownError;
        if (isKeyCollision(error) && !hasCollided) {
          // Retry at once: the key has its outcome now. A second collision is about another key; then the batch is halved.
          hasCollided = true;
          continue;
        }
        const repeatable = isRetryable(error) || isConnectionError(error) || groups.every(areKeyed);
        const isAway = error instanceof DatabaseAwayError && unknown === undefined;
        const pauseMs = (isAway ? AWAY_PAUSES_MS : RETRY_PAUSES_MS)[attempt];
        const late = performance.now() - startedMs > RETRY_TIME_MS_MAX;
        if (!(lost || isRetryable(error)) || !repeatable || pauseMs === undefined || late) throw unknown ?? error;
        await delay(pauseMs);
      }
    }
  }

  async #postOnce(groups: readonly PostingGroup[]): Promise<Outcome[][]> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      return await postBatch(client, groups);
    } catch (error) {
      broken = error instanceof CommitUnknownError ? error : brokenBy(error);
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

/** The parts of a failed batch that are worth another try; empty if none is. */
function partsAfter(error: unknown, batch: readonly Waiting[]): Waiting[][] {
  if (error instanceof CommitUnknownError) {
    // Groups with keys can be sent again and get their outcome; groups without keys must not be.
    const keyed = batch.filter(({ group }) => areKeyed(group));
    if (keyed.length === batch.length) return [];
    for (const { group, reject } of batch) if (!areKeyed(group)) reject(error);
    return keyed.length === 0 ? [] : [keyed];
  }
  if (batch.length === 1 || isConnectionError(error) || isTimeout(error)) return [];
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
}

/** Whether the postings can be sent again without doing anything twice. */
function areKeyed({ postings }: PostingGroup): boolean {
  return postings.every(({ claim, dryRun }) => dryRun || claim !== undefined);
}
