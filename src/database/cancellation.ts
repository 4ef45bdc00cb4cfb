import { setTimeout as delay } from "node:timers/promises";
import pg, { type ClientBase, type Pool } from "pg";
import { serverProcessOf } from "./session.ts";

/** Between two cancellations of one piece of work, whose next statement may have started meanwhile. */
const REPEAT_AFTER_MS = 20;

/**
 * Does `work` on a connection of `pool`, and has the server cancel the statement that is running when `signal` aborts,
 * again and again until the work ends: cancelling one statement of a pipeline lets the next one start.
 *
 * It returns only once the last cancellation has been carried out, so that none can hit what the connection is used for
 * afterwards. Cancelling takes a connection of its own, since those of the pool may all be waiting for the same lock.
 *
 * @throws the signal's reason when the work failed after the signal aborted, else what the work throws. Work that is
 * done in spite of the signal counts as done.
 * @example
 * const rows = await withTransaction(pool, (client) =>
 *   cancelOnAbort(pool, client, call.signal, () => client.query("select ...")),
 * );
 */
export async function cancelOnAbort<T>(
  pool: Pool,
  client: ClientBase,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  let cancelling: Promise<void> | undefined;
  const onAbort = () => {
    cancelling = cancelUntil(ended.signal, pool, client);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    ended.abort();
    await cancelling;
  }
}

/** Never rejects: where cancelling fails, `statement_timeout` still ends the statement. */
async function cancelUntil(ended: AbortSignal, pool: Pool, client: ClientBase): Promise<void> {
  const canceller = new pg.Client(pool.options);
  canceller.on("error", () => undefined);
  try {
    await canceller.connect();
    while (!ended.aborted) {
      const backend = serverProcessOf(client);
      if (backend !== undefined) await canceller.query("select pg_cancel_backend($1)", [backend]);
      await delay(REPEAT_AFTER_MS, undefined, { signal: ended });
    }
  } catch {
    // Either the work ended during the delay, or the server cannot be reached.
  } finally {
    await canceller.end().catch(() => undefined);
  }
}
