import { execFile } from "node:child_process";
import { chown, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type { DatabaseLog } from "../connection-errors.ts";
import { errorCode } from "../connection-errors.ts";
import { DatabaseStartError } from "../errors.ts";

const run = promisify(execFile);

/** The user that runs PostgreSQL if we are root, because PostgreSQL refuses to run as root. */
const ACCOUNT_NAME = "postgres";

/** The user that runs the server. */
export interface ServerAccount {
  /** The command line and options that run a program as that user. */
  command(program: string, args: readonly string[]): { program: string; args: string[]; uid?: number; gid?: number };
  /** Makes that user the owner of a file or directory of ours. */
  own(path: string): Promise<void>;
}

/**
 * Chooses the user for the server: our own or, if that is root, the owner of existing files, or `postgres`, which is created
 * if it is missing.
 *
 * @param home the folder of the server's files; it may not exist yet.
 * @param paths other files and folders that the server must reach.
 * @throws DatabaseStartError if there is no such user and none can be created, or it can't reach the paths.
 */
export async function chooseServerAccount(
  home: string,
  paths: readonly string[],
  log: DatabaseLog,
): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) {
    return { command: (program, args) => ({ program, args: [...args] }), own: async () => undefined };
  }
  const ids = (await findOwner(home)) ?? (await findIds()) ?? (await createAccount(log));
  const own = (path: string): Promise<void> => chown(path, ids.uid, ids.gid);

  for (const path of paths) {
    if (await canReach(path, ids)) continue;
    log.debug(
      { path },
      "the server's user can't reach this path; starting the server with a capability that allows it",
    );
    return { command: await commandPastPermissions(path, ids), own };
  }
  return { command: (program, args) => ({ program, args: [...args], ...ids }), own };
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

async function findOwner(path: string): Promise<Ids | undefined> {
  try {
    const { uid, gid } = await stat(path);
    return uid === 0 ? undefined : { uid, gid };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function findIds(): Promise<Ids | undefined> {
  try {
    const [user, group] = await Promise.all([run("id", ["-u", ACCOUNT_NAME]), run("id", ["-g", ACCOUNT_NAME])]);
    return { uid: Number(user.stdout), gid: Number(group.stdout) };
  } catch {
    return undefined;
  }
}

async function createAccount(log: DatabaseLog): Promise<Ids> {
  log.info({}, `creating the system user ${ACCOUNT_NAME}: PostgreSQL does not run as root`);
  const failure = await run("useradd", ["--system", "--user-group", "--shell", "/usr/sbin/nologin", ACCOUNT_NAME]).then(
    () => undefined,
    (error: unknown) => error,
  );
  const ids = await findIds();
  if (ids !== undefined) return ids;
  throw new DatabaseStartError(
    `PostgreSQL does not run as root and the user ${ACCOUNT_NAME} can't be created; start as another user, or set DATABASE_URL`,
    { cause: failure },
  );
}

const SEARCH = 1;

async function canReach(path: string, { uid, gid }: Ids): Promise<boolean> {
  for (let current = path; ; current = dirname(current)) {
    const { mode, uid: owner, gid: group } = await stat(current);
    const shift = owner === uid ? 6 : group === gid ? 3 : 0;
    if (((mode >> shift) & SEARCH) === 0) return false;
    if (current === dirname(current)) return true;
  }
}

/**
 * A checkout below /root is closed to every other user, so the server keeps one capability of root: to read and search in
 * spite of permissions or, where a container lacks that one, to ignore permissions altogether.
 */
const CAPABILITIES = ["dac_read_search", "dac_override"] as const;

async function commandPastPermissions(path: string, { uid, gid }: Ids): Promise<ServerAccount["command"]> {
  for (const capability of CAPABILITIES) {
    const before = [
      ...[`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"],
      ...[`--inh-caps=+${capability}`, `--ambient-caps=+${capability}`],
      // Otherwise access(2), which initdb uses to find its programs, ignores the capability.
      "--securebits=+no_setuid_fixup",
    ];
    const works = await run("setpriv", [...before, "test", "-x", path]).then(
      () => true,
      () => false,
    );
    if (works) return (program, args) => ({ program: "setpriv", args: [...before, program, ...args] });
  }
  throw new DatabaseStartError(
    `PostgreSQL does not run as root, and user ${uid} can't reach ${path}; move the checkout to a folder that other users can reach, start as another user, or set DATABASE_URL`,
  );
}
