import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What a server has used so far. */
export interface ServerUsage {
  /** Microseconds of processor time in the program itself. */
  readonly userUs: number;
  /** Microseconds of processor time in the kernel on its behalf. */
  readonly systemUs: number;
  /** The most memory that it ever had. */
  readonly rssMaxBytes: number;
}

/** What a server tells the benchmark when it listens and whenever it is asked. */
export interface ServerReport {
  readonly port: number;
  readonly usage: ServerUsage;
}

/** A program of this folder, as `baselines/raw-http`, which calls `serve`. */
export interface ServerProgram {
  /** Below `bench`, without its ending. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Added to the benchmark's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A server in a process of its own. */
export interface ServerProcess {
  readonly url: string;
  usage(): Promise<ServerUsage>;
  stop(): Promise<void>;
}

/** Starts a server. What it prints, as its access log, goes nowhere; its errors are shown. */
export async function startServer({ program, args = [], environment }: ServerProgram): Promise<ServerProcess> {
  // Bundled, the programs lie beside this one.
  const child = fork(fileURLToPath(new URL(`${program}.mjs`, import.meta.url)), args, {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: [],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, "exit");
  const { port } = await report(child);
  return {
    url: `http://127.0.0.1:${port}`,
    async usage() {
      child.send("usage");
      const { usage } = await report(child);
      return usage;
    },
    async stop() {
      // One that has crashed is gone already.
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
    // Of the many things a process may send, our programs send only this.
    const [message] = (await Promise.race([once(child, "message", { signal }), gone])) as [ServerReport];
    return message;
  } finally {
    gone.catch(() => undefined);
    answered.abort();
  }
}
