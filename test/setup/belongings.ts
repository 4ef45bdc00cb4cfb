/**
 * What a run makes outside of its own process: directories with the programs that run in them, the service's processes, network
 * namespaces and bridges.
 *
 * If the run is interrupted, it removes them before it ends: on a signal, and when the process that started it (vitest, or the
 * shell of npm) is gone. A list on disk names them, so that the next run can remove those of a run that was killed with SIGKILL.
 */
import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A process is named by its id and its start time. */
type Kind = "process" | "directory" | "namespace" | "bridge";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const LIST = /^finance-run-(\d+)-(\d+)$/;
const ownList = join(tmpdir(), `finance-run-${process.pid}-${statusOf(process.pid)?.started ?? 0}`);

const belongings = new Set<string>();
let isFirst = true;
let parentWatch: NodeJS.Timeout | undefined;

/**
 * Call it before making the thing.
 *
 * @returns a function to call once the thing is removed.
 */
export function own(kind: Kind, name: string): () => void {
  if (isFirst) removeLeftovers();
  isFirst = false;
  if (belongings.size === 0) watchForEnd("on");
  const line = `${kind} ${name}`;
  belongings.add(line);
  save();
  return () => {
    belongings.delete(line);
    save();
    if (belongings.size === 0) watchForEnd("off");
  };
}

/** Makes a directory for temporary files. Programs whose working directory is in it are killed before it is removed. */
export function makeOwnDirectory(prefix: string): { path: string; remove(): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const disown = own("directory", path);
  return {
    path,
    remove: async () => {
      killThoseIn(path);
      await rm(path, { recursive: true, force: true, maxRetries: 20 });
      disown();
    },
  };
}

/** Owns a process until it ends. */
export function ownProcess(child: ChildProcess): void {
  const started = child.pid === undefined ? undefined : statusOf(child.pid)?.started;
  if (started !== undefined) child.once("exit", own("process", `${child.pid} ${started}`));
}

/** The processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return processes().filter((candidate) => statusOf(candidate)?.parent === pid);
}

function save(): void {
  if (belongings.size === 0) rmSync(ownList, { force: true });
  else writeFileSync(ownList, [...belongings].join("\n"));
}

function watchForEnd(change: "on" | "off"): void {
  for (const signal of SIGNALS) process[change](signal, endBySignal);
  process[change]("exit", removeOwn);
  clearInterval(parentWatch);
  if (change === "off") return;
  const parent = process.ppid;
  parentWatch = setInterval(() => process.ppid === parent || endBySignal("SIGTERM"), 200).unref();
}

function endBySignal(signal: NodeJS.Signals): void {
  watchForEnd("off");
  removeOwn();
  process.kill(process.pid, signal);
}

function removeOwn(): void {
  removeAll([...belongings]);
  belongings.clear();
  save();
}

/** Removes the belongings of all runs that are dead. */
function removeLeftovers(): void {
  // On systems other than Linux nobody knows which runs are dead.
  if (statusOf(process.pid) === undefined) return;
  for (const entry of readdirSync(tmpdir())) {
    const [, pid, started] = LIST.exec(entry) ?? [];
    if (started === undefined || statusOf(Number(pid))?.started === started) continue;
    const path = join(tmpdir(), entry);
    try {
      removeAll(readFileSync(path, "utf8").split("\n"));
    } catch (error) {
      // Another run, which started at the same time, was quicker.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    rmSync(path, { force: true });
  }
}

function removeAll(lines: readonly string[]): void {
  const ofKind = (wanted: Kind) =>
    lines.flatMap((line) => (line.startsWith(`${wanted} `) ? [line.slice(wanted.length + 1)] : []));
  for (const name of ofKind("process")) {
    const [pid, started] = name.split(" ");
    if (statusOf(Number(pid))?.started === started) kill(Number(pid));
  }
  for (const directory of ofKind("directory")) {
    killThoseIn(directory);
    rmSync(directory, { recursive: true, force: true, maxRetries: 20 });
  }
  for (const namespace of ofKind("namespace")) ip("netns", "del", namespace);
  for (const bridge of ofKind("bridge")) ip("link", "del", bridge);
}

/** Kills the processes whose working directory is below `directory`, again until none is left, as they may start others. */
export function killThoseIn(directory: string): void {
  const end = Date.now() + 10_000;
  for (;;) {
    const within = processes().filter((pid) => {
      try {
        return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${directory}/`);
      } catch {
        return false;
      }
    });
    if (within.length === 0 || Date.now() > end) return;
    within.forEach(kill);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function ip(...args: string[]): void {
  try {
    execFileSync("/usr/sbin/ip", args, { stdio: "ignore" });
  } catch {
    // It was not made yet, or is removed.
  }
}

function processes(): number[] {
  try {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    return [];
  }
}

/** A process that has not ended; undefined if there is none, or on systems other than Linux. */
function statusOf(pid: number): { parent: number; started: string } | undefined {
  try {
    // After the name, which ends with the last parenthesis. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, parent] = fields;
    const started = fields[19];
    return state === "Z" || started === undefined ? undefined : { parent: Number(parent), started };
  } catch {
    return undefined;
  }
}
