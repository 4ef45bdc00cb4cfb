/**
 * Which times of the books are final. Goal: what was answered for a time never changes, though postings take their times
 * before they commit.
 *
 * Method: a writing transaction first takes a shared advisory lock, and reads the closed time in a later statement; it
 * records only times after that. A reader that asks about a time T beyond the final time commits closed = T, lists the
 * transactions that hold the lock, which may have read an older closed time, and waits until these have ended. Then T is
 * final: whatever is still on its way, or comes later, is recorded after it. Nobody ever takes the lock exclusively, so
 * postings wait for no reader.
 *
 * The holders are known by their virtual transaction, which ends with the transaction, not by their process, which goes on
 * with the next one.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Pool, QueryConfig } from "pg";
import { FinanceError, invalidArgument, refuse } from "../errors.ts";
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
 * The same for transactions outside of the posting lanes, with limits that end them before a reader gives up waiting.
 * Several statements in one message: it takes no parameters.
 */
export const joinWritersBriefly = [
  "set local lock_timeout = '3s'",
  "set local statement_timeout = '4s'",
  "set local idle_in_transaction_session_timeout = '3s'",
  joinWriters.text,
].join("; ");

/** The first microsecond that a transaction may record; in a statement after {@link joinWriters}. */
export const FIRST_OPEN_TIME = "(select closed + interval '1 microsecond' from ledger_time)";

/** How long a reader waits for postings that are on their way. */
const WAIT_MS_MAX = 5000;
const PAUSES_MS = [1, 2, 5, 10, 20];

/** A time this far ahead of the database's clock is waited for: callers' clocks differ. */
const AHEAD_MICROS_MAX = 1_000_000n;

interface Round {
  readonly target: Micros;
  readonly done: Promise<void>;
}

/** The final time of one database, shared by all readers of a process. */
export class FinalTime {
  readonly #pool: Pool;
  /** As the database last said. */
  #final: Micros | undefined;
  #round: Round | undefined;
  /** The latest time that somebody wants from the round after the present one. */
  #wanted: Micros | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Waits until nothing at or before `time` can be recorded any more. Read with a new snapshot afterwards. A time that was
   * final once stays so, even if the clock is set back.
   *
   * @param argument the field that gave the time.
   * @throws FinanceError invalid_argument for a time more than a second ahead of the clock; unavailable when a posting
   *   that may be older does not end within five seconds.
   */
  async reach(time: Micros, argument: string): Promise<void> {
    if (!(await this.#reach(time))) throw invalidArgument(argument, "must not lie in the future");
  }

  /** As {@link reach}, for a bound that may lie further in the future: then nothing is promised, and nothing is waited for. */
  async reachIfPast(time: Micros): Promise<void> {
    await this.#reach(time);
  }

  /** @returns whether the time is final now, rather than in the future. */
  async #reach(time: Micros): Promise<boolean> {
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

  /** Makes the present final. @returns the time by the database's clock that is so. */
  async reachPresent(): Promise<Micros> {
    const now = await this.#look();
    await this.#close(now);
    return now;
  }

  /**
   * Cuts a span of an account's history where it has not begun, and makes what is left final.
   *
   * @param end exclusive; absent: now.
   * @param recordedAt the account's last recorded time, up to which all is final for it.
   * @returns the end that is answered for, exclusive.
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

  /** Learns the final time from the database. @returns its clock. */
  async #look(): Promise<Micros> {
    const { rows } = await this.#pool.query<{ now: Micros; final: Micros }>({
      name: "read_final_time",
      text: "select clock_timestamp() as now, final from ledger_time",
    });
    const [row] = rows;
    if (row === undefined) throw new Error("table ledger_time has no row");
    // It falls only with the database itself, which was restored or failed over.
    this.#final = row.final;
    return row.now;
  }

  /** Closes and waits, in a round that is shared with all who ask meanwhile. */
  async #close(time: Micros): Promise<void> {
    while (!this.#isFinal(time)) {
      const round = this.#round;
      if (round === undefined) {
        await this.#startRound(time);
      } else if (round.target >= time) {
        await round.done;
      } else {
        // The round under way has committed an earlier time; the next one is for all who come until then.
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

  /** Waits for the transactions that hold the lock now; those that take it later are of no concern. */
  async #waitForWriters(): Promise<void> {
    const startedMs = performance.now();
    let writers = await this.#writers(null);
    for (let attempt = 0; writers.length > 0; attempt += 1) {
      if (performance.now() - startedMs > WAIT_MS_MAX) {
        const msg = `${writers.length} postings that may be older have not ended within ${WAIT_MS_MAX / 1000} s; try again`;
        throw new FinanceError(refuse("unavailable", msg, {}));
      }
      await delay(PAUSES_MS[attempt] ?? PAUSES_MS.at(-1));
      writers = await this.#writers(writers);
    }
  }

  /** @param among only these. */
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
