import { Agent, request } from "node:http";
import { STATUS_OF_CODE } from "../packages/twirp/src/codes.ts";
import { callerHeaders, ledgerCalls, productEnvironment } from "./ledger-calls.ts";
import { auditLedger, fillLedger } from "./ledger-data.ts";
import { UNIQUE_KEY } from "./load.ts";
import { startScratchPostgres } from "./scratch-postgres.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { atLeast, atMost, rounded, type Suite, type SuiteOptions } from "./suite.ts";

const ACCOUNTS = 10_000;
/** The number of concurrent callers that the service accepts in this suite, and the number that arrives. */
const CAPACITY = 64;
const TIMES = 10;
/** Milliseconds within which they arrive. */
const SPREAD_MS = 1000;

const MIB = 1024 * 1024;

/** The outcomes of one phase's calls. */
interface Phase {
  readonly acceptedMs: number[];
  readonly refusedMs: number[];
  readonly failures: number;
  readonly seconds: number;
  readonly rssMaxBytes: number;
}

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number;
}

/** Ten times as many callers as the service accepts, before and after a phase with as many as it accepts. */
export const overload: Suite = async (options) => {
  const postgres = await startScratchPostgres();
  try {
    const database = await postgres.createDatabase("overload");
    const filled = await fillLedger(database.pool, { accounts: ACCOUNTS, entries: 20_000 });
    const { createTransfer } = ledgerCalls(filled, await callerHeaders());
    const environment = { ...productEnvironment(database.url), MAX_REQUESTS_IN_FLIGHT: `${CAPACITY}` };
    const server = await startServer({ program: "servers/product", environment });
    const run = (callers: number) => measure(server, createTransfer, callers, options);
    try {
      await run(CAPACITY);
      const before = await run(CAPACITY);
      const during = await run(TIMES * CAPACITY);
      const after = await run(CAPACITY);
      const rows = [
        rowOf(`${CAPACITY} callers`, before),
        rowOf(`${TIMES * CAPACITY} callers`, during),
        rowOf(`${CAPACITY} callers again`, after),
      ];
      const marks = [
        atMost(
          "p99 of what is accepted, ten times the callers over one",
          p99(during.acceptedMs) / p99(before.acceptedMs),
          3,
        ),
        atLeast("accepted a second, ten times the callers over one", rateOf(during) / rateOf(before), 0.7),
        atLeast("accepted a second, afterwards over before", rateOf(after) / rateOf(before), 0.8),
        atMost("refusals afterwards", after.refusedMs.length, 0),
        atMost("most memory, afterwards over before", after.rssMaxBytes / before.rssMaxBytes, 1.3),
      ];
      const failures = [before, during, after].reduce((sum, phase) => sum + phase.failures, 0);
      return {
        how: `${options.rounds * options.seconds} s for each line, CreateTransfer over random accounts`,
        rows,
        marks,
        notes: [
          postgres.settings,
          `MAX_REQUESTS_IN_FLIGHT=${CAPACITY}; who is refused waits for half to one and a half of what the refusal says`,
        ],
        failures: failures + (await auditLedger(database.pool)),
      };
    } finally {
      await server.stop();
    }
  } finally {
    await postgres.stop();
  }
};

async function measure(
  server: ServerProcess,
  { target, headers, body }: { target: string; headers: object; body: unknown },
  callers: number,
  { seconds, rounds }: SuiteOptions,
): Promise<Phase> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const bodies = Array.isArray(body) ? body.map(String) : [String(body)];
  const acceptedMs: number[] = [];
  const refusedMs: number[] = [];
  let failures = 0;
  let sent = 0;
  const startedMs = performance.now();
  const endMs = startedMs + rounds * seconds * 1000;
  const call = async (): Promise<void> => {
    // Real callers do not all arrive at the same moment.
    await pause(Math.random() * SPREAD_MS);
    while (performance.now() < endMs) {
      sent += 1;
      const text = (bodies[sent % bodies.length] ?? "").replaceAll(UNIQUE_KEY, () => crypto.randomUUID());
      const sentMs = performance.now();
      const { status, retryAfterMs } = await post(agent, `${server.url}${target}`, headers, text);
      const tookMs = performance.now() - sentMs;
      if (status === 200) acceptedMs.push(tookMs);
      else if (status === STATUS_OF_CODE.resource_exhausted) {
        refusedMs.push(tookMs);
        await pause(retryAfterMs * (0.5 + Math.random()));
      } else failures += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  const tookSeconds = (performance.now() - startedMs) / 1000;
  agent.destroy();
  const { rssMaxBytes } = await server.usage();
  return { acceptedMs, refusedMs, failures, seconds: tookSeconds, rssMaxBytes };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function post(agent: Agent, url: string, headers: object, body: string): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = () => resolve({ status: 0, retryAfterMs: 0 });
    const sent = request(url, {
      agent,
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
    });
    sent.on("error", fail);
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("error", fail);
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        const isRefused = status === STATUS_OF_CODE.resource_exhausted;
        resolve({ status, retryAfterMs: isRefused ? Number(JSON.parse(text).meta.retry_after_ms) : 0 });
      });
    });
    sent.end(body);
  });
}

function rateOf({ acceptedMs, seconds }: Phase): number {
  return acceptedMs.length / seconds;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * part) - 1] ?? 0;
}

function p99(values: readonly number[]): number {
  return quantile(values, 0.99);
}

function rowOf(path: string, phase: Phase) {
  return {
    path,
    "accepted/s": Math.round(rateOf(phase)),
    "refused/s": Math.round(phase.refusedMs.length / phase.seconds),
    "accepted p50 ms": rounded(quantile(phase.acceptedMs, 0.5), 1),
    "accepted p99 ms": rounded(p99(phase.acceptedMs), 1),
    "refused p99 ms": rounded(p99(phase.refusedMs), 1),
    "memory MiB": rounded(phase.rssMaxBytes / MIB, 0),
  };
}
