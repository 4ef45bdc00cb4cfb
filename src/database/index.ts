export { canChangePostings, grantApplicationRole } from "./application-role.ts";
export { type ArrayElements, type ArrayElementType, arrayOf, parseTimestamptz } from "./column-values.ts";
export { type ConnectionTarget, readConnectionUrl, withPassword } from "./connection.ts";
export type { DatabaseLog } from "./connection-errors.ts";
export {
  brokenBy,
  DatabaseAwayError,
  isConnectionError,
  isRetryable,
  isTimeout,
  PoolExhaustedError,
} from "./connection-errors.ts";
export { type EmbeddedPostgres, findEmbeddedPostgres, startEmbeddedPostgres } from "./embedded/server.ts";
export { DatabaseStartError } from "./errors.ts";
export { migrate, pendingMigrations } from "./migrations.ts";
export { openPool, withConnection, withTransaction } from "./pool.ts";
export type { ConnectionRoom } from "./readiness.ts";
export { checkDatabase, findDurabilityRisks, findObstacle, readConnectionRoom } from "./readiness.ts";
export { createStatisticsReader, DATABASE_GAUGES, type DatabaseStatistics } from "./statistics.ts";
