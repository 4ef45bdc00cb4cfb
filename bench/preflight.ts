import { compile, decide } from "../packages/cors/src/index.ts";
import { BENCH_ORIGIN } from "./adapter-caller.ts";
import { GET_ACCOUNT } from "./constant-account.ts";
import { measureAll, type Path } from "./measure.ts";
import { atLeast, below, rounded, type Suite } from "./suite.ts";

const RAW = "raw node:http, ready headers";
const OURS = "our policy and plugin";
const EARLY = "our policy, before Fastify";

const headers = {
  origin: BENCH_ORIGIN,
  "access-control-request-method": "POST",
  "access-control-request-headers": "authorization,content-type",
};
const call = { method: "OPTIONS", headers, target: GET_ACCOUNT } as const;

const paths: readonly Path[] = [
  { ...call, name: RAW, program: "baselines/raw-preflight" },
  { ...call, name: "bare Fastify, ready headers", program: "servers/preflight", args: ["bare"] },
  { ...call, name: "@fastify/cors alone", program: "servers/preflight", args: ["stock"] },
  { ...call, name: OURS, program: "servers/preflight", args: ["policy"] },
  { ...call, name: EARLY, program: "servers/preflight", args: ["early"] },
];

/**
 * What a preflight costs. Beside it, under wrk on two shared cores, rs/cors in Go answered 1.3 times as many preflights as
 * raw node:http; the mark is half of that.
 */
export const preflight: Suite = async (options) => {
  const samples = await measureAll(paths, options);
  const rows = paths.map(({ name }) => ({
    path: name,
    "preflights/s": Math.round(samples.middle(name, "rate")),
    "x raw": rounded(samples.over(name, RAW, "rate"), 2),
    "cpu us/call": rounded(samples.middle(name, "totalUs"), 1),
    "p99 ms": rounded(samples.middle(name, "p99Ms"), 2),
  }));
  return {
    rows,
    marks: [
      atLeast("our policy, before Fastify: throughput over raw node:http", samples.over(EARLY, RAW, "rate"), 0.65),
      below("one decision of the policy, us", decisionUs(), 2),
    ],
    failures: samples.failures,
  };
};

/** Microseconds of one decision, without any server. */
function decisionUs(): number {
  const compiled = compile({
    allowedOrigins: ["https://other.example.com", BENCH_ORIGIN, "https://*.preview.example.com", "http://localhost:*"],
    allowedMethods: ["POST"],
    allowedHeaders: ["authorization", "content-type"],
  });
  if (!compiled.ok) throw new Error("the benchmark's CORS policy is wrong");
  const request = {
    method: "OPTIONS",
    origin: BENCH_ORIGIN,
    requestMethod: "POST",
    requestHeaders: headers["access-control-request-headers"],
  };
  const count = 400_000;
  let allowed = 0;
  let startedMs = 0;
  for (let index = -count; index < count; index += 1) {
    if (index === 0) startedMs = performance.now();
    if (decide(compiled.policy, request).reason === "allowed") allowed += 1;
  }
  const tookMs = performance.now() - startedMs;
  if (allowed !== 2 * count) throw new Error("the benchmark's preflight is not allowed");
  return (tookMs * 1000) / count;
}
