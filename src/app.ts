import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from "fastify";
import { version } from "../package.json";
import { applyCorsHeaders, cors, corsHeadersFor } from "../packages/cors/src/index.ts";
import {
  CallMemory,
  callOf,
  createTwirpClientErrors,
  strictHttp,
  twirp,
  twirpFrameworkErrors,
  twirpOptions,
} from "../packages/twirp/src/index.ts";
import { type Authenticate, type Caller, readAuthorization } from "./auth/index.ts";
import type { Config } from "./config/config.ts";
import {
  countPostings,
  decodingLimits,
  type FinanceContext,
  financeServiceOf,
  type Ledger,
  mapFinanceError,
  overloaded,
} from "./finance/index.ts";
import {
  admission,
  Connections,
  createMetrics,
  createRateLimiter,
  departure,
  health,
  heldBytesMaxOf,
  keepIdleConnections,
  limitPipelining,
  localNames,
  type Metrics,
  metricsEndpoint,
  OPEN_ROUTES,
  OverloadError,
  proxiesIn,
  type ReadinessCheck,
  type ReportedCall,
  RequestReport,
  requestId,
  requestIdHeader,
  requestIdOf,
  requestLog,
  SECURITY_HEADERS,
  SERVER_LIMITS,
  type ServerLimits,
  securityHeaders,
  serverOptions,
  setRequestId,
  setSecurityHeaders,
  shareChunks,
  type Tracing,
} from "./plugins/index.ts";
import { frontPage } from "./server/front-page.ts";

/** A call takes milliseconds; one that takes as long as this is stuck, and its caller has better things to do. */
const CALL_DEADLINE_MS = 30_000;

export interface AppOptions {
  readonly config: Pick<Config, "environment" | "cors" | "twirpPrefix" | "bodyLimit" | "overload" | "trustProxy">;
  readonly log: FastifyBaseLogger;
  readonly authenticate: Authenticate;
  readonly ledger: Ledger;
  readonly readiness: ReadinessCheck;
  /** What a client may send, and how slowly. Default: {@link SERVER_LIMITS}. */
  readonly limits?: Partial<ServerLimits>;
  /** What is counted, and answered at /metrics. Default: metrics of its own. */
  readonly metrics?: Metrics;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** Turns calls away with `unavailable` once it aborts. Default: when the app closes. */
  readonly draining?: AbortSignal;
  /** What GET /metrics answers. Default: `metrics`. */
  readonly scrape?: () => Promise<string>;
  /** HTML for browsers at `GET /`. Default: the root is a path without a method. */
  readonly frontPage?: string | undefined;
}

/**
 * Composes the API: who comes in which order.
 *
 * A request passes the request id, the report that counts and logs it, the rules of HTTP, CORS (which answers preflights),
 * then its route: a Twirp call authenticates the caller, checks the method's scope, reads the body, runs, and answers in
 * Twirp's form.
 */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, log, authenticate, ledger, readiness, draining, tracing, metrics = createMetrics(version) } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const takeOfCaller = createRateLimiter(config.overload.perCaller, "rate_per_caller");
  const report = new RequestReport({ log, calls: metrics.calls, callOf: reportedCallOf, tracing });
  const malformedUrl = twirpFrameworkErrors();

  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    childLoggerFactory: requestLog,
    genReqId: requestIdOf,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    // Closing takes as long as the calls in flight.
    pluginTimeout: 30_000,
    ...serverOptions(limits),
    ...(config.trustProxy.length > 0 && { trustProxy: [...config.trustProxy] }),
    clientErrorHandler: createTwirpClientErrors({
      headersFor: (origin, header) => ({
        ...requestIdHeader(header),
        ...SECURITY_HEADERS,
        ...corsHeadersFor(config.cors, origin),
      }),
      onError: (code) => metrics.brokenRequests.inc({ reason: reasonOfClientError(code) }),
    }),
    // A malformed URL reaches no hook.
    frameworkErrors(error, request, reply) {
      report.follow(request, reply);
      setRequestId(request, reply);
      setSecurityHeaders(reply);
      if (!applyCorsHeaders(config.cors, request, reply)) malformedUrl(error, request, reply);
    },
  });

  await app.register(departure);
  await app.register(requestId);
  await app.register(securityHeaders);
  app.addHook("onRequest", (request, reply, next) => {
    report.follow(request, reply);
    next();
  });
  await app.register(strictHttp, {
    decorate: ({ headers }, reply) => {
      metrics.brokenRequests.inc({ reason: "malformed" });
      reply.headers(corsHeadersFor(config.cors, headers.origin));
    },
  });
  await app.register(cors, {
    policy: config.cors,
    onRefusal: ({ reason }) => metrics.corsRefusals.inc({ reason }),
  });
  const refused = (reason: string) => metrics.overloadRefusals.inc({ reason });
  limitPipelining(app.server, {
    unansweredMax: limits.unansweredMax,
    waitingMax: config.overload.requestsInFlightMax,
    onCut: () => refused("pipelined"),
  });
  shareChunks(app.server);
  const connections = new Connections(app.server, {
    max: config.overload.connectionsMax,
    maxPerAddress: config.overload.connectionsPerAddressMax,
    isProxy: proxiesIn(config.trustProxy),
    onDrop: refused,
  });
  keepIdleConnections(app.server, connections, limits);
  const memory = new CallMemory({
    bytesMax: heldBytesMaxOf(config.overload.heldBytes, config.bodyLimit),
    patienceMs: limits.patienceMs,
    onRefusal: () => refused("held_bytes"),
  });
  await app.register(admission, {
    limits: config.overload,
    connections,
    requestsInFlight: () => report.inFlight,
    onRefusal: refused,
  });
  if (options.frontPage !== undefined) await app.register(frontPage, { html: options.frontPage });
  if (config.environment === "development") await app.register(localNames, { routes: OPEN_ROUTES });
  await app.register(metricsEndpoint, { metrics, scrape: options.scrape, sharedMs: limits.metricsSharedMs });
  await app.register(health, { readiness });
  await app.register(
    twirp,
    twirpOptions<FinanceContext>({
      prefix: config.twirpPrefix,
      bodyLimit: config.bodyLimit,
      limits: decodingLimits,
      memory,
      deadline: CALL_DEADLINE_MS,
      readTimeout: limits.bodyTimeoutMs,
      ...(draining !== undefined && { draining }),
      services: [financeServiceOf(ledger)],
      extendContext: ({ request }) => {
        const authorization = readAuthorization(request.raw.rawHeaders);
        const caller =
          tracing === undefined
            ? authenticate(authorization)
            : tracing.within(request, () => authenticate(authorization));
        return caller instanceof Promise ? caller.then(admitCaller) : admitCaller(caller);
      },
      interceptors: [
        (call, message, next) => {
          admitPostings(call.caller, message);
          return tracing === undefined ? next(call, message) : tracing.within(call.request, () => next(call, message));
        },
      ],
      mapError: (error, call) =>
        mapFinanceError(error instanceof OverloadError ? overloaded(error.message, error.retryAfterMs) : error, call),
    }),
  );
  observe(metrics, ledger, tracing);
  metrics.watch("http_connections", {}, () => connections.open);
  metrics.watch("http_requests_in_flight", {}, () => report.inFlight);
  metrics.watch("http_held_bytes", {}, () => memory.held);
  return app;

  function admitCaller(caller: Caller): { caller: Caller } {
    limitCaller(caller, 1, 0);
    return { caller };
  }

  /** What of a call's postings was not counted when it came. */
  function admitPostings(caller: Caller, request: object): void {
    const postings = countPostings(request);
    if (postings > 1) limitCaller(caller, postings, 1);
  }

  function limitCaller(caller: Caller, postings: number, counted: number): void {
    try {
      takeOfCaller?.(caller.subject, postings, counted);
    } catch (error) {
      if (error instanceof OverloadError) refused(error.reason);
      throw error;
    }
  }
}

function reportedCallOf(request: FastifyRequest): ReportedCall | undefined {
  const call = callOf(request);
  if (call === undefined) return undefined;
  const { rpc, method, code, status } = call;
  // extendContext has added the caller, unless the call failed before.
  const { caller } = call.context as Partial<FinanceContext>;
  return { rpc, method, code, status, caller: caller?.subject };
}

/** The few reasons that are worth a series of their own. */
function reasonOfClientError(code: string): string {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "timeout";
  if (code === "HPE_HEADER_OVERFLOW") return "header_too_large";
  return code === "ECONNRESET" || code === "EPIPE" ? "connection_lost" : "malformed";
}

function observe(metrics: Metrics, ledger: Ledger, tracing: Tracing | undefined): void {
  tracing?.watch(ledger.pool);
  tracing?.watch(ledger.lanePool);
  ledger.observe({
    batchEnded: (batch) => metrics.batchEnded(batch),
    refused: (queue) => metrics.overloadRefusals.inc({ reason: `${queue}_full` }),
    tracing,
  });
  metrics.watch("ledger_queue_depth", { queue: "postings" }, () => ledger.queue.length);
  metrics.watch("ledger_queue_depth", { queue: "account_reads" }, () => ledger.accounts.length);
  metrics.watchPool("calls", ledger.pool);
  metrics.watchPool("lanes", ledger.lanePool);
}
