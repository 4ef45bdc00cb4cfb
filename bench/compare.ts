import { callerHeaders, productEnvironment, seededRandom } from "./ledger-calls.ts";
import { auditLedger } from "./ledger-data.ts";
import { UNIQUE_KEY } from "./load.ts";
import { observeAll, type Path, type Sample, type Samples } from "./measure.ts";
import { canReadProcesses, readTreeUs } from "./processes.ts";
import { runningPostgres, type ScratchPostgres, startScratchPostgres } from "./scratch-postgres.ts";
import { startServer } from "./server-process.ts";
import { atLeast, atMost, type Mark, type Peer, rounded, type Suite } from "./suite.ts";

const ACCOUNTS = 10_000;
/** Accounts that are opened at once. */
const OPENERS = 32;
/** Different requests of a path; callers cycle through them. */
const REQUESTS = 10_000;
const BATCHES = 20;
const TRANSFERS_PER_BATCH = 1000;
const MIB = 1024 * 1024;
const PRODUCT = "this service";

const GET_ACCOUNT = "GetAccount, 32 callers";
const RANDOM = "CreateTransfer, random accounts, 64 callers";
const HOT = "CreateTransfer, two hot accounts, 64 callers";
const BATCH = `BatchCreateTransfers of ${TRANSFERS_PER_BATCH}, 8 callers`;
const PREFLIGHT = "preflight, 32 callers";

/** The least ratio of throughput to a peer that is the article's program in Go. */
const RATIO_MARKS: Readonly<Record<string, number>> = { [GET_ACCOUNT]: 1.1, [RANDOM]: 4, [HOT]: 9, [PREFLIGHT]: 0.8 };
const P99_MS_MARKS: Readonly<Record<string, number>> = { [RANDOM]: 15, [HOT]: 12 };

interface ComparedPath extends Path {
  readonly call: string;
  readonly server: string;
  /** Transfers a call makes. */
  readonly transfers: number;
}

interface ComparedSample extends Sample {
  /** Microseconds of PostgreSQL's CPU time a call. */
  readonly postgresUs: number;
  /** Transfers a second, or calls of a path that makes none. */
  readonly workRate: number;
}

/** The product beside other servers of the same RPCs. All accounts are opened through the API, so peers need no other access. */
export const compare: Suite = async ({ peers, database, ...options }) => {
  if (!canReadProcesses) throw new Error("this suite reads the processes of its peers, which only Linux allows");
  const postgres = await (database === undefined ? startScratchPostgres() : runningPostgres(database));
  try {
    const { url, pool } = await postgres.createDatabase("compare");
    const product = await startServer({ program: "servers/product", environment: productEnvironment(url) });
    try {
      const servers = [{ name: PRODUCT, url: product.url }, ...peers];
      const headers = await callerHeaders();
      const paths = (await Promise.all(servers.map((server) => pathsOf(server, headers)))).flat();
      const samples = await observeAll(paths, { ...options, peers, database }, observePostgres(postgres));
      const { rows, marks } = report(paths, samples, peers, database !== undefined);
      const notes = [
        postgres.settings,
        `${ACCOUNTS} accounts, opened through the API; one process a server; memory is its peak so far`,
        ...(database === undefined ? ["without --database, the cost of peers to their PostgreSQL is unknown"] : []),
      ];
      const { rows: counted } = await pool.query<{ count: bigint }>("select count(*) as count from transfer");
      const missing = Math.max(0, acknowledged(paths, samples) - Number(counted[0]?.count ?? 0n));
      return { rows, marks, notes, failures: samples.failures + missing + (await auditLedger(pool)) };
    } finally {
      await product.stop();
    }
  } finally {
    await postgres.stop();
  }
};

/** Opens the accounts on a server, and makes the calls that it knows. */
async function pathsOf({ name, url }: Peer, headers: Readonly<Record<string, string>>): Promise<ComparedPath[]> {
  const target = (method: string) => `/twirp/finance.v1.FinanceService/${method}`;
  const ids = await openAccounts(`${url}${target("CreateAccount")}`, headers);
  const random = seededRandom(9707);
  const pick = () => Math.floor(random() * ids.length);
  const transferBetween = (debit: number, credit: number) => ({
    debit_account_id: ids[debit],
    credit_account_id: ids[credit === debit ? (credit + 1) % ids.length : credit],
    amount: "1",
    idempotency_key: UNIQUE_KEY,
  });
  const randomTransfer = () => transferBetween(pick(), pick());
  const hotTransfer = () => (random() < 0.5 ? transferBetween(0, 1) : transferBetween(1, 0));
  const bodies = (count: number, make: () => object) => Array.from({ length: count }, () => JSON.stringify(make()));
  const batch = () => ({ transfers: Array.from({ length: TRANSFERS_PER_BATCH }, randomTransfer) });
  const path = (
    call: string,
    method: string,
    connections: number,
    transfers: number,
    body: readonly string[],
  ): ComparedPath => ({
    call,
    server: name,
    name: `${call}: ${name}`,
    program: url,
    target: target(method),
    headers,
    connections,
    transfers,
    body,
  });
  const preflight: ComparedPath = {
    ...path(PREFLIGHT, "GetAccount", 32, 0, []),
    method: "OPTIONS",
    headers: {
      origin: headers["origin"] ?? "",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
    body: "",
  };
  const paths = [
    path(
      GET_ACCOUNT,
      "GetAccount",
      32,
      0,
      bodies(REQUESTS, () => ({ id: ids[pick()] })),
    ),
    path(RANDOM, "CreateTransfer", 64, 1, bodies(REQUESTS, randomTransfer)),
    path(HOT, "CreateTransfer", 64, 1, bodies(REQUESTS, hotTransfer)),
    preflight,
  ];
  const batches = path(BATCH, "BatchCreateTransfers", 8, TRANSFERS_PER_BATCH, bodies(BATCHES, batch));
  const hasBatches = (await fetch(`${url}${batches.target}`, { method: "POST", headers, body: "{}" })).status !== 404;
  return hasBatches ? [...paths, batches] : paths;
}

/** @returns the ids of new accounts without a limit. */
async function openAccounts(url: string, headers: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const body = JSON.stringify({
    name: "Wallet",
    type: "ACCOUNT_TYPE_LIABILITY",
    currency: "EUR",
    unlimited_overdraft: true,
  });
  const ids: string[] = [];
  let left = ACCOUNTS;
  const open = async () => {
    while (left > 0) {
      left -= 1;
      const response = await fetch(url, { method: "POST", headers, body });
      const text = await response.text();
      // As text: a server may write the id as a number or as a string.
      const [, id] = /"id":\s*"?(\d+)/.exec(text) ?? [];
      if (!response.ok || id === undefined) throw new Error(`${url} answered ${response.status}: ${text}`);
      ids.push(id);
    }
  };
  await Promise.all(Array.from({ length: OPENERS }, open));
  return ids;
}

function observePostgres({ pid }: Pick<ScratchPostgres, "pid">) {
  return async ({ transfers }: ComparedPath, measure: () => Promise<Sample>): Promise<ComparedSample> => {
    const beforeUs = await readTreeUs(pid);
    const sample = await measure();
    const postgresUs = ((await readTreeUs(pid)) - beforeUs) / sample.calls;
    return { ...sample, postgresUs, workRate: sample.rate * Math.max(1, transfers) };
  };
}

function acknowledged(paths: readonly ComparedPath[], samples: Samples<ComparedSample>): number {
  const ofProduct = paths.filter(({ server }) => server === PRODUCT);
  return ofProduct.reduce((sum, { name, transfers }) => {
    return sum + (samples.sum(name, "calls") - samples.sum(name, "failures")) * transfers;
  }, 0);
}

function report(
  paths: readonly ComparedPath[],
  samples: Samples<ComparedSample>,
  peers: readonly Peer[],
  sharesPostgres: boolean,
) {
  const calls = [...new Set(paths.map(({ call }) => call))];
  const nameOf = (call: string, server: string) => `${call}: ${server}`;
  const has = (call: string, { name }: Peer) => paths.some((path) => path.call === call && path.server === name);
  const rows = calls.flatMap((call) =>
    paths
      .filter((path) => path.call === call)
      .map(({ name, server }) => ({
        path: name,
        "calls/s": rounded(samples.middle(name, "rate"), samples.middle(name, "rate") < 100 ? 1 : 0),
        ...Object.fromEntries(
          peers.map((peer) => [
            `x ${peer.name}`,
            server === PRODUCT && has(call, peer)
              ? rounded(samples.over(name, nameOf(call, peer.name), "rate"), 2)
              : "",
          ]),
        ),
        "p50 ms": rounded(samples.middle(name, "p50Ms"), 2),
        "p99 ms": rounded(samples.middle(name, "p99Ms"), 2),
        "p99.9 ms": rounded(samples.middle(name, "p999Ms"), 2),
        "server us/call": rounded(samples.middle(name, "totalUs"), 1),
        "postgres us/call": server === PRODUCT || sharesPostgres ? rounded(samples.middle(name, "postgresUs"), 1) : "",
        "memory MiB": rounded(Math.max(...samples.of(name, "rssMaxBytes")) / MIB, 0),
      })),
  );
  const own = (call: string) => nameOf(call, PRODUCT);
  const ratios = peers.flatMap((peer) =>
    calls
      .filter((call) => RATIO_MARKS[call] !== undefined && has(call, peer))
      .map((call): Mark => {
        const ratio = samples.over(own(call), nameOf(call, peer.name), "rate");
        return atLeast(`${call}: over ${peer.name}`, ratio, RATIO_MARKS[call] ?? 0);
      }),
  );
  const marks: Mark[] = [
    ...ratios,
    ...Object.entries(P99_MS_MARKS).map(([call, ms]) =>
      atMost(`${call}: p99, ms`, samples.middle(own(call), "p99Ms"), ms),
    ),
    atLeast("transfers in batches over CreateTransfer", samples.over(own(BATCH), own(RANDOM), "workRate"), 6),
    atMost("peak memory, MiB", Math.max(...calls.flatMap((call) => samples.of(own(call), "rssMaxBytes"))) / MIB, 150),
  ];
  return { rows, marks };
}
