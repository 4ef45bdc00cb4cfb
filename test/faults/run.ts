import { runCommand, UsageError } from "../../packages/cors/src/doctor/index.ts";
import { makeOwnDirectory } from "../setup/belongings.ts";
import { makeServerDirectory } from "../setup/debian-servers.ts";
import { failOver, faultOfRound, faults } from "./automatic-failover.ts";
import { clusterLack } from "./patroni.ts";
import { torture } from "./torture.ts";
import type { Finding } from "./traffic.ts";

const HELP = `usage: npm run torture -- [--minutes N] [--clients N] [--seed N]
       npm run torture -- --failover [--rounds N] [--clients N] [--seed N]

Posts transfers and follows the feed of events while two servers, their database and the network between them are killed,
restarted and cut, then audits the ledger and compares the followers' books with it. With --failover the database is a cluster of three servers under Patroni (Debian's packages, as root), each round
strikes its primary, and the pauses in writing are printed.

  --minutes  how long; default 5
  --rounds   how many faults; default 20
  --clients  callers at once; default 32
  --seed     repeats the faults of an earlier run, which printed it; default a new one

Exit status: 0 when nothing was lost and the ledger is sound, 1 when not, 2 for bad usage.`;

process.exitCode = await runCommand(process.argv.slice(2), {
  help: HELP,
  options: {
    minutes: { type: "string", default: "5" },
    clients: { type: "string", default: "32" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    failover: { type: "boolean", default: false },
    rounds: { type: "string", default: "20" },
  },
  run: ({ values: { minutes, clients, seed, failover, rounds } }) => {
    if (!/^\d{1,6}(\.\d{1,3})?$/.test(minutes)) throw new UsageError("--minutes must be a number");
    for (const [option, text] of Object.entries({ clients, seed, rounds })) {
      if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${option} must be a whole number`);
    }
    const load = { clients: Number(clients), seed: Number(seed) };
    if (!failover) return tortureFor({ seconds: Number(minutes) * 60, ...load });
    if (clusterLack !== undefined) throw new UsageError(`no cluster can be made ${clusterLack}`);
    return failOverFor(Number(rounds), load);
  },
});

/** @returns the exit status. */
async function failOverFor(rounds: number, load: { clients: number; seed: number }): Promise<number> {
  const directory = await makeServerDirectory();
  console.log(`seed ${load.seed}`);
  try {
    const chosen = Array.from({ length: rounds }, (_, round) => faultOfRound(round));
    const report = (line: string) => console.log(line);
    const result = await failOver({ directory: directory.path, rounds: chosen, ...load, report });
    const { acknowledged, reads, pauses, findings } = result;
    for (const { kind, text } of findings) console.log(`${kind}: ${text}`);
    console.log("seconds without an acknowledged transfer: min, median, p90, max");
    for (const { name } of faults) {
      const all = pauses.filter(({ fault }) => fault === name).map(({ milliseconds }) => milliseconds);
      if (all.length > 0) console.log(`${distribution(all)}  ${name}, ${all.length} times`);
    }
    console.log(`${distribution(pauses.map(({ milliseconds }) => milliseconds))}  all ${pauses.length} rounds`);
    const count = (wanted: Finding["kind"]) => findings.filter(({ kind }) => kind === wanted).length;
    console.log(
      `${acknowledged} transfers acknowledged: ${count("lost")} lost, ${count("twice")} posted twice. ${reads} reads, ${count("stale")} not of the primary. ` +
        `Writes of a former primary: ${count("alone")}. Findings in the books: ${count("books")}.`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    await directory.remove();
  }
}

/** The least, the median, the 90th percentile and the greatest of milliseconds, in seconds. */
function distribution(milliseconds: readonly number[]): string {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? sorted[0] ?? 0;
  return [0, 0.5, 0.9, 1].map((share) => (quantile(share) / 1000).toFixed(1).padStart(5)).join(" ");
}

/** @returns the exit status. */
async function tortureFor(
  options: Pick<Parameters<typeof torture>[0], "seconds" | "clients" | "seed">,
): Promise<number> {
  const directory = makeOwnDirectory("finance-torture-");
  console.log(`seed ${options.seed}`);
  try {
    const result = await torture({ ...options, directory: directory.path, report: (line) => console.log(line) });
    for (const finding of result.findings) console.log(finding);
    const { acknowledged, refused, faults, recoveryMsMax, findings } = result;
    console.log(
      `${acknowledged} transfers acknowledged, ${refused} refused, ${faults} faults, recovered within ${recoveryMsMax} ms, ${findings.length} findings`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    await directory.remove();
  }
}
