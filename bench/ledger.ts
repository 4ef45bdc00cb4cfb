import { type LedgerPath, type LedgerSample, observeDatabase } from "./database-usage.ts";
import { callerHeaders, ledgerCalls, productEnvironment, TRANSFERS_PER_BATCH } from "./ledger-calls.ts";
import { auditLedger, type FilledLedger, fillLedger } from "./ledger-data.ts";
import { observeAll, type Samples } from "./measure.ts";
import { canReadProcesses } from "./processes.ts";
import { type ScratchDatabase, startScratchPostgres } from "./scratch-postgres.ts";
import { atLeast, atMost, type Mark, rounded, type Suite } from "./suite.ts";

const ACCOUNTS = 10_000;
const READERS = 32;
const WRITERS = 64;
/** Each of these calls keeps a core busy for long: more callers would only wait for each other. */
const SLOW_READERS = 4;
const BATCH_WRITERS = 8;

const MIB = 1024 * 1024;

const RAW = "raw node:http";
const GET_ACCOUNT = "GetAccount";
const RANDOM = "CreateTransfer, random accounts";
const WITHOUT_KEYS = `${RANDOM}, no keys`;
const HOT = "CreateTransfer, two hot accounts";
const BATCH = `BatchCreateTransfers of ${TRANSFERS_PER_BATCH}`;
const IDLE = "CreateTransfer, one idle caller";
const DEEP_PAGE = "ListEntries, deep";
const PAST_BALANCE = "GetBalance, in the past";

interface ComparedPath extends LedgerPath {
  /** The path that does the same in the naive way. */
  readonly baseline?: string;
}

/** Each path of the ledger through the shipped service, beside a service that handles every call separately. */
export const ledger: Suite = async (options) => {
  const postgres = await startScratchPostgres();
  try {
    const database = await postgres.createDatabase("ledger");
    const filled = await fillLedger(database.pool, { accounts: ACCOUNTS, entries: 2 * options.entries });
    const paths = await listPaths(database, filled);
    const samples = await observeAll(paths, options, observeDatabase(postgres));
    const { rows, marks } = report(paths, samples);
    const notes = [
      postgres.settings,
      `${ACCOUNTS} accounts; a statement of ${filled.transfers} entries; every call differs from the one before`,
      ...(canReadProcesses ? [] : ["PostgreSQL's processor time can be read on Linux only"]),
    ];
    return { rows, marks, notes, failures: samples.failures + (await auditLedger(database.pool)) };
  } finally {
    await postgres.stop();
  }
};

async function listPaths(database: ScratchDatabase, filled: FilledLedger): Promise<readonly ComparedPath[]> {
  const environment = productEnvironment(database.url);
  const product = { database, program: "servers/product", environment };
  const naive = { database, program: "baselines/one-by-one", environment };
  const calls = ledgerCalls(filled, await callerHeaders());
  const reads = { connections: READERS };
  const slowReads = { connections: SLOW_READERS, patient: true };
  const transfers = { connections: WRITERS, transfersPerCall: 1 };
  const idle = { connections: 1, transfersPerCall: 1 };
  const batches = { connections: BATCH_WRITERS, transfersPerCall: TRANSFERS_PER_BATCH };
  return [
    { database, ...calls.getAccount, ...reads, name: RAW, program: "baselines/raw-http" },
    { ...product, ...calls.getAccount, ...reads, name: GET_ACCOUNT, baseline: oneByOne(GET_ACCOUNT) },
    { ...naive, ...calls.getAccount, ...reads, name: oneByOne(GET_ACCOUNT) },
    { ...product, ...calls.createTransfer, ...transfers, name: RANDOM, baseline: oneByOne(RANDOM) },
    { ...naive, ...calls.createTransfer, ...transfers, name: oneByOne(RANDOM) },
    { ...product, ...calls.createTransferWithoutKey, ...transfers, name: WITHOUT_KEYS, baseline: oneByOne(RANDOM) },
    { ...product, ...calls.createTransferHot, ...transfers, name: HOT, baseline: oneByOne(HOT) },
    { ...naive, ...calls.createTransferHot, ...transfers, name: oneByOne(HOT) },
    { ...product, ...calls.batchCreateTransfers, ...batches, name: BATCH, baseline: oneByOne(RANDOM) },
    { ...product, ...calls.createTransfer, ...idle, name: IDLE, baseline: oneByOne(IDLE) },
    { ...naive, ...calls.createTransfer, ...idle, name: oneByOne(IDLE) },
    { ...product, ...calls.listEntriesDeep, ...reads, name: DEEP_PAGE, baseline: oneByOne(DEEP_PAGE) },
    { ...naive, ...calls.listEntriesByOffset, ...slowReads, name: oneByOne(DEEP_PAGE) },
    { ...product, ...calls.listEntriesFrom, ...slowReads, name: "ListEntries, from a time" },
    { ...product, ...calls.getBalance, ...reads, name: PAST_BALANCE, baseline: oneByOne(PAST_BALANCE) },
    { ...naive, ...calls.getBalance, ...slowReads, name: oneByOne(PAST_BALANCE) },
  ];
}

function oneByOne(path: string): string {
  return `  one by one: ${path}`;
}

function report(paths: readonly ComparedPath[], samples: Samples<LedgerSample>) {
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
  return { rows, marks };

  function growthOf(name: string): number {
    const peaks = samples.of(name, "rssMaxBytes");
    return (peaks.at(-1) ?? 0) / (peaks[peaks.length >> 1] ?? 0);
  }
}
