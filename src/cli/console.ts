/** `node dist/cli/console.js`: serves the web console by itself, for an API that runs elsewhere. */
import { join } from "node:path";
import { pino } from "pino";
import { ConfigError, readConsoleConfig } from "../config.ts";
import { buildConsole } from "../console.ts";
import { migrationsDirectory } from "../database/index.ts";

try {
  await run();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { host, port, apiUrl, twirpPrefix, logLevel } = readConsoleConfig(process.env);
  const pages = await buildConsole({
    root: join(await migrationsDirectory(), "../dist/web"),
    log: pino({ level: logLevel }),
    api: { url: apiUrl },
    twirpPrefix,
    developmentToken: undefined,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void pages.close());
  await pages.listen({ host, port });
}
