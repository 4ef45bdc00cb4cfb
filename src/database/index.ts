export { canChangePostings, grantApplicationRole } from "./application-role.ts";
export { type ConnectionTarget, readConnectionUrl } from "./connection.ts";
export {
  DatabaseAwayError,
  isConnectionError,
  isRetryable,
  isTimeout,
  PoolExhaustedError,
} from "./connection-errors.ts";
export { type EmbeddedPostgres, findEmbeddedPostgres, startEmbeddedPostgres } from "./embedded/server.ts";
export { DatabaseStartError } from "./errors.ts";
export type { DatabaseLog } from "./log.ts";
export { migrate, migrationsDirectory, pendingMigrations } from "./migrations.ts";
export { brokenBy, openPool, withConnection, withTransaction } from "./pool.ts";
export { findObstacle } from "./readiness.ts";
export { checkDatabase, findDurabilityRisks, readConnectionsMax } from "./server-check.ts";
export { parseTimestamptz } from "./timestamp.ts";
