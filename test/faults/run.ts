import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { torture } from "./torture.ts";

/** `npm run torture -- --minutes N [--clients N] [--seed N]`: faults under load for as long as asked. */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    clients: { type: "string", default: "32" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
  },
});
const directory = await mkdtemp(join(tmpdir(), "finance-torture-"));
console.log(`seed ${values.seed}`);
try {
  const result = await torture({
    directory,
    seconds: Number(values.minutes) * 60,
    clients: Number(values.clients),
    seed: Number(values.seed),
    report: (line) => console.log(line),
  });
  for (const finding of result.findings) console.log(finding);
  const { acknowledged, refused, faults, recoveryMsMax, findings } = result;
  console.log(
    `${acknowledged} transfers acknowledged, ${refused} refused, ${faults} faults, recovered within ${recoveryMsMax} ms, ${findings.length} findings`,
  );
  process.exitCode = findings.length === 0 ? 0 : 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}
