/** The effect of one caller's batches on another caller's transfers. */
import autocannon from "autocannon";
import { STATUS_OF_CODE } from "../packages/twirp/src/codes.ts";
import { mintToken } from "../src/auth/index.ts";
import { BENCH_SECRET } from "./adapter-caller.ts";
import { callerHeaders, productEnvironment } from "./ledger-calls.ts";
import { auditLedger, type FilledLedger, fillLedger } from "./ledger-data.ts";
import { type Load, type LoadOptions, load, UNIQUE_KEY, wake } from "./load.ts";
import { startScratchPostgres } from "./scratch-postgres.ts";
import { startServer } from "./server-process.ts";
import { below, median, rounded, type Suite, type SuiteOptions } from "./suite.ts";

const ACCOUNTS = 10_000;
const CONNECTIONS = 10;
const ORDERS = 1000;
/** How many times longer one caller's transfer may take while another sends batches, in p50. */
const RATIO_MAX = 3;

/** One caller's transfers alone, and beside another caller's batches of each kind. */
export const fairness: Suite = async (options) => {
  const postgres = await startScratchPostgres();
  try {
    const database = await postgres.createDatabase("fairness");
    const filled = await fillLedger(database.pool, { accounts: ACCOUNTS, entries: 20_000 });
    const server = await startServer({ program: "servers/product", environment: productEnvironment(database.url) });
    try {
      const paying = await payments(server.url, filled);
      const batches = await batchesOfAnother(server.url, filled);
      await wake(paying);
      const runs: Record<string, Run[]> = {};
      for (let round = -1; round < options.rounds; round += 1) {
        const alone = await load({ ...paying, seconds: options.seconds });
        for (const [kind, batch] of Object.entries(batches)) {
          const beside = await loadBeside(batch, paying, options);
          // The first round warms the server up.
          if (round >= 0) runs[kind] = [...(runs[kind] ?? []), { alone, ...beside }];
        }
      }
      return {
        rows: Object.entries(runs).map(([kind, run]) => rowOf(kind, run)),
        marks: Object.entries(runs).map(([kind, run]) =>
          below(`p50 beside ${kind}, over alone`, ratioOf(run), RATIO_MAX),
        ),
        notes: [
          postgres.settings,
          `a transfer of one caller beside ${CONNECTIONS} connections of another, ${ORDERS} orders a call`,
        ],
        failures:
          Object.values(runs)
            .flat()
            .reduce((sum, { alone, beside, failures }) => sum + alone.failures + beside.failures + failures, 0) +
          (await auditLedger(database.pool)),
      };
    } finally {
      await server.stop();
    }
  } finally {
    await postgres.stop();
  }
};

interface Run {
  readonly alone: Load;
  readonly beside: Load;
  /** Postings a second of the other caller. */
  readonly orders: number;
  readonly failures: number;
}

/** One customer's transfers, in succession. */
async function payments(url: string, { firstWallet }: FilledLedger): Promise<Omit<LoadOptions, "seconds">> {
  const token = await mintToken(BENCH_SECRET, {
    // The owner of the first wallet.
    subject: "owner-1",
    scope: "finance.read finance.write",
    lifetimeSeconds: 86_400,
  });
  return {
    url: `${url}/twirp/finance.v1.FinanceService/CreateTransfer`,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({
      debit_account_id: `${firstWallet}`,
      credit_account_id: `${firstWallet + 1}`,
      amount: "1",
      idempotency_key: UNIQUE_KEY,
    }),
    connections: 1,
    patient: true,
  };
}

async function batchesOfAnother(url: string, { firstWallet }: FilledLedger) {
  const headers = await callerHeaders();
  const batch = (change: object, atomic = false) => ({
    url: `${url}/twirp/finance.v1.FinanceService/BatchCreateTransfers`,
    headers,
    body: JSON.stringify({
      atomic,
      transfers: Array.from({ length: ORDERS }, (_, index) => ({
        debit_account_id: `${firstWallet + 2 + 2 * index}`,
        credit_account_id: `${firstWallet + 3 + 2 * index}`,
        amount: "1",
        ...change,
      })),
    }),
  });
  return {
    "dry runs": batch({ dry_run: true }),
    "refused transfers": batch({ amount: "1000000000000" }),
    transfers: batch({}),
    "atomic transfers": batch({}, true),
  };
}

/** Loads with batches, from a thread of their own, while the customer pays. */
async function loadBeside(
  { url, headers, body }: { url: string; headers: Readonly<Record<string, string>>; body: string },
  paying: Omit<LoadOptions, "seconds">,
  { seconds }: SuiteOptions,
): Promise<Omit<Run, "alone">> {
  const batching = autocannon({
    url,
    method: "POST",
    headers,
    body,
    connections: CONNECTIONS,
    duration: seconds + 1,
    timeout: 60,
    workers: 1,
  });
  const beside = await load({ ...paying, seconds });
  const result = await batching;
  await untilServed({ url, headers });
  // The service refuses calls beyond a caller's share of the queue, which keeps room for others.
  const refused = result.statusCodeStats?.[`${STATUS_OF_CODE.resource_exhausted}`]?.count ?? 0;
  return {
    beside,
    orders: (result["2xx"] * ORDERS) / result.duration,
    failures: result.errors + result.timeouts + result.non2xx - refused,
  };
}

/** Waits for batches whose answers the load did not wait for: one caller's postings are decided in order of arrival. */
async function untilServed({ url, headers }: Pick<LoadOptions, "url" | "headers">): Promise<void> {
  const body = JSON.stringify({
    transfers: [{ debit_account_id: "1", credit_account_id: "2", amount: "1", dry_run: true }],
  });
  for (;;) {
    const response = await fetch(url, { method: "POST", headers, body });
    await response.arrayBuffer();
    if (response.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function ratioOf(run: readonly Run[]): number {
  return median(run.map(({ alone, beside }) => beside.p50Ms / alone.p50Ms));
}

function rowOf(kind: string, run: readonly Run[]) {
  const p50 = (pick: (run: Run) => number) => rounded(median(run.map(pick)), 1);
  return {
    path: `CreateTransfer beside ${kind}`,
    "alone p50 ms": p50(({ alone }) => alone.p50Ms),
    "beside p50 ms": p50(({ beside }) => beside.p50Ms),
    "beside p99 ms": p50(({ beside }) => beside.p99Ms),
    "x alone": rounded(ratioOf(run), 2),
    "orders/s of the other": rounded(median(run.map(({ orders }) => orders)), 0),
  };
}
