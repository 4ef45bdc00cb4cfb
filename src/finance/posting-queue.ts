/**
 * Group commit. Goal: one hot account, or many callers, must not cost a transaction each.
 *
 * Method: at most `lanes` batches are in flight; whatever arrives meanwhile waits and is the next batch. There is no
 * timer, so an idle caller waits for nothing. A batch that fails is halved and tried again, so that one poisonous
 * request can't sink its neighbours; a batch whose connection was lost is sent again, for its keys make it exactly once.
 */
import type { Pool } from "pg";
import { isConnectionError, isRetryable, isTimeout } from "../database/index.ts";
import { FinanceError, refuse } from "./errors.ts";
import type { OrderGroup } from "./order.ts";
import { type Outcome, postBatch } from "./posting-batch.ts";

export interface PostingQueueOptions {
  /** Connections that pipeline; at least `lanes` of them. */
  readonly pool: Pool;
  /** Batches in flight at once. Default 1. */
  readonly lanes?: number;
  /** Orders in a batch, unless one group alone has more. Default 512. */
  readonly batchSizeMax?: number;
  /** Orders that wait; past it callers are refused at once. Default 8192. */
  readonly queueLengthMax?: number;
}

/** A group that waits for its outcomes. */
interface Waiting {
  readonly group: OrderGroup;
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (error: unknown) => void;
}

const ATTEMPTS_MAX = 4;
const RETRY_AFTER_MS = 250;

export class PostingQueue {
  readonly #pool: Pool;
  readonly #lanes: number;
  readonly #batchSizeMax: number;
  readonly #queueLengthMax: number;
  #waiting: Waiting[] = [];
  /** Orders of all that is waiting. */
  #length = 0;
  #inFlight = 0;

  constructor(options: PostingQueueOptions) {
    this.#pool = options.pool;
    this.#lanes = options.lanes ?? 1;
    this.#batchSizeMax = options.batchSizeMax ?? 512;
    this.#queueLengthMax = options.queueLengthMax ?? 8192;
  }

  /**
   * Carries out a group of orders together with whatever else is waiting.
   *
   * @returns an outcome for each order, once all are committed.
   * @throws FinanceError overloaded when the queue is full: nothing was decided and no key is used. The database's error
   *   when it stays away; orders with keys can be sent again.
   */
  post(group: OrderGroup): Promise<Outcome[]> {
    if (this.#length + group.orders.length > this.#queueLengthMax) {
      const msg = `${this.#length} transfers are waiting already; try again in ${RETRY_AFTER_MS} ms`;
      return Promise.reject(new FinanceError(refuse("overloaded", msg, { retry_after_ms: `${RETRY_AFTER_MS}` })));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ group, resolve, reject });
      this.#length += group.orders.length;
      this.#fillLanes();
    });
  }

  #fillLanes(): void {
    while (this.#inFlight < this.#lanes && this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      this.#inFlight += 1;
      void this.#runLane(batch);
    }
  }

  #takeBatch(): Waiting[] {
    let size = 0;
    let count = 0;
    for (const { group } of this.#waiting) {
      if (count > 0 && size + group.orders.length > this.#batchSizeMax) break;
      size += group.orders.length;
      count += 1;
    }
    this.#length -= size;
    return this.#waiting.splice(0, count);
  }

  async #runLane(batch: readonly Waiting[]): Promise<void> {
    await this.#postOrHalve(batch);
    this.#inFlight -= 1;
    this.#fillLanes();
  }

  async #postOrHalve(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#postWithRetries(batch.map(({ group }) => group));
      batch.forEach(({ resolve }, index) => {
        resolve(outcomes[index] ?? []);
      });
    } catch (error) {
      if (batch.length === 1 || isConnectionError(error) || isTimeout(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      const middle = Math.ceil(batch.length / 2);
      await this.#postOrHalve(batch.slice(0, middle));
      await this.#postOrHalve(batch.slice(middle));
    }
  }

  async #postWithRetries(groups: readonly OrderGroup[]): Promise<Outcome[][]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#postOnce(groups);
      } catch (error) {
        const repeatable = isRetryable(error) || (isConnectionError(error) && groups.every(areKeyed));
        if (!repeatable || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #postOnce(groups: readonly OrderGroup[]): Promise<Outcome[][]> {
    const client = await this.#pool.connect();
    try {
      const outcomes = await postBatch(client, groups);
      client.release();
      return outcomes;
    } catch (error) {
      client.release(isConnectionError(error));
      throw error;
    }
  }
}

/** Whether sending the orders again can do nothing twice. */
function areKeyed({ orders }: OrderGroup): boolean {
  return orders.every(({ claim, dryRun }) => dryRun || claim !== undefined);
}
