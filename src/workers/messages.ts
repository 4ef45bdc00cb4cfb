/** What the primary and a worker tell each other, over the channel that the worker was forked with. */
import type { Departure } from "../plugins/index.ts";

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
  | { readonly kind: "leave"; readonly departure: Departure }
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
