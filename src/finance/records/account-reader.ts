import type { Pool } from "pg";
import { overloaded } from "../errors.ts";
import type { LedgerWatch } from "../ledger-observer.ts";
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

/** Statements in flight at once: one is answered while the next is on its way. */
export const ACCOUNT_READER_LANES = 2;
const BATCH_SIZE_MAX = 500;
/** Reads of one caller in a round of turns. */
const TURN_SIZE = 64;
/** Reads that wait, of which one caller may have half; who would have more is refused at once. */
const WAITING_MAX = 16_384;
const RETRY_AFTER_MS = 250;

/**
 * Reads single accounts for many callers: those who ask while a statement is in flight share the next one, in turns.
 *
 * A statement starts after everyone who shares it asked, so nobody gets a state older than their own question.
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

  /** Reads that wait for their statement. */
  get length(): number {
    return this.#waiting.size;
  }

  /**
   * @param caller whose turn it takes.
   * @returns undefined when there is no such account.
   * @throws FinanceError overloaded when too many of the caller's wait already.
   */
  load(id: AccountId, caller: string): Promise<AccountRecord | undefined> {
    return new Promise((resolve, reject) => {
      const waiting = { id, origin: this.#watch.origin(), resolve, reject };
      if (this.#waiting.add(caller, 1, waiting, performance.now())) {
        this.#schedule();
        return;
      }
      this.#watch.refused("account_reads");
      reject(overloaded("too many of your reads of accounts are waiting already", RETRY_AFTER_MS));
    });
  }

  /** Whoever asks within the same turn of the event loop shares the statement. */
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
      // The next statement is sent first: PostgreSQL works on it while these callers are answered.
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
