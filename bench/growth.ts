import { withConnection } from "../src/database/index.ts";
import { loadTrialBalance, TRANSFERS_PER_TOTAL } from "../src/finance/records/trial-balance.ts";
import { type LedgerPath, observeDatabase } from "./database-usage.ts";
import { type Calls, callerHeaders, ledgerCalls, productEnvironment } from "./ledger-calls.ts";
import { auditLedger, type FilledLedger, fillLedger, type LedgerSize } from "./ledger-data.ts";
import { observeAll } from "./measure.ts";
import { canReadProcesses } from "./processes.ts";
import { type ScratchDatabase, startScratchPostgres } from "./scratch-postgres.ts";
import { atMost, rounded, type Suite } from "./suite.ts";

const SMALL: LedgerSize = { accounts: 10_000, entries: 100_000 };
const SIZES = ["small", "large"] as const;
type Size = (typeof SIZES)[number];

/** How many times slower a path may be over the large ledger. */
const SLOWDOWN_MAX = 2;

const READERS = 32;
const WRITERS = 64;
/** For paths that may take seconds over the large ledger. */
const ONE_BY_ONE = { connections: 1, patient: true } as const;

/** Counts the accounts, so it grows with their number. Its mark is the time that a call has. */
const TRIAL_BALANCES = ["GetTrialBalance", "GetTrialBalance, in the past"] as const;
const CALL_SECONDS_MAX = 30;

/** Compares each path of the service over a small and a large ledger. */
export const growth: Suite = async (options) => {
  const { scale } = options;
  const postgres = await startScratchPostgres();
  try {
    const sizes = { small: SMALL, large: { accounts: SMALL.accounts * scale, entries: SMALL.entries * scale } };
    const databases = { small: await postgres.createDatabase("small"), large: await postgres.createDatabase("large") };
    const ledgers = {
      small: await fillLedger(databases.small.pool, sizes.small),
      large: await fillLedger(databases.large.pool, sizes.large),
    };
    const firstSeconds = await addUpFirst(databases.large, ledgers.large);
    const paths = {
      small: await listPaths(databases.small, "small", ledgers.small),
      large: await listPaths(databases.large, "large", ledgers.large),
    };
    // Measure both sizes of a path in succession, so that they meet the same conditions.
    const alternating = paths.small.flatMap((path, index) => [path, ...paths.large.slice(index, index + 1)]);
    const samples = await observeAll(alternating, options, observeDatabase(postgres));
    const names = Object.keys(growingCalls);
    const slowdown = (name: string) => samples.over(nameOf(name, "small"), nameOf(name, "large"), "rate");
    const middles = (name: string, member: "rate" | "p99Ms" | "postgresUs", unit: string, digits: number) =>
      Object.fromEntries(
        SIZES.map((size) => [`${unit}, ${size}`, rounded(samples.middle(nameOf(name, size), member), digits)]),
      );
    return {
      rows: names.map((name) => ({
        path: name,
        ...middles(name, "rate", "calls/s", 1),
        "x slower": rounded(slowdown(name), 2),
        ...middles(name, "p99Ms", "p99 ms", 2),
        ...(canReadProcesses && middles(name, "postgresUs", "postgres us/call", 0)),
      })),
      marks: [
        ...names
          .filter((name) => !TRIAL_BALANCES.some((report) => report === name))
          .map((name) => atMost(`${name}: times slower with ${scale} times the data`, slowdown(name), SLOWDOWN_MAX)),
        atMost("GetTrialBalance, large, the first time: seconds", firstSeconds, CALL_SECONDS_MAX),
        ...TRIAL_BALANCES.map((name) =>
          atMost(`${name}, large: seconds`, samples.middle(nameOf(name, "large"), "p99Ms") / 1000, CALL_SECONDS_MAX),
        ),
      ],
      notes: [
        postgres.settings,
        `small: ${SMALL.accounts} accounts, ${SMALL.entries} entries; large: ${scale} times as many of both`,
        "half of the entries are one account's: its statement is the deep one",
      ],
      failures: samples.failures + (await auditLedger(databases.small.pool)),
    };
  } finally {
    await postgres.stop();
  }
};

type LedgerCalls = ReturnType<typeof ledgerCalls>;

const growingCalls: Readonly<
  Record<string, (calls: LedgerCalls) => Calls & Pick<LedgerPath, "connections" | "patient" | "transfersPerCall">>
> = {
  GetAccount: (calls) => ({ ...calls.getAccount, connections: READERS }),
  CreateTransfer: (calls) => ({ ...calls.createTransfer, connections: WRITERS, transfersPerCall: 1 }),
  "ListEntries, deep": (calls) => ({ ...calls.listEntriesDeep, connections: READERS }),
  "ListEntries, from a time": (calls) => ({ ...calls.listEntriesFrom, ...ONE_BY_ONE }),
  "GetBalance, in the past": (calls) => ({ ...calls.getBalance, connections: READERS }),
  "ListTransfers of one account, deep": (calls) => ({ ...calls.listTransfersDeep, ...ONE_BY_ONE }),
  [TRIAL_BALANCES[0]]: (calls) => ({ ...calls.getTrialBalance, ...ONE_BY_ONE }),
  [TRIAL_BALANCES[1]]: (calls) => ({ ...calls.getTrialBalancePast, ...ONE_BY_ONE }),
};

/** Makes the first trial balance, which adds up all entries. @returns seconds. */
async function addUpFirst({ pool }: ScratchDatabase, { firstTransferMs, transfers }: FilledLedger): Promise<number> {
  const lastTransfer = BigInt(firstTransferMs + transfers * 1000) * 1000n;
  const startedMs = performance.now();
  await loadTrialBalance((work) => withConnection(pool, work), lastTransfer, TRANSFERS_PER_TOTAL);
  return (performance.now() - startedMs) / 1000;
}

async function listPaths(database: ScratchDatabase, size: Size, ledger: FilledLedger): Promise<readonly LedgerPath[]> {
  const calls = ledgerCalls(ledger, await callerHeaders());
  const product = { database, program: "servers/product", environment: productEnvironment(database.url) };
  return Object.entries(growingCalls).map(([name, select]) => ({
    ...product,
    ...select(calls),
    name: nameOf(name, size),
  }));
}

function nameOf(path: string, size: Size): string {
  return `${path}, ${size}`;
}
