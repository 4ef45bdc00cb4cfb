/**
 * Makes times of the books final. Goal: an answer about a time never changes, although postings take their times before
 * they commit.
 *
 * Method: a writing transaction first takes a shared advisory lock, then reads the closed time in a later statement, and
 * records only times after it. A reader that asks about a time T after the final time commits closed = T, lists the
 * transactions that hold the lock, because they may have read an older closed time, and waits until they have ended. Then T
 * is final: all other postings are recorded after it. Nobody takes the lock exclusively, so postings never wait for readers.
 *
 * Lock holders are identified by their virtual transaction, which ends with the transaction; a process would go on to the
 * next transaction.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Pool, QueryConfig } from "pg";
import { FinanceError, refuse } from "../errors.ts";
import { type Micros, toTimestamptz } from "../values.ts";

/** The advisory lock's two numbers. */
const LOCK_CLASS = 9707;
const LOCK_OBJECT = 1;

/** The first statement of every transaction that writes to the books. */
export const joinWriters = {
  name: "join_writers",
  text: `select pg_advisory_xact_lock_shared(${LOCK_CLASS}, ${LOCK_OBJECT})`,
} as const satisfies QueryConfig;

/**
 * {@link joinWriters} for transactions outside the posting lanes, with limits that end them before a reader gives up.
 * Several statements in one message, so it can't have parameters.
 */
export const joinWritersBriefly = [
  "set local lock_timeout = '3s'",
  "set local statement_timeout = '4s'",
  "set local idle_in_transaction_session_timeout = '3s'",
  joinWriters.text,
].join("; ");

/** The first microsecond that a transaction may record. Read it in a statement after {@link joinWriters}. */
export const FIRST_OPEN_TIME = "(select closed + interval '1 microsecond' from ledger_time)";

/** How long a reader waits for writing transactions. */
const WAIT_MS_MAX = 5000;
const PAUSES_MS = [1, 2, 5, 10, 20];

/** Wait for a time that is this far ahead of the database's clock, because callers' clocks differ. */
const AHEAD_MICROS_MAX = 1_000_000n;

interface Round {
  readonly target: Micros;
  readonly done: Promise<void>;
}

/** The final time of one database, shared by all readers of a process. */
export class FinalTime {
  readonly #pool: Pool;
  /** The final time that was read last. */
  #final: Micros | undefined;
  #round: Round | undefined;
  /** The latest time that is wanted from the next round. */
  #wanted: Micros | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Waits until nothing can be recorded at or before `time` any more. Read with a new snapshot afterwards. A final time
   * stays final, even if the clock is set back.
   *
   * @returns false for a time more than a second ahead of the clock, which can't be final.
   * @throws FinanceError unavailable when a transaction that may record an older time does not end within five seconds.
   */
  async reach(time: Micros): Promise<boolean> {
    for (;;) {
      const now = await this.#look();
      if (this.#isFinal(time)) return true;
      if (time <= now) {
        await this.#close(time);
        return true;
      }
      if (time - now > AHEAD_MICROS_MAX) return false;
      await delay(Number((time - now) / 1000n) + 1);
    }
  }

  /** Makes the present final. @returns that time, by the database's clock. */
  async reachPresent(): Promise<Micros> {
    const now = await this.#look();
    await this.#close(now);
    return now;
  }

  /**
   * Cuts a span of an account's history at the present, and makes the rest final.
   *
   * @param end exclusive; undefined: now.
   * @param recordedAt the account's last recorded time; every time up to it is final for the account.
   * @returns the end of the final span, exclusive.
   */
  async cut(end: Micros | undefined, recordedAt: Micros): Promise<Micros> {
    const now = await this.#look();
    const known = now > recordedAt ? now : recordedAt;
    const until = end !== undefined && (end - 1n <= known || this.#isFinal(end - 1n)) ? end - 1n : known;
    if (until > recordedAt) await this.#close(until);
    return until + 1n;
  }

  #isFinal(time: Micros): boolean {
    return this.#final !== undefined && time <= this.#final;
  }

  /** Reads the final time. @returns the database's clock. */
  async #look(): Promise<Micros> {
    const { rows } = await this.#pool.query<{ now: Micros; final: Micros }>({
      name: "read_final_time",
      text: "select clock_timestamp() as now, final from ledger_time",
    });
    const [row] = rows;
    if (row === undefined) throw new Error("table ledger_time has no row");
    // It can fall only when the database was restored or has failed over.
    this.#final = row.final;
    return row.now;
  }

  /** Closes the time and waits, in a round that all readers of the process share. */
  async #close(time: Micros): Promise<void> {
    while (!this.#isFinal(time)) {
      const round = this.#round;
      if (round === undefined) {
        await this.#startRound(time);
      } else if (round.target >= time) {
        await round.done;
      } else {
        // The current round has committed an earlier time; readers that come during it share the next one.
        if (this.#wanted === undefined || this.#wanted < time) this.#wanted = time;
        await round.done;
      }
    }
  }

  #startRound(time: Micros): Promise<void> {
    const target = this.#wanted !== undefined && this.#wanted > time ? this.#wanted : time;
    this.#wanted = undefined;
    const done = this.#settle(target).finally(() => {
      this.#round = undefined;
    });
    this.#round = { target, done };
    return done;
  }

  async #settle(target: Micros): Promise<void> {
    await this.#pool.query({
      name: "close_time",
      text: "update ledger_time set closed = $1::timestamptz where closed < $1::timestamptz",
      values: [toTimestamptz(target)],
    });
    await this.#waitForWriters();
    await this.#pool.query({
      name: "finish_time",
      text: "update ledger_time set final = $1::timestamptz where final < $1::timestamptz",
      values: [toTimestamptz(target)],
    });
    if (!this.#isFinal(target)) this.#final = target;
  }

  /** Waits for the transactions that hold the lock now; later ones have read the new closed time. */
  async #waitForWriters(): Promise<void> {
    const startedMs = performance.now();
    let writers = await this.#writers(null);
    for (let attempt = 0; writers.length > 0; attempt += 1) {
      if (performance.now() - startedMs > WAIT_MS_MAX) {
        const msg = `${writers.length} transactions that may record an older time have not ended within ${WAIT_MS_MAX / 1000} s; try again`;
        throw new FinanceError(refuse("unavailable", msg, {}));
      }
      await delay(PAUSES_MS[attempt] ?? PAUSES_MS.at(-1));
      writers = await this.#writers(writers);
    }
  }

  /** @param among only these holders; null: all. */
  async #writers(among: readonly string[] | null): Promise<string[]> {
    const { rows } = await this.#pool.query<{ virtualtransaction: string }>({
      name: "list_writers",
      text: `
select virtualtransaction
  from pg_locks
 where locktype = 'advisory'
   and database = (select oid from pg_database where datname = current_database())
   and (classid, objid, objsubid) = ($1::bigint::oid, $2::bigint::oid, 2)
   and ($3::text[] is null or virtualtransaction = any($3))`,
      values: [LOCK_CLASS, LOCK_OBJECT, among],
    });
    return rows.map(({ virtualtransaction }) => virtualtransaction);
  }
}
