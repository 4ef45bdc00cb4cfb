import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { errorCode } from "../connection-errors.ts";

/** The start time of a process on systems that do not report it. */
const UNKNOWN = "unknown";

/** Fields of /proc/PID/stat after the command in parentheses. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const STATE = 0;
const START_TIME = 19;

/** Identifies a process, even after another one has got its id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in a form of the system's own. */
  readonly started: string;
}

/** @returns undefined when no such process runs. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (!hasEntry(pid)) return undefined;
  if (process.platform === "linux") return await identifyOnLinux(pid);
  if (process.platform === "win32") return { pid, started: UNKNOWN };
  const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", `${pid}`]).catch(() => ({ stdout: "" }));
  return stdout === "" ? undefined : { pid, started: stdout.trim() };
}

/** Whether this process still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const current = await identifyProcess(identity.pid);
  if (current === undefined) return false;
  return current.started === identity.started || current.started === UNKNOWN || identity.started === UNKNOWN;
}

async function identifyOnLinux(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; its parent has not read its exit status yet.
    if (fields[STATE] === "Z") return undefined;
    // The start time counts from the boot.
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return { pid, started: `${boot.trim()} ${fields[START_TIME]}` };
  } catch {
    return hasEntry(pid) ? { pid, started: UNKNOWN } : undefined;
  }
}

/** Whether the system knows the id. Zombies still count. */
export function hasEntry(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It exists, but belongs to another user.
    return errorCode(error) === "EPERM";
  }
}

/** A directory that only this process uses. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/** Another living process holds the lock. */
export class LockHeldError extends Error {
  override readonly name = "LockHeldError";
  readonly pid: number;

  constructor(pid: number) {
    super(`held by process ${pid}`);
    this.pid = pid;
  }
}

/**
 * Takes the lock that the file at `path` represents. The lock of a dead process is taken over.
 *
 * @throws LockHeldError when another living process holds it; file system errors.
 */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  const self = await identifyProcess(process.pid);
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(self), { mode: 0o644 });
  try {
    while (!(await claim(draft, path)) && !(await takeOver(draft, path)));
  } finally {
    await rm(draft, { force: true });
  }
  return { release: async () => await rm(path, { force: true }) };
}

/** A link appears together with its content, so nobody reads half a lock. */
async function claim(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * If several processes find a dead owner's lock, the one that locks the takeover wins.
 *
 * @returns false if the situation has changed meanwhile.
 */
async function takeOver(draft: string, path: string): Promise<boolean> {
  if (!(await isAbandoned(path))) return false;
  const takeover = `${path}.takeover`;
  if (!(await claim(draft, takeover))) {
    if (await isAbandoned(takeover)) await rm(takeover, { force: true });
    return false;
  }
  try {
    if (!(await isAbandoned(path))) return false;
    await rename(draft, path);
    return true;
  } finally {
    await rm(takeover, { force: true });
  }
}

/**
 * @returns false if there is no lock.
 * @throws LockHeldError if its owner lives.
 */
async function isAbandoned(path: string): Promise<boolean> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return false;
  const owner = parseOwner(text);
  if (owner !== undefined && (await isRunning(owner))) throw new LockHeldError(owner.pid);
  return true;
}

/** @returns undefined if the text is not a lock, for example after a crash of the machine. */
function parseOwner(text: string): ProcessIdentity | undefined {
  try {
    const { pid, started }: Readonly<Record<string, unknown>> = JSON.parse(text);
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}
