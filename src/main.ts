import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { runCommand } from "../packages/cors/src/doctor/index.ts";
import { type Config, readConfig } from "./config/config.ts";
import { describeFailure } from "./server/failure.ts";
import { welcome } from "./server/greeting.ts";
import { apiPlace, checkFree, consolePlace } from "./server/listening.ts";
import { openLog } from "./server/log.ts";
import { type Groundwork, layGroundwork } from "./server/prepare.ts";
import { connectionsOf, serve } from "./server/serve.ts";
import { Closing } from "./server/shutdown.ts";
import { startWorkers } from "./workers/index.ts";
import { runWorker } from "./workers/run-worker.ts";

/** A worker that is replaced keeps idle connections for as long as Node does by default, so that no call meets their end. */
const HANDOVER_MS = 5000;
const WORKERS_MAX = 64;
const STOPPING = ["SIGINT", "SIGTERM"] as const;

/** The service, in however many processes. */
interface Service {
  readonly port: number;
  /** Renews the processes one by one. Absent where there is nobody to take over. */
  readonly renew?: () => Promise<void>;
  /** Goes out of service. @returns whether all went well. */
  leave(): Promise<boolean>;
}

const HELP = `usage: [NAME=value]... npm start

Runs the service: the API on port 9707 and, in development, the console on port 5173. Without DATABASE_URL it makes a
PostgreSQL of its own in DATA_DIR, with demo data.

There are no options; settings are environment variables. README.md has the table, among them:

  PORT, CONSOLE_PORT    where the API and the console listen; CONSOLE_PORT=off for no console
  DATABASE_URL          a PostgreSQL of yours
  DATA_DIR              where the embedded PostgreSQL lives; default .data
  CORS_ALLOWED_ORIGINS  the origins of the pages that may call, such as https://app.example.com
  LOG_LEVEL             fatal, error, warn, info, debug, trace or silent

Exit status: 0 after a signal to stop, 1 when it can't start or stop well, 2 for bad usage.`;

if (cluster.isWorker) await runWorker();
else {
  const run = async () => {
    await runPrimary();
    return 0;
  };
  process.exitCode = await runCommand(process.argv.slice(2), { help: HELP, options: {}, run });
}

/** Starts the service: in this process, or, where WORKERS says so, in others that it supervises. */
async function runPrimary(): Promise<void> {
  const closing = new Closing();
  /** Aborts when a signal to stop comes before the service runs. */
  const starting = new AbortController();
  const interrupt = () => starting.abort();
  for (const signal of STOPPING) process.once(signal, interrupt);
  try {
    const config = readConfig(process.env);
    const log = openLog(config, { shared: config.workers !== undefined });
    await checkFree(apiPlace(config, config.port));
    if (config.consolePort !== undefined) await checkFree(consolePlace(config.host, config.consolePort));
    const groundwork = await layGroundwork(config, log, closing, starting.signal);
    const start = config.workers === undefined ? serveAlone : serveByWorkers;
    const service = await start(config, log, groundwork, closing);
    const greeting = await welcome({ config, log, groundwork, apiPort: service.port, closing });
    starting.signal.throwIfAborted();
    for (const signal of STOPPING) process.off(signal, interrupt);
    handleSignals(service, log, closing);
    process.stdout.write(greeting);
  } catch (error) {
    const closed = await closing.closeAll();
    if (starting.signal.aborted) process.exit(closed ? 0 : 1);
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exit(1);
  }
}

async function serveAlone(config: Config, log: Logger, groundwork: Groundwork, closing: Closing): Promise<Service> {
  const { databaseUrl, trust } = groundwork;
  const serving = await serve({ config, log, databaseUrl, trust, port: config.port, processes: 1, closing });
  return {
    port: serving.port,
    leave: async () => {
      await serving.leave({ lameDuckMs: config.shutdownDelayMs, accepting: true });
      return true;
    },
  };
}

async function serveByWorkers(config: Config, log: Logger, groundwork: Groundwork, closing: Closing): Promise<Service> {
  const processes = config.workers === "auto" ? Math.min(WORKERS_MAX, availableParallelism()) : (config.workers ?? 1);
  const connections = processes * connectionsOf(processes);
  if (connections > groundwork.connectionsMax) {
    log.warn(
      { workers: processes, connections, available: groundwork.connectionsMax },
      "the workers may open more connections than the database allows: lower WORKERS or raise its max_connections",
    );
  }
  const workers = await startWorkers({
    order: { databaseUrl: groundwork.databaseUrl, port: config.port, processes },
    handover: { lameDuckMs: Math.max(HANDOVER_MS, config.shutdownDelayMs), accepting: false },
    log,
  });
  const leave = () => workers.stop({ lameDuckMs: config.shutdownDelayMs, accepting: true });
  closing.add(leave);
  return { port: workers.port, renew: () => workers.renew(), leave };
}

function handleSignals({ renew, leave }: Service, log: Logger, closing: Closing): void {
  /** Stops accepting, finishes what is in flight, closes the database, and ends the process with 0. */
  const stop = async (signal: NodeJS.Signals) => {
    log.info({ signal }, "stopping");
    // Whoever asks twice does not want to wait.
    process.once(signal, () => process.exit(1));
    const left = await leave();
    const closed = await closing.closeAll();
    process.exit(left && closed ? 0 : 1);
  };
  for (const signal of STOPPING) process.once(signal, () => void stop(signal));
  if (renew !== undefined) process.on("SIGHUP", () => void renew());
}
