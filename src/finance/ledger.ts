import type { Pool } from "pg";
import type { DatabaseLog } from "../database/index.ts";
import { EventReader } from "./feed/events.ts";
import { Feed } from "./feed/feed.ts";
import { Expiry, startSweeping } from "./posting/expiry.ts";
import { POSTING_LANES, PostingQueue } from "./posting/queue.ts";
import { ACCOUNT_READER_LANES, AccountReader } from "./records/account-reader.ts";
import { FinalTime } from "./records/final-time.ts";
import { TRANSFERS_PER_TOTAL } from "./records/trial-balance.ts";
import { type LedgerObserver, LedgerWatch, Turns } from "./turns.ts";

/** The parts of the ledger that the methods of the service use. */
export interface Ledger {
  /** For reads of many rows and for rare writes. */
  readonly pool: Pool;
  /** For reads of single accounts. */
  readonly accounts: AccountReader;
  /** The only way to move money. */
  readonly queue: PostingQueue;
  /** Turns for reads of many rows. */
  readonly readTurns: Turns;
  /** Turns by account id: a batch of postings waits for at most one change of an account. */
  readonly changeTurns: Turns;
  /** Makes times final. */
  readonly finalTime: FinalTime;
  /** See {@link LedgerOptions}. */
  readonly transfersPerTotal: number;
  /** Settles expired holds. */
  readonly expiry: Expiry;
  /** The end of the feed of events. */
  readonly feed: Feed;
  readonly events: EventReader;
  /** The connections of the lanes, for metrics. */
  readonly lanePool: Pool;
  /** Sets the observer of all batches from now on. */
  observe(observer: LedgerObserver): void;
  /** Stops settling expired holds and sealing events. The caller closes the pools. */
  close(): Promise<void>;
}

export interface LedgerOptions {
  readonly pool: Pool;
  /**
   * Connections for the lanes of postings and of reads of single accounts, at least one for each lane. Open it with
   * {@link lanePoolOptions}.
   */
  readonly lanePool: Pool;
  readonly log: DatabaseLog;
  /** How often expired holds are settled, in milliseconds. Default 500. */
  readonly sweepIntervalMs?: number;
  /** Transfers from one running total of the trial balance to the next. Default 50,000. */
  readonly transfersPerTotal?: number;
}

/**
 * For the connections of lanes, whose statements take milliseconds. A batch that stalls holds the locks of its accounts, so
 * it is ended soon.
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

/** Connections of the pool that reads of many rows never use. */
const CONNECTIONS_KEPT = 2;

/** Opens the ledger of a migrated database. */
export function openLedger(options: LedgerOptions): Ledger {
  const { pool, lanePool, log, sweepIntervalMs = 500, transfersPerTotal = TRANSFERS_PER_TOTAL } = options;
  const watch = new LedgerWatch();
  const readTurns = new Turns({ room: "reads", watch, slots: Math.max(1, pool.options.max - CONNECTIONS_KEPT) });
  const events = new EventReader(pool, readTurns);
  const feed = new Feed({ pool, log, watch, reader: events });
  const queue = new PostingQueue({ pool: lanePool, watch, feed });
  const expiry = new Expiry(pool, queue);
  const sweeping = startSweeping(expiry, { log, intervalMs: sweepIntervalMs });
  return {
    pool,
    accounts: new AccountReader(lanePool, watch),
    queue,
    readTurns,
    changeTurns: new Turns({
      room: "account_changes",
      watch,
      slots: pool.options.max,
      slotsAlone: 1,
      slotsBesideOthers: 1,
    }),
    finalTime: new FinalTime(pool),
    transfersPerTotal,
    expiry,
    feed,
    events,
    lanePool,
    observe: (observer) => {
      watch.observer = observer;
    },
    close: async () => {
      await sweeping.stop();
      await feed.close();
    },
  };
}
