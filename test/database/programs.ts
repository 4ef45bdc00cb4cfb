import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..", "..");

/** Programs bundled as `npm run build` does, so that a plain Node process can run them. */
export interface Programs {
  /** The bundle of an entry, which is a path from the root without its extension. */
  path(entry: string): string;
  remove(): Promise<void>;
}

export async function buildPrograms(entries: readonly string[]): Promise<Programs> {
  // Below the root, so that packages are found; all tools ignore it.
  const cache = join(ROOT, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "programs-"));
  await build({
    absWorkingDir: ROOT,
    entryPoints: [...entries],
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    outbase: ".",
    outdir: folder,
    logLevel: "warning",
  });
  return {
    path: (entry) => join(folder, `${entry}.js`),
    remove: async () => await rm(folder, { recursive: true, force: true }),
  };
}

/** A running program and its output so far. */
export interface RunningProgram {
  readonly child: ChildProcess;
  readonly pid: number;
  output(): string;
  errors(): string;
  /** @returns the exit code, or the signal's name. */
  readonly ended: Promise<number | string | null>;
}

/** Starts a program in a process group of its own. */
export async function startProgram(path: string, args: readonly string[], env = process.env): Promise<RunningProgram> {
  const child = spawn(process.execPath, [path, ...args], { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    errors += chunk;
  });
  const ended = once(child, "close").then(([code, signal]) => code ?? signal);
  await once(child, "spawn");
  return { child, pid: child.pid ?? 0, output: () => output, errors: () => errors, ended };
}
