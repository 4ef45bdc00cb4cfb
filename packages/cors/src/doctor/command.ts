import { describeMisuse, UsageError } from "../command-line.ts";
import { describeMistakes, type Environment, printMistake } from "../environment.ts";
import type { Policy } from "../policy.ts";
import { type CheckArguments, readArguments, usage } from "./arguments.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { diagnose } from "./fetch.ts";
import { locatePage } from "./page-place.ts";
import { createPolicyProbe, explainRefusals } from "./policy-probe.ts";
import { createProbe } from "./probe.ts";
import { renderJson, renderMistakes, renderText, wantsColours } from "./reports.ts";
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
  try {
    const asked = readArguments(process.argv.slice(2));
    if (asked.kind === "help") return print(usage(name), 0);
    return asked.fromConfig ? await checkService(asked, readService(process.env)) : await checkServer(asked);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(describeMisuse(error, usage(name)));
    return BAD_USAGE;
  }
}

async function checkServer(asked: CheckArguments & { readonly fromConfig: false }): Promise<number> {
  const place = await locatePage(asked.page.origin, asked.pageAddressSpace, asked.timeoutMs);
  const diagnosis = await diagnose({ ...asked.page, url: asked.url }, createProbe(asked), { ...asked, place, siteOf });
  return report(asked, diagnosis, []);
}

/** What the server would answer if it were started in this environment. */
async function checkService(asked: CheckArguments, service: ConfiguredService): Promise<number> {
  if (!service.ok) {
    if (asked.json) return print(renderMistakes(service.mistakes), 1);
    process.stderr.write(`${describeMistakes(service.mistakes)}\n`);
    return 1;
  }
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

function report({ json, frameworks }: CheckArguments, diagnosis: Diagnosis, notes: readonly string[]): number {
  const colours = wantsColours(Boolean(process.stdout.isTTY), process.env);
  const text = json ? renderJson(diagnosis, notes) : renderText(diagnosis, notes, { colours, frameworks });
  return print(text, diagnosis.allowed ? 0 : 1);
}

function print(text: string, status: number): number {
  process.stdout.write(`${text}\n`);
  return status;
}
