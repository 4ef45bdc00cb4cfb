import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import type { MetricsReport } from "../../src/workers/primary.ts";
import { MetricsSum } from "../../src/workers/primary.ts";

/** The report of a process that answered this number of calls, each in one second. */
async function reportOf(calls: number): Promise<MetricsReport> {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: "calls_total", help: "-", labelNames: ["code"], registers }).inc({ code: "ok" }, calls);
  new Gauge({ name: "memory", help: "-", registers }).set(100);
  new Gauge({ name: "lag", help: "-", aggregator: "average", registers }).set(calls);
  const seconds = new Histogram({ name: "seconds", help: "-", buckets: [2], registers });
  for (let call = 0; call < calls; call += 1) seconds.observe(1);
  return await registry.getMetricsAsJSON();
}

const samplesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("each metric is added up by its own rule; an ended process keeps its counts and loses its gauges", async () => {
  const sum = new MetricsSum<string>();
  sum.set("one", await reportOf(2));
  sum.set("other", await reportOf(3));
  sum.set("other", await reportOf(4));
  expect(samplesOf(await sum.text([]))).toEqual([
    'calls_total{code="ok"} 6',
    "memory 200",
    "lag 3",
    'seconds_bucket{le="2"} 6',
    'seconds_bucket{le="+Inf"} 6',
    "seconds_sum 6",
    "seconds_count 6",
  ]);
  sum.end("one");
  sum.end("one");
  sum.end("never seen");
  expect(samplesOf(await sum.text([]))).toEqual([
    'calls_total{code="ok"} 6',
    'seconds_bucket{le="2"} 6',
    'seconds_bucket{le="+Inf"} 6',
    "seconds_sum 6",
    "seconds_count 6",
    "memory 100",
    "lag 4",
  ]);
  sum.end("other");
  sum.set("third", await reportOf(1));
  expect(samplesOf(await sum.text(await reportOf(10)))).toEqual([
    'calls_total{code="ok"} 17',
    'seconds_bucket{le="2"} 17',
    'seconds_bucket{le="+Inf"} 17',
    "seconds_sum 17",
    "seconds_count 17",
    "memory 200",
    "lag 5.5",
  ]);
});
