/**
 * Group commit. Goal: one hot account, or many callers, must not cost a transaction each.
 *
 * Method: at most `lanes` batches are in flight; whatever arrives meanwhile waits and is the next batch. There is no
 * timer, so an idle caller waits for nothing. A batch that fails is halved and tried again, so that one poisonous
 * request can't sink its neighbours; a batch whose connection was lost is sent again, for its keys make it exactly once.
 */
import type { Pool } from "pg";
import { isConnectionError, isRetryable } from "../database/index.ts";
import { FinanceError, refuse } from "./errors.ts";
import { keyReused } from "./idempotency.ts";
import { type PostingOutcome, type PostingRequest, postBatch } from "./posting-batch.ts";

export interface PostingQueueOptions {
  /** Connections that pipeline; at least `lanes` of them. */
  readonly pool: Pool;
  /** Batches in flight at once. Default 1. */
  readonly lanes?: number;
  /** Transfers in a batch at most. Default 512. */
  readonly batchSizeMax?: number;
  /** Transfers that wait at most; past it callers are refused at once. Default 8192. */
  readonly queueLengthMax?: number;
}

/** A request that waits for its outcome. */
interface Waiting {
  readonly request: PostingRequest;
  readonly resolve: (outcome: PostingOutcome) => void;
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
  #inFlight = 0;

  constructor(options: PostingQueueOptions) {
    this.#pool = options.pool;
    this.#lanes = options.lanes ?? 1;
    this.#batchSizeMax = options.batchSizeMax ?? 512;
    this.#queueLengthMax = options.queueLengthMax ?? 8192;
  }

  /**
   * Posts one transfer together with whatever else is waiting.
   *
   * @returns the outcome, once it is committed.
   * @throws FinanceError overloaded when the queue is full: nothing was decided and the key is unused. The database's
   *   error when it stays away; a request with a key can be sent again.
   */
  post(request: PostingRequest): Promise<PostingOutcome> {
    if (this.#waiting.length >= this.#queueLengthMax) {
      const msg = `${this.#waiting.length} transfers are waiting already; try again in ${RETRY_AFTER_MS} ms`;
      return Promise.reject(new FinanceError(refuse("overloaded", msg, { retry_after_ms: `${RETRY_AFTER_MS}` })));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#fillLanes();
    });
  }

  #fillLanes(): void {
    while (this.#inFlight < this.#lanes && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#batchSizeMax);
      this.#inFlight += 1;
      void this.#runLane(batch);
    }
  }

  async #runLane(batch: Waiting[]): Promise<void> {
    try {
      await this.#postDistinct(batch);
    } finally {
      this.#inFlight -= 1;
      this.#fillLanes();
    }
  }

  /** Posts the batch with each key once; requests that share a key share its outcome. */
  async #postDistinct(batch: readonly Waiting[]): Promise<void> {
    const distinct: Waiting[] = [];
    const firstByKey = new Map<string, Waiting[]>();
    for (const waiting of batch) {
      const key = waiting.request.claim?.keyDigest;
      const group = key === undefined ? undefined : firstByKey.get(key);
      if (group !== undefined) {
        group.push(waiting);
        continue;
      }
      const sharers: Waiting[] = [];
      if (key !== undefined) firstByKey.set(key, sharers);
      distinct.push({
        request: waiting.request,
        resolve: (outcome) => {
          waiting.resolve(outcome);
          for (const sharer of sharers) sharer.resolve(sharedOutcome(waiting.request, sharer.request, outcome));
        },
        reject: (error) => {
          for (const each of [waiting, ...sharers]) each.reject(error);
        },
      });
    }
    await this.#postOrHalve(distinct);
  }

  async #postOrHalve(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#postWithRetries(batch.map(({ request }) => request));
      outcomes.forEach((outcome, index) => {
        batch[index]?.resolve(outcome);
      });
    } catch (error) {
      if (batch.length === 1 || isConnectionError(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      const middle = Math.ceil(batch.length / 2);
      await this.#postOrHalve(batch.slice(0, middle));
      await this.#postOrHalve(batch.slice(middle));
    }
  }

  async #postWithRetries(requests: readonly PostingRequest[]): Promise<PostingOutcome[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#postOnce(requests);
      } catch (error) {
        const repeatable = isRetryable(error) || (isConnectionError(error) && requests.every(({ claim }) => claim));
        if (!repeatable || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #postOnce(requests: readonly PostingRequest[]): Promise<PostingOutcome[]> {
    const client = await this.#pool.connect();
    try {
      const outcomes = await postBatch(client, requests);
      client.release();
      return outcomes;
    } catch (error) {
      client.release(isConnectionError(error));
      throw error;
    }
  }
}

function sharedOutcome(first: PostingRequest, sharer: PostingRequest, outcome: PostingOutcome): PostingOutcome {
  if (first.claim?.requestDigest === sharer.claim?.requestDigest) return { result: outcome.result, replayed: true };
  return { result: keyReused(sharer.claim?.key ?? ""), replayed: false };
}
