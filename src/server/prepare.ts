import type { Logger } from "pino";
import { developmentSecret, type TokenTrust } from "../auth/index.ts";
import type { Config } from "../config/config.ts";
import {
  canChangePostings,
  checkDatabase,
  findDurabilityRisks,
  migrate,
  migrationsDirectory,
  openPool,
  pendingMigrations,
  readConnectionsMax,
  startEmbeddedPostgres,
} from "../database/index.ts";
import { seedDemoData } from "../finance/index.ts";
import type { Closing } from "./shutdown.ts";

/** What the service stands on, however many processes serve. */
export interface Groundwork {
  /** Holds a password. */
  readonly databaseUrl: string;
  /** Where the data is, for people. */
  readonly database: string;
  readonly trust: TokenTrust;
  /** Connections that the database allows in all, to those who are no superusers. */
  readonly connectionsMax: number;
}

/**
 * Makes the database ready: starts the embedded one and migrates it, or looks for the one that was named; fills it with
 * demo data where that is wanted; makes the development secret.
 *
 * @param signal ends it between two steps: a database that was started by then is closed with `closing`.
 * @throws DatabaseStartError when there is no usable database.
 */
export async function layGroundwork(
  config: Config,
  log: Logger,
  closing: Closing,
  signal: AbortSignal,
): Promise<Groundwork> {
  const { databaseUrl, database } = await openDatabase(config, log, closing, signal);
  signal.throwIfAborted();
  for (const warning of config.warnings) log.warn(warning);
  const pool = openPool({ connectionString: databaseUrl, max: 1, log });
  let connectionsMax: number;
  try {
    connectionsMax = await readConnectionsMax(pool);
    for (const risk of await findDurabilityRisks(pool)) log.warn(risk);
    const pending = await pendingMigrations(pool, await migrationsDirectory());
    if (pending.length > 0) log.warn({ pending }, "migrations are missing: run npm run migrate");
    else if (config.demoData) {
      const count = await seedDemoData(pool, new Date(), () => log.info("filling the empty ledger with demo data"));
      if (count > 0) log.info({ transfers: count }, "seeded the demo data");
    }
    if (config.environment === "production" && pending.length === 0 && (await canChangePostings(pool))) {
      log.warn("the database role could change what is posted: connect as one made by npm run migrate -- --app-role");
    }
  } finally {
    await pool.end();
  }
  signal.throwIfAborted();
  const trust = config.auth.trust ?? { secret: await developmentSecret(config.dataDir) };
  return { databaseUrl, database, trust, connectionsMax };
}

async function openDatabase(config: Config, log: Logger, closing: Closing, signal: AbortSignal) {
  if (config.databaseUrl !== undefined) {
    const place = await checkDatabase(config.databaseUrl);
    return { databaseUrl: config.databaseUrl, database: `PostgreSQL at ${place}` };
  }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, log });
  closing.add(() => embedded.stop());
  signal.throwIfAborted();
  await migrate({ connectionString: embedded.url, directory: await migrationsDirectory(), log });
  return { databaseUrl: embedded.url, database: `embedded PostgreSQL in ${config.dataDir}` };
}
