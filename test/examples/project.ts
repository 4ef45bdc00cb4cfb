import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inject, vi } from "vitest";

/** What examples and the building of packages need. */
const SOURCES = ["examples", "generated", "package.json", "packages"];

/**
 * Copies the project, with dependencies linked and packages built: examples generate code, and packages in place are
 * nobody's to build while other tests run.
 */
export async function copyProject(): Promise<string> {
  const copy = await mkdtemp(join(inject("scratch"), "project-"));
  const filter = (path: string) => !path.endsWith("/dist");
  for (const name of SOURCES) await cp(name, join(copy, name), { recursive: true, filter });
  // Without its references to parts that are not copied.
  const { compilerOptions } = JSON.parse(await readFile("tsconfig.json", "utf8"));
  await writeFile(join(copy, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  await symlink(join(process.cwd(), "dist"), join(copy, "dist"));
  const own = "@finance-service";
  await mkdir(join(copy, "node_modules", own), { recursive: true });
  for (const name of await readdir("node_modules")) {
    if (name !== own && name !== ".cache") {
      await symlink(join(process.cwd(), "node_modules", name), join(copy, "node_modules", name));
    }
  }
  for (const name of await readdir("packages")) {
    await symlink(join(copy, "packages", name), join(copy, "node_modules", own, name));
  }
  const build = runCommands("npm run build:packages", { cwd: copy });
  if ((await build.ended) !== 0) throw new Error(build.output());
  return copy;
}

/** The blocks of commands in an example's README, in order. */
export async function commandsOf(example: string): Promise<string[]> {
  const text = await readFile(`examples/${example}/README.md`, "utf8");
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, commands = ""]) => commands);
}

export interface Running {
  output(): string;
  /** Resolves once the output holds `text`; fails when the commands end before. */
  printed(text: string | RegExp): Promise<void>;
  /** The exit code of the last command, or of the first that failed. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** Runs a block of commands as a person would paste it. */
export function runCommands(commands: string, options: { cwd?: string; env?: Record<string, string> }): Running {
  const { PATH, HOME } = process.env;
  const child: ChildProcess = spawn("sh", ["-e", "-c", commands], {
    ...options,
    env: { PATH, HOME, NO_COLOR: "1", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: `stop` ends what the shell started, too.
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => (output += text));
  const ended = once(child, "close").then(([code]): number | null => code);
  return {
    output: () => output,
    ended,
    async printed(text) {
      const over = ended.then((code) => {
        throw new Error(`ended with ${code} before it printed ${text}:\n${output}`);
      });
      const seen = vi.waitUntil(() => (typeof text === "string" ? output.includes(text) : text.test(output)), 30_000);
      await Promise.race([seen, over]);
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), "SIGTERM");
      await ended;
    },
  };
}
