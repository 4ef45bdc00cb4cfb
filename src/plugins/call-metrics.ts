import { Counter, Histogram, type Registry } from "prom-client";

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
