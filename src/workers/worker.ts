import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { developmentSecret } from "../auth/index.ts";
import { readConfig } from "../config/config.ts";
import type { LameDuck } from "../plugins/index.ts";
import { openLog, Shutdown } from "../server/process.ts";
import { type Serving, serve } from "../server/serve.ts";
import { describeFailure } from "../start-error.ts";
import { isMessage, type ToPrimary, type ToWorker, type WorkerOrder } from "./primary.ts";

/** Serves the API as one of several processes. The primary tells it what to do and when to stop. */
export async function runWorker(): Promise<void> {
  const shutdown = new Shutdown();
  let serving: Serving | undefined;
  let log: Logger | undefined;
  const end = async (lameDuck: LameDuck) => {
    log?.info({}, "stopping");
    await serving?.leave(lameDuck);
    const clean = await shutdown.closeAll();
    await primary.report();
    process.exit(clean ? 0 : 1);
  };
  const primary = new PrimaryChannel((lameDuck) => void end(lameDuck));
  // Ctrl-C and a closed terminal signal the primary too, which decides.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);

  try {
    const order = await primary.order();
    const { port, processes } = order;
    const config = readConfig(process.env);
    // Its own reading, because the file of a password may have changed since the primary started.
    const databaseUrl = config.databaseUrl ?? order.databaseUrl;
    log = openLog(config, { shared: true });
    const trust = config.auth.trust ?? { secret: await developmentSecret(config.dataDir) };
    const scrape = () => primary.scrape();
    serving = await serve({ config, log, databaseUrl, trust, port, processes, shutdown, scrape });
    // A person may signal a single worker, and some service managers signal all processes at once.
    process.once("SIGTERM", () => void end({ lameDuckMs: config.shutdownDelayMs, accepting: true }));
    await primary.serving(serving.port, serving.metrics.registry);
  } catch (error) {
    await shutdown.closeAll();
    await primary.failed(describeFailure(error));
    process.exit(1);
  }
}

/** A worker's side of the channel to the primary. */
class PrimaryChannel {
  readonly #scrapes = new Map<number, (text: string) => void>();
  #lastScrape = 0;
  #order: ((order: WorkerOrder) => void) | undefined;
  #registry: Registry | undefined;
  #leave: (lameDuck: LameDuck) => void;

  /** @param leave is called once, when the worker must stop. */
  constructor(leave: (lameDuck: LameDuck) => void) {
    this.#leave = leave;
    process.on("message", (message: unknown) => {
      if (isMessage<ToWorker>(message)) this.#handle(message);
    });
  }

  async order(): Promise<WorkerOrder> {
    const order = new Promise<WorkerOrder>((resolve) => {
      this.#order = resolve;
    });
    await tell({ kind: "hello" });
    return await order;
  }

  /** Says that this worker serves. From then on it reports the metrics of `registry`. */
  async serving(port: number, registry: Registry): Promise<void> {
    this.#registry = registry;
    await tell({ kind: "serving", port });
  }

  /** Says why this worker can't serve. */
  async failed(reason: string): Promise<void> {
    await tell({ kind: "failed", reason });
  }

  /** The metrics of all workers together, in the text format of Prometheus. */
  scrape(): Promise<string> {
    this.#lastScrape += 1;
    const id = this.#lastScrape;
    return new Promise((resolve) => {
      this.#scrapes.set(id, resolve);
      void tell({ kind: "scrape", id });
    });
  }

  /** Reports the metrics, when asked and at the end. */
  async report(): Promise<void> {
    if (this.#registry !== undefined) await tell({ kind: "report", metrics: await this.#registry.getMetricsAsJSON() });
  }

  #handle(message: ToWorker): void {
    if (message.kind === "order") this.#order?.(message.order);
    else if (message.kind === "report") void this.report();
    else if (message.kind === "scraped") {
      this.#scrapes.get(message.id)?.(message.text);
      this.#scrapes.delete(message.id);
    } else if (message.kind === "leave") {
      const leave = this.#leave;
      this.#leave = () => undefined;
      leave(message.lameDuck);
    }
  }
}

/** Resolves when the message is sent. If the primary is gone, the cluster module ends this process. */
function tell(message: ToPrimary): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
