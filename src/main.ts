import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { runCommand } from "../packages/cors/src/doctor/index.ts";
import { type Config, readConfig } from "./config/config.ts";
import { welcome } from "./server/greeting.ts";
import { apiPlace, checkFree, consolePlace } from "./server/listening.ts";
import { type Foundation, prepare } from "./server/prepare.ts";
import { openLog, Shutdown } from "./server/process.ts";
import { connectionsOf, serve } from "./server/serve.ts";
import { describeFailure } from "./start-error.ts";
import { startWorkers } from "./workers/primary.ts";
import { runWorker } from "./workers/worker.ts";

/** Milliseconds that a replaced worker keeps idle connections: as long as Node does by default, so that no call fails. */
const HANDOVER_MS = 5000;
const WORKERS_MAX = 64;
const STOPPING = ["SIGINT", "SIGTERM"] as const;

/** The service, in one process or several. */
interface Service {
  readonly port: number;
  /** Renews the processes one by one. Absent if there is only one, unsupervised. */
  readonly renew?: () => Promise<void>;
  /** Sends clients away and stops serving. @returns whether nothing failed. */
  leave(): Promise<boolean>;
}

const HELP = `usage: [NAME=value]... npm start

Runs the service: the API on port 9707 and, in development, the console on port 5173. Without DATABASE_URL it runs its
own PostgreSQL with demo data in DATA_DIR.

There are no options, only environment variables. The most important ones (README.md lists all of them):

  PORT, CONSOLE_PORT    ports of the API and the console; CONSOLE_PORT=off for no console
  DATABASE_URL          your own PostgreSQL
  DATA_DIR              directory of the embedded PostgreSQL; default .data
  CORS_ALLOWED_ORIGINS  origins of the pages that may call the API, such as https://app.example.com
  LOG_LEVEL             fatal, error, warn, info, debug, trace or silent

Exit status: 0 after a signal to stop, 1 if it can't start or fails to stop cleanly, 2 for bad usage.`;

if (cluster.isWorker) await runWorker();
else {
  const run = async () => {
    await runPrimary();
    return 0;
  };
  process.exitCode = await runCommand(process.argv.slice(2), { help: HELP, options: {}, run });
}

/** Starts the service: in this process or, with WORKERS, in others that it supervises. */
async function runPrimary(): Promise<void> {
  const shutdown = new Shutdown();
  /** Aborts when a signal to stop comes before the service runs. */
  const starting = new AbortController();
  const interrupt = () => starting.abort();
  for (const signal of STOPPING) process.once(signal, interrupt);
  try {
    const config = readConfig(process.env);
    const log = openLog(config, { shared: config.workers !== undefined });
    await checkFree(apiPlace(config, config.port));
    if (config.consolePort !== undefined) await checkFree(consolePlace(config.host, config.consolePort));
    const foundation = await prepare(config, log, shutdown, starting.signal);
    const start = config.workers === undefined ? serveAlone : serveByWorkers;
    const service = await start(config, log, foundation, shutdown);
    const greeting = await welcome({ config, log, foundation, apiPort: service.port, shutdown });
    starting.signal.throwIfAborted();
    for (const signal of STOPPING) process.off(signal, interrupt);
    handleSignals(service, log, shutdown);
    if (greeting === undefined) log.info({ database: foundation.database }, "started");
    else process.stdout.write(greeting);
  } catch (error) {
    const closed = await shutdown.closeAll();
    if (starting.signal.aborted) process.exit(closed ? 0 : 1);
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exit(1);
  }
}

async function serveAlone(config: Config, log: Logger, foundation: Foundation, shutdown: Shutdown): Promise<Service> {
  const { databaseUrl, trust } = foundation;
  warnOfConnections(1, foundation, log);
  const serving = await serve({ config, log, databaseUrl, trust, port: config.port, processes: 1, shutdown });
  return {
    port: serving.port,
    leave: async () => {
      await serving.leave({ lameDuckMs: config.shutdownDelayMs, accepting: true });
      return true;
    },
  };
}

async function serveByWorkers(
  config: Config,
  log: Logger,
  foundation: Foundation,
  shutdown: Shutdown,
): Promise<Service> {
  const processes = config.workers === "auto" ? Math.min(WORKERS_MAX, availableParallelism()) : (config.workers ?? 1);
  warnOfConnections(processes, foundation, log);
  const workers = await startWorkers({
    order: { databaseUrl: foundation.databaseUrl, port: config.port, processes },
    handover: { lameDuckMs: Math.max(HANDOVER_MS, config.shutdownDelayMs), accepting: false },
    log,
  });
  const leave = () => workers.stop({ lameDuckMs: config.shutdownDelayMs, accepting: true });
  shutdown.add(leave);
  return { port: workers.port, renew: () => workers.renew(), leave };
}

/** Assumes that the service's other hosts open as many connections as this one. */
function warnOfConnections(workers: number, { connectionRoom: { max, otherHosts } }: Foundation, log: Logger): void {
  const connections = workers * connectionsOf(workers) * (1 + otherHosts);
  if (connections <= max) return;
  log.warn(
    { workers, hosts: 1 + otherHosts, connections, available: max },
    "the service may open more connections than the database allows: run fewer processes, or raise max_connections",
  );
}

function handleSignals({ renew, leave }: Service, log: Logger, shutdown: Shutdown): void {
  /** Stops accepting, finishes what is in flight, closes the database, and ends the process with 0. */
  const stop = async (signal: NodeJS.Signals) => {
    log.info({ signal }, "stopping");
    // A second signal, also a different one, means: do not wait.
    for (const each of STOPPING) process.off(each, stop).once(each, () => process.exit(1));
    const left = await leave();
    const closed = await shutdown.closeAll();
    process.exit(left && closed ? 0 : 1);
  };
  for (const signal of STOPPING) process.on(signal, stop);
  if (renew !== undefined) process.on("SIGHUP", () => void renew());
}
