import type { Pool } from "pg";
import { type AccountRecord, loadAccounts } from "./accounts.ts";
import type { AccountId } from "./identifiers.ts";

interface Waiting {
  readonly id: AccountId;
  readonly resolve: (account: AccountRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Statements in flight at once: one is answered while the next is on its way. */
export const ACCOUNT_READER_LANES = 2;
const BATCH_SIZE_MAX = 500;

/**
 * Reads single accounts for many callers: those who ask while a statement is in flight share the next one.
 *
 * A statement starts after everyone who shares it asked, so nobody gets a state older than their own question.
 */
export class AccountReader {
  readonly #pool: Pool;
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** @returns undefined when there is no such account. */
  load(id: AccountId): Promise<AccountRecord | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject });
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
      const accounts = await loadAccounts(this.#pool, [...new Set(batch.map(({ id }) => id))]);
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
