export type { CorsHeaders, CorsRequest, Decision } from "./decide.ts";
export { decide } from "./decide.ts";
export type { AnswerEarly, PreflightAnswer } from "./early-preflights.ts";
export {
  commaList,
  corsVariables,
  describeMistakes,
  missingOrigins,
  printMistake,
  readCorsConfig,
  readCorsPolicy,
} from "./environment.ts";
export type { CorsOptions } from "./plugin.ts";
export { applyCorsHeaders, cors, corsHeadersFor } from "./plugin.ts";
export type { Compilation, CorsConfig, CorsMistake, Policy } from "./policy.ts";
export { compile, policyForProxy } from "./policy.ts";
export type { ConfigurationReason, RefusalReason, RequestReason } from "./reasons.ts";
export { explain, reasons } from "./reasons.ts";
export type { NearestOrigin, RefusalEvent } from "./refusals.ts";
export { nearestOrigin } from "./refusals.ts";
