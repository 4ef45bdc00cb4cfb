import type { FastifyInstance } from "fastify";
import type { Pool } from "pg";
import { pino } from "pino";
import { type AppOptions, buildApp } from "../../src/app.ts";
import { createAuthenticator, mintToken } from "../../src/auth/index.ts";
import { readConfig } from "../../src/config/config.ts";
import { openPool } from "../../src/database/index.ts";
import { type Ledger, lanePoolOptions, openLedger } from "../../src/finance/index.ts";
import { apiPlace, listen } from "../../src/server/listening.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

const SECRET = "a secret for tests, 32 bytes or more";

/** The API on its own database, listening on a free port. */
export interface TestService {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly pool: Pool;
  readonly ledger: Ledger;
  /** All lines logged so far. */
  readonly log: readonly Record<string, unknown>[];
  /** Calls a method with JSON. Default caller: an admin named root. */
  call(method: string, request: object | string, token?: string): Promise<Reply>;
  token(subject: string, scope?: string, lifetimeSeconds?: number): Promise<string>;
  close(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read the fields that they expect in a reply.
  readonly body: any;
}

export interface TestServiceOptions {
  /** Default 20. */
  readonly sweepIntervalMs?: number;
  /** Default 5, so that trial balances start from running totals. */
  readonly transfersPerTotal?: number;
  /** A database that outlives the service. Default: its own database, dropped with it. */
  readonly database?: TestDatabase;
  /** The URL for the ledger's lanes. Default: the database's URL. */
  readonly laneUrl?: string;
  /** Smaller than the server's own limits. */
  readonly limits?: AppOptions["limits"];
  readonly tracing?: AppOptions["tracing"];
  /** Default: always ready. */
  readonly readiness?: AppOptions["readiness"];
  readonly readDatabaseStatistics?: AppOptions["readDatabaseStatistics"];
  /** Default 127.0.0.1; `url` has that address in any case. */
  readonly host?: string;
}

/** Starts the API with `environment` in place of the process environment. */
export async function startTestService(
  environment: Record<string, string> = {},
  {
    sweepIntervalMs = 20,
    transfersPerTotal = 5,
    database: shared,
    laneUrl,
    limits = {},
    tracing,
    readiness = async () => undefined,
    readDatabaseStatistics = async () => undefined,
    host = "127.0.0.1",
  }: TestServiceOptions = {},
): Promise<TestService> {
  const config = readConfig({
    AUTH_JWT_SECRET: SECRET,
    CORS_ALLOWED_ORIGINS: "http://localhost:*",
    // A machine that is busy with other tests must not refuse calls because it is late.
    OVERLOAD_EVENT_LOOP_DELAY_MS: "0",
    ...environment,
  });
  const database = shared ?? (await createTestDatabase());
  const pool = shared === undefined ? database.pool : openPool({ connectionString: database.url });
  const lanePool = openPool({ connectionString: laneUrl ?? database.url, ...lanePoolOptions });
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: config.logLevel }, { write: (line: string) => log.push(JSON.parse(line)) });
  const ledger = openLedger({ pool, lanePool, log: logger, sweepIntervalMs, transfersPerTotal });
  const app = await buildApp({
    config,
    log: logger,
    authenticate: createAuthenticator({ ...config.auth, trust: { secret: SECRET } }),
    ledger,
    readiness,
    readDatabaseStatistics,
    // Tests that read a counter need its latest value.
    limits: { metricsSharedMs: 0, ...limits },
    tracing,
  });
  const { port } = await listen(app, apiPlace({ host }, 0));
  const url = `http://127.0.0.1:${port}`;
  const token: TestService["token"] = (subject, scope = "finance.read finance.write", lifetimeSeconds = 600) =>
    mintToken(SECRET, { subject, scope, lifetimeSeconds });
  const root = await token("root", "finance.admin");

  return {
    app,
    url,
    pool,
    ledger,
    log,
    token,
    async call(method, request, bearer = root) {
      const response = await fetch(`${url}${config.twirpPrefix}/finance.v1.FinanceService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
        body: typeof request === "string" ? request : JSON.stringify(request),
      });
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
    async close() {
      await app.close();
      await ledger.close();
      await lanePool.end();
      await (shared === undefined ? database.drop() : pool.end());
    },
  };
}
