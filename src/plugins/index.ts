export { Connections, keepIdleConnections, limitPipelining, proxiesIn, shareChunks } from "./connections.ts";
export { gracefulExit, type LameDuck, sendClientsAway } from "./graceful-exit.ts";
export { type HealthOptions, health, localNames, type ReadinessCheck, shared } from "./health.ts";
export { type BrokenRequest, createMetrics, type Metrics, metricsEndpoint, type OverloadRefusal } from "./metrics.ts";
export type { Tracing } from "./open-telemetry.ts";
export { createRateLimiter, heldBytesMaxOf, OverloadError, type OverloadLimits, overload } from "./overload.ts";
export { requestIdHeader, requestIdOf, SECURITY_HEADERS, setRequestId } from "./reply-headers.ts";
export { RequestReport, type RequestReportOptions } from "./request-report.ts";
export { SERVER_LIMITS, type ServerLimits, serverOptions } from "./server-limits.ts";
