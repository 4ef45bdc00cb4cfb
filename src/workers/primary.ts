import type { Worker } from "node:cluster";
import cluster from "node:cluster";
import { setTimeout as delay } from "node:timers/promises";
import { AggregatorRegistry, Counter, Gauge, Registry } from "prom-client";
import type { LameDuck } from "../plugins/index.ts";
import { StartError } from "../start-error.ts";
import { type Ending, type Member, Supervisor, type SupervisorLog } from "./supervisor.ts";

/** One process's metrics, as prom-client's `getMetricsAsJSON` gives them. */
export type MetricsReport = readonly { readonly name: string; readonly type: unknown }[];

/** What a worker must know besides the environment, which it shares with the primary. */
export interface WorkerOrder {
  /** Contains a password, so it is no command line argument. */
  readonly databaseUrl: string;
  readonly port: number;
  /** The number of workers. */
  readonly processes: number;
}

/** Messages over the channel between the primary and a worker. */
export type ToWorker =
  | { readonly kind: "order"; readonly order: WorkerOrder }
  | { readonly kind: "leave"; readonly lameDuck: LameDuck }
  /** Asks for a `report`. */
  | { readonly kind: "report" }
  /** Answers `scrape`. */
  | { readonly kind: "scraped"; readonly id: number; readonly text: string };

export type ToPrimary =
  /** Asks for the `order`. */
  | { readonly kind: "hello" }
  | { readonly kind: "serving"; readonly port: number }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "report"; readonly metrics: MetricsReport }
  /** Asks for the metrics of all workers together. */
  | { readonly kind: "scrape"; readonly id: number };

/** Whether a message is one of ours: other code may use the channel too. */
export function isMessage<Message extends ToWorker | ToPrimary>(message: unknown): message is Message {
  return typeof message === "object" && message !== null && "kind" in message;
}

/** Types whose values only rise, so they stay true when the process has ended. */
const LASTING_TYPES: ReadonlySet<unknown> = new Set(["counter", "histogram", "summary"]);

/**
 * Adds up the metrics of processes, including those that have ended: a sum that falls would look like a reset to
 * Prometheus. https://prometheus.io/docs/concepts/metric_types/#counter
 */
export class MetricsSum<Source> {
  readonly #latest = new Map<Source, MetricsReport>();
  #ended: MetricsReport = [];

  /** Keeps the latest report of a process. */
  set(source: Source, report: MetricsReport): void {
    this.#latest.set(source, report);
  }

  /** Keeps the counts of a process that has ended and drops its gauges. */
  end(source: Source): void {
    const last = this.#latest.get(source);
    if (last === undefined) return;
    this.#latest.delete(source);
    this.#ended = add([this.#ended, last.filter(({ type }) => LASTING_TYPES.has(type))]).getMetricsAsArray();
  }

  /** The sum of all processes and `more`, in the text format of Prometheus. */
  async text(more: MetricsReport): Promise<string> {
    return await add([this.#ended, ...this.#latest.values(), more]).metrics();
  }
}

/** Aggregates each metric by its own rule: most are added, some are averaged. */
function add(reports: readonly MetricsReport[]) {
  return AggregatorRegistry.aggregate(reports.map((report) => [...report]));
}

export interface PrimaryOptions {
  readonly order: WorkerOrder;
  /** How a worker leaves in a rolling restart. */
  readonly handover: LameDuck;
  readonly log: SupervisorLog;
}

/** The workers, for the process that started them. */
export interface Workers {
  /** Where they listen. */
  readonly port: number;
  /** Renews them one by one; see {@link Supervisor.renew}. */
  renew(): Promise<void>;
  /** Asks all of them to leave. @returns whether each ended with 0. */
  stop(lameDuck: LameDuck): Promise<boolean>;
}

/** A dead worker is replaced after this time even if its channel does not close. */
const CHANNEL_CLOSE_MS_MAX = 1000;

/** A worker that takes longer than this to report is counted by its last report. It waits a second for a silent database. */
const REPORT_MS_MAX = 2000;

/**
 * Starts workers, each a process of this same program. They share one port, whose connections they get in turn.
 *
 * @throws StartError with the reason of the first one that can't start; the others are stopped.
 */
export async function startWorkers({ order, handover, log }: PrimaryOptions): Promise<Workers> {
  // Unlike JSON it keeps NaN and Infinity, which metrics may contain.
  cluster.setupPrimary({ serialization: "advanced" });
  const shared: Shared = { order, reports: new Reports(() => registry) };
  const supervisor = new Supervisor({ count: order.processes, fork: () => forkWorker(shared, log), handover, log });
  const registry = supervisorMetrics(supervisor);
  await supervisor.start();
  return {
    port: shared.order.port,
    renew: () => supervisor.renew(),
    stop: (lameDuck) => supervisor.stop(lameDuck),
  };
}

interface Shared {
  /** For the next worker. If the port is 0, the first worker's replaces it. */
  order: WorkerOrder;
  readonly reports: Reports;
}

function supervisorMetrics(supervisor: Supervisor): Registry {
  const registry = new Registry();
  new Gauge({
    name: "workers_serving",
    help: "Worker processes that serve now",
    registers: [registry],
    collect() {
      this.set(supervisor.serving);
    },
  });
  new Counter({
    name: "worker_crashes_total",
    help: "Worker processes that ended unasked and were replaced",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(supervisor.crashes);
    },
  });
  return registry;
}

function forkWorker(shared: Shared, log: SupervisorLog): Member {
  const worker = cluster.fork();
  const { pid } = worker.process;
  const { reports } = shared;
  const ended = new Promise<Ending>((resolve) => {
    // Its last message may arrive after it has exited, and before its channel closes.
    const disconnected = new Promise((close) => worker.process.once("disconnect", close));
    worker.process.once("exit", async (code, signal) => {
      await Promise.race([disconnected, delay(CHANNEL_CLOSE_MS_MAX, undefined, { ref: false })]);
      // As long as its channel is open, the cluster module gives connections to a dead worker, which nobody answers.
      if (worker.isConnected()) worker.process.disconnect();
      resolve({ code, signal });
    });
    worker.on("error", (error) => {
      log.error({ worker: pid, err: error }, "a worker can't be reached");
      // A process that could not be created never exits.
      if (pid === undefined) resolve({ code: 1, signal: null });
    });
  });
  const serving = new Promise<void>((resolve, reject) => {
    worker.on("message", (message: unknown) => {
      if (!isMessage<ToPrimary>(message)) return;
      if (message.kind === "hello") tell(worker, { kind: "order", order: shared.order });
      else if (message.kind === "report") reports.set(worker, message.metrics);
      else if (message.kind === "failed") reject(new StartError(message.reason));
      else if (message.kind === "scrape") {
        const { id } = message;
        void reports.text().then((text) => tell(worker, { kind: "scraped", id, text }));
      } else if (message.kind === "serving") {
        shared.order = { ...shared.order, port: message.port };
        reports.add(worker);
        resolve();
      }
    });
    void ended.then(({ code, signal }) => {
      reports.end(worker);
      reject(new StartError(`a worker ended with ${signal ?? code} before it listened`));
    });
  });
  // Avoid an unhandled rejection: `ended` already reports the failure.
  serving.catch(() => undefined);
  return {
    pid,
    serving,
    ended,
    leave: (lameDuck) => tell(worker, { kind: "leave", lameDuck }),
    kill: () => worker.process.kill("SIGKILL"),
  };
}

/** Sends a message, unless the worker has just ended. */
function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}

/** Asks the workers for their metrics and adds them up. */
class Reports {
  readonly #own: () => Registry;
  readonly #sum = new MetricsSum<Worker>();
  readonly #serving = new Set<Worker>();
  /** Workers that were asked, with the function that ends the wait for each. */
  readonly #asked = new Map<Worker, () => void>();
  #text: Promise<string> | undefined;

  /** @param own the metrics of the primary itself. */
  constructor(own: () => Registry) {
    this.#own = own;
  }

  add(worker: Worker): void {
    this.#serving.add(worker);
  }

  set(worker: Worker, metrics: MetricsReport): void {
    this.#sum.set(worker, metrics);
    this.#asked.get(worker)?.();
  }

  end(worker: Worker): void {
    this.#serving.delete(worker);
    this.#sum.end(worker);
    this.#asked.get(worker)?.();
  }

  /** Requests that come while the workers are asked get the same answer. */
  text(): Promise<string> {
    this.#text ??= this.#gather().finally(() => {
      this.#text = undefined;
    });
    return this.#text;
  }

  async #gather(): Promise<string> {
    const reported = [...this.#serving].map((worker) => {
      const answer = new Promise<void>((resolve) => this.#asked.set(worker, resolve));
      tell(worker, { kind: "report" });
      return answer;
    });
    const timeUp = new AbortController();
    const late = delay(REPORT_MS_MAX, undefined, { signal: timeUp.signal }).catch(() => undefined);
    await Promise.race([Promise.all(reported), late]);
    timeUp.abort();
    this.#asked.clear();
    return await this.#sum.text(await this.#own().getMetricsAsJSON());
  }
}
