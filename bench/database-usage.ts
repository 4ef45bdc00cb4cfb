/** Measures what a path costs the database: CPU time, disk and WAL. */
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { Observe, Path, Sample } from "./measure.ts";
import type { ScratchDatabase, ScratchPostgres } from "./scratch-postgres.ts";

/** A path whose server works on a database. */
export interface LedgerPath extends Path {
  readonly database: ScratchDatabase;
  /** Transfers a call makes. Default 0: it only reads. */
  readonly transfersPerCall?: number;
}

/** The result of one round for a path, with its cost to the database. */
export interface LedgerSample extends Sample {
  /** Microseconds of PostgreSQL's CPU time a call; 0 where {@link canReadProcesses} is false. */
  readonly postgresUs: number;
  readonly transfers: number;
  /** Transfers a second, or calls of a path that makes none. */
  readonly workRate: number;
  readonly diskBytes: number;
  readonly walBytes: number;
}

/** Whether PostgreSQL's CPU time can be read: only Linux reports it for every process. */
export const canReadProcesses = process.platform === "linux";

/** Reads the cost of a measurement to the database of its path. */
export function observeDatabase({ pid }: Pick<ScratchPostgres, "pid">): Observe<LedgerPath, LedgerSample> {
  return async ({ database: { pool }, transfersPerCall = 0 }, measure) => {
    const before = await readDatabase(pool);
    const beforeUs = await readPostgresUs(pid);
    const sample = await measure();
    const afterUs = await readPostgresUs(pid);
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

/** Linux reports CPU times in hundredths of a second, whatever its own clock. */
const TICK_US = 10_000;

// Fields of /proc/PID/stat, counted from the one after the name. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
const PARENT = 1;
const OWN_TIMES = [11, 12] as const;
/** Includes children that have ended. */
const ENDED_TIMES = [13, 14] as const;

/** Microseconds of CPU time that all processes of a PostgreSQL have used so far; 0 where it can't be read. */
async function readPostgresUs(postmaster: number): Promise<number> {
  if (!canReadProcesses) return 0;
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const ticks = await Promise.all(
    pids.map(async (pid) => {
      // The process may have ended meanwhile.
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      const fields = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      if (pid !== postmaster && fields[PARENT] !== postmaster) return 0;
      const counted = pid === postmaster ? [...OWN_TIMES, ...ENDED_TIMES] : OWN_TIMES;
      return counted.reduce((sum, index) => sum + (fields[index] ?? 0), 0);
    }),
  );
  return ticks.reduce((sum, count) => sum + count, 0) * TICK_US;
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
