/** Measures what a path costs the database: CPU time, disk and WAL. */
import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { Observe, Path, Sample } from "./measure.ts";
import { readTreeUs } from "./processes.ts";
import type { ScratchDatabase, ScratchPostgres } from "./scratch-postgres.ts";

/** A path whose server works on a database. */
export interface LedgerPath extends Path {
  readonly database: ScratchDatabase;
  /** Transfers a call makes. Default 0: it only reads. */
  readonly transfersPerCall?: number;
}

/** The result of one round for a path, with its cost to the database. */
export interface LedgerSample extends Sample {
  /** Microseconds of PostgreSQL's CPU time a call; 0 where processes can't be read. */
  readonly postgresUs: number;
  readonly transfers: number;
  /** Transfers a second, or calls of a path that makes none. */
  readonly workRate: number;
  readonly diskBytes: number;
  readonly walBytes: number;
}

/** Reads the cost of a measurement to the database of its path. */
export function observeDatabase({ pid }: Pick<ScratchPostgres, "pid">): Observe<LedgerPath, LedgerSample> {
  return async ({ database: { pool }, transfersPerCall = 0 }, measure) => {
    const before = await readDatabase(pool);
    const beforeUs = await readTreeUs(pid);
    const sample = await measure();
    const afterUs = await readTreeUs(pid);
    await untilIdle(pool);
    const after = await readDatabase(pool);
    const transfers = await countTransfers(pool, before.lastTransfer);
    // An acknowledged transfer that is missing would be the worst failure.
    const missing = Math.max(0, (sample.calls - sample.failures) * transfersPerCall - transfers);
    return {
      ...sample,
      failures: sample.failures + missing,
      postgresUs: (afterUs - beforeUs) / sample.calls,
      transfers,
      workRate: sample.rate * Math.max(1, transfersPerCall),
      diskBytes: after.diskBytes - before.diskBytes,
      walBytes: after.walBytes - before.walBytes,
    };
  };
}

const POLL_MS = 20;

/** Waits for calls whose answers the load did not wait for, so that they do not disturb the next path. */
async function untilIdle(pool: Pool): Promise<void> {
  for (;;) {
    const { rowCount } = await pool.query(`
select from pg_stat_activity
 where backend_type = 'client backend'
   and state <> 'idle'
   and pid <> pg_backend_pid()
 limit 1`);
    if (rowCount === 0) return;
    await delay(POLL_MS);
  }
}

interface DatabaseState {
  /** Bytes of all tables and indexes. */
  readonly diskBytes: number;
  /** Bytes written to the WAL so far. */
  readonly walBytes: number;
  readonly lastTransfer: bigint;
}

async function readDatabase(pool: Pool): Promise<DatabaseState> {
  const { rows } = await pool.query<{ disk_bytes: string; wal_bytes: string; last_transfer: bigint }>(`
select (select sum(pg_total_relation_size(oid))
          from pg_class
         where relkind = 'r'
           and relnamespace = 'public'::regnamespace)::text as disk_bytes,
       (pg_current_wal_lsn() - '0/0'::pg_lsn)::text as wal_bytes,
       (select coalesce(max(id), 0) from transfer) as last_transfer`);
  const [row] = rows;
  return {
    diskBytes: Number(row?.disk_bytes),
    walBytes: Number(row?.wal_bytes),
    lastTransfer: row?.last_transfer ?? 0n,
  };
}

async function countTransfers(pool: Pool, after: bigint): Promise<number> {
  const { rows } = await pool.query<{ count: bigint }>("select count(*) as count from transfer where id > $1::bigint", [
    after,
  ]);
  return Number(rows[0]?.count ?? 0n);
}
