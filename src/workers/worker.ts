import type { Registry } from "prom-client";
import type { LameDuck } from "../plugins/index.ts";
import { isMessage, type MetricsReport, type ToPrimary, type ToWorker, type WorkerOrder } from "./primary.ts";

const KINDS = ["order", "leave", "report", "scraped"] as const satisfies readonly ToWorker["kind"][];

/** The primary, as a worker sees it. */
export class Primary {
  readonly #scrapes = new Map<number, (text: string) => void>();
  #lastScrape = 0;
  #order: ((order: WorkerOrder) => void) | undefined;
  #registry: Registry | undefined;
  #leave: (lameDuck: LameDuck) => void;

  /** @param leave is called once, when the worker is to go out of service and end. */
  constructor(leave: (lameDuck: LameDuck) => void) {
    this.#leave = leave;
    process.on("message", (message: unknown) => {
      if (isMessage<ToWorker>(message, KINDS)) this.#hear(message);
    });
  }

  /** What this worker is to do. */
  async order(): Promise<WorkerOrder> {
    const order = new Promise<WorkerOrder>((resolve) => {
      this.#order = resolve;
    });
    await tell({ kind: "hello" });
    return await order;
  }

  /** Tells that this worker serves; `registry` is what it reports from then on. */
  async serving(port: number, registry: Registry): Promise<void> {
    this.#registry = registry;
    await tell({ kind: "serving", port });
  }

  /** Tells why this worker can't serve. */
  async failed(reason: string): Promise<void> {
    await tell({ kind: "failed", reason });
  }

  /** The metrics of all workers together, in the text form of Prometheus. */
  scrape(): Promise<string> {
    this.#lastScrape += 1;
    const id = this.#lastScrape;
    return new Promise((resolve) => {
      this.#scrapes.set(id, resolve);
      void tell({ kind: "scrape", id });
    });
  }

  /** Reports unasked: what was counted up to the end. */
  async report(): Promise<void> {
    if (this.#registry === undefined) return;
    const metrics: MetricsReport = await this.#registry.getMetricsAsJSON();
    await tell({ kind: "report", metrics });
  }

  #hear(message: ToWorker): void {
    if (message.kind === "order") this.#order?.(message.order);
    else if (message.kind === "report") void this.report();
    else if (message.kind === "scraped") {
      this.#scrapes.get(message.id)?.(message.text);
      this.#scrapes.delete(message.id);
    } else {
      const leave = this.#leave;
      this.#leave = () => undefined;
      leave(message.lameDuck);
    }
  }
}

/** Resolves when the message is on its way. A primary that is gone ends this process by itself. */
function tell(message: ToPrimary): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
