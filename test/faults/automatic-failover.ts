/**
 * Faults of the database cluster under load: in each round one fault hits the primary or its etcd while clients post transfers
 * through two API processes, and the cluster must be whole again before the next round.
 *
 * Afterwards every acknowledged transfer exists once, none exists twice, the books pass the auditor, and no API process is
 * connected to a server that is not the primary.
 */
import pg from "pg";
import { grantApplicationRole, migrate, openPool } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { until } from "../setup/debian-servers.ts";
import { startInstance } from "../setup/process.ts";
import { type Member, PASSWORD, type PatroniCluster, startPatroniCluster } from "./patroni.ts";
import { inspect, openAccounts, SECRET, startClients } from "./traffic.ts";

/** A fault and how it ends: `heal` undoes what would otherwise last. */
interface Fault {
  readonly name: string;
  strike(primary: Member, cluster: PatroniCluster): void;
  heal?(primary: Member): void;
}

/** In the order in which rounds use them. */
export const faults: readonly [Fault, ...Fault[]] = [
  {
    name: "kill -9 of the primary's PostgreSQL",
    strike: (primary) => primary.signalPostgres("SIGKILL"),
  },
  {
    name: "the primary's network is cut",
    strike: (primary) => primary.cut(),
    heal: (primary) => primary.reconnect(),
  },
  {
    name: "SIGSTOP of the primary's PostgreSQL",
    strike: (primary) => primary.signalPostgres("SIGSTOP"),
    heal: (primary) => primary.signalPostgres("SIGCONT"),
  },
  { name: "kill -9 of the primary's Patroni", strike: (primary) => primary.killPatroni() },
  { name: "kill -9 of the primary's etcd", strike: (primary) => primary.killEtcd() },
  {
    name: "kill -9 of two etcd members",
    strike: (_, { members }) => {
      for (const member of members.slice(0, 2)) member.killEtcd();
    },
  },
];

/** The fault of a round, counted from 0: all of them in turn. */
export function faultOfRound(round: number): Fault {
  return faults[round % faults.length] ?? faults[0];
}

export interface FailoverOptions {
  /** An empty directory that the servers' user may write to. */
  readonly directory: string;
  /** The fault of each round. */
  readonly rounds: readonly Fault[];
  readonly clients: number;
  readonly seed: number;
  readonly report: (line: string) => void;
}

export interface FailoverResult {
  readonly acknowledged: number;
  /** For each round, the longest time without an acknowledged transfer. */
  readonly pauses: readonly { readonly fault: string; readonly milliseconds: number }[];
  /** The faults found; empty if all is well. */
  readonly findings: readonly string[];
}

/** Runs the rounds. */
export async function failOver(options: FailoverOptions): Promise<FailoverResult> {
  const { rounds, clients, seed, report } = options;
  const cluster = await startPatroniCluster(options.directory);
  const findings: string[] = [];
  const pauses: { fault: string; milliseconds: number }[] = [];
  const instances: Awaited<ReturnType<typeof startInstance>>[] = [];
  try {
    const owner = cluster.directUrl("finance");
    const directory = migrationsDirectory();
    await migrate({ connectionString: owner, directory });
    await grantApplicationRole({ connectionString: owner, directory, role: "finance_app" });
    const setup = openPool({ connectionString: owner, max: 1 });
    await openAccounts(setup);
    await setup.end();
    for (const _ of [1, 2]) {
      instances.push(await startInstance(cluster.url("finance_app"), { AUTH_JWT_SECRET: SECRET }));
    }
    const traffic = instances.map(({ port }, index) =>
      startClients(`http://127.0.0.1:${port}`, { clients: Math.ceil(clients / 2), seed: seed * 2 + index }),
    );
    const acknowledged = () => traffic.reduce((sum, { acknowledgedKeys }) => sum + acknowledgedKeys.size, 0);

    for (const fault of rounds) {
      await Promise.all(traffic.map(({ progress }) => progress(50)));
      const before = await cluster.primary();
      if (before === undefined) throw new Error("there is no primary although transfers are acknowledged");
      report(`${fault.name}: ${before.name}`);
      const watch = watchPauses(acknowledged);
      fault.strike(before, cluster);
      await Promise.all(traffic.map(({ progress }) => progress(50)));
      const milliseconds = watch.stop();
      pauses.push({ fault: fault.name, milliseconds });
      const after = await cluster.primary();
      report(`wrote again after ${milliseconds} ms at most, on ${after?.name}`);
      if (before !== after) findings.push(...acknowledgesAlone(before, fault));
      fault.heal?.(before);
      await until(() => cluster.isWhole(), 120_000, `${before.name} follows again`);
      findings.push(...(await strayConnections(cluster)));
    }
    await Promise.all(traffic.map(({ stop }) => stop()));
    const auditor = openPool({ connectionString: owner, max: 1 });
    const keys = new Set(traffic.flatMap(({ acknowledgedKeys }) => [...acknowledgedKeys]));
    findings.push(...(await inspect(auditor, keys)));
    await auditor.end();
    return { acknowledged: keys.size, pauses, findings };
  } finally {
    for (const { process } of instances) process.child.kill("SIGKILL");
    await cluster.stop();
  }
}

/** Tries to write on a former primary, from its own side of a cut network. */
function acknowledgesAlone(former: Member, fault: Fault): string[] {
  const answer = former.psql("create table written_alone (number bigint)");
  return answer === undefined
    ? []
    : [`${former.name} acknowledged a write after "${fault.name}", when it was not the primary`];
}

/** Connections of the API to servers that are not the primary. */
async function strayConnections(cluster: PatroniCluster): Promise<string[]> {
  const primary = await cluster.primary();
  const findings: string[] = [];
  for (const member of cluster.members.filter((candidate) => candidate !== primary)) {
    const client = new pg.Client({ host: member.address, user: "postgres", password: PASSWORD, database: "finance" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query(
        "select count(*)::int as count from pg_stat_activity where usename = 'finance_app'",
      );
      if (rows[0]?.count > 0)
        findings.push(`${rows[0].count} connections of the API lead to ${member.name}, a standby`);
    } finally {
      await client.end();
    }
  }
  return findings;
}

/** Measures the longest time in which a counter does not grow. */
function watchPauses(counter: () => number) {
  let count = counter();
  let since = Date.now();
  let longest = 0;
  const look = () => {
    const now = Date.now();
    longest = Math.max(longest, now - since);
    if (counter() === count) return;
    count = counter();
    since = now;
  };
  const timer = setInterval(look, 10);
  return {
    stop: (): number => {
      clearInterval(timer);
      look();
      return longest;
    },
  };
}
