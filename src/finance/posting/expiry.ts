/** Settles expired holds through the posting queue, which frees their money. */
import type { Pool } from "pg";
import type { DatabaseLog } from "../../database/index.ts";
import { type AccountId, type Micros, type TransferId, toTimestamptz, toTimestamptzOrNull } from "../values.ts";
import type { Posting } from "./posting.ts";
import type { PostingQueue } from "./queue.ts";

/** Holds settled in one transaction, for which callers' batches wait. */
const HOLDS_MAX = 100;

interface ExpiredRow {
  readonly transfer_id: TransferId;
  readonly expires_at: Micros;
  readonly clock: Micros;
}

/** The last hold of the previous lot: the next lot starts after it. */
interface Position {
  readonly expiresAt: Micros;
  readonly id: bigint;
}

/** Before any hold. */
const START: Position = { expiresAt: -62_135_596_800_000_000n, id: 0n };

export class Expiry {
  readonly #pool: Pool;
  readonly #queue: PostingQueue;

  constructor(pool: Pool, queue: PostingQueue) {
    this.#pool = pool;
    this.#queue = queue;
  }

  /**
   * Settles all holds that have expired at its start, a lot at a time. Several processes may do so at once; each hold is
   * settled once. Holds on accounts that another transaction has locked are left for the next time. A hold that fails does
   * not prevent the others.
   *
   * @param account only holds on this account.
   * @param signal ends it between two lots.
   * @throws the first error, if any hold failed.
   */
  async settle({ account, signal }: { account?: AccountId; signal?: AbortSignal } = {}): Promise<void> {
    const failures: unknown[] = [];
    let position = START;
    let until: Micros | undefined;
    while (!signal?.aborted) {
      const rows = await this.#find(account, position, until);
      const last = rows.at(-1);
      if (last === undefined) break;
      until ??= last.clock;
      position = { expiresAt: last.expires_at, id: last.transfer_id };
      const postings = rows.map((row) => expiryOf(row.transfer_id));
      await this.#queue
        .post({ postings, atomic: false, background: true })
        .catch((error: unknown) => failures.push(error));
      if (rows.length < HOLDS_MAX) break;
    }
    if (failures.length > 0) throw failures[0];
  }

  async #find(account: AccountId | undefined, after: Position, until: Micros | undefined): Promise<ExpiredRow[]> {
    const bounds = [toTimestamptz(after.expiresAt), after.id, toTimestamptzOrNull(until)];
    const { rows } = await this.#pool.query<ExpiredRow>(
      account === undefined
        ? { name: "expired_holds", text: EXPIRED_HOLDS, values: [HOLDS_MAX, ...bounds] }
        : { name: "expired_holds_of_account", text: EXPIRED_HOLDS_OF_ACCOUNT, values: [HOLDS_MAX, ...bounds, account] },
    );
    return rows;
  }
}

function expired(condition: string): string {
  return `
select transfer_id, expires_at, now.clock
  from hold, (select clock_timestamp() as clock offset 0) now
 where state = 2
   and expires_at <= coalesce($4::timestamptz, now.clock)
   and (expires_at, transfer_id) > ($2::timestamptz, $3::bigint)
   ${condition}
 order by expires_at, transfer_id
 limit $1::bigint`;
}

const EXPIRED_HOLDS = expired("");

const EXPIRED_HOLDS_OF_ACCOUNT = `
select *
  from ((${expired("and debit_account_id = $5::bigint")})
        union all
        (${expired("and credit_account_id = $5::bigint")})) found
 order by expires_at, transfer_id
 limit $1::bigint`;

function expiryOf(id: TransferId): Posting {
  const actor = { subject: "", admin: true };
  return { command: { kind: "expire", id }, actor, claim: undefined, dryRun: false, path: "" };
}

/** Settles expired holds at an interval, until it is stopped. */
export function startSweeping(
  expiry: Expiry,
  { log, intervalMs }: { readonly log: DatabaseLog; readonly intervalMs: number },
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let sweeping: Promise<void> | undefined;
  let lastWarning = "";
  const warn = (error: unknown) => {
    // A hold that can't be settled fails every time; log it once.
    if (String(error) === lastWarning) return;
    lastWarning = String(error);
    log.warn({ err: error }, "could not settle all expired holds; trying again");
  };
  const timer = setInterval(() => {
    // A sweep that takes longer than the interval simply continues.
    sweeping ??= expiry
      .settle({ signal: stopping.signal })
      .then(() => {
        lastWarning = "";
      }, warn)
      .finally(() => {
        sweeping = undefined;
      });
  }, intervalMs);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await sweeping;
    },
  };
}
