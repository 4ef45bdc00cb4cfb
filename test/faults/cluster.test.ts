/**
 * The whole stack under a light load: each failure makes its alerts fire in a real Prometheus, and after all of them nothing
 * acknowledged is lost.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { grantApplicationRole, migrate, openPool } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { makeServerDirectory, until } from "../setup/debian-servers.ts";
import { type Haproxy, startHaproxy } from "../setup/haproxy.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";
import {
  hasPrometheus,
  metricsIn,
  type Prometheus,
  shippedPanels,
  shippedRules,
  startPrometheus,
} from "../setup/prometheus.ts";
import { startLoad, untilWhole, writesAlone } from "./automatic-failover.ts";
import { type Consumers, startConsumers } from "./consumers.ts";
import { clusterLack, type Member, type PatroniCluster, startPatroniCluster } from "./patroni.ts";
import { type Finding, inspect, openAccounts, SECRET, seededRandom } from "./traffic.ts";

/** A failure of the stack, how it ends, and the alerts that must fire in between. */
interface Failure {
  readonly name: string;
  strike(stack: Stack): Promise<() => Promise<void> | void>;
  readonly alerts: readonly string[];
}

interface Stack {
  readonly cluster: PatroniCluster;
  readonly prometheus: Prometheus;
  readonly services: ServiceProcess[];
  /** The member that leads, and the others. */
  roles(): Promise<{ primary: Member; standbys: Member[] }>;
  startService(index: number): Promise<void>;
  /** The addresses of the API. */
  readonly addresses: readonly string[];
}

const kill = async (service: ServiceProcess | undefined) => {
  service?.child.kill("SIGKILL");
  await service?.ended;
};

const failures: readonly Failure[] = [
  {
    name: "one API process is killed",
    strike: async ({ services, startService }) => {
      await kill(services[0]);
      return () => startService(0);
    },
    alerts: ["FinanceDown"],
  },
  {
    name: "all API processes are stopped",
    strike: async ({ services, startService, prometheus, addresses }) => {
      await Promise.all(services.map(kill));
      // Docker's DNS no longer lists containers that are stopped.
      await prometheus.retarget("finance", []);
      return async () => {
        await Promise.all([startService(0), startService(1)]);
        await prometheus.retarget("finance", addresses);
      };
    },
    alerts: ["FinanceAllDown", "FinanceProxyEmpty"],
  },
  {
    name: "the primary is killed",
    strike: async ({ roles }) => {
      const { primary } = await roles();
      primary.signalPostgres("SIGKILL");
      return () => undefined;
    },
    alerts: ["FinanceFailedOver"],
  },
  {
    name: "the primary hangs",
    strike: async ({ roles }) => {
      const { primary } = await roles();
      primary.signalPostgres("SIGSTOP");
      return () => primary.signalPostgres("SIGCONT");
    },
    alerts: ["FinanceFailedOver", "FinanceServerDown"],
  },
  {
    name: "the primary's Patroni is killed and stays down",
    strike: async ({ roles }) => {
      const { primary } = await roles();
      primary.patroni.keepDown();
      return () => primary.patroni.start();
    },
    alerts: ["FinanceFailedOver", "FinanceServerDown"],
  },
  {
    name: "the primary's network is cut",
    strike: async ({ roles }) => {
      const { primary } = await roles();
      primary.cut();
      return () => primary.reconnect();
    },
    alerts: ["FinanceFailedOver", "FinanceServerDown", "FinanceEtcdDown", "FinanceStandbyGone"],
  },
  {
    name: "a standby's network is cut",
    strike: async ({ roles }) => {
      const { standbys } = await roles();
      standbys[0]?.cut();
      return () => standbys[0]?.reconnect();
    },
    alerts: ["FinanceServerDown", "FinanceStandbyGone", "FinanceEtcdDown"],
  },
  {
    name: "both standbys hang",
    strike: async ({ roles }) => {
      const { standbys } = await roles();
      for (const standby of standbys) standby.signalPostgres("SIGSTOP");
      return () => {
        for (const standby of standbys) standby.signalPostgres("SIGCONT");
      };
    },
    alerts: ["FinanceNoSynchronousStandby"],
  },
  {
    name: "etcd loses its majority",
    strike: async ({ cluster }) => {
      const two = cluster.members.slice(0, 2);
      for (const { etcd } of two) etcd.keepDown();
      return () => {
        for (const { etcd } of two) etcd.start();
      };
    },
    alerts: ["FinanceEtcdNoMajority"],
  },
  {
    name: "no database server can be reached",
    strike: async ({ cluster }) => {
      for (const member of cluster.members) member.cut();
      return () => {
        for (const member of cluster.members) member.reconnect();
      };
    },
    alerts: [
      "FinanceNotReady",
      "FinanceProxyEmpty",
      "FinanceDatabaseProxyEmpty",
      "FinanceNoPrimary",
      "FinanceServerDown",
      "FinanceEtcdNoMajority",
    ],
  },
];

const lack = clusterLack ?? (hasPrometheus ? undefined : "without Debian's prometheus");

describe.skipIf(lack !== undefined && process.env["CI"] === undefined)(
  `the whole stack (skipped ${lack ?? ""})`,
  () => {
    const endings: (() => Promise<unknown> | unknown)[] = [];
    let stack: Stack;
    let proxy: Haproxy;

    beforeAll(async () => {
      const directory = await makeServerDirectory();
      endings.push(() => directory.remove());
      const cluster = await startPatroniCluster(directory.path);
      endings.push(() => cluster.stop());
      const owner = { connectionString: cluster.directUrl("finance"), directory: migrationsDirectory() };
      await migrate(owner);
      await grantApplicationRole({ ...owner, role: "finance_app" });
      const ports = [await freePort(), await freePort()];
      const services: ServiceProcess[] = [];
      const startService = async (index: number) => {
        const service = startProcess({
          NODE_ENV: "production",
          DATABASE_URL: cluster.url("finance_app"),
          AUTH_JWT_SECRET: SECRET,
          CORS_ALLOWED_ORIGINS: "none",
          PORT: `${ports[index]}`,
        });
        services[index] = service;
        await service.printed('"msg":"started"');
      };
      endings.push(() => Promise.all(services.map(kill)));
      await Promise.all([startService(0), startService(1)]);
      proxy = await startHaproxy(await freePort(), ports);
      endings.push(() => proxy.stop());
      const addresses = ports.map((port) => `127.0.0.1:${port}`);
      const prometheus = await startPrometheus({
        finance: addresses,
        proxy: [`127.0.0.1:${proxy.metricsPort}`],
        "database-proxy": [`127.0.0.1:${cluster.metricsPort}`],
        patroni: cluster.members.map(({ address }) => `${address}:8008`),
        etcd: cluster.members.map(({ address }) => `${address}:2379`),
      });
      endings.push(() => prometheus.stop());
      const roles = async () => {
        const primary = await cluster.primary();
        if (primary === undefined) throw new Error("there is no primary");
        return { primary, standbys: cluster.members.filter((member) => member !== primary) };
      };
      stack = { cluster, prometheus, services, roles, startService, addresses };
      await prometheus.untilAllUp();
      await until(async () => (await prometheus.firing()).length === 0, 90_000, "no alert fires");
    }, 400_000);
    afterAll(async () => {
      for (const end of endings.reverse()) await end();
    }, 60_000);

    test("every metric of rules and dashboard is really scraped", async () => {
      const names = new Set<string>();
      for (const { text } of [...(await shippedRules()), ...(await shippedPanels())])
        for (const name of metricsIn(text)) names.add(name);
      expect(names.size).toBeGreaterThan(30);
      // The service's role may not see how far standbys have replayed.
      names.delete("database_replication_lag_bytes");
      // Debian's exporter of PgBouncer has other names than the image of the overlay.
      for (const name of [...names].filter((each) => !each.startsWith("pgbouncer_"))) {
        const isScraped = async () => (await stack.prometheus.query(`{__name__="${name}"}`)).length > 0;
        await until(isScraped, 20_000, `${name} is scraped`);
      }
    });

    test("the dashboard has data in every panel while nobody calls", async () => {
      const empty: string[] = [];
      for (const { name, text } of await shippedPanels()) {
        const samples = await stack.prometheus.query(text);
        const values = samples.map(({ value: [, value] }) => Number(value));
        if (values.length === 0 || values.some(Number.isNaN)) empty.push(`${name}: ${text}`);
      }
      expect(empty).toEqual([]);
    });

    describe("under load", () => {
      let load: ReturnType<typeof startLoad>;
      let consumers: Consumers;
      const findings: Finding[] = [];

      beforeAll(async () => {
        const setup = openPool({ connectionString: stack.cluster.directUrl("finance"), max: 1 });
        await openAccounts(setup);
        await setup.end();
        const urls = stack.addresses.map((address) => `http://${address}`);
        load = startLoad(urls, { clients: 4, seed: 5 });
        endings.push(() => load.stop());
        consumers = await startConsumers({ urls, random: seededRandom(5) });
        endings.push(() => consumers.end());
      });

      test.each(failures)("$name: $alerts", { timeout: 600_000 }, async ({ strike, alerts }) => {
        const { cluster, prometheus } = stack;
        await load.progress();
        // One that still fires after the failure before would prove nothing.
        await prometheus.untilOver(alerts);
        const { primary: before } = await stack.roles();
        const heal = await strike(stack);
        try {
          await prometheus.untilFiring(alerts);
          const after = await cluster.primary();
          if (alerts.includes("FinanceFailedOver")) {
            expect(after).not.toBe(before);
            await load.progress();
            findings.push(...(await writesAlone(before)));
          }
        } finally {
          await heal();
        }
        findings.push(...(await untilWhole(cluster)));
        await load.progress();
        await prometheus.untilOver(alerts);
      });

      test("nothing acknowledged is lost or posted twice, every read was of the primary, and followers have the books", {
        timeout: 120_000,
      }, async () => {
        const { keys, reads, missed } = await load.stop();
        const auditor = openPool({ connectionString: stack.cluster.directUrl("finance"), max: 1 });
        findings.push(...missed, ...(await consumers.check(auditor)), ...(await inspect(auditor, keys)));
        await auditor.end();
        expect(findings).toEqual([]);
        expect(keys.size).toBeGreaterThan(1000);
        expect(reads).toBeGreaterThan(1000);
      });
    });

    test("the proxy is stopped: FinanceProxyDown", { timeout: 240_000 }, async () => {
      await proxy.stop();
      endings.splice(endings.length - 2, 1);
      await stack.prometheus.untilFiring(["FinanceProxyDown"]);
    });
  },
);
