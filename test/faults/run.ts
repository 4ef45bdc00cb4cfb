import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand, UsageError } from "../../packages/cors/src/doctor/index.ts";
import { torture } from "./torture.ts";

const HELP = `usage: npm run torture -- [--minutes N] [--clients N] [--seed N]

Posts transfers while the service, its database and the network between them are killed, restarted and cut, then audits
the ledger.

  --minutes  how long; default 5
  --clients  callers at once; default 32
  --seed     repeats the faults of an earlier run, which printed it; default a new one

Exit status: 0 when nothing was lost and the ledger is sound, 1 when not, 2 for bad usage.`;

process.exitCode = await runCommand(process.argv.slice(2), {
  help: HELP,
  options: {
    minutes: { type: "string", default: "5" },
    clients: { type: "string", default: "32" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
  },
  run: ({ values: { minutes, clients, seed } }) => {
    if (!/^\d{1,6}(\.\d{1,3})?$/.test(minutes)) throw new UsageError("--minutes must be a number");
    for (const [option, text] of Object.entries({ clients, seed })) {
      if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${option} must be a whole number`);
    }
    return tortureFor({ seconds: Number(minutes) * 60, clients: Number(clients), seed: Number(seed) });
  },
});

/** @returns the exit status. */
async function tortureFor(
  options: Pick<Parameters<typeof torture>[0], "seconds" | "clients" | "seed">,
): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "finance-torture-"));
  console.log(`seed ${options.seed}`);
  try {
    const result = await torture({ ...options, directory, report: (line) => console.log(line) });
    for (const finding of result.findings) console.log(finding);
    const { acknowledged, refused, faults, recoveryMsMax, findings } = result;
    console.log(
      `${acknowledged} transfers acknowledged, ${refused} refused, ${faults} faults, recovered within ${recoveryMsMax} ms, ${findings.length} findings`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
