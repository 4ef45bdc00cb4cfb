import type { Pool } from "pg";
import type { DatabaseLog } from "../database/index.ts";
import { transferId } from "./identifiers.ts";
import type { Order } from "./order.ts";
import type { PostingQueue } from "./posting-queue.ts";

export interface SweeperOptions {
  readonly pool: Pool;
  readonly postings: PostingQueue;
  readonly log: DatabaseLog;
  readonly intervalMs: number;
}

const HOLDS_MAX = 500;

/**
 * Settles holds that have lapsed, every so often. It only tidies up: a hold counts as expired from its time on, whether
 * or not it was settled. Several processes may do it at once; a hold is settled once.
 */
export function startExpirySweeper({ pool, postings, log, intervalMs }: SweeperOptions): { stop(): Promise<void> } {
  let sweeping = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweeping
      .then(() => sweep(pool, postings))
      .catch((error: unknown) => {
        log.warn({ err: error }, "could not settle lapsed holds; trying again");
      });
  }, intervalMs);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await sweeping;
    },
  };
}

async function sweep(pool: Pool, postings: PostingQueue): Promise<void> {
  const { rows } = await pool.query<{ transfer_id: bigint }>({
    name: "lapsed_holds",
    text: `
select transfer_id
  from hold
 where state = 2
   and expires_at <= clock_timestamp()
 order by expires_at
 limit $1`,
    values: [HOLDS_MAX],
  });
  if (rows.length === 0) return;
  const orders = rows.map(
    (row): Order => ({
      command: { kind: "expire", id: transferId(row.transfer_id) },
      actor: { subject: "", admin: true },
      claim: undefined,
      dryRun: false,
      path: "",
    }),
  );
  await postings.post({ orders, atomic: false });
}
