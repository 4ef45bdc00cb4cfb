import { AggregatorRegistry } from "prom-client";
import type { MetricsReport } from "./messages.ts";

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
