import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { listeningProcess, readUsage, type ServerUsage } from "./processes.ts";

/** The report that a server sends when it listens, and on request. */
export interface ServerReport {
  readonly port: number;
  readonly usage: ServerUsage;
}

/** A program of this folder, as `baselines/raw-http`, which calls `serve`. */
export interface ServerProgram {
  /** The path below `bench`, without the extension; or the URL of a server that runs on this machine, as `http://127.0.0.1:9708`. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Added to the benchmark's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A server in its own process. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  usage(): Promise<ServerUsage>;
  stop(): Promise<void>;
}

/** @throws Error when no process of this machine listens there, or it can't be read. */
async function findServer(url: string): Promise<ServerProcess> {
  const pid = await listeningProcess(Number(new URL(url).port || "80"));
  return { url, pid, usage: () => readUsage(pid), stop: async () => undefined };
}

/** Starts a server, or finds the process of one that runs. Its standard output (the access log) is dropped; its errors are shown. */
export async function startServer({ program, args = [], environment }: ServerProgram): Promise<ServerProcess> {
  if (URL.canParse(program)) return await findServer(program);
  // Bundled, the programs lie beside this one.
  const child = fork(fileURLToPath(new URL(`${program}.mjs`, import.meta.url)), args, {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: [],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, "exit");
  const { port } = await report(child);
  // Only a process that could not be started has no id, and that one sends no report.
  const { pid = 0 } = child;
  return {
    url: `http://127.0.0.1:${port}`,
    pid,
    async usage() {
      child.send("usage");
      const { usage } = await report(child);
      return usage;
    },
    async stop() {
      // A crashed server is gone already.
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

async function report(child: ChildProcess): Promise<ServerReport> {
  const answered = new AbortController();
  const { signal } = answered;
  const gone = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`a server of the benchmark ended with ${code}`);
  });
  try {
    // Our programs send nothing else.
    const [message] = (await Promise.race([once(child, "message", { signal }), gone])) as [ServerReport];
    return message;
  } finally {
    gone.catch(() => undefined);
    answered.abort();
  }
}
