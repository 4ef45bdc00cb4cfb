import { availableParallelism } from "node:os";
import { callerHeaders, ledgerCalls, productEnvironment } from "./ledger-calls.ts";
import { auditLedger, fillLedger } from "./ledger-data.ts";
import { type Observe, observeAll, type Path, type Sample } from "./measure.ts";
import { readTreeUs } from "./processes.ts";
import { type ScratchPostgres, startScratchPostgres } from "./scratch-postgres.ts";
import type { ServerProcess } from "./server-process.ts";
import { atLeast, rounded, type Suite } from "./suite.ts";

const ACCOUNTS = 10_000;
const READERS = 32;
const WRITERS = 64;
/** Enough callers that each of two processes is busy. */
const MANY = 128;

/** Undefined: one process without a supervisor. */
const WORKERS: readonly (number | undefined)[] = [...new Set([undefined, 2, availableParallelism()])];

/** The least ratio of two processes to one. */
const MARKS = { GetAccount: 1.7, CreateTransfer: 1.4 } as const;

interface WorkersPath extends Path {
  readonly calls: string;
  readonly workers: number | undefined;
  /** The queue whose batches the calls share, as `/metrics` names it. */
  readonly queue: "account_reads" | "postings";
}

/** Processor time is that of all processes of the server, in microseconds a call. */
interface WorkersSample extends Sample {
  readonly serverUs: number;
  readonly postgresUs: number;
  /** Calls that shared a batch, on average. */
  readonly batchSize: number;
}

/** The service in several processes beside the service in one. */
export const workers: Suite = async (options) => {
  const postgres = await startScratchPostgres();
  try {
    const database = await postgres.createDatabase("workers");
    const filled = await fillLedger(database.pool, { accounts: ACCOUNTS, entries: 2 * ACCOUNTS });
    const { getAccount, createTransfer, createTransferHot } = ledgerCalls(filled, await callerHeaders());
    const reads = { ...getAccount, queue: "account_reads" } as const;
    const random = { ...createTransfer, queue: "postings" } as const;
    const hot = { ...createTransferHot, queue: "postings" } as const;
    const kinds = [
      { calls: `GetAccount, ${READERS} callers`, ...reads, connections: READERS },
      { calls: `GetAccount, ${MANY} callers`, ...reads, connections: MANY },
      { calls: `CreateTransfer, random accounts, ${WRITERS} callers`, ...random, connections: WRITERS },
      { calls: `CreateTransfer, random accounts, ${MANY} callers`, ...random, connections: MANY },
      { calls: `CreateTransfer, two hot accounts, ${WRITERS} callers`, ...hot, connections: WRITERS },
    ];
    const paths = kinds.flatMap((kind) =>
      WORKERS.map(
        (count): WorkersPath => ({
          ...kind,
          name: nameOf(kind.calls, count),
          workers: count,
          program: "servers/product",
          environment: {
            ...productEnvironment(database.url),
            ...(count !== undefined && { WORKERS: `${count}` }),
          },
        }),
      ),
    );
    const samples = await observeAll(paths, options, observeBatches(postgres));
    const overOne = (calls: string, count: number | undefined) =>
      samples.over(nameOf(calls, count), nameOf(calls, undefined), "rate");
    const rows = paths.map(({ name, calls, workers: count }) => ({
      path: name,
      "calls/s": rounded(samples.middle(name, "rate"), 0),
      "x one process": count === undefined ? "" : rounded(overOne(calls, count), 2),
      "p50 ms": rounded(samples.middle(name, "p50Ms"), 2),
      "p99 ms": rounded(samples.middle(name, "p99Ms"), 2),
      "mean batch": rounded(samples.middle(name, "batchSize"), 1),
      "server us/call": rounded(samples.middle(name, "serverUs"), 1),
      "postgres us/call": rounded(samples.middle(name, "postgresUs"), 1),
    }));
    const marks = kinds
      .filter(({ connections }) => connections === MANY)
      .map(({ calls, queue }) => {
        const bound = queue === "postings" ? MARKS.CreateTransfer : MARKS.GetAccount;
        return atLeast(`${calls}: two processes over one`, overOne(calls, 2), bound);
      });
    const notes = [
      postgres.settings,
      `${availableParallelism()} processors, of which PostgreSQL and the callers take their share`,
    ];
    return { rows, marks, notes, failures: samples.failures + (await auditLedger(database.pool)) };
  } finally {
    await postgres.stop();
  }
};

function nameOf(calls: string, count: number | undefined): string {
  return count === undefined ? `${calls}, one process` : `${calls}, WORKERS=${count}`;
}

function observeBatches(postgres: Pick<ScratchPostgres, "pid">): Observe<WorkersPath, WorkersSample> {
  return async ({ queue }, measure, server) => {
    const batchesBefore = await readBatches(server, queue);
    const serverBeforeUs = await readTreeUs(server.pid);
    const postgresBeforeUs = await readTreeUs(postgres.pid);
    const sample = await measure();
    const serverUs = ((await readTreeUs(server.pid)) - serverBeforeUs) / sample.calls;
    const postgresUs = ((await readTreeUs(postgres.pid)) - postgresBeforeUs) / sample.calls;
    const batches = await readBatches(server, queue);
    const batchSize = (batches.calls - batchesBefore.calls) / (batches.count - batchesBefore.count);
    return { ...sample, serverUs, postgresUs, batchSize };
  };
}

/** The batches of a queue so far, and the calls in them. */
async function readBatches({ url }: Pick<ServerProcess, "url">, queue: WorkersPath["queue"]) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (metric: string) => {
    const line = text.split("\n").find((each) => each.startsWith(`${metric}{queue="${queue}"} `));
    return Number(line?.split(" ").at(-1));
  };
  return { calls: read("ledger_batch_size_sum"), count: read("ledger_batch_size_count") };
}
