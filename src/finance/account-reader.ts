import type { Pool } from "pg";
import { type AccountRecord, loadAccounts } from "./accounts.ts";
import { overloaded } from "./errors.ts";
import type { AccountId } from "./identifiers.ts";
import type { LedgerWatch } from "./ledger-observer.ts";

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
/** Callers that wait; past it they are refused at once. */
const WAITING_MAX = 8192;
const RETRY_AFTER_MS = 250;

/**
 * Reads single accounts for many callers: those who ask while a statement is in flight share the next one.
 *
 * A statement starts after everyone who shares it asked, so nobody gets a state older than their own question.
 */
export class AccountReader {
  readonly #pool: Pool;
  readonly #watch: LedgerWatch;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(pool: Pool, watch: LedgerWatch) {
    this.#pool = pool;
    this.#watch = watch;
  }

  /** Callers that wait for their statement. */
  get length(): number {
    return this.#waiting.length;
  }

  /**
   * @returns undefined when there is no such account.
   * @throws FinanceError overloaded when too many wait already.
   */
  load(id: AccountId): Promise<AccountRecord | undefined> {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#watch.refused("account_reads");
      return Promise.reject(overloaded(`${WAITING_MAX} callers are waiting for accounts already`, RETRY_AFTER_MS));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, origin: this.#watch.origin(), resolve, reject });
      this.#schedule();
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
    while (this.#inFlight < ACCOUNT_READER_LANES && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_SIZE_MAX);
      this.#inFlight += 1;
      void this.#runLane(batch);
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
