import type { Pool } from "pg";
import { type DatabaseLog, isConnectionError, isTimeout, PoolExhaustedError } from "./connection-errors.ts";

/** What a role without special rights can see of its server. */
export interface DatabaseStatistics {
  readonly databaseBytes: number;
  /** Of all clients of the server. */
  readonly connections: number;
  /** Connections that the server allows to roles that are no superusers. */
  readonly connectionsMax: number;
  /** Connected standbys. */
  readonly standbys: number;
  /** Replication slots: `lost` when the server has removed log that the standby needs. */
  readonly slots: { readonly active: number; readonly inactive: number; readonly lost: number };
  /** Log that the server keeps for the slowest slot. */
  readonly slotRetainedBytes: number;
  /** Log that the slowest connected standby has not replayed. Undefined unless the role has pg_read_all_stats. */
  readonly replicationLagBytes: number | undefined;
}

/** The size of a large database takes a moment to read. */
const FRESH_MS = 15_000;
/** Scrapes wait for the answer. */
const ANSWER_MS_MAX = 1000;

const STATISTICS = `
select
  pg_database_size(current_database())::float8 as "databaseBytes",
  (select sum(numbackends) from pg_stat_database)::float8 as connections,
  (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int)::float8 as "connectionsMax",
  (select count(*) from pg_stat_replication)::float8 as standbys,
  (select max(pg_wal_lsn_diff(log.position, replay_lsn)) from pg_stat_replication)::float8 as "replicationLagBytes",
  slots.*
from
  (
    select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as position
  ) as log,
  lateral (
    select
      count(*) filter (where active)::float8 as active,
      count(*) filter (where not active and wal_status is distinct from 'lost')::float8 as inactive,
      count(*) filter (where not active and wal_status = 'lost')::float8 as lost,
      coalesce(max(pg_wal_lsn_diff(log.position, restart_lsn)), 0)::float8 as "slotRetainedBytes"
    from pg_replication_slots
  ) as slots`;

type Row = Omit<DatabaseStatistics, "slots" | "replicationLagBytes"> &
  DatabaseStatistics["slots"] & { readonly replicationLagBytes: number | null };

/**
 * Returns a function that measures the server, at most once in fifteen seconds; callers in between get the same figures.
 * It returns undefined while the database is away, silent or busy, and if it can't be measured.
 */
export function createStatisticsReader(pool: Pool, log: DatabaseLog): () => Promise<DatabaseStatistics | undefined> {
  let latest: Promise<DatabaseStatistics | undefined> = Promise.resolve(undefined);
  let staleAtMs = 0;
  let isReported = false;

  const measure = async (): Promise<DatabaseStatistics | undefined> => {
    try {
      const { rows } = await pool.query<Row>(STATISTICS);
      const [row] = rows;
      staleAtMs = performance.now() + FRESH_MS;
      return row === undefined ? undefined : statisticsOf(row);
    } catch (error) {
      const isPassing = isConnectionError(error) || isTimeout(error) || error instanceof PoolExhaustedError;
      // Another reason, such as a database that lacks these views, will not go away soon.
      staleAtMs = isPassing ? 0 : performance.now() + FRESH_MS;
      if (!isPassing && !isReported) log.warn({ err: error }, "the database can't be measured for /metrics");
      isReported ||= !isPassing;
      return undefined;
    }
  };
  return async () => {
    if (performance.now() >= staleAtMs) {
      // It can't be stale while the server is asked.
      staleAtMs = Number.POSITIVE_INFINITY;
      latest = measure();
    }
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, ANSWER_MS_MAX, undefined);
    });
    return await Promise.race([latest, silence]).finally(() => clearTimeout(timer));
  };
}

function statisticsOf({ active, inactive, lost, replicationLagBytes, ...row }: Row): DatabaseStatistics {
  // A server without standbys has no lag; one that hides its standbys' positions from this role may have any.
  const lag = row.standbys === 0 ? 0 : (replicationLagBytes ?? undefined);
  return { ...row, slots: { active, inactive, lost }, replicationLagBytes: lag };
}
