import type { Pool } from "pg";
import { overloaded } from "../errors.ts";
import type { LedgerWatch } from "../turns.ts";
import { FairQueue } from "../turns.ts";
import type { AccountId } from "../values.ts";
import { type AccountRecord, loadAccounts } from "./accounts.ts";

interface Waiting {
  readonly id: AccountId;
  /** See `BatchTracing.origin`. */
  readonly origin: unknown;
  readonly resolve: (account: AccountRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Statements in flight at once: one can be answered while the next is on its way. */
export const ACCOUNT_READER_LANES = 2;
const BATCH_SIZE_MAX = 500;
/** Reads of a caller in one round of turns. */
const TURN_SIZE = 64;
/** Queued reads of all callers; a caller that would have more than half is refused at once. */
const WAITING_MAX = 16_384;
const RETRY_AFTER_MS = 250;

/**
 * Reads single accounts for many callers: reads that arrive while a statement is in flight share the next one, in turns.
 *
 * A statement starts after all the reads that share it, so nobody gets a state from before their own call.
 */
export class AccountReader {
  readonly #pool: Pool;
  readonly #watch: LedgerWatch;
  readonly #waiting = new FairQueue<Waiting>({
    sizeMax: WAITING_MAX,
    turnSize: TURN_SIZE,
    batchSizeMax: BATCH_SIZE_MAX,
  });
  #inFlight = 0;
  #scheduled = false;

  constructor(pool: Pool, watch: LedgerWatch) {
    this.#pool = pool;
    this.#watch = watch;
  }

  /** Queued reads. */
  get length(): number {
    return this.#waiting.size;
  }

  /**
   * @param caller the caller whose turn it takes.
   * @returns undefined when there is no such account.
   * @throws FinanceError overloaded when the caller has too many queued reads.
   */
  load(id: AccountId, caller: string): Promise<AccountRecord | undefined> {
    return new Promise((resolve, reject) => {
      const waiting = { id, origin: this.#watch.origin(), resolve, reject };
      if (this.#waiting.add(caller, 1, waiting, performance.now())) {
        this.#schedule();
        return;
      }
      this.#watch.refused("account_reads");
      reject(overloaded("too many of your reads of accounts are already waiting", RETRY_AFTER_MS));
    });
  }

  /** Reads of the same turn of the event loop share a statement. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#fillLanes();
    });
  }

  #fillLanes(): void {
    while (this.#inFlight < ACCOUNT_READER_LANES) {
      const batch = this.#waiting.take(performance.now());
      if (batch === undefined) return;
      this.#inFlight += 1;
      void this.#runLane(batch.items);
    }
  }

  async #runLane(batch: readonly Waiting[]): Promise<void> {
    try {
      const accounts = await this.#watch.run(
        "account_reads",
        batch.length,
        () => batch.map(({ origin }) => origin),
        () => loadAccounts(this.#pool, [...new Set(batch.map(({ id }) => id))]),
      );
      // Send the next statement first: PostgreSQL works on it while these callers are answered.
      setImmediate(() => {
        for (const { id, resolve } of batch) resolve(accounts.get(id));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#inFlight -= 1;
      this.#fillLanes();
    }
  }
}
