/** Debian's PostgreSQL and PgBouncer, to test what the embedded server can't: replication and pooling. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { makeOwnDirectory } from "./belongings.ts";
import { freePort } from "./process.ts";

const run = promisify(execFile);

const PACKAGES = "/usr/lib/postgresql";

/** The directory of the newest packaged PostgreSQL's programs; undefined if there is none. */
export const POSTGRES_PROGRAMS = (existsSync(PACKAGES) ? readdirSync(PACKAGES) : [])
  .map((version) => join(PACKAGES, version, "bin"))
  .filter((path) => existsSync(join(path, "pg_ctl")))
  .sort()
  .at(-1);

/** PgBouncer's path; undefined if it is not installed. */
export const PGBOUNCER = ["/usr/sbin/pgbouncer"].find((path) => existsSync(path));

/** A user other than root, since these servers refuse root; undefined if we are not root. */
function servant(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (option: string) => Number(execFileSync("id", [option, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

/** Makes a directory that the servers can write to. */
export async function makeServerDirectory(): Promise<ReturnType<typeof makeOwnDirectory>> {
  const directory = makeOwnDirectory("finance-servers-");
  await giveToServers(directory.path);
  return directory;
}

/** Gives a file or directory to the user that runs the servers. */
export async function giveToServers(path: string): Promise<void> {
  const { uid, gid } = servant();
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

/** A PostgreSQL server with its own data. */
export interface PackagedPostgres {
  readonly port: number;
  /** The URL of database `postgres` for its superuser, who needs no password. */
  readonly url: string;
  /** The current process: {@link restart} replaces it. */
  readonly child: ChildProcess;
  /** Starts a standby of this server; from then on commits wait for the standby. */
  addStandby(directory: string): Promise<PackagedPostgres>;
  /** Promotes a standby; resolves once it accepts writes. */
  promote(): Promise<void>;
  /** Kills it, if it still runs, and starts it again on the same port. */
  restart(): Promise<void>;
  /** Kills it, if it still runs. */
  stop(): Promise<void>;
}

/**
 * Creates a cluster in `directory`, which must not exist yet, and starts its server.
 *
 * @param walDirectory where its write-ahead log goes, in segments of 1 MB. Default: in `directory`, 16 MB.
 */
export async function startPackagedPostgres(
  directory: string,
  settings: Readonly<Record<string, string>> = {},
  walDirectory?: string,
): Promise<PackagedPostgres> {
  const initial = ["-D", directory, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"];
  if (walDirectory !== undefined) initial.push(`--waldir=${walDirectory}`, "--wal-segsize=1");
  await run(programOf("initdb"), initial, servant());
  return await startCluster(directory, settings);
}

async function startCluster(directory: string, settings: Readonly<Record<string, string>>): Promise<PackagedPostgres> {
  const port = await freePort();
  const all = { port: `${port}`, listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
  const options = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const spawnServer = () =>
    spawn(programOf("postgres"), ["-D", directory, ...options], { ...servant(), stdio: "ignore" });
  let child = spawnServer();
  let ended = once(child, "exit");
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGQUIT");
    await ended;
  };
  const untilUp = () =>
    untilTrue(url, "select true as holds").catch(async (error: unknown) => {
      await stop();
      throw error;
    });
  await untilUp();
  return {
    port,
    url,
    get child() {
      return child;
    },
    restart: async () => {
      await stop();
      child = spawnServer();
      ended = once(child, "exit");
      await untilUp();
    },
    addStandby: async (copy) => {
      const source = `host=127.0.0.1 port=${port} user=postgres application_name=standby`;
      await run(programOf("pg_basebackup"), ["-d", source, "-D", copy, "-R", "-X", "stream", "-c", "fast"], servant());
      const standby = await startCluster(copy, settings);
      await administer(url, "alter system set synchronous_standby_names = 'standby'");
      await administer(url, "select pg_reload_conf()");
      await untilTrue(url, "select bool_or(sync_state = 'sync') as holds from pg_stat_replication");
      return standby;
    },
    promote: async () => {
      await run(programOf("pg_ctl"), ["promote", "-w", "-D", directory], servant());
    },
    stop,
  };
}

/** Writes a consistent dump of a database, as docs/operations.md describes. */
export async function dumpDatabase(url: string, file: string): Promise<void> {
  await run(programOf("pg_dump"), ["--format=custom", `--file=${file}`, `--dbname=${url}`]);
}

/** Restores a dump into an empty database in one transaction. */
export async function restoreDatabase(file: string, url: string): Promise<void> {
  await run(programOf("pg_restore"), ["--single-transaction", "--exit-on-error", `--dbname=${url}`, file]);
}

/** Starts PgBouncer in transaction mode in front of the server at `url`, with few server connections. */
export async function startPgBouncer(
  directory: string,
  url: string,
  connections: number,
): Promise<{ url(database: string): string; stop(): Promise<void> }> {
  const { hostname, port: serverPort, username, password } = new URL(url);
  const port = await freePort();
  const file = join(directory, "pgbouncer.ini");
  await writeFile(join(directory, "users.txt"), `"${username}" "${decodeURIComponent(password)}"\n`);
  await writeFile(
    file,
    `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(directory, "users.txt")}
pool_mode = transaction
default_pool_size = ${connections}
`,
  );
  const child = spawn(PGBOUNCER ?? "pgbouncer", [file], { ...servant(), cwd: directory, stdio: "ignore" });
  const ended = once(child, "exit");
  const through = (database: string) => `postgres://${username}:${password}@127.0.0.1:${port}/${database}`;
  await untilTrue(through("postgres"), "select true as holds");
  return {
    url: through,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Runs one statement on a connection of its own. */
async function administer(url: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

async function untilTrue(url: string, question: string): Promise<void> {
  await until(async () => (await administer(url, question)).rows[0]?.holds === true, 30_000, question);
}

/** Waits until a condition holds; an error counts as not yet. */
export async function until(condition: () => Promise<boolean>, milliseconds: number, name: string): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > end) throw new Error(`still false after ${milliseconds} ms: ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function programOf(name: string): string {
  return join(POSTGRES_PROGRAMS ?? "", name);
}
