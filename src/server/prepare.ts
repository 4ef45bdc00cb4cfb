import type { Logger } from "pino";
import { developmentSecret, type TokenTrust } from "../auth/index.ts";
import type { Config } from "../config/config.ts";
import {
  type ConnectionRoom,
  canChangePostings,
  checkDatabase,
  findDurabilityRisks,
  migrate,
  openPool,
  pendingMigrations,
  readConnectionRoom,
  startEmbeddedPostgres,
} from "../database/index.ts";
import { seedDemoData } from "../finance/index.ts";
import { migrationsDirectory } from "../package-files.ts";
import type { Shutdown } from "./process.ts";

/** What the processes that serve have in common. */
export interface Foundation {
  /** Contains a password. */
  readonly databaseUrl: string;
  /** Names the database for people. */
  readonly database: string;
  readonly trust: TokenTrust;
  readonly connectionRoom: ConnectionRoom;
}

/**
 * Prepares the database: starts and migrates the embedded one, or checks the one in DATABASE_URL, and adds the demo data.
 * Creates the development secret.
 *
 * @param signal ends it between two steps; `shutdown` then stops the embedded database.
 * @throws DatabaseStartError when there is no usable database.
 */
export async function prepare(
  config: Config,
  log: Logger,
  shutdown: Shutdown,
  signal: AbortSignal,
): Promise<Foundation> {
  const { databaseUrl, database } = await openDatabase(config, log, shutdown, signal);
  signal.throwIfAborted();
  for (const warning of config.warnings) log.warn(warning);
  const pool = openPool({ connectionString: databaseUrl, max: 1, log });
  let connectionRoom: ConnectionRoom;
  try {
    connectionRoom = await readConnectionRoom(pool);
    for (const risk of await findDurabilityRisks(pool)) log.warn(risk);
    const pending = await pendingMigrations(pool, migrationsDirectory());
    if (pending.length > 0) log.warn({ pending }, "migrations are missing: run npm run migrate");
    else if (config.demoData) {
      const count = await seedDemoData(pool, new Date(), () => log.info("filling the empty ledger with demo data"));
      if (count > 0) log.info({ transfers: count }, "added the demo data");
    }
    if (config.environment === "production" && pending.length === 0 && (await canChangePostings(pool))) {
      log.warn("the database role can change posted transfers: use a role made by npm run migrate -- --app-role");
    }
  } finally {
    await pool.end();
  }
  signal.throwIfAborted();
  const trust = config.auth.trust ?? { secret: await developmentSecret(config.dataDir) };
  return { databaseUrl, database, trust, connectionRoom };
}

async function openDatabase(config: Config, log: Logger, shutdown: Shutdown, signal: AbortSignal) {
  if (config.databaseUrl !== undefined) {
    const place = await checkDatabase(config.databaseUrl);
    return { databaseUrl: config.databaseUrl, database: `PostgreSQL at ${place}` };
  }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, log });
  shutdown.add(() => embedded.stop());
  signal.throwIfAborted();
  await migrate({ connectionString: embedded.url, directory: migrationsDirectory(), log });
  return { databaseUrl: embedded.url, database: `embedded PostgreSQL in ${config.dataDir}` };
}
