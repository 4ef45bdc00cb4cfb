import { runCommand } from "../../packages/cors/src/doctor/index.ts";
import { run as runCorsCases } from "./cors.ts";
import { run as runTwirpCases } from "./twirp.ts";

const HELP = `usage: npm run conformance

Runs the tables of Twirp and CORS cases in test/conformance against the plugins. Ends with the line "N passed, N failed".

Exit status: 0 when all passed, 1 when one failed, 2 for bad usage.`;

const tables = { twirp: runTwirpCases, cors: runCorsCases };

process.exitCode = await runCommand(process.argv.slice(2), { help: HELP, options: {}, run: runTables });

/** @returns the exit status. */
async function runTables(): Promise<number> {
  let passed = 0;
  let failed = 0;
  for (const [name, run] of Object.entries(tables)) {
    const result = await run();
    passed += result.passed;
    failed += result.failed;
    for (const { id, reason } of result.skipped) console.log(`skipped ${id}: ${reason}`);
    console.log(`${name}: ${result.passed} passed, ${result.failed} failed, ${result.skipped.length} skipped`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
