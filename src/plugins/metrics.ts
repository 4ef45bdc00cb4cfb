import fp from "fastify-plugin";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { reasons } from "../../packages/cors/src/index.ts";
import { TwirpErrorCode } from "../../packages/twirp/src/index.ts";
import { shared } from "./health.ts";
import type { OverloadReason } from "./overload.ts";

/** A ledger answers in milliseconds; a call that takes more than ten seconds is lost anyway. */
const CALL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_SECONDS = [0.0005, ...CALL_SECONDS];

/** For paths that name no method, so that strangers can't create series. */
const UNMATCHED = "unmatched";

const QUEUES = ["postings", "account_reads"] as const;

/** Why requests and connections are refused under load. */
const OVERLOAD_REFUSALS = {
  postings_full: true,
  account_reads_full: true,
  reads_full: true,
  account_changes_full: true,
  requests_in_flight: true,
  connections: true,
  connections_per_address: true,
  pipelined: true,
  event_loop_delay: true,
  heap: true,
  memory: true,
  held_bytes: true,
  rate_per_address: true,
  rate_per_caller: true,
} as const satisfies Record<OverloadReason, true> & Record<string, true>;

/** The limit for which a request or a connection was refused. */
export type OverloadRefusal = keyof typeof OVERLOAD_REFUSALS;

const BROKEN_REQUESTS = ["timeout", "header_too_large", "malformed", "connection_lost"] as const;

/** What is wrong with a request that HTTP does not allow. */
export type BrokenRequest = (typeof BROKEN_REQUESTS)[number];

/** Connections of a pool, as node-postgres counts them. */
interface PoolConnections {
  readonly totalCount: number;
  readonly idleCount: number;
  /** Callers that wait for a connection. */
  readonly waitingCount: number;
}

/** The value of a gauge or, if there are several, its values by state; null for none. */
type Reading = number | null | Readonly<Record<string, number>>;

/** A batch of the ledger that is over. */
interface LedgerBatch {
  readonly kind: string;
  readonly size: number;
  readonly seconds: number;
  readonly failed: boolean;
}

const SEAL_RESULTS = ["sealed", "empty", "failed"] as const;

/** A seal of the ledger's feed that is over. */
interface FeedSeal {
  readonly failed: boolean;
  readonly events: number;
  readonly lagSeconds: number | undefined;
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
    help: "Seconds from the arrival of a call to the end of its reply, without the time that ListEvents waits, by method",
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
  const events = new Counter({
    name: "ledger_events_total",
    help: "Events that this process has given their positions in the feed",
    registers,
  });
  const seals = new Counter({
    name: "ledger_seals_total",
    help: "Transactions that give events their positions, by result; empty if there were no events",
    labelNames: ["result"],
    registers,
  });
  const sealLag = new Histogram({
    name: "ledger_seal_lag_seconds",
    help: "Seconds from the oldest commit of this process in a seal to the seal's own commit",
    buckets: BATCH_SECONDS,
    registers,
  });

  /** Series start at 0, because Prometheus sees no increase in the first value of a series. */
  const counterOf = <Reason extends string>(name: string, help: string, known: readonly Reason[]) => {
    const counter = new Counter({ name, help, labelNames: ["reason"], registers });
    for (const reason of known) counter.inc({ reason }, 0);
    return { inc: ({ reason }: { reason: Reason }) => counter.inc({ reason }) };
  };
  /** Adds series to a gauge; each is read when the metrics are scraped. */
  const gaugeOf = (name: string, help: string, labelNames: string[] = [], aggregator: "sum" | "max" = "sum") => {
    const series: (() => void)[] = [];
    const collect = () => series.forEach((read) => void read());
    const gauge = new Gauge({ name, help, labelNames, aggregator, registers, collect });
    return (labels: Record<string, string>, read: () => number) => void series.push(() => gauge.set(labels, read()));
  };
  for (const queue of QUEUES) {
    batchSizes.zero({ queue });
    batchSeconds.zero({ queue });
    batchFailures.inc({ queue }, 0);
  }
  for (const result of SEAL_RESULTS) seals.inc({ result }, 0);
  // prom-client checks the names and values of labels at each look-up, which takes longer than all the rest.
  const requestsOf = remembered((method) => remembered((code) => requests.labels(method || UNMATCHED, code)));
  const secondsOf = remembered((method) => callSeconds.labels(method || UNMATCHED));
  let readiness: (() => Promise<boolean>) | undefined;
  new Gauge({
    name: "finance_ready",
    help: "1 if the process takes calls, 0 if GET /readyz answers 503; of several processes the least",
    aggregator: "min",
    registers,
    async collect() {
      if (readiness !== undefined) this.set((await readiness()) ? 1 : 0);
    },
  });
  const watchConnections = gaugeOf(
    "database_pool_connections",
    "Database connections by pool and state; waiting counts callers that wait for one",
    ["pool", "state"],
  );

  return {
    registry,
    corsRefusals: counterOf(
      "cors_refusals_total",
      "Requests that CORS refused, by reason",
      reasons.filter(({ about }) => about === "request").map(({ code }) => code),
    ),
    /** Requests and connections that were refused to protect the others. */
    overloadRefusals: counterOf(
      "overload_refusals_total",
      "Requests and connections refused under load, by reason",
      Object.keys(OVERLOAD_REFUSALS) as OverloadRefusal[],
    ),
    brokenRequests: counterOf(
      "http_broken_requests_total",
      "Connections that sent no request in time, or nothing that HTTP allows, by reason",
      BROKEN_REQUESTS,
    ),
    /** Starts the series of these methods, with every code, at 0. */
    expectCalls(methods: readonly string[]): void {
      for (const method of [...methods, UNMATCHED]) {
        for (const code of ["ok", ...Object.values(TwirpErrorCode)]) requests.inc({ method, code }, 0);
        callSeconds.zero({ method });
      }
    },
    /** @param isReady must answer within a second or so, because scrapes wait for it. */
    watchReadiness(isReady: () => Promise<boolean>): void {
      readiness = isReady;
    },
    /**
     * Shows values that are read together. Several processes see the same ones, so they are not added up.
     *
     * @param help what each value means, by its name.
     * @param read undefined while none of them is known. It must answer within a second or so.
     */
    watchTogether<Name extends string>(
      help: Readonly<Record<Name, string>>,
      read: () => Promise<Readonly<Record<Name, Reading>> | undefined>,
    ): void {
      for (const name of Object.keys(help) as Name[]) {
        new Gauge({
          name,
          help: help[name],
          labelNames: ["state"],
          aggregator: "max",
          registers,
          async collect() {
            const value: Reading = (await read())?.[name] ?? {};
            this.reset();
            if (typeof value === "number") this.set(value);
            else for (const [state, count] of Object.entries(value)) this.set({ state }, count);
          },
        });
      }
    },
    watchHttpConnections: gaugeOf("http_connections", "Open connections of clients"),
    watchRequestsInFlight: gaugeOf("http_requests_in_flight", "Requests whose reply is not sent yet"),
    watchHeldBytes: gaugeOf(
      "http_held_bytes",
      "Bytes that larger calls hold: bodies, what is made of them, replies that are not sent yet",
    ),
    watchQueue: gaugeOf("ledger_queue_depth", "Postings or reads that wait for their batch, by queue", ["queue"]),
    watchWaitingCallers: gaugeOf("ledger_waiting_callers", "Callers of ListEvents that wait for an event"),
    watchUnsealed: gaugeOf(
      "ledger_unsealed_seconds",
      "Seconds since the oldest commit of this process whose events have no positions yet, 0 if all have",
      [],
      "max",
    ),
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
    recordSeal({ failed, events: count, lagSeconds }: FeedSeal): void {
      seals.inc({ result: failed ? "failed" : count > 0 ? "sealed" : "empty" });
      events.inc(count);
      if (lagSeconds !== undefined) sealLag.observe(lagSeconds);
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
