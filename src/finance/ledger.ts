import type { Pool } from "pg";
import { PostingQueue } from "./posting-queue.ts";

/** The parts that the methods of the service work with. */
export interface Ledger {
  /** For reads and for what is seldom written. */
  readonly pool: Pool;
  /** The one way by which money moves. */
  readonly postings: PostingQueue;
}

export interface LedgerOptions {
  readonly pool: Pool;
  /** Connections that pipeline, for postings. */
  readonly postingPool: Pool;
}

/** Opens the ledger of a migrated database. */
export function openLedger({ pool, postingPool }: LedgerOptions): Ledger {
  return { pool, postings: new PostingQueue({ pool: postingPool }) };
}
