import type { Pool } from "pg";
import type { DatabaseLog } from "../database/index.ts";
import { type LedgerObserver, LedgerWatch } from "./ledger-observer.ts";
import { Expiry, startSweeping } from "./posting/expiry.ts";
import { POSTING_LANES, PostingQueue } from "./posting/queue.ts";
import { ACCOUNT_READER_LANES, AccountReader } from "./records/account-reader.ts";
import { FinalTime } from "./records/final-time.ts";
import { Turns } from "./turns.ts";

/** The parts that the methods of the service work with. */
export interface Ledger {
  /** For reads of many rows and for what is seldom written. */
  readonly pool: Pool;
  /** For reads of single accounts. */
  readonly accounts: AccountReader;
  /** The one way by which money moves. */
  readonly queue: PostingQueue;
  /** Whose turn it is to read many rows. */
  readonly readTurns: Turns;
  /** Changes of one account, by its id, are made one after the other: a batch of postings waits for one of them at most. */
  readonly changeTurns: Turns;
  /** Which times are final. */
  readonly finalTime: FinalTime;
  /** Settles expired holds. */
  readonly expiry: Expiry;
  /** Connections of the lanes, to be counted. */
  readonly lanePool: Pool;
  /** Tells an observer of every batch from now on; there is one at most. */
  observe(observer: LedgerObserver): void;
  /** Stops tidying up; the pools are the caller's to close. */
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly pool: Pool;
  /**
   * Connections for the lanes of postings and of reads of single accounts, at least as many as there are lanes, so that
   * nobody waits for one. Opened with {@link lanePoolOptions}.
   */
  readonly lanePool: Pool;
  readonly log: DatabaseLog;
  /** How often expired holds are settled, in milliseconds. Default 500. */
  readonly sweepIntervalMs?: number;
}

/**
 * For connections of lanes, whose statements take milliseconds. A batch that stalls holds the locks of its accounts, so
 * the server ends it soon, and callers wait no longer for an answer that does not come.
 */
export const lanePoolOptions = {
  max: POSTING_LANES + ACCOUNT_READER_LANES,
  planOnce: true,
  connectTimeoutMs: 2000,
  lockTimeoutMs: 3000,
  statementTimeoutMs: 4000,
  answerTimeoutMs: 5000,
  idleInTransactionTimeoutMs: 3000,
} as const;

/** Connections of the pool that are never lent for reads of many rows. */
const CONNECTIONS_KEPT = 2;

/** Opens the ledger of a migrated database. */
export function openLedger({ pool, lanePool, log, sweepIntervalMs = 500 }: LedgerOptions): Ledger {
  const watch = new LedgerWatch();
  const queue = new PostingQueue({ pool: lanePool, watch });
  const expiry = new Expiry(pool, queue);
  const sweeping = startSweeping(expiry, { log, intervalMs: sweepIntervalMs });
  return {
    pool,
    accounts: new AccountReader(lanePool, watch),
    queue,
    readTurns: new Turns({ room: "reads", watch, slots: Math.max(1, pool.options.max - CONNECTIONS_KEPT) }),
    changeTurns: new Turns({
      room: "account_changes",
      watch,
      slots: pool.options.max,
      slotsAlone: 1,
      slotsBesideOthers: 1,
    }),
    finalTime: new FinalTime(pool),
    expiry,
    lanePool,
    observe: (observer) => {
      watch.observer = observer;
    },
    close: () => sweeping.stop(),
  };
}
