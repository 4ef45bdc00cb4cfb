import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { FinanceService } from "../generated/server/finance/v1/finance.ts";
import { createFinanceServiceServer } from "../generated/server/finance/v1/finance.twirp.ts";
import type { Authenticate } from "./auth/index.ts";
import type { Config } from "./config.ts";
import { applyCorsHeaders, cors } from "./cors/index.ts";
import { createFinanceService, type FinanceContext, type Ledger, mapFinanceError } from "./finance/index.ts";
import {
  accessLog,
  createMetrics,
  departure,
  health,
  type Metrics,
  metricsEndpoint,
  type ReadinessCheck,
  requestId,
  requestIdOf,
  securityHeaders,
  setRequestId,
  setSecurityHeaders,
} from "./operations/index.ts";
import { twirp, twirpClientErrors, twirpFrameworkErrors, twirpOptions } from "./twirp/index.ts";

/** A call takes milliseconds; one that takes as long as this is stuck, and its caller has better things to do. */
const CALL_DEADLINE_MS = 30_000;

export interface AppOptions {
  readonly config: Pick<Config, "cors" | "twirpPrefix" | "bodyLimit">;
  readonly log: FastifyBaseLogger;
  readonly authenticate: Authenticate;
  readonly ledger: Ledger;
  readonly readiness: ReadinessCheck;
  /** Turns calls away with `unavailable` once it aborts. Default: when the app closes. */
  readonly draining?: AbortSignal;
  /** Default: its own. */
  readonly metrics?: Metrics;
  /** What GET /metrics answers. Default: `metrics`. */
  readonly scrape?: () => Promise<string>;
}

/**
 * Composes the API: who comes in which order.
 *
 * A request passes the request id, the access log, CORS (which answers preflights), metrics, then its route: a Twirp method
 * authenticates the caller, reads the body, runs, and answers in Twirp's form.
 */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, log, authenticate, ledger, readiness, draining, metrics = createMetrics() } = options;
  const malformedUrl = twirpFrameworkErrors();

  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    // Closing takes as long as the calls in flight.
    pluginTimeout: 30_000,
    clientErrorHandler: twirpClientErrors,
    // A malformed URL reaches no hook.
    frameworkErrors(error, request, reply) {
      setRequestId(request, reply);
      setSecurityHeaders(reply);
      if (!applyCorsHeaders(config.cors, request, reply)) malformedUrl(error, request, reply);
    },
  });

  await app.register(departure);
  await app.register(requestId);
  await app.register(securityHeaders);
  await app.register(accessLog);
  await app.register(cors, {
    policy: config.cors,
    onRefusal: ({ reason }) => metrics.corsRefusals.inc({ reason }),
  });
  await app.register(metricsEndpoint, { metrics, scrape: options.scrape });
  await app.register(health, { readiness });
  await app.register(
    twirp,
    twirpOptions<FinanceContext>({
      prefix: config.twirpPrefix,
      bodyLimit: config.bodyLimit,
      deadline: CALL_DEADLINE_MS,
      ...(draining !== undefined && { draining }),
      services: [{ server: createFinanceServiceServer(createFinanceService(ledger)), type: FinanceService }],
      extendContext: ({ request }) => {
        const caller = authenticate(request.headers.authorization);
        return caller instanceof Promise ? caller.then((established) => ({ caller: established })) : { caller };
      },
      mapError: mapFinanceError,
    }),
  );
  return app;
}
