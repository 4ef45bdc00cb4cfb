import fp from "fastify-plugin";
import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";

/** What the service counts, for Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  /** By reason of src/cors's list. */
  readonly corsRefusals: Counter<"reason">;
  /** Seconds from a request's arrival to the end of its reply, by route and status; preflights are left out. */
  readonly requestSeconds: Histogram<"method" | "route" | "status">;
}

/** Makes the metrics of one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    corsRefusals: new Counter({
      name: "cors_refusals_total",
      help: "Requests that CORS refused, by reason",
      labelNames: ["reason"],
      registers: [registry],
    }),
    requestSeconds: new Histogram({
      name: "http_request_duration_seconds",
      help: "Seconds from a request's arrival to the end of its reply",
      labelNames: ["method", "route", "status"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    }),
  };
}

export interface MetricsEndpointOptions {
  readonly metrics: Metrics;
  /** What GET /metrics answers. Default: `metrics` themselves. */
  readonly scrape?: (() => Promise<string>) | undefined;
}

/** GET /metrics, and the timing of every request. */
export const metricsEndpoint = fp<MetricsEndpointOptions>(
  (app, { metrics, scrape = () => metrics.registry.metrics() }, done) => {
    app.addHook("onResponse", (request, reply, next) => {
      // Most calls of a page bring a preflight, which reaches no method: its time says nothing.
      if (request.method === "OPTIONS") return next();
      // The pattern, never the path: strangers must not be able to make new series.
      const route = request.routeOptions.url ?? "unmatched";
      metrics.requestSeconds.observe(
        { method: request.method, route, status: reply.statusCode },
        reply.elapsedTime / 1000,
      );
      next();
    });
    app.get("/metrics", async (_request, reply) => {
      return await reply.type(metrics.registry.contentType).send(await scrape());
    });
    done();
  },
  { name: "metrics", fastify: "5.x" },
);
