import { join } from "node:path";
import { type Logger, pino } from "pino";
import { buildApp } from "./app.ts";
import { createAuthenticator, developmentSecret, mintToken } from "./auth/index.ts";
import { banner } from "./banner.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { buildConsole } from "./console.ts";
import {
  canChangePostings,
  checkDatabase,
  DatabaseStartError,
  findObstacle,
  migrate,
  migrationsDirectory,
  openPool,
  pendingMigrations,
  startEmbeddedPostgres,
} from "./database/index.ts";
import { lanePoolOptions, openLedger, seedDemoData } from "./finance/index.ts";

const DEVELOPMENT_TOKEN = {
  subject: "alice",
  scope: "finance.read finance.write finance.admin",
  lifetimeDays: 30,
};

/** Log lines go out in pieces of so many bytes, and no later than this; what is left at the end is written then. */
const LOG_BUFFER = { minLength: 4096, periodicFlush: 100 };

/** What was opened, to be closed in reverse order. */
const closers: (() => Promise<unknown>)[] = [];
/** Aborts when the process is asked to stop: from then on calls are turned away. */
const draining = new AbortController();

try {
  await start(readConfig(process.env));
} catch (error) {
  await closeAll();
  process.stderr.write(`${describe(error)}\n`);
  process.exit(1);
}

async function start(config: Config): Promise<void> {
  const log = createLog(config);
  const { databaseUrl, database } = await openDatabase(config, log);
  const pool = openPool({ connectionString: databaseUrl, max: 10, log });
  closers.push(() => pool.end());
  const lanePool = openPool({
    connectionString: databaseUrl,
    applicationName: "finance-service lanes",
    log,
    together: pool,
    ...lanePoolOptions,
  });
  closers.push(() => lanePool.end());

  for (const warning of config.warnings) log.warn(warning);
  const migrations = await migrationsDirectory();
  const pending = await pendingMigrations(pool, migrations);
  if (pending.length > 0) log.warn({ pending }, "migrations are missing: run npm run migrate");
  else if (config.demoData) {
    const count = await seedDemoData(pool, new Date());
    if (count > 0) log.info({ transfers: count }, "seeded the demo data");
  }

  if (config.environment === "production" && pending.length === 0 && (await canChangePostings(pool))) {
    log.warn("the database role could change what is posted: connect as one made by npm run migrate -- --app-role");
  }

  const ledger = openLedger({ pool, lanePool, log });
  closers.push(() => ledger.close());
  const trust = config.auth.trust ?? { secret: await developmentSecret(config.dataDir) };
  const app = await buildApp({
    config,
    log,
    authenticate: createAuthenticator({ ...config.auth, trust }),
    ledger,
    draining: draining.signal,
    readiness: async () => {
      if (draining.signal.aborted) return "shutting down";
      return await findObstacle(pool, migrations);
    },
  });
  closers.push(() => app.close());
  await app.listen({ host: config.host, port: config.port });
  const address = app.server.address();
  const apiPort = typeof address === "object" && address !== null ? address.port : config.port;

  const token =
    config.environment === "development" && "secret" in trust
      ? await mintToken(trust.secret, {
          ...DEVELOPMENT_TOKEN,
          ...config.auth,
          lifetimeSeconds: DEVELOPMENT_TOKEN.lifetimeDays * 86_400,
        })
      : undefined;
  if (config.consolePort !== undefined) {
    const root = join(migrations, "../dist/web");
    const { consoleApiUrl, twirpPrefix } = config;
    const api = consoleApiUrl === undefined ? { port: apiPort } : { url: consoleApiUrl };
    const pages = await buildConsole({ root, log, api, twirpPrefix, developmentToken: token });
    closers.push(() => pages.close());
    await pages.listen({ host: config.host, port: config.consolePort });
  }
  closers.push(async () => draining.abort());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop(signal, log));

  process.stdout.write(
    banner({
      apiUrl: urlOf(config.host, apiPort),
      twirpPrefix: config.twirpPrefix,
      consoleUrl: config.consolePort === undefined ? undefined : urlOf(config.host, config.consolePort),
      database,
      token: token === undefined ? undefined : { ...DEVELOPMENT_TOKEN, value: token },
    }),
  );
}

async function openDatabase(config: Config, log: Logger): Promise<{ databaseUrl: string; database: string }> {
  if (config.databaseUrl !== undefined) {
    const place = await checkDatabase(config.databaseUrl);
    return { databaseUrl: config.databaseUrl, database: `PostgreSQL at ${place}` };
  }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, log });
  closers.push(() => embedded.stop());
  await migrate({ connectionString: embedded.url, directory: await migrationsDirectory(), log });
  return { databaseUrl: embedded.url, database: `embedded PostgreSQL in ${config.dataDir}` };
}

function createLog({ logLevel, environment }: Config): Logger {
  const readable = environment === "development" && process.stdout.isTTY;
  if (readable) {
    return pino({ level: logLevel, transport: { target: "pino-pretty", options: { ignore: "pid,hostname" } } });
  }
  return pino({ level: logLevel }, pino.destination({ dest: process.stdout.fd, sync: false, ...LOG_BUFFER }));
}

/** Stops accepting, finishes what is in flight, closes the database, and ends the process with 0. */
async function stop(signal: string, log: Logger): Promise<void> {
  log.info({ signal }, "stopping");
  // Whoever asks twice does not want to wait.
  process.once(signal, () => process.exit(1));
  const clean = await closeAll();
  process.exit(clean ? 0 : 1);
}

/** @returns whether everything closed without an error. */
async function closeAll(): Promise<boolean> {
  let clean = true;
  for (const close of closers.splice(0).reverse()) {
    await close().catch((error: unknown) => {
      clean = false;
      process.stderr.write(`while stopping: ${describe(error)}\n`);
    });
  }
  return clean;
}

/** One line for a mistake that a person can mend; the whole stack for what is ours. */
function describe(error: unknown): string {
  if (error instanceof ConfigError || error instanceof DatabaseStartError) return error.message;
  if (error instanceof Error && "code" in error && "port" in error) {
    if (error.code === "EADDRINUSE")
      return `port ${error.port} is in use: stop what listens there, or set PORT or CONSOLE_PORT`;
    if (error.code === "EACCES") return `port ${error.port} needs more rights: set PORT or CONSOLE_PORT above 1023`;
    if (error.code === "EADDRNOTAVAIL") return `HOST is not an address of this machine`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function urlOf(host: string, port: number): string {
  const name = host === "127.0.0.1" || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}
