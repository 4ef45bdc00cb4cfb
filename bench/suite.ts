/** How long and how often suites measure. */
export interface SuiteOptions {
  /** Seconds of load on each path in each round. */
  readonly seconds: number;
  /** Times that all paths are measured, one after the other; medians are reported. */
  readonly rounds: number;
  /** Entries of the account with the long statement, in the ledger's suite. */
  readonly entries: number;
  /** How many times larger the large ledger is than the small one, in the suite of growth. */
  readonly scale: number;
}

/** A promise of the design, and whether it was kept in this run. */
export interface Mark {
  readonly what: string;
  readonly value: number;
  readonly bound: string;
  readonly met: boolean;
}

/** What a suite found. */
export interface SuiteReport {
  /** How it was measured, where it was not in rounds of load. */
  readonly how?: string;
  /** One line of the table for each path; all have the same columns. */
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly marks: readonly Mark[];
  /** What a reader of the figures must know: settings, sizes, what could not be measured here. */
  readonly notes?: readonly string[];
  /** Calls that failed: more than none makes the figures worthless. */
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

/** A number with as many digits after the point as one wants to read. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** A promise of at least so much. */
export function atLeast(what: string, value: number, bound: number): Mark {
  return { what, value: rounded(value, 2), bound: `>= ${bound}`, met: value >= bound };
}

/** A promise of less than so much. */
export function below(what: string, value: number, bound: number): Mark {
  return { what, value: rounded(value, 1), bound: `< ${bound}`, met: value < bound };
}

/** A promise of no more than so much. */
export function atMost(what: string, value: number, bound: number): Mark {
  return { what, value: rounded(value, 2), bound: `<= ${bound}`, met: value <= bound };
}
