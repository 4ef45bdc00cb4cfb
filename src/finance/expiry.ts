/** Settles holds that have expired, through the posting queue: their money is free once that is done. */
import type { Pool } from "pg";
import type { DatabaseLog } from "../database/index.ts";
import { type AccountId, type TransferId, transferId } from "./identifiers.ts";
import { type Micros, toTimestamptz } from "./micros.ts";
import type { Order } from "./order.ts";
import type { PostingQueue } from "./posting-queue.ts";

/** Holds that are settled in one transaction, which callers' batches wait for. */
const HOLDS_MAX = 100;

interface ExpiredRow {
  readonly transfer_id: bigint;
  readonly expires_at: Micros;
}

/** Where the last lot of holds ended; what is settled need not be passed again. */
interface Position {
  readonly expiresAt: Micros;
  readonly id: bigint;
}

export class Expiry {
  readonly #pool: Pool;
  readonly #postings: PostingQueue;

  constructor(pool: Pool, postings: PostingQueue) {
    this.#pool = pool;
    this.#postings = postings;
  }

  /**
   * Settles all holds that have expired by now, a lot at a time. Several processes may do it at once; a hold is settled
   * once.
   *
   * A lot that fails does not keep the others from being settled.
   *
   * @param account only holds on this account.
   * @throws the first lot's error, when one failed.
   */
  async settle(account?: AccountId): Promise<void> {
    const failures: unknown[] = [];
    let position: Position | undefined;
    for (;;) {
      const rows = await this.#find(account, position);
      const last = rows.at(-1);
      if (last === undefined) break;
      position = { expiresAt: last.expires_at, id: last.transfer_id };
      const orders = rows.map((row) => expiryOf(transferId(row.transfer_id)));
      await this.#postings
        .post({ orders, atomic: false, background: true })
        .catch((error: unknown) => failures.push(error));
      if (rows.length < HOLDS_MAX) break;
    }
    if (failures.length > 0) throw failures[0];
  }

  async #find(account: AccountId | undefined, after: Position | undefined): Promise<ExpiredRow[]> {
    const position = [after === undefined ? null : toTimestamptz(after.expiresAt), after?.id ?? 0n];
    const { rows } = await this.#pool.query<ExpiredRow>(
      account === undefined
        ? { name: "expired_holds", text: EXPIRED_HOLDS, values: [HOLDS_MAX, ...position] }
        : {
            name: "expired_holds_of_account",
            text: EXPIRED_HOLDS_OF_ACCOUNT,
            values: [HOLDS_MAX, ...position, account],
          },
    );
    return rows;
  }
}

function expired(condition: string): string {
  return `
select transfer_id, expires_at
  from hold
 where state = 2
   and expires_at <= clock_timestamp()
   and ($2::timestamptz is null or (expires_at, transfer_id) > ($2, $3::bigint))
   ${condition}
 order by expires_at, transfer_id
 limit $1::bigint`;
}

const EXPIRED_HOLDS = expired("");

const EXPIRED_HOLDS_OF_ACCOUNT = `
select *
  from ((${expired("and debit_account_id = $4::bigint")})
        union all
        (${expired("and credit_account_id = $4::bigint")})) found
 order by expires_at, transfer_id
 limit $1::bigint`;

function expiryOf(id: TransferId): Order {
  const actor = { subject: "", admin: true };
  return { command: { kind: "expire", id }, actor, claim: undefined, dryRun: false, path: "" };
}

/** Settles expired holds every so often, until it is stopped. */
export function startSweeping(
  expiry: Expiry,
  { log, intervalMs }: { readonly log: DatabaseLog; readonly intervalMs: number },
): { stop(): Promise<void> } {
  let sweeping: Promise<void> | undefined;
  const timer = setInterval(() => {
    // One that takes longer than the interval goes on by itself.
    sweeping ??= expiry
      .settle()
      .catch((error: unknown) => log.warn({ err: error }, "could not settle expired holds; trying again"))
      .finally(() => {
        sweeping = undefined;
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
