export { accessLog } from "./access-log.ts";
export { type Departure, departure, sendClientsAway } from "./departure.ts";
export { type HealthOptions, health, type ReadinessCheck } from "./health.ts";
export { createMetrics, type Metrics, metricsEndpoint } from "./metrics.ts";
export { requestId, requestIdOf, setRequestId } from "./request-id.ts";
export { securityHeaders, setSecurityHeaders } from "./security-headers.ts";
