import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, readlink, realpath, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { type DatabaseLog, errorCode } from "../connection-errors.ts";
import { DatabaseStartError, directoryFailure, outputFailure, PostgresFailure } from "../errors.ts";
import { chooseServerAccount, type ServerAccount } from "./account.ts";
import {
  CLUSTER_HOME,
  CLUSTER_USER,
  type Cluster,
  findPostgresBinaries,
  openCluster,
  type PostgresBinaries,
  serverEnvironment,
} from "./cluster.ts";
import { hasEntry, identifyProcess, isRunning, LockHeldError, lockDirectory, type ProcessIdentity } from "./lock.ts";

const run = promisify(execFile);

/**
 * Makes a directory and the missing ones above it.
 *
 * In Node 20 `mkdir` with `recursive: true` never returns below a directory like /proc, where nothing can be made.
 */
export async function makeDirectory(path: string, isSecondAttempt = false): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errorCode(error) === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (errorCode(error) !== "ENOENT" || isSecondAttempt) throw error;
    await makeDirectory(dirname(path));
    await makeDirectory(path, true);
  }
}

const POLL_MS = 10;
/** A fast shutdown writes a checkpoint. If that takes longer than this, recovery at the next start does the rest. */
const SHUTDOWN_MS_MAX = 20_000;

/** In postmaster.pid: its process, and whether it accepts connections. https://doxygen.postgresql.org/pidfile_8h.html */
const PID_LINE = 0;
const PORT_LINE = 3;
const STATUS_LINE = 7;

/** A running PostgreSQL server. */
interface Postmaster {
  /** Resolves when the server has ended, for any reason. */
  readonly ended: Promise<void>;
  /** Rolls back open transactions, closes connections and ends the server. */
  stop(): Promise<void>;
}

interface PostmasterOptions {
  readonly cluster: Cluster;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Starts the server and waits until it accepts connections. After a crash it first replays its log, which may take long.
 *
 * Not by pg_ctl, whose server is nobody's child: we could not learn of its death, nor reap it as the first process of a
 * container. And pg_ctl signals the process in postmaster.pid without checking that it is a server.
 *
 * @throws PostgresFailure if it ends instead.
 */
async function startPostmaster({ cluster, binaries, account, settings }: PostmasterOptions): Promise<Postmaster> {
  const { program, args, ...ids } = account.command(binaries.postgres, [
    ...["-D", cluster.directory],
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ]);
  // A file, not a pipe: the server can still write when this process is gone.
  const output = await open(cluster.logFile, "w", 0o600);
  await account.own(cluster.logFile);
  const child = spawn(program, args, {
    ...ids,
    cwd: "/",
    env: serverEnvironment(),
    stdio: ["ignore", output.fd, output.fd],
    // In its own process group, Ctrl-C in the terminal does not reach it, so our connections close first.
    detached: true,
    windowsHide: true,
  });
  await output.close();
  // If this process exits without closing it, the server ends too, except after kill -9.
  const onExit = (): void => void child.kill("SIGINT");
  process.once("exit", onExit);
  let failure: string | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      failure = String(error);
      resolve();
    });
    child.once("exit", () => {
      failure ??= "";
      resolve();
    });
  }).then(() => void process.removeListener("exit", onExit));

  while (failure === undefined && !(await isReady(cluster, child.pid))) await delay(POLL_MS);
  if (failure !== undefined)
    throw new PostgresFailure("postgres", failure || (await readFile(cluster.logFile, "utf8")));

  // The server does not keep this process running.
  child.unref();
  return {
    ended,
    stop: async () => {
      child.ref();
      if (process.platform === "win32") {
        // There, a signal would end it without a shutdown.
        await run(binaries.pgCtl, ["stop", "-m", "fast", "-D", cluster.directory]);
      } else {
        child.kill("SIGINT");
      }
      const tooLate = setTimeout(() => child.kill("SIGQUIT"), SHUTDOWN_MS_MAX);
      await ended.finally(() => clearTimeout(tooLate));
    },
  };
}

/**
 * Stops a server that still runs on the cluster although the process that started it is dead. Removes a postmaster.pid that
 * names another program's process. The caller holds the directory's lock.
 */
export async function stopOrphan({ directory }: Pick<Cluster, "directory">, log: DatabaseLog): Promise<void> {
  const pidFile = join(directory, "postmaster.pid");
  const pid = Number((await readLines(pidFile))[PID_LINE]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  const orphan = await identifyProcess(pid);
  const isServer = orphan === undefined ? false : await isServerOf(pid, directory);
  if (isServer === undefined) return;
  if (orphan !== undefined && isServer) {
    log.warn({ postmaster: pid }, "stopping a PostgreSQL server whose owner was killed");
    if (!(await endServer(orphan))) return;
  } else if (orphan !== undefined) {
    log.info({ postmaster: pid }, "removing a stale postmaster.pid: its process id belongs to another program now");
  }
  // PostgreSQL itself replaces the file of a process that is gone, but not of another program or of a zombie, which stays if
  // nobody reaps it.
  if (hasEntry(pid)) await rm(pidFile, { force: true });
}

/** @returns whether it has ended. */
async function endServer(server: ProcessIdentity): Promise<boolean> {
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    process.kill(server.pid, signal);
    const deadline = Date.now() + SHUTDOWN_MS_MAX;
    while (Date.now() < deadline) {
      if (!(await isRunning(server))) return true;
      await delay(POLL_MS);
    }
  }
  return false;
}

async function isReady({ directory }: Cluster, pid: number | undefined): Promise<boolean> {
  const lines = await readLines(join(directory, "postmaster.pid"));
  return Number(lines[PID_LINE]) === pid && lines[STATUS_LINE]?.trim() === "ready";
}

async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n");
}

/** Whether the process is a server of this cluster; undefined on systems where that can't be found out. */
async function isServerOf(pid: number, directory: string): Promise<boolean | undefined> {
  if (process.platform === "win32") return undefined;
  if (process.platform === "linux") {
    // A server's working directory is its data directory. A process that we may not inspect is not ours.
    return (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) === directory;
  }
  const { stdout } = await run("ps", ["-o", "command=", "-p", String(pid)]);
  return stdout.includes(directory);
}

const DATABASE = "finance";
const UNDEFINED_DATABASE = "3D000";

/** Processes of a killed server take a moment to end. Until then they keep its shared memory from a new server. */
const START_MS_MAX = 10_000;
const RESTART_PAUSE_MS = 100;
const PASSING_FAILURE = /pre-existing shared memory block|could not bind|could not create any TCP\/IP sockets/;

/** For a small machine, shared with the service. fsync and full_page_writes stay on, so transfers survive a power failure. */
const SETTINGS: Readonly<Record<string, string>> = {
  // For psql and other programs; the service itself uses the socket.
  listen_addresses: "127.0.0.1",
  timezone: "UTC",
  log_timezone: "UTC",
  // Without replication, only recovery needs the log.
  wal_level: "minimal",
  max_wal_senders: "0",
  // Short statements on few cores gain nothing from compiled plans, parallel workers and I/O workers.
  jit: "off",
  max_parallel_workers_per_gather: "0",
  io_method: "sync",
  // Saves one or two system calls for each statement.
  update_process_title: "off",
  // The service reports failed statements, with their request.
  log_min_messages: "log",
  log_checkpoints: "off",
};

/** How {@link startEmbeddedPostgres} runs. */
export interface EmbeddedPostgresOptions {
  /** The directory of the database, created if missing; `DATA_DIR`. */
  readonly dataDir: string;
  readonly log: DatabaseLog;
  /** PostgreSQL settings that replace the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL server of our own. */
export interface EmbeddedPostgres {
  /** For {@link openPool}; contains the password. It does not change while the server runs. */
  readonly url: string;
  /** Closes every connection, ends the server and releases the directory. Close pools first. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes with the package, on a free loopback port, with its data in `dataDir`.
 *
 * It takes over the server and lock of a process that was killed, and restarts a server that dies.
 *
 * @throws DatabaseStartError when it can't.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir } = options;
  try {
    await makeDirectory(resolve(dataDir));
    const lock = await lockDirectory(join(dataDir, "postgres.lock"));
    try {
      const server = await startServer(options, await realpath(dataDir));
      let stopped: Promise<void> | undefined;
      return {
        url: server.url,
        stop: async () => {
          // Only once, because later the lock may belong to another process.
          stopped ??= server.stop().then(() => lock.release());
          await stopped;
        },
      };
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    if (error instanceof LockHeldError) {
      throw new DatabaseStartError(
        `DATA_DIR ${dataDir} is in use by process ${error.pid}; stop it, or set another DATA_DIR`,
      );
    }
    if (error instanceof PostgresFailure) throw outputFailure(error, dataDir);
    throw directoryFailure(error, dataDir);
  }
}

/**
 * Finds the embedded server that another process runs on `dataDir`.
 *
 * @returns its URL; undefined if none runs there.
 * @throws DatabaseStartError if `dataDir` contains no database.
 */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const home = join(resolve(dataDir), CLUSTER_HOME);
  const password = await readFile(join(home, "password"), "utf8").catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT" && errorCode(error) !== "ENOTDIR") throw directoryFailure(error, dataDir);
    throw new DatabaseStartError(
      `there is no database in DATA_DIR ${dataDir}; run npm start once, or set DATABASE_URL`,
    );
  });
  const port = Number((await readLines(join(home, "cluster", "postmaster.pid")))[PORT_LINE]);
  if (!(port > 0)) return undefined;
  const url = new URL(`postgresql://${CLUSTER_USER}:${password.trim()}@127.0.0.1:${port}/${DATABASE}`).href;
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return url;
  } catch {
    // The file was left by a killed server.
    return undefined;
  }
}

async function startServer(options: EmbeddedPostgresOptions, dataDir: string): Promise<EmbeddedPostgres> {
  const { log } = options;
  const binaries = findPostgresBinaries();
  const share = join(dirname(binaries.postgres), "..", "share");
  const account = await chooseServerAccount(join(dataDir, CLUSTER_HOME), [binaries.postgres, share, dataDir], log);
  const cluster = await openCluster({ dataDir, binaries, account, log });
  await stopOrphan(cluster, log);

  const { socketDirectory = "" } = cluster;
  const settings = { ...SETTINGS, unix_socket_directories: socketDirectory, ...options.settings };
  const server = await startPatiently({ cluster, binaries, account, settings });
  const supervision = supervise(server, log);
  const url = new URL(`postgresql://${CLUSTER_USER}:${cluster.password}@127.0.0.1:${server.port}`);
  // A socket is faster than TCP. Not by searchParams, which writes a space as "+": libpq takes that for itself.
  if (socketDirectory !== "") url.search = `host=${encodeURIComponent(socketDirectory)}`;
  try {
    await ensureDatabase(url);
  } catch (error) {
    await supervision.stop();
    throw error;
  }
  return { url: inDatabase(url, DATABASE), stop: supervision.stop };
}

interface RunningServer {
  readonly port: number;
  readonly postmaster: Postmaster;
  readonly options: PostmasterOptions;
}

/** Restarts the server if it dies, on the same port, so that pools find it. */
function supervise({ port, postmaster, options }: RunningServer, log: DatabaseLog): Pick<EmbeddedPostgres, "stop"> {
  let current = postmaster;
  let isStopping = false;
  const watch = async (): Promise<void> => {
    for (;;) {
      await current.ended;
      if (isStopping) return;
      log.error({}, "the embedded PostgreSQL ended unexpectedly; starting it again");
      await delay(RESTART_PAUSE_MS);
      current = (await startPatiently(options, port)).postmaster;
      if (isStopping) await current.stop();
    }
  };
  const watched = watch().catch((error: unknown) => {
    log.error({ err: error }, "the embedded PostgreSQL can't be started again");
  });
  return {
    stop: async () => {
      isStopping = true;
      await current.stop();
      await watched;
    },
  };
}

async function startPatiently(options: PostmasterOptions, port?: number): Promise<RunningServer> {
  const deadline = Date.now() + START_MS_MAX;
  for (;;) {
    const chosen = port ?? (await findFreePort());
    const settings = { ...options.settings, port: String(chosen) };
    try {
      return { port: chosen, postmaster: await startPostmaster({ ...options, settings }), options };
    } catch (error) {
      const isPassing = error instanceof PostgresFailure && PASSING_FAILURE.test(error.output);
      if (!isPassing || Date.now() > deadline) throw error;
      await delay(RESTART_PAUSE_MS);
    }
  }
}

/** Asks the system for a port. If another program takes it before PostgreSQL does, the next attempt uses another one. */
async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server without a port");
  return address.port;
}

async function ensureDatabase(url: URL): Promise<void> {
  const client = new pg.Client({ connectionString: inDatabase(url, DATABASE) });
  try {
    await client.connect();
    await client.end();
  } catch (error) {
    if (errorCode(error) !== UNDEFINED_DATABASE) throw error;
    const admin = new pg.Client({ connectionString: inDatabase(url, "postgres") });
    await admin.connect();
    await admin.query(`create database ${DATABASE}`).finally(() => admin.end());
  }
}

function inDatabase(url: URL, database: string): string {
  const changed = new URL(url);
  changed.pathname = database;
  return changed.href;
}
