import { runCommand } from "../../packages/cors/src/doctor/index.ts";
import { ConfigError, readLedgerConfig } from "../config/config.ts";
import {
  checkDatabase,
  DatabaseStartError,
  findEmbeddedPostgres,
  openPool,
  pendingMigrations,
  startEmbeddedPostgres,
} from "../database/index.ts";
import { audit, checks } from "../finance/index.ts";
import { migrationsDirectory } from "../package-files.ts";

const HELP = `usage: npm run verify

Audits the whole ledger at DATABASE_URL, or else the embedded one in DATA_DIR, even while the service runs: sums, chains,
orphans, holds, times, idempotency keys. Prints one line of JSON for each error and each notice.

Exit status: 0 if the ledger is sound, 1 if it is not, 2 if it could not be audited and for bad usage.`;

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const UNSOUND = 1;
const NOT_AUDITED = 2;
/** The exit status that shells report for a program stopped with Ctrl-C. */
const INTERRUPTED = 130;

process.exitCode = await runCommand(process.argv.slice(2), { help: HELP, options: {}, run: verify });

/** @returns the exit status. */
async function verify(): Promise<number> {
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interruption.abort());
  try {
    return (await countFindings(interruption.signal)) === 0 ? 0 : UNSOUND;
  } catch (error) {
    if (interruption.signal.aborted) return INTERRUPTED;
    const isKnown = error instanceof ConfigError || error instanceof DatabaseStartError;
    console.error(
      isKnown ? error.message : `the ledger could not be audited: ${error instanceof Error ? error.message : error}`,
    );
    return NOT_AUDITED;
  }
}

async function countFindings(interruption: AbortSignal): Promise<number> {
  const { databaseUrl, dataDir } = readLedgerConfig(process.env);
  const database = await openDatabase(databaseUrl, dataDir);
  // Even if the signal came this early, the embedded database must stop.
  if (interruption.aborted) await database.close();
  interruption.throwIfAborted();
  interruption.addEventListener("abort", () => void database.close().finally(() => process.exit(INTERRUPTED)));
  // A check of a large ledger may take minutes.
  const pool = openPool({ connectionString: database.url, max: 1, statementTimeoutMs: 0 });
  try {
    const missing = await pendingMigrations(pool, migrationsDirectory());
    if (missing.length > 0)
      throw new DatabaseStartError(`migrations are missing: ${missing.join(", ")}; run npm run migrate`);
    return await auditAll(pool);
  } finally {
    await pool.end();
    await database.close();
  }
}

async function auditAll(pool: ReturnType<typeof openPool>): Promise<number> {
  const client = await pool.connect();
  try {
    const found = await audit(client, (finding) => console.log(JSON.stringify(finding)));
    console.error(found === 0 ? `sound: ${checks.length} checks` : `${found} findings`);
    return found;
  } finally {
    // A pool that is ended waits for its clients.
    client.release();
  }
}

/** Opens the database at DATABASE_URL, or else the embedded one, which it starts unless the service runs it. */
async function openDatabase(
  databaseUrl: string | undefined,
  dataDir: string,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  if (databaseUrl !== undefined) {
    await checkDatabase(databaseUrl);
    return { url: databaseUrl, close: async () => undefined };
  }
  const running = await findEmbeddedPostgres(dataDir);
  if (running !== undefined) return { url: running, close: async () => undefined };
  const embedded = await startEmbeddedPostgres({ dataDir, log: silent });
  return { url: embedded.url, close: () => embedded.stop() };
}
