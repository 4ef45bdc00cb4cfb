import { once } from "node:events";
import { readFile, realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { errorCode } from "../connection-errors.ts";
import { DatabaseStartError, directoryFailure, outputFailure, PostgresFailure } from "../errors.ts";
import type { DatabaseLog } from "../log.ts";
import { chooseServerAccount } from "./account.ts";
import { CLUSTER_HOME, CLUSTER_USER, openCluster } from "./cluster.ts";
import { makeDirectory } from "./data-directory.ts";
import { LockHeldError, lockDirectory } from "./lock.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { type Postmaster, type PostmasterOptions, readPort, startPostmaster, stopOrphan } from "./postmaster.ts";

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
