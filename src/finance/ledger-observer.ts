/** The batches of the ledger. */
export type BatchKind = "postings" | "account_reads";

/** The queues in which callers wait. */
export type WaitingRoom = BatchKind | "reads" | "account_changes";

/** Observes the ledger's batches. */
export interface LedgerObserver {
  /** A batch has ended: committed, answered or failed. */
  batchEnded(batch: {
    readonly kind: BatchKind;
    /** Postings or accounts in it. */
    readonly size: number;
    readonly seconds: number;
    readonly failed: boolean;
  }): void;
  /** A caller was refused because it has too much in this queue. */
  refused(room: WaitingRoom): void;
  /** Default: batches are not traced. */
  readonly tracing?: BatchTracing | undefined;
}

/** Links a batch to its callers. */
export interface BatchTracing {
  /** Called when a caller starts to wait; the result is among the `origins` of its batch. */
  origin(): unknown;
  /** Calls `work` once and returns its result. */
  run<T>(kind: BatchKind, origins: readonly unknown[], work: () => Promise<T>): Promise<T>;
}

/** The observer of a ledger, if it has one. */
export class LedgerWatch {
  observer: LedgerObserver | undefined = undefined;

  /** The origin of the current caller; undefined unless batches are traced. */
  origin(): unknown {
    return this.observer?.tracing?.origin();
  }

  refused(room: WaitingRoom): void {
    this.observer?.refused(room);
  }

  /** Carries out a batch and reports it to the observer. */
  async run<T>(kind: BatchKind, size: number, origins: () => readonly unknown[], work: () => Promise<T>): Promise<T> {
    const { observer } = this;
    if (observer === undefined) return await work();
    const startedMs = performance.now();
    let failed = true;
    try {
      const { tracing } = observer;
      const result = await (tracing === undefined ? work() : tracing.run(kind, origins(), work));
      failed = false;
      return result;
    } finally {
      observer.batchEnded({ kind, size, seconds: (performance.now() - startedMs) / 1000, failed });
    }
  }
}
