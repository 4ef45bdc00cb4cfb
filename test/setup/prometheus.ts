/** Debian's Prometheus with the configuration, the alerts and the dashboard that ship. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeOwnDirectory } from "./belongings.ts";
import { until } from "./debian-servers.ts";
import { freePort } from "./process.ts";

export const hasPrometheus = ["prometheus", "promtool"].every((name) => existsSync(`/usr/bin/${name}`));

const SHIPPED = "deploy/prometheus";

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  /** The time and the value. */
  readonly value: readonly [number, string];
}

export interface Prometheus {
  /** Evaluates an expression now. */
  query(expression: string): Promise<readonly Sample[]>;
  /** The names of the alerts that fire now. */
  firing(): Promise<string[]>;
  /** Waits until each of these alerts has fired. */
  untilFiring(alerts: readonly string[]): Promise<void>;
  /** Waits until none of them fires. */
  untilOver(alerts: readonly string[]): Promise<void>;
  /** Waits until all targets answer. */
  untilAllUp(): Promise<void>;
  /** Changes the addresses of a job. */
  retarget(job: string, addresses: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** The longest wait for an alert: PostgreSQL takes a minute to give up a standby that vanished, and the machine may be busy. */
const PATIENCE_MS = 180_000;

/**
 * Starts Prometheus with the shipped configuration, except that it looks every second, and that alerts wait for one second where
 * they ship with seconds or minutes, and look back for 15 seconds where they ship with 15 minutes.
 *
 * @param targets the addresses of each job; a job of the configuration without any has no targets.
 */
export async function startPrometheus(targets: Readonly<Record<string, readonly string[]>>): Promise<Prometheus> {
  const { path: directory, remove } = makeOwnDirectory("finance-prometheus-");
  const jobs: string[] = [];
  const configuration = (await readFile(join(SHIPPED, "prometheus.yml"), "utf8"))
    .replace(/^alerting:.*?(?=^scrape_configs)/ms, "")
    .replaceAll(/_interval: 15s$/gm, "_interval: 1s")
    .replaceAll(/^( {2}- job_name: (\S+)\n)(?: {4}.*\n)*/gm, (_, head: string, job: string) => {
      jobs.push(job);
      return `${head}    file_sd_configs:\n      - files: [${job}.json]\n`;
    });
  const strangers = Object.keys(targets).filter((job) => !jobs.includes(job));
  if (strangers.length > 0) throw new Error(`prometheus.yml has no job ${strangers.join(" and ")}`);
  const retarget: Prometheus["retarget"] = (job, addresses) =>
    writeFile(join(directory, `${job}.json`), JSON.stringify([{ targets: addresses }]));
  for (const job of jobs) await retarget(job, targets[job] ?? []);
  await writeFile(join(directory, "prometheus.yml"), configuration);
  const rules = await readFile(join(SHIPPED, "rules.yml"), "utf8");
  await writeFile(
    join(directory, "rules.yml"),
    rules.replaceAll(/for: \d+[sm]$/gm, "for: 1s").replaceAll("[15m]", "[15s]"),
  );

  const port = await freePort();
  const child = spawn(
    "/usr/bin/prometheus",
    [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { cwd: directory, stdio: "ignore" },
  );
  const ended = once(child, "exit");
  const ask = async <Answer>(path: string): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const { data } = (await response.json()) as { data?: Answer };
    if (data === undefined) throw new Error(`Prometheus answered ${response.status} to ${path}`);
    return data;
  };
  const query: Prometheus["query"] = async (expression) =>
    (await ask<{ result: Sample[] }>(`query?query=${encodeURIComponent(expression)}`)).result;
  const firing: Prometheus["firing"] = async () => {
    const samples = await query('ALERTS{alertstate="firing"}');
    return [...new Set(samples.map(({ metric }) => metric["alertname"] ?? ""))].sort();
  };
  const expectedUp = Object.values(targets).flat().length;
  return {
    query,
    firing,
    untilFiring: async (alerts) => {
      // One may be over before another begins.
      const missing = new Set(alerts);
      const haveFired = async () => {
        for (const alert of await firing()) missing.delete(alert);
        return missing.size === 0;
      };
      await until(haveFired, PATIENCE_MS, `${alerts.join(", ")} fire`).catch((error: Error) => {
        throw new Error(`${error.message}; missing: ${[...missing].join(", ")}`);
      });
    },
    untilOver: (alerts) => {
      const areOver = async () => (await firing()).every((alert) => !alerts.includes(alert));
      return until(areOver, PATIENCE_MS, `${alerts.join(", ")} are over`);
    },
    untilAllUp: () => until(async () => (await query("up == 1")).length === expectedUp, PATIENCE_MS, "all answer"),
    retarget,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      await remove();
    },
  };
}

/** An alert or a recorded series of rules.yml, or a panel of the dashboard. */
export interface Expression {
  readonly name: string;
  readonly text: string;
}

/** The expressions of rules.yml. */
export async function shippedRules(): Promise<Expression[]> {
  const text = await readFile(join(SHIPPED, "rules.yml"), "utf8");
  return text.split(/^ {6}- (?=alert: |record: )/m).flatMap((rule) => {
    const [, name] = /^(?:alert|record): (\S+)\n/.exec(rule) ?? [];
    const [, line, block] = /^ {8}expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/m.exec(rule) ?? [];
    return name === undefined ? [] : [{ name, text: line ?? block ?? "" }];
  });
}

/** The expressions of the dashboard's panels, with its variables set as Grafana would. */
export async function shippedPanels(): Promise<Expression[]> {
  const { panels }: { panels: readonly { title: string; targets: readonly { expr: string }[] }[] } = JSON.parse(
    await readFile("deploy/grafana/dashboard.json", "utf8"),
  );
  return panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({
      name: title,
      text: expr.replaceAll("$job", "finance").replaceAll("$__rate_interval", "1m"),
    })),
  );
}

/** The metrics that an expression selects: names before a brace, or with a colon. */
export function metricsIn(expression: string): string[] {
  const selected = [...expression.matchAll(/([a-z_][a-z0-9_]*)\{/g)].map(([, name = ""]) => name);
  return [...selected, ...(expression.match(/finance:\w+:\w+/g) ?? [])];
}
