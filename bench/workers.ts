import { availableParallelism } from "node:os";
import { callerHeaders, ledgerCalls, productEnvironment } from "./ledger-calls.ts";
import { auditLedger, fillLedger } from "./ledger-data.ts";
import { measureAll, type Path } from "./measure.ts";
import { startScratchPostgres } from "./scratch-postgres.ts";
import { rounded, type Suite } from "./suite.ts";

const ACCOUNTS = 10_000;
const READERS = 32;
const WRITERS = 64;

/** Undefined: one process without a supervisor. */
const WORKERS: readonly (number | undefined)[] = [...new Set([undefined, 1, 2, availableParallelism()])];

interface WorkersPath extends Path {
  readonly calls: string;
  readonly workers: number | undefined;
}

/** The service in several processes beside the service in one. */
export const workers: Suite = async (options) => {
  const postgres = await startScratchPostgres();
  try {
    const database = await postgres.createDatabase("workers");
    const filled = await fillLedger(database.pool, { accounts: ACCOUNTS, entries: 2 * ACCOUNTS });
    const { getAccount, createTransfer, createTransferHot } = ledgerCalls(filled, await callerHeaders());
    const kinds = [
      { calls: "GetAccount", ...getAccount, connections: READERS },
      { calls: "CreateTransfer, random accounts", ...createTransfer, connections: WRITERS },
      { calls: "CreateTransfer, two hot accounts", ...createTransferHot, connections: WRITERS },
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
    const samples = await measureAll(paths, options);
    const rows = paths.map(({ name, calls, workers: count }) => ({
      path: name,
      "calls/s": rounded(samples.middle(name, "rate"), 0),
      "x one process": count === undefined ? "" : rounded(samples.over(name, nameOf(calls, undefined), "rate"), 2),
      "p50 ms": rounded(samples.middle(name, "p50Ms"), 2),
      "p99 ms": rounded(samples.middle(name, "p99Ms"), 2),
    }));
    const notes = [
      postgres.settings,
      `${availableParallelism()} processors, of which PostgreSQL and the callers take their share`,
    ];
    return { rows, marks: [], notes, failures: samples.failures + (await auditLedger(database.pool)) };
  } finally {
    await postgres.stop();
  }
};

function nameOf(calls: string, count: number | undefined): string {
  return count === undefined ? `${calls}, one process` : `${calls}, WORKERS=${count}`;
}
