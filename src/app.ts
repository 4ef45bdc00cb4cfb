import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { version } from "../package.json";
import { applyCorsHeaders, cors, corsHeadersFor } from "../packages/cors/src/index.ts";
import {
  CallMemory,
  type CallOutcome,
  createTwirpClientErrors,
  isStrictHttp,
  strictHttp,
  twirp,
  twirpFrameworkErrors,
  twirpOptions,
} from "../packages/twirp/src/index.ts";
import { type Authenticate, type Caller, readAuthorization } from "./auth/index.ts";
import type { Config } from "./config/config.ts";
import { DATABASE_GAUGES, type DatabaseStatistics } from "./database/index.ts";
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
  type BrokenRequest,
  Connections,
  createMetrics,
  createRateLimiter,
  gracefulExit,
  health,
  heldBytesMaxOf,
  keepIdleConnections,
  limitPipelining,
  localNames,
  type Metrics,
  metricsEndpoint,
  OverloadError,
  type OverloadRefusal,
  overload,
  proxiesIn,
  REQUEST_ID,
  type ReadinessCheck,
  RequestReport,
  requestIdHeader,
  requestIdOf,
  SECURITY_HEADERS,
  SERVER_LIMITS,
  type ServerLimits,
  serverOptions,
  setRequestId,
  shareChunks,
  shared,
  type Tracing,
} from "./plugins/index.ts";
import { frontPage } from "./server/greeting.ts";

/** A call takes milliseconds; one that takes this long is stuck. */
const CALL_DEADLINE_MS = 30_000;

export interface AppOptions {
  readonly config: Pick<Config, "environment" | "cors" | "twirpPrefix" | "bodyLimit" | "overload" | "trustProxy">;
  readonly log: FastifyBaseLogger;
  readonly authenticate: Authenticate;
  readonly ledger: Ledger;
  readonly readiness: ReadinessCheck;
  /** Default: the database server is not measured. */
  readonly readDatabaseStatistics?: () => Promise<DatabaseStatistics | undefined>;
  /** How much a client may send, and how slowly. Default: {@link SERVER_LIMITS}. */
  readonly limits?: Partial<ServerLimits>;
  /** Default: metrics of its own. */
  readonly metrics?: Metrics;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** Calls are refused with `unavailable` from the moment it aborts. Default: when the app closes. */
  readonly draining?: AbortSignal;
  /** The text of GET /metrics. Default: that of `metrics`. */
  readonly scrape?: () => Promise<string>;
  /** HTML for browsers at `GET /`. Default: the root is a path like any other. */
  readonly frontPage?: string | undefined;
}

/**
 * Composes the API.
 *
 * A request gets its id and headers, is counted and logged by the report, and passes the rules of HTTP, CORS (which
 * answers preflights) and the overload limits. Then its route runs: a Twirp call authenticates the caller, checks the
 * method's scope, reads the body, calls the method, and answers in Twirp's form.
 */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, log, authenticate, ledger, draining, tracing, metrics = createMetrics(version) } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const limitCaller = createRateLimiter(config.overload.perCaller, "rate_per_caller");
  const report = new RequestReport({ log, metrics, callerOf, waitedMsOf, tracing });
  const malformedUrl = twirpFrameworkErrors();
  const securityLines = Object.entries(SECURITY_HEADERS).flat();
  const readiness = shared(0, options.readiness);
  const finance = financeServiceOf(ledger);

  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: requestIdOf,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    // Closing waits for the calls in flight.
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
    // No hook runs for a malformed URL.
    frameworkErrors(error, request, reply) {
      begin(request, reply);
      if (!applyCorsHeaders(config.cors, request, reply)) malformedUrl(error, request, reply);
    },
  });

  // Callers that wait for events must not keep the server from closing.
  app.addHook("preClose", async () => ledger.feed.endWaits());
  draining?.addEventListener("abort", () => ledger.feed.endWaits(), { once: true });
  app.addHook("onRequest", (request, reply, next) => {
    begin(request, reply);
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
    early(request, response, { status, headers }) {
      // Without a socket, the reply waits behind another one.
      if (report.isVerbose || response.socket === null || !isStrictHttp(request)) return false;
      report.count(response);
      response.writeHead(status, [REQUEST_ID, requestIdOf(request), ...securityLines, ...headers]).end();
      return true;
    },
  });
  // After cors, which has to notice first that the server closes.
  await app.register(gracefulExit);
  const refused = (reason: OverloadRefusal) => metrics.overloadRefusals.inc({ reason });
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
  await app.register(overload, {
    limits: config.overload,
    connections,
    requestsInFlight: () => report.inFlight,
    onRefusal: refused,
  });
  if (options.frontPage !== undefined) await app.register(frontPage, { html: options.frontPage });
  if (config.environment === "development") await app.register(localNames);
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
      services: [finance],
      extendContext: ({ request }) => {
        const caller = within(request, () => authenticate(readAuthorization(request.raw.rawHeaders)));
        return caller instanceof Promise ? caller.then(admit) : admit(caller);
      },
      interceptors: [
        (call, message, next) => {
          const postings = countPostings(message);
          // The call itself already counted as one.
          if (postings > 1) limit(call.caller, postings, 1);
          return within(call.request, () => next(call, message));
        },
      ],
      mapError: (error, call) =>
        mapFinanceError(error instanceof OverloadError ? overloaded(error.message, error.retryAfterMs) : error, call),
    }),
  );
  observe(metrics, ledger, tracing);
  metrics.expectCalls(finance.type.methods.map(({ name }) => name));
  metrics.watchReadiness(async () => (await readiness()) === undefined);
  if (options.readDatabaseStatistics !== undefined) {
    metrics.watchTogether(DATABASE_GAUGES, options.readDatabaseStatistics);
  }
  metrics.watchHttpConnections({}, () => connections.open);
  metrics.watchRequestsInFlight({}, () => report.inFlight);
  metrics.watchHeldBytes({}, () => memory.held);
  return app;

  function begin(request: FastifyRequest, reply: FastifyReply): void {
    setRequestId(request, reply);
    reply.headers(SECURITY_HEADERS);
    report.follow(request, reply);
  }

  function within<T>(request: FastifyRequest, work: () => T): T {
    return tracing === undefined ? work() : tracing.within(request, work);
  }

  function admit(caller: Caller): { caller: Caller } {
    limit(caller, 1, 0);
    return { caller };
  }

  function limit(caller: Caller, postings: number, counted: number): void {
    const refusal = limitCaller?.(caller.subject, postings, counted);
    if (refusal === undefined) return;
    refused(refusal.reason);
    throw refusal;
  }
}

/** extendContext has added the caller, unless the call failed before. */
function callerOf({ context }: CallOutcome): string | undefined {
  return (context as Partial<FinanceContext>).caller?.subject;
}

/** Only ListEvents waits. */
function waitedMsOf({ context }: CallOutcome): number | undefined {
  return (context as Partial<FinanceContext>).waiting?.ms;
}

/** Maps Node's many codes to a few series. */
function reasonOfClientError(code: string): BrokenRequest {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "timeout";
  if (code === "HPE_HEADER_OVERFLOW") return "header_too_large";
  return code === "ECONNRESET" || code === "EPIPE" ? "connection_lost" : "malformed";
}

function observe(metrics: Metrics, ledger: Ledger, tracing: Tracing | undefined): void {
  tracing?.watch(ledger.pool);
  tracing?.watch(ledger.lanePool);
  ledger.observe({
    batchEnded: metrics.recordBatch,
    sealEnded: metrics.recordSeal,
    refused: (queue) => metrics.overloadRefusals.inc({ reason: `${queue}_full` }),
    tracing,
  });
  metrics.watchQueue({ queue: "postings" }, () => ledger.queue.length);
  metrics.watchQueue({ queue: "account_reads" }, () => ledger.accounts.length);
  metrics.watchWaitingCallers({}, () => ledger.feed.waiting);
  metrics.watchUnsealed({}, () => ledger.feed.unsealedMs / 1000);
  metrics.watchPool("calls", ledger.pool);
  metrics.watchPool("lanes", ledger.lanePool);
}
