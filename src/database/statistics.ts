import type { Pool } from "pg";
import { type DatabaseLog, isConnectionError, isTimeout, PoolExhaustedError } from "./connection-errors.ts";

/** What a role without special rights can see of its server: the gauges, and what they mean. */
export const DATABASE_GAUGES = {
  database_size_bytes: "Bytes of the database on disk",
  database_connections: "Connections that all clients of the server have open",
  database_connections_max: "Connections that the server allows to roles that are no superusers",
  database_standbys: "Standbys that are connected to the server",
  database_replication_lag_bytes:
    "Bytes of log that the slowest connected standby has not replayed; only if the role has pg_read_all_stats",
  database_slot_retained_bytes: "Bytes of log that the server keeps for the slowest replication slot",
  database_replication_slots: "Replication slots by state; lost: the server has removed log that the standby needs",
} as const;

/** The value of each gauge, or its values by state. Null if this role may not see it. */
export type DatabaseStatistics = Readonly<
  Record<keyof typeof DATABASE_GAUGES, number | null | Readonly<Record<string, number>>>
>;

/** The size of a large database takes a moment to read. */
const FRESH_MS = 15_000;
/** Scrapes wait for the answer. */
const ANSWER_MS_MAX = 1000;

const STATISTICS = `
select
  pg_database_size(current_database())::float8 as database_size_bytes,
  (select sum(numbackends) from pg_stat_database)::float8 as database_connections,
  (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int)::float8
    as database_connections_max,
  standbys.*,
  slots.*
from
  (
    select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as position
  ) as log,
  lateral (
    select
      count(*)::float8 as database_standbys,
      -- A server without standbys has no lag; one that hides their positions from this role may have any.
      case when count(*) = 0 then 0 else max(pg_wal_lsn_diff(log.position, replay_lsn)) end::float8
        as database_replication_lag_bytes
    from pg_stat_replication
  ) as standbys,
  lateral (
    select
      coalesce(max(pg_wal_lsn_diff(log.position, restart_lsn)), 0)::float8 as database_slot_retained_bytes,
      json_build_object(
        'active', count(*) filter (where active),
        'inactive', count(*) filter (where not active and wal_status is distinct from 'lost'),
        'lost', count(*) filter (where not active and wal_status = 'lost')
      ) as database_replication_slots
    from pg_replication_slots
  ) as slots`;

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
      const { rows } = await pool.query<DatabaseStatistics>(STATISTICS);
      staleAtMs = performance.now() + FRESH_MS;
      return rows[0];
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
