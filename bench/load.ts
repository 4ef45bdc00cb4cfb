import { execFile, execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import autocannon from "autocannon";

/** A path's figures under load. */
export interface Load {
  /** Answers with status 200 or 204, a second. */
  readonly rate: number;
  /** Answered calls. */
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Answers with any other status, and calls without an answer. */
  readonly failures: number;
}

export interface LoadOptions {
  readonly url: string;
  readonly method?: "POST" | "OPTIONS";
  readonly headers: Readonly<Record<string, string>>;
  /** One body for all calls, or a list that the calls cycle through. Each {@link UNIQUE_KEY} in it is replaced by a new key. */
  readonly body?: string | Buffer | readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** Waits for every call, even beyond `seconds`. */
  readonly patient?: boolean;
}

/** A placeholder for a key that no other call has, as long as the UUID that replaces it. */
export const UNIQUE_KEY = "~unique-key-of-as-many-characters-as";

/** The load generator: wrk where it is installed, since it leaves more CPU to the server. */
export const loadTool: "wrk" | "autocannon" = hasWrk() ? "wrk" : "autocannon";

/** A longer call counts as failed; the service's own deadline is shorter. */
const TIMEOUT_SECONDS = 60;

/** Sends calls over `connections` keep-alive connections for `seconds`. */
export function load(options: LoadOptions): Promise<Load> {
  if (options.patient) return loadPatiently(options);
  return loadTool === "wrk" ? loadWithWrk(options) : loadWithAutocannon(options);
}

/**
 * Sends one call from each of `connections` callers, so that an idle server opens its connections to the database.
 *
 * @throws Error with the answer when it is not of status 200 or 204.
 */
export async function wake(options: Omit<LoadOptions, "seconds">): Promise<void> {
  const { url, method = "POST", headers, connections } = options;
  const nextBody = bodySource(options);
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const response = await fetch(url, { method, headers, body: nextBody() });
      const answer = await response.text();
      if (!response.ok) throw new Error(`${url} answered ${response.status}: ${answer}`);
    }),
  );
}

function hasWrk(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v wrk"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function loadWithWrk(options: LoadOptions): Promise<Load> {
  const directory = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    const script = join(directory, "calls.lua");
    await writeFile(script, wrkScript(options));
    const { connections, seconds, url } = options;
    const { stdout } = await promisify(execFile)("wrk", [
      // There is one thread, so one counter makes the keys unique.
      ...["--threads", "1", "--connections", `${connections}`, "--duration", `${seconds}s`],
      ...["--timeout", `${TIMEOUT_SECONDS}s`, "--script", script, url],
    ]);
    const [calls = 0, micros = 1, p50 = 0, p99 = 0, p999 = 0, badStatus = 0, lost = 0] = (
      stdout.split("RESULT ")[1] ?? ""
    )
      .split(" ")
      .map(Number);
    return {
      rate: (calls - badStatus) / (micros / 1e6),
      calls,
      p50Ms: p50 / 1000,
      p99Ms: p99 / 1000,
      p999Ms: p999 / 1000,
      // A path without any answer has no figures.
      failures: badStatus + lost + (calls === 0 ? 1 : 0),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Requests are made in advance, so that a call costs wrk a look-up, and one with keys a concatenation. */
function wrkScript(options: LoadOptions): string {
  const { prefix } = freshKeys();
  return [
    `local calls = { ${bodiesOf(options)
      .map((body) => luaParts(wholeRequest(options, body)))
      .join(",\n")} }`,
    "local call, key = 0, 0",
    "request = function()",
    "  call = call % #calls + 1",
    "  local parts = calls[call]",
    "  if #parts == 1 then return parts[1] end",
    "  local pieces = { parts[1] }",
    "  for index = 2, #parts do",
    "    key = key + 1",
    `    pieces[#pieces + 1] = string.format("${prefix}%012x", key)`,
    "    pieces[#pieces + 1] = parts[index]",
    "  end",
    "  return table.concat(pieces)",
    "end",
    "done = function(summary, latency)",
    "  local errors = summary.errors",
    '  io.write(string.format("RESULT %d %d %d %d %d %d %d", summary.requests, summary.duration,',
    "    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), errors.status, errors.connect + errors.read + errors.write + errors.timeout))",
    "end",
  ].join("\n");
}

function wholeRequest({ url, method = "POST", headers }: LoadOptions, body: Buffer): Buffer {
  const { host, pathname } = new URL(url);
  const lines = Object.entries({ host, ...headers, "content-length": body.length }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return Buffer.concat([Buffer.from(`${[`${method} ${pathname} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`), body]);
}

/** The text between the keys. */
function luaParts(request: Buffer): string {
  // Latin-1 has a character for each byte.
  const parts = request.toString("latin1").split(UNIQUE_KEY);
  const escaped = parts.map((part) =>
    part.replace(/[^ !#-[\]-~]/g, (byte) => `\\${byte.charCodeAt(0).toString().padStart(3, "0")}`),
  );
  return `{ ${escaped.map((part) => `"${part}"`).join(", ")} }`;
}

function bodiesOf({ body = "" }: LoadOptions): Buffer[] {
  const bodies = typeof body === "string" || Buffer.isBuffer(body) ? [body] : body;
  return bodies.map((text) => Buffer.from(text));
}

/** Keys that look like UUIDs: a random prefix for each load, then a counter. */
function freshKeys(): { readonly prefix: string; next(): string } {
  const prefix = randomUUID().slice(0, -12);
  let count = 0;
  return {
    prefix,
    next() {
      count += 1;
      return `${prefix}${count.toString(16).padStart(12, "0")}`;
    },
  };
}

/** Cycles through the bodies, with new keys each time. */
function bodySource({ body = "" }: Pick<LoadOptions, "body">): () => string | Buffer {
  const keys = freshKeys();
  const bodies = typeof body === "string" || Buffer.isBuffer(body) ? [body] : body;
  let call = 0;
  return () => {
    const next = bodies[call % bodies.length] ?? "";
    call += 1;
    return Buffer.isBuffer(next) ? next : next.replaceAll(UNIQUE_KEY, keys.next);
  };
}

async function loadWithAutocannon(options: LoadOptions): Promise<Load> {
  const { url, method = "POST", headers, connections, seconds } = options;
  const nextBody = bodySource(options);
  const result = await autocannon({
    url,
    method,
    headers,
    connections,
    duration: seconds,
    timeout: TIMEOUT_SECONDS,
    requests: [{ setupRequest: (request: autocannon.Request) => ({ ...request, body: nextBody() }) }],
  });
  const answered = result["2xx"];
  return {
    rate: answered / result.duration,
    calls: result.requests.total,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    p999Ms: result.latency.p99_9,
    failures: result.errors + result.timeouts + (result.requests.total - answered),
  };
}

async function loadPatiently(options: LoadOptions): Promise<Load> {
  const { connections, seconds } = options;
  const nextBody = bodySource(options);
  const tookMs: number[] = [];
  let failures = 0;
  const startedMs = performance.now();
  const call = async (): Promise<void> => {
    while (performance.now() < startedMs + seconds * 1000) {
      const sentMs = performance.now();
      if (!(await isAnswered(options, nextBody()))) failures += 1;
      tookMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, call));
  const elapsedMs = performance.now() - startedMs;
  tookMs.sort((a, b) => a - b);
  const quantile = (part: number) => tookMs[Math.ceil(tookMs.length * part) - 1] ?? 0;
  return {
    rate: (tookMs.length - failures) / (elapsedMs / 1000),
    calls: tookMs.length,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    p999Ms: quantile(0.999),
    failures,
  };
}

async function isAnswered({ url, method = "POST", headers }: LoadOptions, body: string | Buffer): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
    const response = await fetch(url, { method, headers, body, signal });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
