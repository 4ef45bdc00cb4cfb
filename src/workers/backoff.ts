/** How long to wait before the next try. */
export interface Backoff {
  /** Milliseconds before the first retry; each next one waits twice as long. */
  readonly firstMs: number;
  /** Milliseconds at most. */
  readonly mostMs: number;
}

/**
 * Milliseconds to wait after so many failures in a row, with jitter: between half of the step and the whole of it, so that
 * processes that failed together do not come back together.
 *
 * @param failures 0 before the first retry.
 * @param chance from 0 up to 1.
 */
export function waitAfter({ firstMs, mostMs }: Backoff, failures: number, chance: number): number {
  const step = Math.min(mostMs, firstMs * 2 ** failures);
  return Math.round(step * (0.5 + chance / 2));
}
