import type { Pool } from "pg";
import type { TestDatabase } from "./database.ts";

/** The database's clock, set by a test. */
export interface TestClock {
  /** Sets it this far ahead of the true time, or behind it. */
  set(offsetMs: number): Promise<void>;
  /** Adds a random difference of up to this much to each reading, so that two readings in a batch may differ. */
  jitter(ms: number): Promise<void>;
}

/** The schema that a connection searches before pg_catalog. */
const SEARCH_PATH = "clock, pg_catalog, public";

const SCHEMA = `
create schema clock;
create table clock.setting (offset_ms bigint not null, jitter_ms bigint not null);
insert into clock.setting values (0, 0);
create function clock.clock_timestamp() returns timestamptz language sql volatile as $$
  select pg_catalog.clock_timestamp() + (offset_ms + jitter_ms * (2 * random() - 1)) * interval '1 millisecond'
    from clock.setting
$$;`;

/** Replaces PostgreSQL's clock by the test's, for all connections opened from now on. */
export async function shadowClock(database: TestDatabase): Promise<TestClock> {
  const { pool } = database;
  await pool.query(SCHEMA);
  const name = new URL(database.url).pathname.slice(1);
  await pool.query(`alter database ${name} set search_path = ${SEARCH_PATH}`);
  return clockOf(pool);
}

/** As {@link shadowClock}, only for connections opened with the returned URL. */
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
