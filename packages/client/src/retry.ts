import type { FinanceError } from "./errors.ts";

const BACKOFF_MS = 100;
const BACKOFF_MS_MAX = 2000;

/**
 * How long to wait before a call that failed for the n-th time (from 0) may be repeated; undefined when nothing says that the
 * next try fares better. Callers that failed together do not come back together.
 */
export function retryDelayMs({ code, retryAfterMs }: FinanceError, failures: number): number | undefined {
  if (code !== "unavailable" && (code !== "resource_exhausted" || retryAfterMs === undefined)) return undefined;
  return (retryAfterMs ?? 0) + Math.random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** failures);
}
