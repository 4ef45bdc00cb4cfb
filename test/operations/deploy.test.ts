import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { DATABASE_GAUGES } from "../../src/database/index.ts";
import { createMetrics } from "../../src/plugins/index.ts";
import { connectionsOf } from "../../src/server/serve.ts";
import { metricsIn, shippedPanels, shippedRules } from "../setup/prometheus.ts";

/** Made by Prometheus itself, or by others: test/faults/cluster.test.ts compares those with a real scrape, but for PgBouncer's. */
const FOREIGN = /^(?:up$|haproxy_|pgbouncer_|patroni_|etcd_|finance:)/;

/** The names that a scrape has, each with its type; those of a histogram's parts included. */
async function exportedNames(): Promise<Map<string, string>> {
  const metrics = createMetrics("1.2.3");
  metrics.watchTogether(DATABASE_GAUGES, async () => undefined);
  const text = await metrics.registry.metrics();
  const names = new Map<string, string>();
  for (const [, name = "", type = ""] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    names.set(name, type);
    if (type === "histogram") for (const part of ["bucket", "sum", "count"]) names.set(`${name}_${part}`, "part");
  }
  return names;
}

test("every panel and every alert shows metrics that there are", async () => {
  const exported = await exportedNames();
  for (const { name, text } of [...(await shippedPanels()), ...(await shippedRules())]) {
    const metrics = metricsIn(text);
    expect(metrics.length, name).toBeGreaterThan(0);
    expect(
      metrics.filter((metric) => !exported.has(metric) && !FOREIGN.test(metric)),
      name,
    ).toEqual([]);
  }
});

test("no panel lies on another one", async () => {
  const { panels }: { panels: readonly object[] } = JSON.parse(await readFile("deploy/grafana/dashboard.json", "utf8"));
  const positions = panels.map((panel) => JSON.stringify(Reflect.get(panel, "gridPos")));
  expect(new Set(positions).size).toBe(panels.length);
});

test("the guide's table has every metric of the service's own, with its type", async () => {
  const guide = await readFile("docs/observability.md", "utf8");
  const documented = [...guide.matchAll(/^\| `([a-z_]+)` \| (counter|gauge|histogram) \|/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  const own = [...(await exportedNames())]
    .filter(([name, type]) => type !== "part" && !/^(nodejs|process)_/.test(name))
    .map(([name, type]) => `${name} ${type}`);
  expect(documented.sort()).toEqual(own.sort());
});

test("deploy/roll knows how many connections a process opens", async () => {
  expect(await readFile("deploy/roll", "utf8")).toContain(`\nconnections=${connectionsOf(1)}\n`);
});
