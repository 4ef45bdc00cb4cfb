export { isConnectionError, isRetryable, isTimeout } from "./connection-errors.ts";
export { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
export { DatabaseStartError } from "./errors.ts";
export type { DatabaseLog } from "./log.ts";
export { migrate, migrationsDirectory, pendingMigrations } from "./migrations.ts";
export { openPool, withConnection, withTransaction } from "./pool.ts";
export { checkDatabase } from "./server-check.ts";
export { parseTimestamptz } from "./timestamp.ts";
