import fp from "fastify-plugin";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { shared } from "./health.ts";

/** A ledger answers in milliseconds; beyond ten seconds a call is lost whatever it does. */
const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A path that names no method: strangers must not be able to make new series. */
const UNMATCHED = "unmatched";

interface MethodMetrics {
  readonly seconds: { observe(value: number): void };
  readonly requests: Map<string, { inc(): void }>;
}

/** Rate, errors and duration of each method. */
export class CallMetrics {
  readonly #requests: Counter<"method" | "code">;
  readonly #seconds: Histogram<"method">;
  // prom-client checks names and values of labels at each look-up, which takes longer than all the rest.
  readonly #byMethod = new Map<string, MethodMetrics>();

  constructor(registry: Registry) {
    this.#requests = new Counter({
      name: "rpc_requests_total",
      help: "Calls by method and by Twirp code, ok for success",
      labelNames: ["method", "code"],
      registers: [registry],
    });
    this.#seconds = new Histogram({
      name: "rpc_request_duration_seconds",
      help: "Seconds from the arrival of a call to the end of its reply, by method",
      labelNames: ["method"],
      buckets: SECONDS_BUCKETS,
      registers: [registry],
    });
  }

  /**
   * Counts a call that is over.
   *
   * @param method as `GetAccount`; empty for a path that names none.
   * @param code `ok` or a Twirp code.
   */
  record(method: string, code: string, seconds: number): void {
    const metrics = this.#byMethod.get(method) ?? this.#open(method);
    const requests = metrics.requests.get(code) ?? this.#openCode(metrics, method, code);
    requests.inc();
    metrics.seconds.observe(seconds);
  }

  #open(method: string): MethodMetrics {
    const metrics = { seconds: this.#seconds.labels(method || UNMATCHED), requests: new Map() };
    this.#byMethod.set(method, metrics);
    return metrics;
  }

  #openCode(metrics: MethodMetrics, method: string, code: string): { inc(): void } {
    const requests = this.#requests.labels(method || UNMATCHED, code);
    metrics.requests.set(code, requests);
    return requests;
  }
}

/** Connections of a pool, as node-postgres counts them. */
export interface PoolConnections {
  readonly totalCount: number;
  readonly idleCount: number;
  /** Who waits for a connection. */
  readonly waitingCount: number;
}

/** A batch that went through the ledger. */
export interface LedgerBatch {
  readonly kind: string;
  readonly size: number;
  readonly seconds: number;
  readonly failed: boolean;
}

/** What the service counts, for Prometheus. docs/observability.md has the table. */
export interface Metrics {
  readonly registry: Registry;
  readonly calls: CallMetrics;
  /** By reason of src/cors's list. */
  readonly corsRefusals: Counter<"reason">;
  /** Requests and connections that were turned away for the sake of the others. */
  readonly overloadRefusals: Counter<"reason">;
  /** What Node could not read as a request, by reason. */
  readonly brokenRequests: Counter<"reason">;
  batchEnded(batch: LedgerBatch): void;
  /** Reads a number that goes up and down when it is asked for; `labels` as the metric has them. */
  watch(name: WatchedName, labels: Readonly<Record<string, string>>, read: () => number): void;
  watchPool(pool: string, connections: PoolConnections): void;
}

/** Gauges, each with its help and its labels. */
const watched = {
  http_connections: ["Open connections of clients", []],
  http_requests_in_flight: ["Requests whose reply is not out yet", []],
  http_held_bytes: ["Bytes that larger calls hold: bodies, what is made of them, replies that are not out yet", []],
  ledger_queue_depth: ["Orders or reads that wait for their batch, by queue", ["queue"]],
  database_pool_connections: [
    "Database connections by pool and state; waiting are those who wait for one",
    ["pool", "state"],
  ],
} as const satisfies Record<string, readonly [help: string, labels: readonly string[]]>;

type WatchedName = keyof typeof watched;

/** Makes the metrics of one process; with several, gauges are summed unless said otherwise. */
export function createMetrics(version = "unknown"): Metrics {
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

  const counterOf = (name: string, help: string) => new Counter({ name, help, labelNames: ["reason"], registers });
  const batchSizes = new Histogram({
    name: "ledger_batch_size",
    help: "Orders or reads that shared a batch, by queue",
    labelNames: ["queue"],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    registers,
  });
  const batchSeconds = new Histogram({
    name: "ledger_batch_seconds",
    help: "Seconds from the start of a batch to its commit or answer, repetitions included, by queue",
    labelNames: ["queue"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const batchFailures = new Counter({
    name: "ledger_batch_failures_total",
    help: "Batches that failed as a whole and were halved or given up, by queue",
    labelNames: ["queue"],
    registers,
  });
  const watch = createGauges(registry);

  return {
    registry,
    calls: new CallMetrics(registry),
    corsRefusals: counterOf("cors_refusals_total", "Requests that CORS refused, by reason"),
    overloadRefusals: counterOf(
      "overload_refusals_total",
      "Requests and connections turned away under load, by reason",
    ),
    brokenRequests: counterOf(
      "http_broken_requests_total",
      "Connections whose bytes were no request in time, or none that HTTP allows, by reason",
    ),
    batchEnded({ kind, size, seconds, failed }) {
      const labels = { queue: kind };
      batchSizes.observe(labels, size);
      batchSeconds.observe(labels, seconds);
      if (failed) batchFailures.inc(labels);
    },
    watch,
    watchPool(pool, connections) {
      watch("database_pool_connections", { pool, state: "idle" }, () => connections.idleCount);
      watch("database_pool_connections", { pool, state: "busy" }, () => connections.totalCount - connections.idleCount);
      watch("database_pool_connections", { pool, state: "waiting" }, () => connections.waitingCount);
    },
  };
}

function createGauges(registry: Registry): Metrics["watch"] {
  const readers = new Map<string, (() => void)[]>();
  const gauges = new Map(
    Object.entries(watched).map(([name, [help, labelNames]]): [string, Gauge] => [
      name,
      new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        aggregator: "sum",
        registers: [registry],
        collect: () => readers.get(name)?.forEach((read) => void read()),
      }),
    ]),
  );
  return (name, labels, read) => {
    const gauge = gauges.get(name);
    readers.set(name, [...(readers.get(name) ?? []), () => gauge?.set({ ...labels }, read())]);
  };
}

export interface MetricsEndpointOptions {
  readonly metrics: Metrics;
  /** What GET /metrics answers. Default: `metrics` themselves. */
  readonly scrape?: (() => Promise<string>) | undefined;
  /** Milliseconds for which one answer is given to all who ask. */
  readonly sharedMs: number;
}

/** GET /metrics. */
export const metricsEndpoint = fp<MetricsEndpointOptions>(
  (app, { metrics, scrape = () => metrics.registry.metrics(), sharedMs }, done) => {
    // Bytes that replies share: text would be copied for each reply that waits for its client.
    const answer = shared(sharedMs, async () => Buffer.from(await scrape()));
    app.get("/metrics", async (_request, reply) => {
      return await reply.type(metrics.registry.contentType).send(await answer());
    });
    done();
  },
  { name: "metrics", fastify: "5.x" },
);
