export {
  describeUnknownVariable,
  didYouMean,
  misspeltNames,
  nearestNames,
  runCommand,
  UsageError,
} from "../command-line.ts";
export { fixesFor } from "./advice.ts";
export type { CheckArguments, DoctorArguments } from "./arguments.ts";
export { commandName, readArguments, usage } from "./arguments.ts";
export { type ConfiguredService, runDoctor } from "./command.ts";
export type { ConsoleLines } from "./consoles.ts";
export { consoleLines } from "./consoles.ts";
export type { Diagnosis, Exchange, Failure, Probe, Reply, Step, WireOutcome, WireRequest } from "./diagnosis.ts";
export type { Explanation, FailureCode } from "./explanations.ts";
export { explanations } from "./explanations.ts";
export type { FetchOptions } from "./fetch.ts";
export { diagnose, fetchAlgorithm } from "./fetch.ts";
export type { PageRequest } from "./page-request.ts";
export { createPolicyProbe, explainRefusals } from "./policy-probe.ts";
export type { ProbeOptions } from "./probe.ts";
export { createProbe } from "./probe.ts";
export { renderJson, renderText, wantsColours } from "./reports.ts";
