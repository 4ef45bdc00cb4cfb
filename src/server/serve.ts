import type { Logger } from "pino";
import { version } from "../../package.json";
import { buildApp } from "../app.ts";
import { createAuthenticator, type TokenTrust } from "../auth/index.ts";
import type { Config } from "../config/config.ts";
import { createStatisticsReader, findObstacle, openPool } from "../database/index.ts";
import { lanePoolOptions, openLedger } from "../finance/index.ts";
import { migrationsDirectory } from "../package-files.ts";
import { createMetrics, type LameDuck, type Metrics, sendClientsAway, type Tracing } from "../plugins/index.ts";
import { StartError } from "../start-error.ts";
import { frontPageOf } from "./greeting.ts";
import { apiPlace, listen } from "./listening.ts";
import type { Shutdown } from "./process.ts";

export interface ServingOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly databaseUrl: string;
  readonly trust: TokenTrust;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Processes that share the database, including this one. */
  readonly processes: number;
  readonly shutdown: Shutdown;
  /** What GET /metrics answers. Default: this process's metrics. */
  readonly scrape?: () => Promise<string>;
}

/** The API in this process. */
export interface Serving {
  readonly port: number;
  readonly metrics: Metrics;
  /** Sends clients elsewhere, then refuses calls. Close it afterwards. */
  leave(lameDuck: LameDuck): Promise<void>;
}

const POOL_CONNECTIONS = { alone: 10, least: 4 };

/**
 * Connections for reads of many rows. All processes together have about as many as a single one would, but each has enough
 * that a slow read does not block the others.
 */
function poolSizeOf(processes: number): number {
  return Math.max(POOL_CONNECTIONS.least, Math.ceil(POOL_CONNECTIONS.alone / processes));
}

/** The most connections to the database that a process opens. */
export function connectionsOf(processes: number): number {
  return poolSizeOf(processes) + lanePoolOptions.max;
}

/** Opens the ledger and listens. */
export async function serve(options: ServingOptions): Promise<Serving> {
  const { config, log, databaseUrl, trust, shutdown, scrape } = options;
  /** Aborts when the process is asked to stop: then it is not ready. */
  const leaving = new AbortController();
  /** Aborts later: then calls are refused. */
  const draining = new AbortController();

  const tracing = await startTracing(process.env, config.traceHeaders);
  if (tracing !== undefined) shutdown.add(() => tracing.stop());
  const pool = openPool({ connectionString: databaseUrl, max: poolSizeOf(options.processes), log });
  shutdown.add(() => pool.end());
  const lanePool = openPool({
    connectionString: databaseUrl,
    applicationName: "finance-service lanes",
    log,
    together: pool,
    ...lanePoolOptions,
  });
  shutdown.add(() => lanePool.end());
  const ledger = openLedger({ pool, lanePool, log });
  shutdown.add(() => ledger.close());

  const migrations = migrationsDirectory();
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
    readDatabaseStatistics: createStatisticsReader(pool, log),
  });
  shutdown.add(() => app.close());
  const { port, doors } = await listen(app, apiPlace(config, options.port));
  shutdown.add(async () => draining.abort());
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

/**
 * Traces by OpenTelemetry, sent to the collector at OTEL_EXPORTER_OTLP_ENDPOINT over OTLP/HTTP. Its SDK, which reads the
 * other OTEL_ variables, is loaded only when there is one.
 *
 * @param headers for the collector, `name=value,...`, besides those in the environment.
 * @returns undefined when the variable is not set: then nothing is traced.
 * @throws StartError when a package of OpenTelemetry, all of which are optional, is missing.
 */
export async function startTracing(
  environment: Readonly<Record<string, string | undefined>>,
  headers?: string,
): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesEndpoint } = environment;
  if (!(endpoint || tracesEndpoint) || environment["OTEL_SDK_DISABLED"] === "true") return undefined;
  try {
    const { OpenTelemetry } = await import("../plugins/open-telemetry.ts");
    return new OpenTelemetry(headers);
  } catch (error) {
    const missing = /Cannot find package '(@opentelemetry\/[^']+)'/.exec(
      error instanceof Error ? error.message : "",
    )?.[1];
    if (missing === undefined) throw error;
    throw new StartError(
      `traces need ${missing}, which is not installed: run npm ci without --omit=dev, or unset OTEL_EXPORTER_OTLP_ENDPOINT`,
    );
  }
}
