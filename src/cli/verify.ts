import { ConfigError, readConfig } from "../config.ts";
import { checkDatabase, DatabaseStartError, openPool, startEmbeddedPostgres } from "../database/index.ts";
import { audit, checks } from "../finance/index.ts";

const USAGE = `usage: npm run verify

Audits the whole ledger at DATABASE_URL, or the embedded one in DATA_DIR: sums, chains, orphans, holds, times, idempotency
keys. Prints a line of JSON for each thing that is wrong, or worth knowing ("notice"). Exit status 0 when the ledger is sound, 1 when not, 2 for bad usage.`;

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

if (process.argv.length > 2) {
  const asked = process.argv.includes("--help");
  (asked ? console.log : console.error)(USAGE);
  process.exitCode = asked ? 0 : 2;
} else {
  try {
    process.exitCode = (await run()) === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof DatabaseStartError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function run(): Promise<number> {
  const { databaseUrl, dataDir } = readConfig(process.env);
  if (databaseUrl !== undefined) await checkDatabase(databaseUrl);
  const embedded = databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir, log: silent }) : undefined;
  const pool = openPool({ connectionString: databaseUrl ?? embedded?.url ?? "", max: 1 });
  try {
    const client = await pool.connect();
    const found = await audit(client, (finding) => console.log(JSON.stringify(finding)));
    client.release();
    console.error(found === 0 ? `sound: ${checks.length} checks` : `${found} findings`);
    return found;
  } finally {
    await pool.end();
    await embedded?.stop();
  }
}
