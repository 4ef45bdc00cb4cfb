import fp from "fastify-plugin";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { shared } from "./health.ts";

/** A ledger answers in milliseconds; a call that takes more than ten seconds is lost anyway. */
const CALL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_SECONDS = [0.0005, ...CALL_SECONDS];

/** For paths that name no method, so that strangers can't create series. */
const UNMATCHED = "unmatched";

/** Connections of a pool, as node-postgres counts them. */
interface PoolConnections {
  readonly totalCount: number;
  readonly idleCount: number;
  /** Callers that wait for a connection. */
  readonly waitingCount: number;
}

/** A batch of the ledger that is over. */
interface LedgerBatch {
  readonly kind: string;
  readonly size: number;
  readonly seconds: number;
  readonly failed: boolean;
}

/** The metrics of one process, for Prometheus. */
export type Metrics = ReturnType<typeof createMetrics>;

/** Creates all metrics; docs/observability.md has the table. With several processes, gauges are summed. */
export function createMetrics(version = "unknown") {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "finance_build_info",
    help: "1, with the version of the service and of Node in its labels",
    labelNames: ["version", "node"],
    aggregator: "first",
    registers,
  }).set({ version, node: process.version }, 1);

  const requests = new Counter({
    name: "rpc_requests_total",
    help: "Calls by method and by Twirp code, ok for success",
    labelNames: ["method", "code"],
    registers,
  });
  const callSeconds = new Histogram({
    name: "rpc_request_duration_seconds",
    help: "Seconds from the arrival of a call to the end of its reply, by method",
    labelNames: ["method"],
    buckets: CALL_SECONDS,
    registers,
  });
  const batchSizes = new Histogram({
    name: "ledger_batch_size",
    help: "Postings or reads that shared a batch, by queue",
    labelNames: ["queue"],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    registers,
  });
  const batchSeconds = new Histogram({
    name: "ledger_batch_seconds",
    help: "Seconds from the start of a batch to its commit or answer, retries included, by queue",
    labelNames: ["queue"],
    buckets: BATCH_SECONDS,
    registers,
  });
  const batchFailures = new Counter({
    name: "ledger_batch_failures_total",
    help: "Batches that failed as a whole and were halved or given up, by queue",
    labelNames: ["queue"],
    registers,
  });

  const counterOf = (name: string, help: string) => new Counter({ name, help, labelNames: ["reason"], registers });
  /** Adds series to a gauge; each is read when the metrics are scraped. */
  const gaugeOf = (name: string, help: string, labelNames: string[] = []) => {
    const series: (() => void)[] = [];
    const collect = () => series.forEach((read) => void read());
    const gauge = new Gauge({ name, help, labelNames, aggregator: "sum", registers, collect });
    return (labels: Record<string, string>, read: () => number) => void series.push(() => gauge.set(labels, read()));
  };
  // prom-client checks the names and values of labels at each look-up, which takes longer than all the rest.
  const requestsOf = remembered((method) => remembered((code) => requests.labels(method || UNMATCHED, code)));
  const secondsOf = remembered((method) => callSeconds.labels(method || UNMATCHED));
  const watchConnections = gaugeOf(
    "database_pool_connections",
    "Database connections by pool and state; waiting counts callers that wait for one",
    ["pool", "state"],
  );

  return {
    registry,
    corsRefusals: counterOf("cors_refusals_total", "Requests that CORS refused, by reason"),
    /** Requests and connections that were refused to protect the others. */
    overloadRefusals: counterOf("overload_refusals_total", "Requests and connections refused under load, by reason"),
    brokenRequests: counterOf(
      "http_broken_requests_total",
      "Connections that sent no request in time, or nothing that HTTP allows, by reason",
    ),
    watchHttpConnections: gaugeOf("http_connections", "Open connections of clients"),
    watchRequestsInFlight: gaugeOf("http_requests_in_flight", "Requests whose reply is not sent yet"),
    watchHeldBytes: gaugeOf(
      "http_held_bytes",
      "Bytes that larger calls hold: bodies, what is made of them, replies that are not sent yet",
    ),
    watchQueue: gaugeOf("ledger_queue_depth", "Postings or reads that wait for their batch, by queue", ["queue"]),
    watchPool(pool: string, connections: PoolConnections): void {
      watchConnections({ pool, state: "idle" }, () => connections.idleCount);
      watchConnections({ pool, state: "busy" }, () => connections.totalCount - connections.idleCount);
      watchConnections({ pool, state: "waiting" }, () => connections.waitingCount);
    },
    /**
     * Counts a call that is over.
     *
     * @param method as `GetAccount`; empty for a path that names none.
     * @param code `ok` or a Twirp code.
     */
    recordCall(method: string, code: string, seconds: number): void {
      requestsOf(method)(code).inc();
      secondsOf(method).observe(seconds);
    },
    recordBatch({ kind, size, seconds, failed }: LedgerBatch): void {
      const labels = { queue: kind };
      batchSizes.observe(labels, size);
      batchSeconds.observe(labels, seconds);
      if (failed) batchFailures.inc(labels);
    },
  };
}

/** Calls `make` once for each key. */
function remembered<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}

export interface MetricsEndpointOptions {
  readonly metrics: Metrics;
  /** The text of GET /metrics. Default: that of `metrics`. */
  readonly scrape?: (() => Promise<string>) | undefined;
  /** Milliseconds for which all scrapes share one text. */
  readonly sharedMs: number;
}

/** GET /metrics. */
export const metricsEndpoint = fp<MetricsEndpointOptions>(
  (app, { metrics, scrape = () => metrics.registry.metrics(), sharedMs }, done) => {
    // Replies share the bytes; text would be copied for each reply that waits for its client.
    const answer = shared(sharedMs, async () => Buffer.from(await scrape()));
    app.get("/metrics", async (_request, reply) => {
      return await reply.type(metrics.registry.contentType).send(await answer());
    });
    done();
  },
  { name: "metrics", fastify: "5.x" },
);
