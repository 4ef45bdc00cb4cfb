import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { PostgresFailure } from "../errors.ts";
import type { DatabaseLog } from "../log.ts";
import type { ServerAccount } from "./account.ts";
import type { Cluster } from "./cluster.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { hasEntry, identifyProcess, isRunning, type ProcessIdentity } from "./process-identity.ts";

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
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
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
export async function readPort(directory: string): Promise<number | undefined> {
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
