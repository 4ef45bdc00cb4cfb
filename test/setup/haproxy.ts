import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { policyForProxy, readCorsPolicy } from "../../packages/cors/src/index.ts";
import { makeOwnDirectory } from "./belongings.ts";
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

/** HAProxy with the configuration in deploy/. */
export interface Haproxy {
  readonly url: string;
  /** The port of its metrics. */
  readonly metricsPort: number;
  /** The port of HTTPS, if it has a certificate. */
  readonly tlsPort: number;
  /** Its log without successful calls, to print when a test fails. */
  complaints(): string;
  stop(): Promise<void>;
}

export interface HaproxyOptions {
  /** As CORS_ALLOWED_ORIGINS, from which the shipped command makes the proxy's policy. Default: the default of development. */
  readonly allowedOrigins?: string;
  /** More CORS_* variables. */
  readonly corsVariables?: Record<string, string>;
  /** Milliseconds until a call without an answer gets 504. Default: as shipped. */
  readonly answerMs?: number;
  /** A file with a certificate and its key, for HTTPS. Default: none. */
  readonly certificate?: string;
}

/** Starts HAProxy with the shipped configuration, except for its port and the API's addresses (in Docker: from DNS). */
export async function startHaproxy(
  port: number,
  serverPorts: readonly number[],
  { allowedOrigins = "", corsVariables = {}, answerMs, certificate }: HaproxyOptions = {},
): Promise<Haproxy> {
  const { path: directory, remove } = makeOwnDirectory("finance-haproxy-");
  const path = join(directory, "haproxy.cfg");
  const read = readCorsPolicy({ CORS_ALLOWED_ORIGINS: allowedOrigins, ...corsVariables });
  if (!read.ok) throw new Error(read.mistakes.join("\n"));
  for (const [name, content] of Object.entries(policyForProxy(read.policy)))
    await writeFile(join(directory, name), content);
  const servers = serverPorts.map((serverPort) => `  server api${serverPort} 127.0.0.1:${serverPort}`);
  const metricsPort = await freePort();
  const tlsPort = await freePort();
  let text = await readFile(CONFIGURATION, "utf8");
  text = replaceLines(text, /^ {2}default-path config$/gm, `  default-path origin ${dirname(CONFIGURATION)}`);
  text = replaceLines(text, /^ {2}bind :8405$/gm, `  bind 127.0.0.1:${metricsPort}`);
  text = replaceLines(text, /^ {2}bind :9707$/gm, `  bind 127.0.0.1:${port}`);
  text = replaceLines(text, /^ {2}bind :9443/gm, `  bind 127.0.0.1:${tlsPort}`);
  text = replaceLines(text, /^ {2}server-template .*$/gm, servers.join("\n"));
  text = replaceLines(text, /^ {2}server first .*$/gm, `  server first 127.0.0.1:${serverPorts[0]} backup`);
  if (answerMs !== undefined) text = replaceLines(text, /^ {2}timeout server .*$/gm, `  timeout server ${answerMs}ms`);
  await writeFile(path, text);
  const child = spawn("haproxy", ["-db", "-f", path], {
    cwd: directory,
    env: {
      PATH: process.env["PATH"],
      CORS_DIRECTORY: directory,
      ...(certificate !== undefined && { TLS_CERTIFICATE: certificate }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const exited = once(child, "exit");
  return {
    url: `http://127.0.0.1:${port}`,
    metricsPort,
    tlsPort,
    complaints: () => output.replaceAll(/^.* 200 .*\n/gm, ""),
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      await remove();
    },
  };
}

function replaceLines(text: string, line: RegExp, by: string): string {
  const replaced = text.replace(line, by);
  if (replaced === text) throw new Error(`deploy/haproxy.cfg has no line like ${line}`);
  return replaced;
}
