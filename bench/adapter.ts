import { GetAccountRequest } from "../generated/server/finance/v1/account.ts";
import { mintToken } from "../src/auth/index.ts";
import { BENCH_ORIGIN, BENCH_SECRET } from "./adapter-caller.ts";
import { GET_ACCOUNT, LIST_ENTRIES } from "./constant-account.ts";
import { measureAll, type Path, type Samples } from "./measure.ts";
import { atLeast, below, type Mark, rounded, type Suite } from "./suite.ts";

const RAW = "raw node:http";
const STOCK = "twirp-ts's own handler";
const ADAPTER = "adapter, JSON";

/** The cost of the adapter; every server gives the same constant reply. */
export const adapter: Suite = async (options) => {
  const paths = await listPaths();
  return report(paths, await measureAll(paths, options));
};

async function listPaths(): Promise<readonly Path[]> {
  const token = await mintToken(BENCH_SECRET, { subject: "alice", scope: "finance.read", lifetimeSeconds: 3600 });
  const origin = { origin: BENCH_ORIGIN };
  const program = "servers/adapter";
  const call = { headers: { "content-type": "application/json" }, body: '{"id":"4"}', target: GET_ACCOUNT };
  return [
    { ...call, name: RAW, program: "baselines/raw-http" },
    { ...call, name: "bare Fastify", program: "baselines/bare-fastify" },
    { ...call, name: STOCK, program: "baselines/stock-handler" },
    { ...call, name: ADAPTER, program },
    { ...call, name: "adapter, JSON, empty reply", program, target: LIST_ENTRIES },
    {
      ...call,
      name: "adapter, protobuf",
      program,
      headers: { "content-type": "application/protobuf" },
      body: Buffer.from(GetAccountRequest.toBinary({ id: 4n })),
    },
    { ...call, name: "adapter, JSON, CORS", program, args: ["cors"], headers: { ...call.headers, ...origin } },
    {
      ...call,
      name: "adapter, JSON, CORS, token",
      program,
      args: ["cors", "auth"],
      headers: { ...call.headers, ...origin, authorization: `Bearer ${token}` },
    },
  ];
}

function report(paths: readonly Path[], samples: Samples) {
  const beyondRawUs = samples.difference(ADAPTER, RAW, "totalUs");
  const rows = paths.map(({ name }) => ({
    path: name,
    "calls/s": Math.round(samples.middle(name, "rate")),
    "x raw": rounded(samples.over(name, RAW, "rate"), 2),
    "x stock": rounded(samples.over(name, STOCK, "rate"), 2),
    "user us/call": rounded(samples.middle(name, "userUs"), 1),
    "cpu us/call": rounded(samples.middle(name, "totalUs"), 1),
    "cpu x raw": rounded(samples.over(name, RAW, "totalUs"), 2),
    "p99 ms": rounded(samples.middle(name, "p99Ms"), 2),
  }));
  const marks: Mark[] = [
    atLeast("adapter, JSON: throughput over raw node:http", samples.over(ADAPTER, RAW, "rate"), 0.6),
    atLeast("adapter, JSON: throughput over twirp-ts's own handler", samples.over(ADAPTER, STOCK, "rate"), 2.2),
    below("adapter, JSON: processor time a call beyond raw node:http, us", beyondRawUs, 15),
  ];
  return { rows, marks, failures: samples.failures };
}
