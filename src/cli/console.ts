import { join } from "node:path";
import { pino } from "pino";
import { runCommand } from "../../packages/cors/src/doctor/index.ts";
import { readConsoleConfig } from "../config/config.ts";
import { migrationsDirectory } from "../database/index.ts";
import { buildConsole } from "../server/console.ts";
import { describeFailure } from "../server/failure.ts";
import { consolePlace, listen } from "../server/listening.ts";

const HELP = `usage: CONSOLE_API_URL=https://api.example.com node dist/cli/console.js

Serves the web console by itself, for an API that runs elsewhere.

  CONSOLE_API_URL     the API's origin as browsers reach it; its CORS_ALLOWED_ORIGINS must list the console's origin
  HOST, CONSOLE_PORT  where the console listens; default 127.0.0.1 and 5173
  TWIRP_PREFIX        the API's; default /twirp
  LOG_LEVEL           default info

Exit status: 0 after a signal to stop, 1 when it can't start, 2 for bad usage.`;

process.exitCode = await runCommand(process.argv.slice(2), { help: HELP, options: {}, run });

/** @returns the exit status of a start that failed; 0 as long as it serves. */
async function run(): Promise<number> {
  try {
    await serve();
    return 0;
  } catch (error) {
    console.error(describeFailure(error));
    return 1;
  }
}

async function serve(): Promise<void> {
  const { host, port, apiUrl, twirpPrefix, logLevel } = readConsoleConfig(process.env);
  const pages = await buildConsole({
    root: join(await migrationsDirectory(), "../dist/web"),
    log: pino({ level: logLevel }),
    api: { url: apiUrl },
    twirpPrefix,
    developmentToken: undefined,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void pages.close());
  await listen(pages, consolePlace(host, port));
}
