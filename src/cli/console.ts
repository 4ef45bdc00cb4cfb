import { pino } from "pino";
import { runCommand } from "../../packages/cors/src/doctor/index.ts";
import { readConsoleConfig } from "../config/config.ts";
import { buildConsole } from "../server/console.ts";
import { consolePlace, listen } from "../server/listening.ts";
import { describeFailure } from "../start-error.ts";

const HELP = `usage: CONSOLE_API_URL=https://api.example.com node dist/cli/console.js

Serves the web console alone, for an API that runs elsewhere.

  CONSOLE_API_URL     origin of the API for browsers; its CORS_ALLOWED_ORIGINS must list the console's origin
  HOST, CONSOLE_PORT  address and port of the console; default 127.0.0.1 and 5173
  TWIRP_PREFIX        path prefix of the API; default /twirp
  LOG_LEVEL           default info

Exit status: 0 after a signal to stop, 1 if it can't start, 2 for bad usage.`;

process.exitCode = await runCommand(process.argv.slice(2), { help: HELP, options: {}, run });

/** @returns the exit status: 1 if it can't start, else 0. */
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
    log: pino({ level: logLevel }),
    api: { url: apiUrl },
    twirpPrefix,
    developmentToken: undefined,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void pages.close());
  await listen(pages, consolePlace(host, port));
}
