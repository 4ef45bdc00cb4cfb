/** How long and how often suites measure. */
export interface SuiteOptions {
  /** Seconds of load on each path in each round. */
  readonly seconds: number;
  /** How often all paths are measured in turn; medians are reported. */
  readonly rounds: number;
  /** Entries of the account with the long statement, in the ledger suite. */
  readonly entries: number;
  /** The ratio of the large ledger to the small one, in the growth suite. */
  readonly scale: number;
  /** A built checkout of the version before, for the feed suite. Default: none. */
  readonly before: string | undefined;
  /** Servers to compare the product with, for the suite "compare". */
  readonly peers: readonly Peer[];
  /** The PostgreSQL that peers use too, for the suite "compare". Default: one of the suite's own. */
  readonly database: string | undefined;
}

/** A server of the same RPCs that runs on this machine. */
export interface Peer {
  readonly name: string;
  /** As `http://127.0.0.1:9708`. */
  readonly url: string;
}

/** A mark, and whether this run met it. */
export interface Mark {
  readonly what: string;
  readonly value: number;
  readonly bound: string;
  readonly met: boolean;
}

/** The results of a suite. */
export interface SuiteReport {
  /** How it was measured, if not in rounds of load. */
  readonly how?: string;
  /** One line of the table for each path; all have the same columns. */
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly marks: readonly Mark[];
  /** Notes on the figures: settings, sizes, what could not be measured here. */
  readonly notes?: readonly string[];
  /** Failed calls. Any makes the figures worthless. */
  readonly failures: number;
}

/** Measures one area of the product beside its baselines. */
export type Suite = (options: SuiteOptions) => Promise<SuiteReport>;

/** The middle of a list of numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Formats a number with a readable number of decimals. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** A mark with a lower bound, which is met at the bound. */
export function atLeast(what: string, value: number, bound: number): Mark {
  return { what, value: rounded(value, 2), bound: `>= ${bound}`, met: value >= bound };
}

/** A mark with an upper bound, which is missed at the bound. */
export function below(what: string, value: number, bound: number): Mark {
  return { what, value: rounded(value, 1), bound: `< ${bound}`, met: value < bound };
}

/** A mark with an upper bound, which is met at the bound. */
export function atMost(what: string, value: number, bound: number): Mark {
  return { what, value: rounded(value, 2), bound: `<= ${bound}`, met: value <= bound };
}
