import { canReadProcesses, countTransfers, readDatabase, readPostgresUs } from "./database-usage.ts";
import { callerHeaders, ledgerCalls, productEnvironment, TRANSFERS_PER_BATCH } from "./ledger-calls.ts";
import { type FilledLedger, fillLedger } from "./ledger-data.ts";
import { observeAll, type Path, type Sample, type Samples } from "./measure.ts";
import { type ScratchDatabase, type ScratchPostgres, startScratchPostgres } from "./scratch-postgres.ts";
import { atLeast, atMost, type Mark, rounded, type Suite } from "./suite.ts";

const ACCOUNTS = 10_000;
const READERS = 32;
const WRITERS = 64;
const BATCH_WRITERS = 8;

const MIB = 1024 * 1024;

const RAW = "raw node:http";
const GET_ACCOUNT = "GetAccount";
const RANDOM = "CreateTransfer, random accounts";
const HOT = "CreateTransfer, two hot accounts";
const BATCH = `BatchCreateTransfers of ${TRANSFERS_PER_BATCH}`;
const IDLE = "CreateTransfer, one idle caller";

/** A path that goes to the database. */
interface LedgerPath extends Path {
  /** The path that does the same the naive way, in {@link oneByOne}. */
  readonly baseline?: string;
  /** Default 0: it only reads. */
  readonly transfersPerCall?: number;
}

/** What one round found of a path, with what it cost the database. */
export interface LedgerSample extends Sample {
  /** Microseconds of PostgreSQL's processor time a call; 0 where that can't be told. */
  readonly postgresUs: number;
  readonly transfers: number;
  /** Transfers a second, or calls of a path that makes none. */
  readonly workRate: number;
  readonly diskBytes: number;
  readonly walBytes: number;
}

/** Each path of the ledger through the service as it is shipped, beside the same done one by one. */
export const ledger: Suite = async (options) => {
  const postgres = await startScratchPostgres();
  try {
    const database = await postgres.createDatabase("ledger");
    const filled = await fillLedger(database.pool, { accounts: ACCOUNTS, entries: 2 * options.entries });
    const paths = await listPaths(database, filled);
    const samples = await observeAll(
      paths,
      options,
      observeDatabase(postgres, () => database),
    );
    return {
      ...report(paths, samples),
      notes: [
        postgres.settings,
        `${ACCOUNTS} accounts; a statement of ${filled.transfers} entries; every call differs from the one before`,
        ...(canReadProcesses ? [] : ["PostgreSQL's processor time can be read on Linux only"]),
      ],
    };
  } finally {
    await postgres.stop();
  }
};

async function listPaths({ url }: ScratchDatabase, filled: FilledLedger): Promise<readonly LedgerPath[]> {
  const environment = productEnvironment(url);
  const calls = ledgerCalls(filled, await callerHeaders());
  const product = { program: "servers/product", environment };
  const naive = { program: "baselines/one-by-one", environment };
  const pair = (
    name: string,
    path: Omit<LedgerPath, "name" | "program" | "baseline">,
    naively: Partial<LedgerPath> = {},
  ) => [
    { ...path, ...product, name, baseline: oneByOne(name) },
    { ...path, ...naively, ...naive, name: oneByOne(name) },
  ];
  return [
    { ...calls.getAccount, name: RAW, program: "baselines/raw-http", connections: READERS },
    ...pair(GET_ACCOUNT, { ...calls.getAccount, connections: READERS }),
    ...pair(RANDOM, { ...calls.createTransfer, connections: WRITERS, transfersPerCall: 1 }),
    {
      ...product,
      ...calls.createTransferWithoutKey,
      name: `${RANDOM}, no keys`,
      baseline: oneByOne(RANDOM),
      connections: WRITERS,
      transfersPerCall: 1,
    },
    ...pair(HOT, { ...calls.createTransferHot, connections: WRITERS, transfersPerCall: 1 }),
    {
      ...product,
      ...calls.batchCreateTransfers,
      name: BATCH,
      baseline: oneByOne(RANDOM),
      connections: BATCH_WRITERS,
      transfersPerCall: TRANSFERS_PER_BATCH,
    },
    ...pair(IDLE, { ...calls.createTransfer, connections: 1, transfersPerCall: 1 }),
    ...pair("ListEntries, deep", { ...calls.listEntriesDeep, connections: READERS }, calls.listEntriesByOffset),
    { ...product, ...calls.listEntriesFrom, name: "ListEntries, from a time", patient: true },
    ...pair("GetBalance, in the past", { ...calls.getBalance, connections: READERS }),
  ];
}

function oneByOne(path: string): string {
  return `  one by one: ${path}`;
}

/** Reads what a measurement costs the database of its path. */
export function observeDatabase<P extends LedgerPath>(
  { pid }: Pick<ScratchPostgres, "pid">,
  databaseOf: (path: P) => ScratchDatabase,
) {
  return async (path: P, measure: () => Promise<Sample>): Promise<LedgerSample> => {
    const { pool } = databaseOf(path);
    const { transfersPerCall = 0 } = path;
    const readUs = async () => (canReadProcesses ? await readPostgresUs(pid) : 0);
    const before = await readDatabase(pool);
    const beforeUs = await readUs();
    const sample = await measure();
    const afterUs = await readUs();
    const after = await readDatabase(pool);
    const transfers = await countTransfers(pool, before.lastTransfer);
    // An answer without its transfer would be the worst failure of all.
    const missing = Math.max(0, (sample.calls - sample.failures) * transfersPerCall - transfers);
    return {
      ...sample,
      failures: sample.failures + missing,
      postgresUs: (afterUs - beforeUs) / sample.calls,
      transfers,
      workRate: sample.rate * Math.max(1, transfersPerCall),
      diskBytes: after.diskBytes - before.diskBytes,
      walBytes: after.walBytes - before.walBytes,
    };
  };
}

function report(paths: readonly LedgerPath[], samples: Samples<LedgerSample>) {
  const perTransfer = (name: string, member: "diskBytes" | "walBytes") =>
    samples.sum(name, member) / samples.sum(name, "transfers");
  const rows = paths.map(({ name, baseline, transfersPerCall = 0 }) => ({
    path: name,
    "calls/s": rounded(samples.middle(name, "rate"), samples.middle(name, "rate") < 10 ? 1 : 0),
    "x one by one": baseline === undefined ? "" : rounded(samples.over(name, baseline, "workRate"), 2),
    "x raw": rounded(samples.over(name, RAW, "rate"), 3),
    "p50 ms": rounded(samples.middle(name, "p50Ms"), 2),
    "p99 ms": rounded(samples.middle(name, "p99Ms"), 2),
    "server us/call": rounded(samples.middle(name, "totalUs"), 0),
    ...(canReadProcesses && {
      "postgres us/call": name === RAW ? "" : rounded(samples.middle(name, "postgresUs"), 0),
    }),
    "disk B/transfer": transfersPerCall === 0 ? "" : rounded(perTransfer(name, "diskBytes"), 0),
    "WAL B/transfer": transfersPerCall === 0 ? "" : rounded(perTransfer(name, "walBytes"), 0),
    "memory MiB": rounded(Math.max(...samples.of(name, "rssMaxBytes")) / MIB, 0),
  }));
  const underLoad = [GET_ACCOUNT, RANDOM, HOT];
  const memory = underLoad.flatMap((name) => samples.of(name, "rssMaxBytes"));
  const marks: Mark[] = [
    atLeast(`${RANDOM}: over one transaction per transfer`, samples.over(RANDOM, oneByOne(RANDOM), "rate"), 3),
    atLeast(`${HOT}: over one transaction per transfer`, samples.over(HOT, oneByOne(HOT), "rate"), 12),
    atLeast("CreateTransfer: hot over random accounts", samples.over(HOT, RANDOM, "rate"), 0.8),
    atMost(`${RANDOM}: p99, ms`, samples.middle(RANDOM, "p99Ms"), 20),
    atMost(`${HOT}: p99, ms`, samples.middle(HOT, "p99Ms"), 20),
    atMost(`${IDLE}: p50, ms`, samples.middle(IDLE, "p50Ms"), 1),
    atMost(`${RANDOM}: bytes on disk a transfer`, perTransfer(RANDOM, "diskBytes"), 600),
    atMost("memory of a server under GetAccount or CreateTransfer, MiB", Math.max(...memory) / MIB, 150),
    atMost("its growth in the second half of the run", Math.max(...underLoad.map(growthOf)), 1.1),
  ];
  return { rows, marks, failures: samples.failures };

  function growthOf(name: string): number {
    const peaks = samples.of(name, "rssMaxBytes");
    return (peaks.at(-1) ?? 0) / (peaks[peaks.length >> 1] ?? 0);
  }
}
