import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { mintToken } from "../../src/auth/index.ts";
import { ownProcess } from "./belongings.ts";
import type { Reply } from "./service.ts";

/** The built service in its own process. */
export interface ServiceProcess {
  readonly child: ChildProcess;
  /** Its output so far, of both streams. */
  output(): string;
  /** Resolves once the output contains `text`; rejects if the process ends first. */
  printed(text: string): Promise<void>;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/**
 * Runs dist/main.js, which `npm run build` makes, with only PATH of our own environment.
 *
 * @param root the folder that has dist/.
 */
export function startProcess(environment: Record<string, string>, root = "."): ServiceProcess {
  const child = spawn(process.execPath, ["dist/main.js"], {
    cwd: root,
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  ownProcess(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const ended = once(child, "close").then(([code, signal]): number | NodeJS.Signals => signal ?? code);
  return {
    child,
    output: () => output,
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (output.includes(text)) resolve();
        };
        for (const stream of [child.stdout, child.stderr]) stream.on("data", look);
        look();
        void ended.then((code) => reject(new Error(`ended with ${code} before it printed ${text}:\n${output}`)));
      }),
  };
}

/** The built service on a free port, called by an admin. */
export interface Instance {
  readonly process: ServiceProcess;
  readonly port: number;
  /** An admin's token. */
  readonly token: string;
  call(method: string, request: object, headers?: Record<string, string>): Promise<Reply>;
}

const SECRET = "a secret for tests, 32 bytes or more";

/** Starts the service as in production, on an existing database; its port is a free one or PORT. */
export async function startInstance(databaseUrl: string, environment: Record<string, string> = {}): Promise<Instance> {
  const port = Number(environment["PORT"] ?? (await freePort()));
  const instance = startProcess({
    NODE_ENV: "production",
    DATABASE_URL: databaseUrl,
    AUTH_JWT_SECRET: SECRET,
    CORS_ALLOWED_ORIGINS: "none",
    PORT: `${port}`,
    ...environment,
  });
  await instance.printed('"msg":"started"');
  const token = await mintToken(SECRET, { subject: "root", scope: "finance.admin", lifetimeSeconds: 600 });
  return {
    process: instance,
    port,
    token,
    call: async (method, request, headers = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}/twirp/finance.v1.FinanceService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}`, ...headers },
        body: JSON.stringify(request),
      });
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
  };
}

/** Below the ports that the system hands out itself, and without 10080, which `fetch` refuses. */
const PORTS = { first: 11_000, perWorker: 1000, workersMax: 20 };
let nextPort = Math.floor(Math.random() * PORTS.perWorker);

/** A port that was free a moment ago. Test files that run at the same time get different ones. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env["VITEST_POOL_ID"] ?? 0) % PORTS.workersMax;
  for (;;) {
    nextPort = (nextPort + 1) % PORTS.perWorker;
    const port = PORTS.first + worker * PORTS.perWorker + nextPort;
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
