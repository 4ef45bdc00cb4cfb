import type { Logger } from "pino";
import { version } from "../../package.json";
import { buildApp } from "../app.ts";
import { createAuthenticator, type TokenTrust } from "../auth/index.ts";
import type { Config } from "../config/config.ts";
import { findObstacle, migrationsDirectory, openPool } from "../database/index.ts";
import { lanePoolOptions, openLedger } from "../finance/index.ts";
import { createMetrics, type LameDuck, type Metrics, sendClientsAway, startTracing } from "../plugins/index.ts";
import { frontPageOf } from "./front-page.ts";
import { apiPlace, listen } from "./listening.ts";
import type { Closing } from "./shutdown.ts";

export interface ServingOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly databaseUrl: string;
  readonly trust: TokenTrust;
  /** 0 lets the system choose. */
  readonly port: number;
  /** How many processes share the database, this one included. */
  readonly processes: number;
  readonly closing: Closing;
  /** What GET /metrics answers. Default: this process's metrics. */
  readonly scrape?: () => Promise<string>;
}

/** The API in this process. */
export interface Serving {
  readonly port: number;
  readonly metrics: Metrics;
  /** Goes out of service: clients are sent elsewhere, then calls are turned away. To be closed afterwards. */
  leave(lameDuck: LameDuck): Promise<void>;
}

const POOL_CONNECTIONS = { alone: 10, least: 4 };

/**
 * Connections for reads of many rows: together the processes have about as many as one alone, yet each enough that a slow
 * read does not hold up the others.
 */
function poolSizeOf(processes: number): number {
  return Math.max(POOL_CONNECTIONS.least, Math.ceil(POOL_CONNECTIONS.alone / processes));
}

/** Connections to the database that a process opens at most. */
export function connectionsOf(processes: number): number {
  return poolSizeOf(processes) + lanePoolOptions.max;
}

/** Opens the ledger and listens. */
export async function serve(options: ServingOptions): Promise<Serving> {
  const { config, log, databaseUrl, trust, closing, scrape } = options;
  /** Aborts when the process is asked to stop: from then on it is not ready. */
  const leaving = new AbortController();
  /** Aborts later: from then on calls are turned away. */
  const draining = new AbortController();

  const tracing = await startTracing(process.env);
  if (tracing !== undefined) closing.add(() => tracing.stop());
  const pool = openPool({ connectionString: databaseUrl, max: poolSizeOf(options.processes), log });
  closing.add(() => pool.end());
  const lanePool = openPool({
    connectionString: databaseUrl,
    applicationName: "finance-service lanes",
    log,
    together: pool,
    ...lanePoolOptions,
  });
  closing.add(() => lanePool.end());
  const ledger = openLedger({ pool, lanePool, log });
  closing.add(() => ledger.close());

  const migrations = await migrationsDirectory();
  const metrics = createMetrics(version);
  const app = await buildApp({
    config,
    log,
    authenticate: createAuthenticator({ ...config.auth, trust, log }),
    ledger,
    metrics,
    tracing,
    ...(scrape !== undefined && { scrape }),
    frontPage: frontPageOf(config),
    draining: draining.signal,
    readiness: async () => {
      if (leaving.signal.aborted) return "shutting down";
      return await findObstacle(pool, migrations);
    },
  });
  closing.add(() => app.close());
  const { port, doors } = await listen(app, apiPlace(config, options.port));
  closing.add(async () => draining.abort());
  return {
    port,
    metrics,
    leave: async (lameDuck) => {
      leaving.abort();
      await sendClientsAway(app.server, lameDuck, doors);
      draining.abort();
    },
  };
}
