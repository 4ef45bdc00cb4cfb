/**
 * A process that owns an embedded PostgreSQL, as the service does: `server-owner DATA_DIR NOTE [leave]`.
 *
 * It writes a note to the database and logs its steps. On SIGINT and SIGTERM it finishes its work and closes in order. With
 * `leave` it exits at once without closing anything.
 */

import { silentLog } from "../../../src/database/connection-errors.ts";
import { DatabaseStartError, openPool, startEmbeddedPostgres } from "../../../src/database/index.ts";

const [dataDir = "", note = "", mode] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog });
  if (mode === "leave") process.exit(0);
  const pool = openPool({ connectionString: server.url });
  await pool.query("insert into note values ($1)", [note]);
  const work = pool.query("select pg_sleep(0.2)").then(
    () => say("work done"),
    (error: unknown) => say(`work failed: ${error}`),
  );
  const close = async (): Promise<void> => {
    await work;
    await pool.end();
    say("pool closed");
    await server.stop();
    say("server stopped");
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void close());
  say(`ready ${server.url}`);
} catch (error) {
  if (!(error instanceof DatabaseStartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
