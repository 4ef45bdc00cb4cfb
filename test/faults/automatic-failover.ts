/**
 * Faults of the database cluster under load: in each round one fault hits the primary or its etcd while clients post transfers
 * through two API processes, and the cluster must be whole again before the next round.
 *
 * Afterwards every acknowledged transfer exists once, none exists twice, the books pass the auditor, the programs that followed
 * the feed of events have the same books, and no API process has read from, or is connected to, a server that is not the primary.
 */
import pg from "pg";
import { grantApplicationRole, migrate, openPool } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { until } from "../setup/debian-servers.ts";
import { type Instance, startInstance } from "../setup/process.ts";
import { type Consumers, startConsumers } from "./consumers.ts";
import { type Member, PASSWORD, type PatroniCluster, startPatroniCluster } from "./patroni.ts";
import { type Finding, inspect, openAccounts, SECRET, seededRandom, startClients, startReader } from "./traffic.ts";

/** A fault and how it ends: `heal` undoes what would otherwise last. */
interface Fault {
  readonly name: string;
  /** Whether another server must become the primary. */
  readonly movesPrimary: boolean;
  strike(primary: Member, cluster: PatroniCluster): void;
  heal?(primary: Member): void;
}

/** In the order in which rounds use them. */
export const faults: readonly [Fault, ...Fault[]] = [
  {
    name: "kill -9 of the primary's PostgreSQL",
    movesPrimary: true,
    strike: (primary) => primary.signalPostgres("SIGKILL"),
  },
  {
    name: "the primary's network is cut",
    movesPrimary: true,
    strike: (primary) => primary.cut(),
    heal: (primary) => primary.reconnect(),
  },
  {
    name: "SIGSTOP of the primary's PostgreSQL",
    movesPrimary: true,
    strike: (primary) => primary.signalPostgres("SIGSTOP"),
    heal: (primary) => primary.signalPostgres("SIGCONT"),
  },
  { name: "kill -9 of the primary's Patroni", movesPrimary: false, strike: ({ patroni }) => patroni.kill() },
  {
    // PostgreSQL still runs there, as a primary that nobody supervises.
    name: "kill -9 of the primary's Patroni, which stays down",
    movesPrimary: true,
    strike: ({ patroni }) => patroni.keepDown(),
    heal: ({ patroni }) => patroni.start(),
  },
  { name: "kill -9 of the primary's etcd", movesPrimary: false, strike: ({ etcd }) => etcd.kill() },
  {
    name: "kill -9 of two etcd members",
    movesPrimary: false,
    strike: (_, { members }) => {
      for (const { etcd } of members.slice(0, 2)) etcd.kill();
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
  /** Reads of the newest transfer that were answered, through all API processes. */
  readonly reads: number;
  /** For each round, the longest time without an acknowledged transfer. */
  readonly pauses: readonly { readonly fault: string; readonly milliseconds: number }[];
  /** The faults found; empty if all is well. */
  readonly findings: readonly Finding[];
}

/** Runs the rounds. */
export async function failOver(options: FailoverOptions): Promise<FailoverResult> {
  const { rounds, clients, seed, report } = options;
  const cluster = await startPatroniCluster(options.directory);
  const findings: Finding[] = [];
  const pauses: { fault: string; milliseconds: number }[] = [];
  const instances: Instance[] = [];
  let consumers: Consumers | undefined;
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
    const urls = instances.map(({ port }) => `http://127.0.0.1:${port}`);
    const load = startLoad(urls, { clients, seed });
    consumers = await startConsumers({ urls, random: seededRandom(seed) });
    for (const fault of rounds) {
      await load.progress();
      const before = await cluster.primary();
      if (before === undefined) throw new Error("there is no primary although transfers are acknowledged");
      report(`${fault.name}: ${before.name}`);
      const watch = watchPauses(load.acknowledged);
      fault.strike(before, cluster);
      let after: Member | undefined;
      const isOver = async () => {
        after = await cluster.primary();
        return after !== undefined && (after !== before || !fault.movesPrimary);
      };
      await until(isOver, 90_000, "there is a primary");
      await load.progress();
      const milliseconds = watch.stop();
      pauses.push({ fault: fault.name, milliseconds });
      report(`wrote again after ${milliseconds} ms at most, on ${after?.name}`);
      if (before !== after) findings.push(...(await writesAlone(before)));
      fault.heal?.(before);
      findings.push(...(await untilWhole(cluster)));
    }
    const { keys, reads, missed } = await load.stop();
    findings.push(...missed);
    const auditor = openPool({ connectionString: owner, max: 1 });
    findings.push(...(await consumers.check(auditor)), ...(await inspect(auditor, keys)));
    await auditor.end();
    return { acknowledged: keys.size, reads, pauses, findings };
  } catch (error) {
    for (const { name, recentLog } of cluster.members) report(`log of ${name}:\n${recentLog()}`);
    for (const { process } of instances) report(`log of an API process:\n${process.output().slice(-4000)}`);
    throw error;
  } finally {
    await consumers?.end();
    for (const { process } of instances) process.child.kill("SIGKILL");
    await cluster.stop();
  }
}

/**
 * Clients that post through each of the API processes, and one per process that reads the newest transfer: it would miss it on a
 * server that is not the primary.
 */
export function startLoad(urls: readonly string[], { clients, seed }: Pick<FailoverOptions, "clients" | "seed">) {
  let newest: string | undefined;
  const acknowledged = (id: string) => {
    newest = id;
  };
  const traffic = urls.map((url, index) =>
    startClients(url, {
      clients: Math.ceil(clients / urls.length),
      seed: seed * urls.length + index,
      // Else, after some minutes, holds would reserve all the money, and no transfer would succeed.
      holdMsMax: 2000,
      acknowledged,
    }),
  );
  const readers = urls.map((url) => startReader(url, () => newest));
  return {
    /** Resolves when each process has done more of both; rejects if one does not come back. */
    progress: () => Promise.all([...traffic, ...readers].map((part) => part.progress(20))),
    acknowledged: () => traffic.reduce((sum, { acknowledgedKeys }) => sum + acknowledgedKeys.size, 0),
    stop: async () => {
      await Promise.all(traffic.map(({ stop }) => stop()));
      const all = await Promise.all(readers.map(({ stop }) => stop()));
      return {
        /** The keys of the acknowledged transfers. */
        keys: new Set(traffic.flatMap(({ acknowledgedKeys }) => [...acknowledgedKeys])),
        reads: all.reduce((sum, { found }) => sum + found, 0),
        missed: all
          .flatMap(({ missed }) => missed)
          .map(
            (id): Finding => ({
              kind: "stale",
              text: `transfer ${id} was acknowledged, and then an API process did not find it`,
            }),
          ),
      };
    },
  };
}

/** Tries to write on a former primary, from its own side of a cut network. */
export async function writesAlone(former: Member): Promise<Finding[]> {
  const answer = await former.psql("create table written_alone (number bigint)");
  return answer === undefined
    ? []
    : [{ kind: "alone", text: `${former.name} acknowledged a write as a former primary` }];
}

/** Waits until all members follow one primary. @returns the connections of the API to the others. */
export async function untilWhole(cluster: PatroniCluster): Promise<Finding[]> {
  let findings: Finding[] = [];
  const isWhole = async () => {
    if (!(await cluster.isWhole())) return false;
    findings = await strayConnections(cluster);
    return true;
  };
  await until(isWhole, 120_000, "all servers follow the primary");
  return findings;
}

/** Connections of the API to servers that are not the primary. Rejects while one of them is down. */
async function strayConnections(cluster: PatroniCluster): Promise<Finding[]> {
  const primary = await cluster.primary();
  const findings: Finding[] = [];
  for (const member of cluster.members.filter((candidate) => candidate !== primary)) {
    const client = new pg.Client({ host: member.address, user: "postgres", password: PASSWORD, database: "finance" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query(
        "select count(*)::int as count from pg_stat_activity where usename = 'finance_app'",
      );
      const count: number = rows[0]?.count;
      if (count > 0) findings.push({ kind: "stale", text: `${count} connections of the API lead to ${member.name}` });
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
