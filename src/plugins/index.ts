export { Connections, keepIdleConnections, limitPipelining, proxiesIn, shareChunks } from "./connections.ts";
export { gracefulExit, type LameDuck, sendClientsAway } from "./graceful-exit.ts";
export { type HealthOptions, health, localNames, type ReadinessCheck, shared } from "./health.ts";
export { type BrokenRequest, createMetrics, type Metrics, metricsEndpoint, type OverloadRefusal } from "./metrics.ts";
export type { Tracing } from "./open-telemetry.ts";
export { createRateLimiter, heldBytesMaxOf, OverloadError, type OverloadLimits, overload } from "./overload.ts";
export { RequestReport, type RequestReportOptions } from "./request-report.ts";
export {
  REQUEST_ID,
  requestIdHeader,
  requestIdOf,
  SECURITY_HEADERS,
  SERVER_LIMITS,
  type ServerLimits,
  serverOptions,
  setRequestId,
} from "./server-options.ts";
