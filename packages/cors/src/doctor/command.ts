import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import { describeMisuse, UsageError } from "../command-line.ts";
import { describeMistakes, type Environment, printMistake } from "../environment.ts";
import type { Policy } from "../policy.ts";
import {
  type CheckArguments,
  type ExpectArguments,
  type ExplainArguments,
  type HarArguments,
  readArguments,
  usage,
} from "./arguments.ts";
import { renderMessages, renderMessagesJson } from "./console-report.ts";
import { explainLine } from "./console-text.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { type CaseResult, isAsExpected, renderResults, renderResultsJson, resultCases } from "./expectation-report.ts";
import { compareWith, ExpectationsError, type ExpectedCase, readExpectations } from "./expectations.ts";
import { diagnose } from "./fetch.ts";
import { type Har, HarError, readHar } from "./har.ts";
import { harCases, renderHarJson, renderHarText } from "./har-report.ts";
import { BodyCutter } from "./har-text.ts";
import { type JunitCase, renderJunit } from "./junit.ts";
import type { PagePlace } from "./local-network-access.ts";
import { locatePage } from "./page-place.ts";
import { createPolicyProbe, explainRefusals } from "./policy-probe.ts";
import { createProbe } from "./probe.ts";
import { judgeHar } from "./recorded-calls.ts";
import { printableLines, renderJson, renderMistakes, renderText, type TextOptions, wantsColours } from "./reports.ts";
import { siteOf } from "./sites.ts";

/** What --from-config checks, or the mistakes in the environment. */
export type ConfiguredService =
  | { readonly ok: true; readonly policy: Policy; readonly url: URL }
  | { readonly ok: false; readonly mistakes: readonly string[] };

interface Doctor {
  /** How people call the command, for the help. */
  readonly name: string;
  /** Reads the policy, and the URL that is checked unless the command line has one. */
  readonly readService: (environment: Environment) => ConfiguredService;
}

const BAD_USAGE = 2;

/** Runs the doctor with this process's arguments and environment. @returns the exit status. */
export async function runDoctor({ name, readService }: Doctor): Promise<number> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The reader of a long report may stop early, as head does.
    if (error.code === "EPIPE") process.exit();
    process.stderr.write(`the report cannot be written: ${error.message}\n`);
    process.exit(BAD_USAGE);
  });
  try {
    const asked = readArguments(process.argv.slice(2));
    if (asked.kind === "help") return print(usage(name), 0);
    if (asked.kind === "har") return await judgeRecording(asked);
    if (asked.kind === "explain") return explainText(asked, name);
    if (asked.kind === "expect") return await compareCases(asked, readService);
    return asked.fromConfig ? await checkService(asked, readService(process.env)) : await checkServer(asked);
  } catch (error) {
    // Both can quote a file or a pasted command, which may come from anyone.
    if (error instanceof FileError) process.stderr.write(`${printableLines(error.message)}\n`);
    else if (error instanceof UsageError)
      process.stderr.write(describeMisuse(new UsageError(printableLines(error.message)), usage(name)));
    else throw error;
    return BAD_USAGE;
  }
}

/** A file that cannot be read or written, or has mistakes. How to call the command does not help then. */
class FileError extends Error {
  override readonly name = "FileError";
}

/** Every call between origins of a recording. */
async function judgeRecording(asked: HarArguments): Promise<number> {
  const har = await readRecording(asked.file);
  const { strict, place, permission } = asked;
  const judged = judgeHar(har, { strict, permission, siteOf, ...(place !== undefined && { place }) });
  writeJunit(asked.junit, asked.file, () => harCases(judged));
  const text = asked.json ? renderHarJson(har, judged) : renderHarText(har, judged, textOptions(asked));
  return print(text, judged.failures.length === 0 ? 0 : 1);
}

/** @throws FileError for a file that is missing or no HAR. */
async function readRecording(file: string): Promise<Har> {
  const cutter = new BodyCutter();
  try {
    const input = file === "-" ? process.stdin.setEncoding("utf8") : createReadStream(file, "utf8");
    for await (const piece of input) {
      if (!cutter.push(piece)) throw new HarError("it is too large, even without its bodies: record a shorter time");
    }
    return readHar(cutter.text());
  } catch (error) {
    throw fileError("--har", file, error);
  }
}

function fileError(option: string, file: string, error: unknown): unknown {
  if (error instanceof HarError || error instanceof ExpectationsError)
    return new FileError(`${option} ${file}:\n${error.message}`);
  const isFromSystem = error instanceof Error && "code" in error;
  return isFromSystem ? new FileError(`${option} ${file}: ${error.message}`) : error;
}

function explainText(asked: ExplainArguments, name: string): number {
  const messages = explainLine(asked.text);
  const text = asked.json ? renderMessagesJson(messages) : renderMessages(messages, name, textOptions(asked));
  return print(text, messages.length === 0 ? 1 : 0);
}

/** Otherwise Local Network Access would hide what a server on this machine answers to pages from the internet. */
const besideServer: PagePlace = { space: "loopback", why: "as --expect takes it" };

/** Each case of an expectations file, one after the other: a server that limits the rate must not refuse them. */
async function compareCases(asked: ExpectArguments, readService: Doctor["readService"]): Promise<number> {
  const service = asked.fromConfig ? readService(process.env) : null;
  if (service?.ok === false) return reportMistakes(asked, service.mistakes);
  const cases = readCases(asked, service?.url);
  const probe = service === null ? createProbe(asked) : createPolicyProbe(service.policy);
  const results: CaseResult[] = [];
  for (const expected of cases) {
    const started = performance.now();
    const { page } = expected;
    const preflightOnly = asked.preflightOnly || expected.preflightOnly;
    const { pageAddressSpace: space, timeoutMs } = asked;
    const place = space === undefined ? besideServer : await locatePage(page.origin, space, timeoutMs);
    const options = { ...asked, preflightOnly, siteOf, place };
    const diagnosis = await diagnose(page, probe, options);
    const seconds = (performance.now() - started) / 1000;
    results.push({ expected, diagnosis, differences: compareWith(expected, diagnosis), seconds });
  }
  writeJunit(asked.junit, asked.file, () => resultCases(results));
  const text = asked.json ? renderResultsJson(results) : renderResults(results, textOptions(asked));
  return print(text, results.every(isAsExpected) ? 0 : 1);
}

function readCases({ file, url }: ExpectArguments, serviceUrl: URL | undefined): ExpectedCase[] {
  try {
    return readExpectations(readFileSync(file === "-" ? 0 : file, "utf8"), url ?? serviceUrl ?? null);
  } catch (error) {
    throw fileError("--expect", file, error);
  }
}

function writeJunit(file: string | undefined, suite: string, cases: () => readonly JunitCase[]): void {
  if (file === undefined) return;
  try {
    writeFileSync(file, renderJunit(suite, cases()));
  } catch (error) {
    throw fileError("--junit", file, error);
  }
}

async function checkServer(asked: CheckArguments & { readonly fromConfig: false }): Promise<number> {
  const place = await locatePage(asked.page.origin, asked.pageAddressSpace, asked.timeoutMs);
  const diagnosis = await diagnose({ ...asked.page, url: asked.url }, createProbe(asked), { ...asked, place, siteOf });
  return report(asked, diagnosis, asked.notes);
}

/** What the server would answer if it were started in this environment. */
async function checkService(asked: CheckArguments, service: ConfiguredService): Promise<number> {
  if (!service.ok) return reportMistakes(asked, service.mistakes);
  const { policy } = service;
  const page = { ...asked.page, url: asked.url ?? service.url };
  const diagnosis = await diagnose(page, createPolicyProbe(policy), asked);
  const notes = [
    "No server was asked: these are the answers of the policy in this environment.",
    ...explainRefusals(policy, diagnosis),
  ];
  if (diagnosis.failure?.code === "allow_origin_missing") {
    const origins = policy.origins.map(({ text }) => text).join(",");
    notes.push(`CORS_ALLOWED_ORIGINS is ${origins === "" ? "empty" : origins} now.`);
  }
  const warnings = policy.warnings.map((warning) => `${warning.reason}: ${printMistake(warning)}`);
  const frameworks = asked.frameworks ?? ["financeService"];
  return report({ ...asked, frameworks }, diagnosis, [...notes, ...warnings]);
}

/** The server would not start in this environment. */
function reportMistakes({ json }: { readonly json: boolean }, mistakes: readonly string[]): number {
  if (json) return print(renderMistakes(mistakes), 1);
  process.stderr.write(`${describeMistakes(mistakes)}\n`);
  return 1;
}

function report(asked: CheckArguments, diagnosis: Diagnosis, notes: readonly string[]): number {
  const text = asked.json ? renderJson(diagnosis, notes) : renderText(diagnosis, notes, textOptions(asked));
  return print(text, diagnosis.allowed ? 0 : 1);
}

function textOptions({ frameworks }: Pick<CheckArguments, "frameworks">): TextOptions {
  return { colours: wantsColours(Boolean(process.stdout.isTTY), process.env), frameworks };
}

function print(text: string, status: number): number {
  process.stdout.write(`${text}\n`);
  return status;
}
