import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import autocannon from "autocannon";

/** What a path did under load. */
export interface Load {
  /** Answers of status 200 or 204 a second. */
  readonly rate: number;
  /** All calls that were answered. */
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers of any other status, and calls without one. */
  readonly failures: number;
}

export interface LoadOptions {
  readonly url: string;
  readonly method?: "POST" | "OPTIONS";
  readonly headers: Readonly<Record<string, string>>;
  /** A body for each call; the same for all unless it is a function. */
  readonly body?: string | Buffer | (() => string);
  readonly connections: number;
  readonly seconds: number;
}

/** What sends the calls: wrk where it is installed, since it leaves more of the machine to the server. */
export const loadTool: "wrk" | "autocannon" = hasWrk() ? "wrk" : "autocannon";

/** Sends as many calls as `connections` keep-alive connections can in `seconds`. */
export function load(options: LoadOptions): Promise<Load> {
  const { body } = options;
  return loadTool === "wrk" && typeof body !== "function"
    ? loadWithWrk(options, body ?? "")
    : loadWithAutocannon(options);
}

function hasWrk(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v wrk"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function loadWithWrk(options: LoadOptions, body: string | Buffer): Promise<Load> {
  const directory = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    const script = join(directory, "calls.lua");
    await writeFile(script, wrkScript(options, Buffer.from(body)));
    const { connections, seconds, url } = options;
    const args = ["--threads", "1", "--connections", `${connections}`, "--duration", `${seconds}s`, "--script", script];
    const { stdout } = await promisify(execFile)("wrk", [...args, url]);
    const [calls = 0, micros = 1, p50 = 0, p99 = 0, badStatus = 0, lost = 0] = (stdout.split("RESULT ")[1] ?? "")
      .split(" ")
      .map(Number);
    return {
      rate: (calls - badStatus) / (micros / 1e6),
      calls,
      p50Ms: p50 / 1000,
      p99Ms: p99 / 1000,
      failures: badStatus + lost,
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

function wrkScript({ method = "POST", headers }: LoadOptions, body: Buffer): string {
  const escaped = [...body].map((byte) => `\\${byte.toString().padStart(3, "0")}`).join("");
  return [
    `wrk.method = ${JSON.stringify(method)}`,
    `wrk.body = "${escaped}"`,
    ...Object.entries(headers).map(
      ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
    ),
    "done = function(summary, latency)",
    "  local errors = summary.errors",
    '  io.write(string.format("RESULT %d %d %d %d %d %d", summary.requests, summary.duration, latency:percentile(50),',
    "    latency:percentile(99), errors.status, errors.connect + errors.read + errors.write + errors.timeout))",
    "end",
  ].join("\n");
}

async function loadWithAutocannon({
  url,
  method = "POST",
  headers,
  body,
  connections,
  seconds,
}: LoadOptions): Promise<Load> {
  const next = typeof body === "function" ? body : undefined;
  const result = await autocannon({
    url,
    method,
    headers,
    connections,
    duration: seconds,
    timeout: seconds + 5,
    ...(typeof body !== "function" && body !== undefined && { body }),
    ...(next !== undefined && {
      requests: [{ setupRequest: (request: autocannon.Request) => ({ ...request, body: next() }) }],
    }),
  });
  const answered = result["2xx"];
  return {
    rate: answered / result.duration,
    calls: result.requests.total,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failures: result.errors + result.timeouts + (result.requests.total - answered),
  };
}
