import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, readlink, realpath, rm } from "node:fs/promises";
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
} from "./cluster.ts";
import { hasEntry, identifyProcess, isRunning, LockHeldError, lockDirectory, type ProcessIdentity } from "./lock.ts";

/**
 * Makes a directory and those above it that are missing.
 *
 * Not by `recursive: true`, which never returns below a directory like /proc that exists and lets nothing be made in it.
 */
export async function makeDirectory(path: string): Promise<void> {
  const failure = await tryMake(path);
  if (failure === undefined) return;
  const parent = dirname(path);
  if (errorCode(failure) !== "ENOENT" || parent === path) throw failure;
  await makeDirectory(parent);
  const again = await tryMake(path);
  if (again !== undefined) throw again;
}

/** @returns the error, unless the directory is there now. */
async function tryMake(path: string): Promise<unknown> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") return error;
    // A file may have the name; a directory can be made again with `recursive`, which then only looks.
    return await mkdir(path, { recursive: true }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
  }
}

const POLL_MS = 10;
/** A fast shutdown writes a checkpoint; past this the server is told to leave it to the next start's recovery. */
const SHUTDOWN_PATIENCE_MS = 20_000;

/** In postmaster.pid: its process, and whether it takes connections. https://doxygen.postgresql.org/pidfile_8h.html */
const PID_LINE = 0;
const PORT_LINE = 3;
const STATUS_LINE = 7;

/** A running PostgreSQL server. */
export interface Postmaster {
  /** Settles when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends it with a fast shutdown: open transactions are rolled back, connections closed. Settles once it has ended. */
  stop(): Promise<void>;
}

/** What {@link startPostmaster} works with. */
export interface PostmasterOptions {
  readonly cluster: Cluster;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Starts the server and waits until it takes connections; after a crash it first replays its log, however long.
 *
 * @throws PostgresFailure when it ends instead.
 */
async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const { cluster, binaries } = options;
  const { child, ended } = await spawnPostmaster(options);
  let hasEnded = false;
  // Whatever ends this process short of a kill -9 takes the server along.
  const onExit = (): void => void child.kill("SIGINT");
  process.once("exit", onExit);
  const settled = ended.then(() => {
    hasEnded = true;
    process.removeListener("exit", onExit);
  });

  while (!hasEnded && !(await isReady(cluster, child.pid))) await delay(POLL_MS);
  if (hasEnded) throw new PostgresFailure("postgres", await readFile(cluster.logFile, "utf8"));

  // The server is no reason to keep this process running.
  child.unref();
  return {
    ended: settled,
    stop: async () => {
      child.ref();
      if (process.platform === "win32") {
        // There, a signal would end it without a shutdown.
        await promisify(execFile)(binaries.pgCtl, ["stop", "-m", "fast", "-D", cluster.directory]);
      } else {
        child.kill("SIGINT");
      }
      const patience = setTimeout(() => child.kill("SIGQUIT"), SHUTDOWN_PATIENCE_MS);
      await settled.finally(() => clearTimeout(patience));
    },
  };
}

/**
 * Ends a server that still runs on the cluster although the process that started it is dead, and clears away a pid file
 * that names a process which is no server of this cluster. The caller holds the directory's lock.
 */
export async function stopOrphan(cluster: Pick<Cluster, "directory">, log: DatabaseLog): Promise<void> {
  const pidFile = join(cluster.directory, "postmaster.pid");
  const pid = Number((await readLines(pidFile))[PID_LINE]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  const orphan = await identifyProcess(pid);
  if (orphan === undefined) {
    // PostgreSQL removes what names no process, but takes a zombie for alive; a container's first process may reap none.
    if (hasEntry(pid)) await rm(pidFile, { force: true });
    return;
  }
  const isServer = await isServerOf(pid, cluster.directory);
  if (isServer === undefined) return;
  if (!isServer) {
    log.info({ postmaster: pid }, "removing a stale postmaster.pid: its process id belongs to another program now");
    await rm(pidFile, { force: true });
    return;
  }
  log.warn({ postmaster: pid }, "stopping a PostgreSQL that outlived the process that started it");
  process.kill(pid, "SIGINT");
  if (await waitForEnd(orphan, SHUTDOWN_PATIENCE_MS)) return;
  process.kill(pid, "SIGQUIT");
  await waitForEnd(orphan, SHUTDOWN_PATIENCE_MS);
}

async function spawnPostmaster({
  cluster,
  binaries,
  account,
  settings,
}: PostmasterOptions): Promise<{ child: ChildProcess; ended: Promise<void> }> {
  const { program, args, ...ids } = account.command(binaries.postgres, [
    ...["-D", cluster.directory],
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ]);
  // A file, not a pipe: the server can still write when this process is gone.
  const output = await open(cluster.logFile, "w", 0o600);
  try {
    await account.own(cluster.logFile);
    const child = spawn(program, args, {
      ...ids,
      cwd: "/",
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", output.fd, output.fd],
      // In a process group of its own, a Ctrl-C in the terminal does not reach it: our connections close first.
      detached: true,
      windowsHide: true,
    });
    const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
    await once(child, "spawn").catch((error: unknown) => {
      throw new PostgresFailure("postgres", String(error));
    });
    return { child, ended };
  } finally {
    await output.close();
  }
}

/** The port of the server that works in a data directory, by its own note; undefined when there is none. */
async function readPort(directory: string): Promise<number | undefined> {
  const lines = await readLines(join(directory, "postmaster.pid"));
  const port = Number(lines[PORT_LINE]);
  return port > 0 ? port : undefined;
}

async function isReady({ directory }: Cluster, pid: number | undefined): Promise<boolean> {
  const lines = await readLines(join(directory, "postmaster.pid"));
  return Number(lines[PID_LINE]) === pid && lines[STATUS_LINE]?.trim() === "ready";
}

async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n");
}

/** @returns undefined where that can't be told. */
async function isServerOf(pid: number, directory: string): Promise<boolean | undefined> {
  if (process.platform === "win32") return undefined;
  if (process.platform === "linux") {
    // A server works in its data directory. What may not be looked at is not ours.
    return (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) === directory;
  }
  const { stdout } = await promisify(execFile)("ps", ["-o", "command=", "-p", String(pid)]);
  return stdout.includes(directory);
}

async function waitForEnd(identity: ProcessIdentity, patienceMs: number): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  while (await isRunning(identity)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

const DATABASE = "finance";
const UNDEFINED_DATABASE = "3D000";

/** Backends of a killed server take a moment to notice; until then a new one is refused the shared memory. */
const START_PATIENCE_MS = 10_000;
const RESTART_PAUSE_MS = 100;
const PASSING_FAILURE = /pre-existing shared memory block|could not bind|could not create any TCP\/IP sockets/;

/**
 * For a small machine that the service shares. fsync and full_page_writes stay on, as PostgreSQL has them: what was
 * acknowledged survives a power failure.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // For psql and the like; the service itself takes the socket.
  listen_addresses: "127.0.0.1",
  timezone: "UTC",
  log_timezone: "UTC",
  // No replication, so the log needs to hold only what recovery needs.
  wal_level: "minimal",
  max_wal_senders: "0",
  // Short statements on few cores gain nothing from compiled plans, parallel workers and i/o workers.
  jit: "off",
  max_parallel_workers_per_gather: "0",
  io_method: "sync",
  // Saves a system call or two a statement.
  update_process_title: "off",
  // Failed statements are reported by the service, which knows their request.
  log_min_messages: "log",
  log_checkpoints: "off",
};

/** How {@link startEmbeddedPostgres} runs. */
export interface EmbeddedPostgresOptions {
  /** Where the database lives, created when missing; `DATA_DIR`. */
  readonly dataDir: string;
  readonly log: DatabaseLog;
  /** PostgreSQL settings over the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL server of our own. */
export interface EmbeddedPostgres {
  /** For {@link openPool}; holds the password. The same for as long as the server runs. */
  readonly url: string;
  /** Closes every connection, ends the server, and frees the directory. Close pools first. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes with the package, on a free loopback port, with its data in `dataDir`.
 *
 * It takes over what an earlier process left when it was killed, and a server that dies is started again.
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
          // Once: by the second time the lock may be somebody else's.
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
 * The address of the embedded server that another process runs on `dataDir`.
 *
 * @returns undefined when none runs there.
 * @throws DatabaseStartError when there is no database in `dataDir` at all.
 */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const home = join(resolve(dataDir), CLUSTER_HOME);
  const password = await readFile(join(home, "password"), "utf8").catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT" && errorCode(error) !== "ENOTDIR") throw directoryFailure(error, dataDir);
    throw new DatabaseStartError(
      `there is no database in DATA_DIR ${dataDir}; run npm start once, or set DATABASE_URL`,
    );
  });
  const port = await readPort(join(home, "cluster"));
  if (port === undefined) return undefined;
  const url = new URL(`postgresql://${CLUSTER_USER}:${password.trim()}@127.0.0.1:${port}/${DATABASE}`).href;
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return url;
  } catch {
    // What a killed server left behind.
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
  // Faster than TCP.
  // Not by searchParams, which writes a space as "+": libpq takes that for itself.
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

/** Starts a server that dies again, on the same port, so that pools find it. */
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
  const deadline = Date.now() + START_PATIENCE_MS;
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

/** The system's choice. Somebody else may take it before PostgreSQL does; then another one is chosen. */
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
