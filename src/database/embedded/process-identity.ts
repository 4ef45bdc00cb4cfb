import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** Where neither /proc nor ps tells, a process is known by its id alone. */
const UNKNOWN = "unknown";

/** In /proc/PID/stat, counted from what follows the command's closing parenthesis. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const STATE = 0;
const START_TIME = 19;

/** A process, told apart from later ones with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system tells it; comparable only with the same system's answers. */
  readonly started: string;
}

/** @returns undefined when no such process runs. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (!hasEntry(pid)) return undefined;
  if (process.platform === "linux") return await identifyOnLinux(pid);
  if (process.platform === "win32") return { pid, started: UNKNOWN };
  const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]).catch(() => ({
    stdout: "",
  }));
  return stdout === "" ? undefined : { pid, started: stdout.trim() };
}

/** Whether the very process that was identified earlier still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const current = await identifyProcess(identity.pid);
  if (current === undefined) return false;
  return current.started === identity.started || current.started === UNKNOWN || identity.started === UNKNOWN;
}

async function identifyOnLinux(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie runs no more; it only waits for its parent to take note.
    if (fields[STATE] === "Z") return undefined;
    // The start time counts from the boot.
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return { pid, started: `${boot.trim()} ${fields[START_TIME]}` };
  } catch {
    return hasEntry(pid) ? { pid, started: UNKNOWN } : undefined;
  }
}

/** Whether the system still knows the id: one whose parent never took note of its end stays known. */
export function hasEntry(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It exists, but belongs to somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
