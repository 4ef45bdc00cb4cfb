#!/usr/bin/env node
import {
  type CheckArguments,
  commandName,
  createPolicyProbe,
  createProbe,
  type Diagnosis,
  describeMisuse,
  diagnose,
  explainRefusals,
  readArguments,
  renderJson,
  renderMistakes,
  renderText,
  UsageError,
  usage,
  wantsColours,
} from "../../packages/cors/src/doctor/index.ts";
import { type Config, ConfigError, readConfig } from "../config/config.ts";

const command = commandName(process.argv[1] ?? "", process.env);

try {
  const asked = readArguments(process.argv.slice(2));
  if (asked.kind === "help") console.log(usage(command));
  else process.exitCode = (await check(asked)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(describeMisuse(error, usage(command)));
  process.exitCode = 2;
}

/** @returns whether the browser would allow it. */
async function check(asked: CheckArguments): Promise<boolean> {
  if (asked.fromConfig) return await checkEnvironment(asked);
  const page = { ...asked.page, url: asked.url };
  const diagnosis = await diagnose(page, createProbe(asked), asked);
  return report(asked, diagnosis, []);
}

/** What the server would answer if it were started in this environment. */
async function checkEnvironment(asked: CheckArguments & { readonly fromConfig: true }): Promise<boolean> {
  const config = readEnvironment();
  if (config instanceof ConfigError) {
    if (asked.json) console.log(renderMistakes(config.mistakes));
    else console.error(config.message);
    return false;
  }
  const page = { ...asked.page, url: asked.url ?? serviceUrl(config) };
  const diagnosis = await diagnose(page, createPolicyProbe(config.cors), asked);
  const notes = ["No server was asked: these are the answers of the policy in this environment."];
  return report(asked, diagnosis, [...notes, ...explainRefusals(config.cors, diagnosis)]);
}

function readEnvironment(): Config | ConfigError {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

function serviceUrl({ port, twirpPrefix }: Config): URL {
  return new URL(`http://localhost:${port}${twirpPrefix}/finance.v1.FinanceService/GetAccount`);
}

function report({ json }: CheckArguments, diagnosis: Diagnosis, notes: readonly string[]): boolean {
  const colours = wantsColours(Boolean(process.stdout.isTTY), process.env);
  console.log(json ? renderJson(diagnosis, notes) : renderText(diagnosis, notes, { colours }));
  return diagnosis.allowed;
}
