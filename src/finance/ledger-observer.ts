/** What goes through the ledger in batches. */
export type BatchKind = "postings" | "account_reads";

/** Where callers wait for their turn. */
export type WaitingRoom = BatchKind | "reads" | "account_changes";

/** Who is told of the ledger's batches. */
export interface LedgerObserver {
  /** A batch is over: committed, answered or failed. */
  batchEnded(batch: {
    readonly kind: BatchKind;
    /** Postings or accounts in it. */
    readonly size: number;
    readonly seconds: number;
    readonly failed: boolean;
  }): void;
  /** A caller was refused, since too much of theirs waits already. */
  refused(room: WaitingRoom): void;
  /** How batches are traced. Default: not at all. */
  readonly tracing?: BatchTracing | undefined;
}

/** Ties a batch to the callers that share it. */
export interface BatchTracing {
  /** Called where a caller begins to wait; what it returns is among the `origins` of the caller's batch. */
  origin(): unknown;
  /** Calls `work` once and returns what it returns. */
  run<T>(kind: BatchKind, origins: readonly unknown[], work: () => Promise<T>): Promise<T>;
}

/** The observer of one ledger, if it has one. */
export class LedgerWatch {
  observer: LedgerObserver | undefined = undefined;

  /** Of the caller who is about to wait; undefined unless batches are traced. */
  origin(): unknown {
    return this.observer?.tracing?.origin();
  }

  refused(room: WaitingRoom): void {
    this.observer?.refused(room);
  }

  /** Carries out a batch under the eyes of the observer. */
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
