/** Reads the processes of this machine, which Linux alone lets every program do. */
import { readdir, readFile, readlink } from "node:fs/promises";

/** A server's use of resources so far. */
export interface ServerUsage {
  /** Microseconds of user CPU time. */
  readonly userUs: number;
  /** Microseconds of system CPU time. */
  readonly systemUs: number;
  /** Peak memory. */
  readonly rssMaxBytes: number;
}

/** Whether the CPU time of other processes can be read. */
export const canReadProcesses = process.platform === "linux";

/** Linux reports CPU times in hundredths of a second, whatever its own clock. */
const TICK_US = 10_000;

// Fields of /proc/PID/stat, counted from the one after the name. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
const PARENT = 1;
const USER = 11;
const SYSTEM = 12;
/** Those of children that have ended. */
const ENDED_USER = 13;
const ENDED_SYSTEM = 14;

/** The process and its children, now and ended, have used this many microseconds of CPU time; 0 where it can't be read. */
export async function readTreeUs(pid: number): Promise<number> {
  if (!canReadProcesses) return 0;
  const { userUs, systemUs } = await readTree(pid);
  return userUs + systemUs;
}

/** What a process and its children have used. Its peak memory is its own. */
export async function readUsage(pid: number): Promise<ServerUsage> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kibibytes = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  return { ...(await readTree(pid)), rssMaxBytes: kibibytes * 1024 };
}

/** The process that listens on a TCP port. @throws Error when there is none, or this user may not see it. */
export async function listeningProcess(port: number): Promise<number> {
  if (!canReadProcesses) throw new Error("only on Linux can the processor time of another server be read");
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
  );
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  // Fields: number, local address, remote address, state (0A listens), four others, user, time-out, inode.
  const sockets = tables
    .flatMap((table) => table.split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => local.endsWith(`:${hexPort}`) && state === "0A")
    .map((fields) => `socket:[${fields[9]}]`);
  for (const pid of await allProcesses()) {
    const open = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of open) {
      const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "");
      if (sockets.includes(target)) return pid;
    }
  }
  throw new Error(`no process of this user listens on port ${port}`);
}

async function readTree(root: number): Promise<{ readonly userUs: number; readonly systemUs: number }> {
  let userUs = 0;
  let systemUs = 0;
  for (const pid of await allProcesses()) {
    // The process may have ended meanwhile.
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    if (pid !== root && fields[PARENT] !== root) continue;
    const ticks = (own: number, ended: number) => (fields[own] ?? 0) + (pid === root ? (fields[ended] ?? 0) : 0);
    userUs += ticks(USER, ENDED_USER) * TICK_US;
    systemUs += ticks(SYSTEM, ENDED_SYSTEM) * TICK_US;
  }
  return { userUs, systemUs };
}

async function allProcesses(): Promise<number[]> {
  return (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number);
}
