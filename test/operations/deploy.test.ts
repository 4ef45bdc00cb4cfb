import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createMetrics } from "../../src/plugins/index.ts";

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

/** Prometheus itself makes this one. */
const FOREIGN = new Set(["up"]);

/** The names that a scrape has, each with its type; those of a histogram's parts included. */
async function exportedNames(): Promise<Map<string, string>> {
  const text = await createMetrics("1.2.3").registry.metrics();
  const names = new Map<string, string>();
  for (const [, name = "", type = ""] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    names.set(name, type);
    if (type === "histogram") for (const part of ["bucket", "sum", "count"]) names.set(`${name}_${part}`, "part");
  }
  return names;
}

/** The metrics that an expression selects: names before a brace, or before a range. */
function metricsIn(expression: string): string[] {
  return [...expression.matchAll(/([a-z_][a-z0-9_]*)\{/g)].map(([, name = ""]) => name);
}

test("every panel of the dashboard shows metrics that there are", async () => {
  const exported = await exportedNames();
  const { panels }: { panels: readonly Panel[] } = JSON.parse(await readFile("deploy/grafana/dashboard.json", "utf8"));
  for (const { title, targets } of panels) {
    const names = targets.flatMap(({ expr }) => metricsIn(expr));
    expect(names.length, title).toBeGreaterThan(0);
    expect(
      names.filter((name) => !exported.has(name)),
      title,
    ).toEqual([]);
  }
  const positions = panels.map((panel) => JSON.stringify(Reflect.get(panel, "gridPos")));
  expect(new Set(positions).size).toBe(panels.length);
});

test("every alert watches metrics that there are", async () => {
  const exported = await exportedNames();
  const rules = await readFile("deploy/prometheus/rules.yml", "utf8");
  const alerts = rules.split("- alert: ").slice(1);
  expect(alerts.length).toBeGreaterThan(0);
  for (const alert of alerts) {
    const names = metricsIn(alert.slice(alert.indexOf("expr:"), alert.indexOf("for:")));
    expect(names.length, alert).toBeGreaterThan(0);
    expect(names.filter((name) => !exported.has(name) && !FOREIGN.has(name))).toEqual([]);
  }
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
