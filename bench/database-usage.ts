import { readdir, readFile } from "node:fs/promises";
import type { Pool } from "pg";

/** Whether a PostgreSQL's processor time can be read here: only Linux tells it of every process. */
export const canReadProcesses = process.platform === "linux";

/** Linux tells processor times in hundredths of a second, whatever its own clock. */
const TICK_US = 10_000;

// Fields of /proc/PID/stat, counted from the one after the name: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
const PARENT = 1;
const USER_TIME = 11;
const SYSTEM_TIME = 12;
const WAITED_USER_TIME = 13;
const WAITED_SYSTEM_TIME = 14;

/** Microseconds of processor time that a PostgreSQL has used so far, with all its processes, those that ended included. */
export async function readPostgresUs(postmaster: number): Promise<number> {
  const entries = await readdir("/proc");
  const pids = entries.filter((entry) => /^\d+$/.test(entry)).map(Number);
  const times = await Promise.all(
    pids.map(async (pid) => {
      // Between two looks a process may have gone.
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      const fields = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      const sum = (...indexes: number[]) => indexes.reduce((total, index) => total + (fields[index] ?? 0), 0);
      if (pid === postmaster) return sum(USER_TIME, SYSTEM_TIME, WAITED_USER_TIME, WAITED_SYSTEM_TIME);
      return fields[PARENT] === postmaster ? sum(USER_TIME, SYSTEM_TIME) : 0;
    }),
  );
  return times.reduce((sum, ticks) => sum + ticks, 0) * TICK_US;
}

/** What a database has grown to. */
export interface DatabaseState {
  /** All tables with their indexes. */
  readonly diskBytes: number;
  /** Written to the server's log so far. */
  readonly walBytes: number;
  readonly lastTransfer: bigint;
}

export async function readDatabase(pool: Pool): Promise<DatabaseState> {
  const { rows } = await pool.query<{ disk_bytes: string; wal_bytes: string; last_transfer: bigint }>(`
select (select sum(pg_total_relation_size(oid)) from pg_class
         where relkind = 'r' and relnamespace = 'public'::regnamespace)::text as disk_bytes,
       (pg_current_wal_lsn() - '0/0'::pg_lsn)::text as wal_bytes,
       (select coalesce(max(id), 0) from transfer) as last_transfer`);
  const [row] = rows;
  return {
    diskBytes: Number(row?.disk_bytes),
    walBytes: Number(row?.wal_bytes),
    lastTransfer: row?.last_transfer ?? 0n,
  };
}

/** How many transfers were made after `lastTransfer`. */
export async function countTransfers(pool: Pool, lastTransfer: bigint): Promise<number> {
  const { rows } = await pool.query<{ count: bigint }>("select count(*) as count from transfer where id > $1::bigint", [
    lastTransfer,
  ]);
  return Number(rows[0]?.count ?? 0n);
}
