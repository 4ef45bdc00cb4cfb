import { run as runCorsCases } from "./cors.ts";
import { run as runTwirpCases } from "./twirp.ts";

/** Runs both tables of cases against the product's own plugins and ends with the line "N passed, N failed". */
const tables = { twirp: runTwirpCases, cors: runCorsCases };

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
process.exitCode = failed === 0 ? 0 : 1;
