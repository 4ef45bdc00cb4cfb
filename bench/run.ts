import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { adapter } from "./adapter.ts";
import { growth } from "./growth.ts";
import { holds } from "./holds.ts";
import { ledger } from "./ledger.ts";
import { loadTool } from "./load.ts";
import { overload } from "./overload.ts";
import { preflight } from "./preflight.ts";
import { size } from "./size.ts";
import type { Suite, SuiteReport } from "./suite.ts";
import { workers } from "./workers.ts";

/** Every suite, by the name under which `npm run bench -- NAME` runs it alone. */
const suites: Readonly<Record<string, Suite>> = { adapter, preflight, ledger, workers, growth, holds, overload, size };

const USAGE = `usage: npm run bench -- [${Object.keys(suites).join("|")}] [--json] [--rounds N] [--seconds N] [--entries N] [--scale N]`;

const { values, positionals } = readArguments();
const names = positionals.length === 0 ? Object.keys(suites) : positionals;
const options = {
  rounds: positive(values.rounds, 9),
  seconds: positive(values.seconds, 1),
  entries: positive(values.entries, 1_000_000),
  scale: positive(values.scale, 100),
};
const machine = {
  processors: availableParallelism(),
  model: cpus()[0]?.model ?? "unknown",
  node: process.version,
  loadTool,
};

const reports: Record<string, SuiteReport> = {};
for (const name of names) {
  const suite = suites[name];
  if (suite === undefined) fail(`there is no suite ${name}`);
  const report = await suite(options);
  reports[name] = report;
  if (!values.json) print(name, report);
}
if (values.json)
  console.log(JSON.stringify({ date: new Date().toISOString(), machine, options, suites: reports }, null, 2));
// Marks depend on the machine and its other users, failed calls on nothing but the code.
process.exitCode = Object.values(reports).some(({ failures }) => failures > 0) ? 1 : 0;

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        rounds: { type: "string" },
        seconds: { type: "string" },
        entries: { type: "string" },
        scale: { type: "string" },
      },
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function positive(text: string | undefined, fallback: number): number {
  const number = text === undefined ? fallback : Number(text);
  return Number.isInteger(number) && number > 0 ? number : fail(`${text} is not a positive whole number`);
}

function fail(message: string): never {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

function print(name: string, { how, rows, marks, notes = [], failures }: SuiteReport): void {
  const rounds = `medians of ${options.rounds} rounds of ${options.seconds} s, ${machine.processors} processors, ${machine.loadTool}`;
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
