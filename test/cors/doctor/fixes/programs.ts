/** Servers of other projects, started with a configuration of our own on a free port. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { makeOwnDirectory, ownProcess } from "../../../setup/belongings.ts";
import { freePort } from "../../../setup/process.ts";
import type { RunningServer, Start } from "./scenes.ts";

/** CI installs all of them. */
export const isRequired = process.env["CI"] !== undefined;

/** Whether the command runs here. */
export function isInstalled(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a program in a directory of its own, which is removed when the program stops.
 *
 * @param prepare writes the files that the server needs into the directory, and returns the command that starts it there.
 */
export function starter(
  prepare: (directory: string, port: number, code: string) => Promise<readonly [command: string, ...args: string[]]>,
): Start {
  return async (setting, rest, removed) => {
    const { path: directory, remove } = makeOwnDirectory("finance-fixes-");
    const port = await freePort();
    try {
      const [command, ...args] = await prepare(directory, port, [setting, removed, rest].join("\n"));
      const server = await startProgram(command, args, port, directory);
      return {
        port,
        stop: async () => {
          await server.stop();
          await remove();
        },
      };
    } catch (error) {
      await remove();
      throw error;
    }
  };
}

/** Starts a program and waits until it listens. */
async function startProgram(
  command: string,
  args: readonly string[],
  port: number,
  directory: string,
): Promise<RunningServer> {
  const env = { PATH: process.env["PATH"], HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
  const child = spawn(command, args, { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] });
  ownProcess(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const exited = once(child, "exit");
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}:\n${output}`);
    await setTimeout(10);
  }
  return {
    port,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
