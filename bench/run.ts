import { availableParallelism, cpus } from "node:os";
import { didYouMean, nearestNames, runCommand, UsageError } from "../packages/cors/src/doctor/index.ts";
import { adapter } from "./adapter.ts";
import { compare } from "./compare.ts";
import { fairness } from "./fairness.ts";
import { feed } from "./feed.ts";
import { growth } from "./growth.ts";
import { holds } from "./holds.ts";
import { ledger } from "./ledger.ts";
import { loadTool } from "./load.ts";
import { overload } from "./overload.ts";
import { preflight } from "./preflight.ts";
import { size } from "./size.ts";
import type { Peer, Suite, SuiteReport } from "./suite.ts";
import { workers } from "./workers.ts";

/** Every suite, by the name under which `npm run bench -- NAME` runs it alone. */
const suites: Readonly<Record<string, Suite>> = {
  adapter,
  preflight,
  ledger,
  workers,
  growth,
  holds,
  overload,
  fairness,
  feed,
  compare,
  size,
};

const HELP = `usage: npm run bench -- [${Object.keys(suites).join("|")}]... [options]

Measures throughput, cost and size beside their baselines. Without names, every suite runs.

  --rounds N   of each measurement, alternating with its baseline; default 9
  --seconds N  of each round; default 1
  --entries N  of the account with the long statement, in the suite "ledger"; default 1000000
  --scale N    how many times larger the large ledger of the suite "growth" is; default 10
  --before DIR a built checkout of the version before, to compare postings with in the suite "feed"
  --peer NAME=URL
               a server of the same RPCs on this machine, to compare with in the suite "compare"; may be repeated
  --database URL
               the PostgreSQL that peers use too, as a superuser; "compare" then reads what they cost it
  --json       for machines

Exit status: 0, 1 when calls failed (missed marks depend on the machine), 2 for bad usage.`;

type Options = Parameters<Suite>[0];

process.exitCode = await runCommand(process.argv.slice(2), {
  help: HELP,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "1" },
    entries: { type: "string", default: "1000000" },
    scale: { type: "string", default: "10" },
    before: { type: "string" },
    peer: { type: "string", multiple: true, default: [] },
    database: { type: "string" },
  },
  positionals: true,
  run: ({ values: { json, before, peer, database, ...sizes }, positionals }) => {
    const names = positionals.length === 0 ? Object.keys(suites) : positionals;
    const chosen = names.map((name): readonly [string, Suite] => {
      const suite = suites[name];
      if (suite !== undefined) return [name, suite];
      throw new UsageError(`there is no suite ${name}${didYouMean(nearestNames(name, Object.keys(suites)))}`);
    });
    const options = {
      rounds: positive("rounds", sizes.rounds),
      seconds: positive("seconds", sizes.seconds),
      entries: positive("entries", sizes.entries),
      scale: positive("scale", sizes.scale),
      before,
      peers: peer.map(readPeer),
      database,
    };
    return runSuites(chosen, options, json);
  },
});

function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new UsageError(`--${option} must be a whole number above 0`);
}

function readPeer(text: string): Peer {
  const [, name, url = ""] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (name !== undefined && /^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?\/?$/.test(url)) {
    return { name, url: url.replace(/\/$/, "") };
  }
  throw new UsageError(`--peer must be NAME=http://127.0.0.1:PORT, not ${text}`);
}

/** @returns the exit status. */
async function runSuites(
  chosen: readonly (readonly [name: string, suite: Suite])[],
  options: Options,
  json: boolean,
): Promise<number> {
  const machine = {
    processors: availableParallelism(),
    model: cpus()[0]?.model ?? "unknown",
    node: process.version,
    loadTool,
  };
  const reports: Record<string, SuiteReport> = {};
  for (const [name, suite] of chosen) {
    const report = await suite(options);
    reports[name] = report;
    if (!json) print(name, report, options);
  }
  if (json) console.log(JSON.stringify({ date: new Date().toISOString(), machine, options, suites: reports }, null, 2));
  // Marks depend on the machine and its other users, failed calls only on the code.
  return Object.values(reports).some(({ failures }) => failures > 0) ? 1 : 0;
}

function print(name: string, { how, rows, marks, notes = [], failures }: SuiteReport, options: Options): void {
  const rounds = `medians of ${options.rounds} rounds of ${options.seconds} s, ${availableParallelism()} processors, ${loadTool}`;
  console.log(`${name}: ${how ?? rounds}\n`);
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, ...rows.map((row) => columns.map((column) => String(row[column])))];
  const widths = columns.map((_column, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  for (const line of lines) {
    const cells = line.map((cell, index) =>
      index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0),
    );
    console.log(cells.join("  "));
  }
  console.log("");
  for (const note of notes) console.log(`note    ${note}`);
  for (const { what, value, bound, met } of marks)
    console.log(`${met ? "met   " : "missed"}  ${what}: ${value} (${bound})`);
  if (failures > 0) console.log(`FAILED  ${failures} calls got no answer, or an error, or left the ledger unsound`);
  console.log("");
}
