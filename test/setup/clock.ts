import type { Pool } from "pg";
import type { TestDatabase } from "./database.ts";

/** The database's clock, in the hands of a test. */
export interface TestClock {
  /** Sets it this far ahead of the true time, or behind it. */
  set(offsetMs: number): Promise<void>;
  /** Makes each reading of it differ at random by up to this much, so that no two within a batch need agree. */
  jitter(ms: number): Promise<void>;
}

/** Where a connection looks for functions first: before PostgreSQL's own clock. */
const SEARCH_PATH = "clock, pg_catalog, public";

const SCHEMA = `
create schema clock;
create table clock.setting (offset_ms bigint not null, jitter_ms bigint not null);
insert into clock.setting values (0, 0);
create function clock.clock_timestamp() returns timestamptz language sql volatile as $$
  select pg_catalog.clock_timestamp() + (offset_ms + jitter_ms * (2 * random() - 1)) * interval '1 millisecond'
    from clock.setting
$$;`;

/** Puts a clock of the test's own before PostgreSQL's, for all connections that are opened from now on. */
export async function shadowClock(database: TestDatabase): Promise<TestClock> {
  const { pool } = database;
  await pool.query(SCHEMA);
  const name = new URL(database.url).pathname.slice(1);
  await pool.query(`alter database ${name} set search_path = ${SEARCH_PATH}`);
  return clockOf(pool);
}

/** As {@link shadowClock}, for the connections that are opened by the returned URL alone. */
export async function shadowClockOf(database: TestDatabase): Promise<{ url: string; clock: TestClock }> {
  await database.pool.query(SCHEMA);
  const url = new URL(database.url);
  url.searchParams.set("options", `-c search_path=${SEARCH_PATH.replaceAll(" ", "")}`);
  return { url: url.href, clock: clockOf(database.pool) };
}

function clockOf(pool: Pool): TestClock {
  return {
    set: async (offsetMs) => {
      await pool.query("update clock.setting set offset_ms = $1", [offsetMs]);
    },
    jitter: async (ms) => {
      await pool.query("update clock.setting set jitter_ms = $1", [ms]);
    },
  };
}
