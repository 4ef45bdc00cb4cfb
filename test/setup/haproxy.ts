import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./process.ts";

const CONFIGURATION = fileURLToPath(new URL("../../deploy/haproxy.cfg", import.meta.url));

/** Whether HAProxy is installed here. */
export const hasHaproxy = ((): boolean => {
  try {
    execFileSync("haproxy", ["-v"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** HAProxy with the configuration that ships. */
export interface Haproxy {
  readonly url: string;
  /** The port of its metrics. */
  readonly metricsPort: number;
  /** Its log without successful calls, to print when a test fails. */
  complaints(): string;
  stop(): Promise<void>;
}

/** Starts HAProxy with the shipped configuration, except for its port and the API's addresses (in Docker: from DNS). */
export async function startHaproxy(port: number, serverPorts: readonly number[]): Promise<Haproxy> {
  const directory = await mkdtemp(join(tmpdir(), "finance-haproxy-"));
  const path = join(directory, "haproxy.cfg");
  const shipped = await readFile(CONFIGURATION, "utf8");
  const servers = serverPorts.map((serverPort) => `  server api${serverPort} 127.0.0.1:${serverPort}`);
  const metricsPort = await freePort();
  const measured = replaceLine(shipped, /^ {2}bind :8405$/m, `  bind 127.0.0.1:${metricsPort}`);
  const listening = replaceLine(measured, /^ {2}bind :9707$/m, `  bind 127.0.0.1:${port}`);
  await writeFile(path, replaceLine(listening, /^ {2}server-template .*$/m, servers.join("\n")));
  const child = spawn("haproxy", ["-db", "-f", path], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const exited = once(child, "exit");
  return {
    url: `http://127.0.0.1:${port}`,
    metricsPort,
    complaints: () => output.replaceAll(/^.* 200 .*\n/gm, ""),
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      await rm(directory, { recursive: true });
    },
  };
}

function replaceLine(text: string, line: RegExp, by: string): string {
  if (!line.test(text)) throw new Error(`deploy/haproxy.cfg has no line like ${line}`);
  return text.replace(line, by);
}
