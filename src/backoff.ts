/** Pauses between attempts that fail. */
interface Backoff {
  /** Milliseconds before the first retry; each further pause is twice as long. */
  readonly firstMs: number;
  /** The longest pause in milliseconds. */
  readonly mostMs: number;
}

/**
 * Milliseconds to wait after several failures in a row: between half of the step and the whole step, so that processes that
 * failed together do not retry together.
 *
 * @param failures 0 before the first retry.
 * @param chance from 0 up to 1.
 */
export function waitAfter({ firstMs, mostMs }: Backoff, failures: number, chance = Math.random()): number {
  const step = Math.min(mostMs, firstMs * 2 ** failures);
  return Math.round(step * (0.5 + chance / 2));
}
