import type { Worker } from "node:cluster";
import cluster from "node:cluster";
import { setTimeout as delay } from "node:timers/promises";
import { AggregatorRegistry, Counter, Gauge, Registry } from "prom-client";
import type { LameDuck } from "../plugins/index.ts";
import { type Ending, type Member, Supervisor, type SupervisorLog } from "./supervisor.ts";

/** What the primary and a worker tell each other, over the channel that the worker was forked with. */

/** One process's metrics, as prom-client's `getMetricsAsJSON` gives them. */
export type MetricsReport = readonly { readonly name: string; readonly type: unknown }[];

/** What a worker has to know besides the environment, which it shares with the primary. */
export interface WorkerOrder {
  /** Holds a password, so it travels in no argument. */
  readonly databaseUrl: string;
  readonly port: number;
  /** How many workers there are. */
  readonly processes: number;
}

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

/** Whether it is one of ours: other code of a process may use its channel too. */
export function isMessage<Message extends ToWorker | ToPrimary>(
  message: unknown,
  kinds: readonly Message["kind"][],
): message is Message {
  if (typeof message !== "object" || message === null || !("kind" in message)) return false;
  const known: readonly unknown[] = kinds;
  return known.includes(message.kind);
}

/** Types whose values only rise: what a process counted is still true when it has ended. */
const LASTING_TYPES: ReadonlySet<unknown> = new Set(["counter", "histogram", "summary"]);

/**
 * Adds up what processes counted, those that have ended included: were their counts taken out of a sum, it would fall, and
 * Prometheus would take that for a reset. https://prometheus.io/docs/concepts/metric_types/#counter
 */
export class MetricsSum<Source> {
  readonly #latest = new Map<Source, MetricsReport>();
  #ended: MetricsReport = [];

  /** Keeps the latest report of a process. */
  set(source: Source, report: MetricsReport): void {
    this.#latest.set(source, report);
  }

  /** Notes that a process has ended: its counts stay, its gauges go. */
  end(source: Source): void {
    const last = this.#latest.get(source);
    if (last === undefined) return;
    this.#latest.delete(source);
    this.#ended = add([this.#ended, last.filter(({ type }) => LASTING_TYPES.has(type))]).getMetricsAsArray();
  }

  /** All processes together, with `more` beside them, in the text form of Prometheus. */
  async text(more: MetricsReport): Promise<string> {
    return await add([this.#ended, ...this.#latest.values(), more]).metrics();
  }
}

/** Each metric by its own rule: sums for what is counted, means and extremes for some of what is measured. */
function add(reports: readonly MetricsReport[]) {
  return AggregatorRegistry.aggregate(reports.map((report) => [...report]));
}

/** Why a worker can't start, in its own words. */
export class WorkerStartError extends Error {
  override readonly name = "WorkerStartError";
}

export interface PrimaryOptions {
  readonly order: WorkerOrder;
  /** How a worker leaves in a rolling restart. */
  readonly handover: LameDuck;
  readonly log: SupervisorLog;
}

/** The workers, as the process that started them sees them. */
export interface Workers {
  /** Where they listen. */
  readonly port: number;
  /** Renews them one by one; see {@link Supervisor.renew}. */
  renew(): Promise<void>;
  /** Has all of them leave. @returns whether each ended with 0. */
  stop(lameDuck: LameDuck): Promise<boolean>;
}

const KINDS = ["hello", "serving", "failed", "report", "scrape"] as const satisfies readonly ToPrimary["kind"][];

/** A dead worker is replaced after this time even if its channel does not close. */
const CHANNEL_CLOSE_MS_MAX = 1000;

/** A worker that is too busy to report for so long is counted by its last report. */
const REPORT_MS = 1000;

/**
 * Starts workers, each a process of this same program, which share one port: connections are dealt out in turn.
 *
 * @throws WorkerStartError with the reason of the first that can't start; none is left then.
 */
export async function startWorkers({ order, handover, log }: PrimaryOptions): Promise<Workers> {
  // Unlike JSON it keeps NaN and Infinity, which metrics may hold.
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

/** What all workers have in common. */
interface Shared {
  /** Its port is the system's choice once a worker listens: those to come take the same one. */
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
    worker.process.once("exit", (code, signal) => {
      const closed = Promise.race([disconnected, delay(CHANNEL_CLOSE_MS_MAX, undefined, { ref: false })]);
      void closed.then(() => resolve({ code, signal }));
    });
    worker.on("error", (error) => {
      log.error({ worker: pid, err: error }, "a worker can't be reached");
      // A process that could not be made never exits.
      if (pid === undefined) resolve({ code: 1, signal: null });
    });
  });
  const serving = new Promise<void>((resolve, reject) => {
    worker.on("message", (message: unknown) => {
      if (!isMessage<ToPrimary>(message, KINDS)) return;
      if (message.kind === "hello") tell(worker, { kind: "order", order: shared.order });
      else if (message.kind === "report") reports.set(worker, message.metrics);
      else if (message.kind === "failed") reject(new WorkerStartError(message.reason));
      else if (message.kind === "scrape") void answerScrape(worker, reports, message.id);
      else {
        shared.order = { ...shared.order, port: message.port };
        reports.add(worker);
        resolve();
      }
    });
    void ended.then(({ code, signal }) => {
      reports.end(worker);
      reject(new WorkerStartError(`a worker ended with ${signal ?? code} before it listened`));
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

async function answerScrape(worker: Worker, reports: Reports, id: number): Promise<void> {
  tell(worker, { kind: "scraped", id, text: await reports.text() });
}

/** One that has just ended hears nothing, and needs nothing. */
function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}

/** The metrics of all workers together, as fresh as they can be had. */
class Reports {
  readonly #own: () => Registry;
  readonly #sum = new MetricsSum<Worker>();
  readonly #serving = new Set<Worker>();
  readonly #awaited = new Map<Worker, () => void>();
  #text: Promise<string> | undefined;

  constructor(own: () => Registry) {
    this.#own = own;
  }

  add(worker: Worker): void {
    this.#serving.add(worker);
  }

  set(worker: Worker, metrics: Parameters<MetricsSum<Worker>["set"]>[1]): void {
    this.#sum.set(worker, metrics);
    this.#awaited.get(worker)?.();
  }

  end(worker: Worker): void {
    this.#serving.delete(worker);
    this.#sum.end(worker);
    this.#awaited.get(worker)?.();
  }

  /** Who asks while others are answered gets the same answer. */
  text(): Promise<string> {
    this.#text ??= this.#gather().finally(() => {
      this.#text = undefined;
    });
    return this.#text;
  }

  async #gather(): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, REPORT_MS);
    });
    const reported = [...this.#serving].map((worker) => {
      const answer = new Promise<void>((resolve) => this.#awaited.set(worker, resolve));
      tell(worker, { kind: "report" });
      return answer;
    });
    await Promise.race([Promise.all(reported), late]);
    clearTimeout(timer);
    this.#awaited.clear();
    return await this.#sum.text(await this.#own().getMetricsAsJSON());
  }
}
