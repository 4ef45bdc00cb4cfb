import type { FastifyBaseLogger } from "fastify";
import type { RefusalEvent } from "./refusals.ts";

/** Lines that may come at once; then one a second. Strangers cause these lines, so they must not fill a disk. */
const burst = 60;
const refillMilliseconds = 1_000;

/**
 * Makes the function that logs refusals: a refused preflight at info, since a developer is waiting in front of a console,
 * an unreadable reply at debug, since browsers send Origin with same-origin calls too. Each level has its own allowance,
 * and the next line after a pause says how many were left out.
 *
 * @param now milliseconds of a clock that never goes back.
 */
export function createRefusalLog(now: () => number = () => performance.now()) {
  const preflights = createAllowance(now);
  const replies = createAllowance(now);
  return (log: FastifyBaseLogger, event: RefusalEvent): void => {
    if (!event.preflight && !isDebug(log)) return;
    const suppressed = (event.preflight ? preflights : replies)();
    if (suppressed === null) return;
    const { nearest } = event;
    const fields = { cors: { ...event, nearest, ...(suppressed > 0 && { suppressed }) } };
    if (event.preflight) log.info(fields, sentence("CORS preflight refused", event, nearest));
    else log.debug(fields, sentence("CORS reply unreadable for the page", event, nearest));
  };
}

/** A token bucket: each call takes one line and returns how many were refused before it, or null when none is left. */
function createAllowance(now: () => number): () => number | null {
  let lines = burst;
  let refilled = now();
  let suppressed = 0;
  return () => {
    const earned = Math.floor((now() - refilled) / refillMilliseconds);
    if (earned > 0) {
      lines = Math.min(burst, lines + earned);
      refilled += earned * refillMilliseconds;
    }
    if (lines === 0) {
      suppressed++;
      return null;
    }
    lines--;
    const missed = suppressed;
    suppressed = 0;
    return missed;
  };
}

function isDebug(log: FastifyBaseLogger): boolean {
  return log.level === "debug" || log.level === "trace";
}

function sentence(what: string, event: RefusalEvent, nearest: RefusalEvent["nearest"]): string {
  const culprits = event.refusedHeaders.length > 0 ? ` (${event.refusedHeaders.join(", ")})` : "";
  const near = nearest === null ? "" : `; nearest allowed origin ${nearest.origin} ${nearest.difference}`;
  const hint = event.hint === null ? "" : `; ${event.hint}`;
  return `${what}: ${event.reason}${culprits}${near}${hint}`;
}
