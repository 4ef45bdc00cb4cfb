export { type AdmissionLimits, admission, Connections, heldBytesMaxOf, OPEN_ROUTES, proxiesIn } from "./admission.ts";
export { shareChunks } from "./chunked-bodies.ts";
export { type Departure, departure, sendClientsAway } from "./departure.ts";
export { type HealthOptions, health, type ReadinessCheck } from "./health.ts";
export { keepIdleConnections } from "./idle-connections.ts";
export { localNames } from "./local-names.ts";
export { createMetrics, type Metrics, metricsEndpoint } from "./metrics.ts";
export { limitPipelining } from "./pipelining.ts";
export { createRateLimiter, OverloadError } from "./rate-limit.ts";
export {
  requestId,
  requestIdHeader,
  requestIdOf,
  SECURITY_HEADERS,
  securityHeaders,
  setRequestId,
  setSecurityHeaders,
} from "./reply-headers.ts";
export { RequestReport, type RequestReportOptions, requestLog } from "./request-report.ts";
export { SERVER_LIMITS, type ServerLimits, serverOptions } from "./server-limits.ts";
export { startTracing, TracingStartError } from "./start-tracing.ts";
export type { ReportedCall, Tracing } from "./tracing.ts";
