/**
 * Three PostgreSQL servers under Patroni with etcd, as docker-compose.ha.yml arranges them, made of Debian's packages.
 *
 * Each server has a network namespace, joined by a bridge, so that its network can be cut. Patroni and etcd are started again when
 * they end, as containers are.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { giveToServers, POSTGRES_PROGRAMS, until } from "../setup/debian-servers.ts";
import { freePort } from "../setup/process.ts";

const NEEDED = ["/usr/bin/patroni", "/usr/bin/etcd", "/usr/sbin/haproxy", "/usr/sbin/pgbouncer", "/usr/sbin/ip"];

/** Why no cluster can be made here; undefined if one can. */
export const clusterLack = ((): string | undefined => {
  const missing = NEEDED.filter((path) => !existsSync(path));
  if (POSTGRES_PROGRAMS === undefined) missing.push("postgresql");
  if (missing.length > 0) return `without Debian's patroni, etcd-server, haproxy, pgbouncer, postgresql and iproute2`;
  if (process.getuid?.() !== 0) return "without root, who makes network namespaces";
  return undefined;
})();

/** The password of every role of the cluster, with characters that need quoting in URLs and in pgbouncer.ini. */
export const PASSWORD = 'p@ss/w:rd "1"';

/** A server of the cluster. */
export interface Member {
  readonly name: string;
  readonly address: string;
  /** Sends a signal to PostgreSQL and all of its processes. */
  signalPostgres(signal: NodeJS.Signals): void;
  killPatroni(): void;
  killEtcd(): void;
  /** Cuts its network off from everybody. */
  cut(): void;
  reconnect(): void;
  /** Runs psql in the server's own network namespace, for ten seconds at most. @returns its output, or undefined if it failed. */
  psql(statement: string): string | undefined;
}

/** The cluster with its way in: PgBouncer, then HAProxy, then the primary. */
export interface PatroniCluster {
  readonly members: readonly Member[];
  /** The URL of database `finance` through the pooler. */
  url(user: string): string;
  /** The same without the pooler, for migrations. */
  directUrl(user: string): string;
  /** The port of HAProxy's metrics. */
  readonly metricsPort: number;
  /** The member that holds the lease and accepts writes; undefined while there is none. */
  primary(): Promise<Member | undefined>;
  /** Whether all members run and one of the standbys is synchronous. */
  isWhole(): Promise<boolean>;
  stop(): Promise<void>;
}

const ip = (...args: string[]) => execFileSync("/usr/sbin/ip", args, { stdio: ["ignore", "ignore", "pipe"] });

let clusters = 0;

/** Makes a cluster in `directory`; resolves once all members run. Owner of database `finance` is role `finance`. */
export async function startPatroniCluster(directory: string): Promise<PatroniCluster> {
  const id = `${process.pid % 10_000}${clusters++ % 10}`;
  // Different for clusters of different processes at the same time.
  const subnet = `10.${64 + ((process.pid >> 8) % 64)}.${process.pid % 256}`;
  const bridge = `fb${id}`;
  const running = new Set<ChildProcess>();
  let stopping = false;

  /** Runs a program until the cluster stops, and starts it again when it ends. */
  function supervise(
    program: string,
    args: string[],
    env: Record<string, string>,
    log = "/dev/null",
  ): () => ChildProcess {
    let child: ChildProcess;
    const start = () => {
      const output = openSync(log, "a");
      child = spawn(program, args, {
        env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", ...env },
        stdio: ["ignore", output, output],
      });
      closeSync(output);
      running.add(child);
      const current = child;
      child.once("exit", () => {
        running.delete(current);
        if (!stopping) setTimeout(() => stopping || start(), 1000);
      });
    };
    start();
    return () => child;
  }

  ip("link", "add", bridge, "type", "bridge");
  ip("addr", "add", `${subnet}.254/24`, "dev", bridge);
  ip("link", "set", bridge, "up");
  const numbers = [1, 2, 3];
  const namespaces = numbers.map((number) => `fn${id}${number}`);
  for (const number of numbers) {
    const namespace = `fn${id}${number}`;
    const link = `fv${id}${number}`;
    ip("netns", "add", namespace);
    ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace);
    ip("link", "set", link, "master", bridge, "up");
    ip("-n", namespace, "addr", "add", `${subnet}.${number}/24`, "dev", "eth0");
    ip("-n", namespace, "link", "set", "eth0", "up");
    ip("-n", namespace, "link", "set", "lo", "up");
  }

  const initialCluster = numbers.map((number) => `etcd${number}=http://${subnet}.${number}:2380`).join(",");
  const etcdHosts = numbers.map((number) => `${subnet}.${number}:2379`).join(",");
  const shipped = await readFile("deploy/patroni/patroni.yml", "utf8");
  const members = await Promise.all(
    numbers.map(async (number): Promise<Member> => {
      const name = `patroni${number}`;
      const address = `${subnet}.${number}`;
      const namespace = `fn${id}${number}`;
      const home = join(directory, name);
      const data = join(home, "data");
      const configuration = join(home, "patroni.yml");
      await mkdir(home, { recursive: true });
      const sockets = `  bin_dir: ${POSTGRES_PROGRAMS}\n  data_dir: ${data}\n  pgpass: ${join(home, "pgpass")}`;
      const local = shipped.replace(/^ {2}data_dir: .*$/m, sockets);
      await writeFile(
        configuration,
        local.replace(/^ {4}password_encryption: /m, `    unix_socket_directories: ${home}\n$&`),
      );
      await giveToServers(home);
      await giveToServers(configuration);
      const within = (...command: string[]) => ["netns", "exec", namespace, ...command];
      const etcd = supervise(
        "/usr/sbin/ip",
        within(
          "/usr/bin/etcd",
          // With etcd's API v3 a Patroni that was stopped takes its lost lease back (3.0.2 renews it without comparing).
          "--enable-v2=true",
          // Elections need patience on a slow disk.
          "--heartbeat-interval=250",
          "--election-timeout=2500",
          `--name=etcd${number}`,
          `--data-dir=${join(home, "etcd")}`,
          `--listen-client-urls=http://0.0.0.0:2379`,
          `--advertise-client-urls=http://${address}:2379`,
          `--listen-peer-urls=http://0.0.0.0:2380`,
          `--initial-advertise-peer-urls=http://${address}:2380`,
          `--initial-cluster=${initialCluster}`,
        ),
        {},
        join(home, "etcd.log"),
      );
      const patroni = supervise(
        "/usr/sbin/ip",
        within("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "/usr/bin/patroni", configuration),
        {
          PATRONI_NAME: name,
          PATRONI_RESTAPI_CONNECT_ADDRESS: `${address}:8008`,
          PATRONI_ETCD_HOSTS: etcdHosts,
          PATRONI_POSTGRESQL_CONNECT_ADDRESS: `${address}:5432`,
          PATRONI_SUPERUSER_USERNAME: "postgres",
          PATRONI_SUPERUSER_PASSWORD: PASSWORD,
          PATRONI_REPLICATION_USERNAME: "replicator",
          PATRONI_REPLICATION_PASSWORD: PASSWORD,
        },
        join(home, "patroni.log"),
      );
      return {
        name,
        address,
        signalPostgres: (signal) => {
          const postmaster = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
          for (const pid of [postmaster, ...childrenOf(postmaster)]) process.kill(pid, signal);
        },
        killPatroni: () => patroni().kill("SIGKILL"),
        killEtcd: () => etcd().kill("SIGKILL"),
        cut: () => ip("link", "set", `fv${id}${number}`, "down"),
        reconnect: () => ip("link", "set", `fv${id}${number}`, "up"),
        psql: (statement) => {
          const command = within(
            "psql",
            "--no-psqlrc",
            "-qAt",
            "-h",
            home,
            "-U",
            "postgres",
            "-c",
            statement,
            "finance",
          );
          try {
            return execFileSync("/usr/sbin/ip", command, {
              encoding: "utf8",
              timeout: 10_000,
              stdio: ["ignore", "pipe", "ignore"],
            }).trim();
          } catch {
            return undefined;
          }
        },
      };
    }),
  );

  const databasePort = await freePort();
  const haproxyFile = join(directory, "haproxy.cfg");
  const servers = members.reduce(
    (text, { name, address }) => text.replace(`${name}:5432`, `${address}:5432`),
    await readFile("deploy/patroni/haproxy.cfg", "utf8"),
  );
  const metricsPort = await freePort();
  await writeFile(
    haproxyFile,
    servers
      .replace("bind :5432", `bind 127.0.0.1:${databasePort}`)
      .replace("bind :8405", `bind 127.0.0.1:${metricsPort}`),
  );
  supervise("/usr/sbin/haproxy", ["-db", "-f", haproxyFile], {});

  const poolerPort = await freePort();
  const poolerFile = join(directory, "pgbouncer.ini");
  const usersFile = join(directory, "userlist.txt");
  const quoted = PASSWORD.replaceAll('"', '""');
  await writeFile(usersFile, ["postgres", "finance", "finance_app"].map((role) => `"${role}" "${quoted}"\n`).join(""));
  const pooler = (await readFile("deploy/pgbouncer/pgbouncer.ini", "utf8"))
    .replace(/^finance = .*$/m, `finance = host=127.0.0.1 port=${databasePort} dbname=finance`)
    .replace("listen_addr = *", "listen_addr = 127.0.0.1")
    .replace("listen_port = 6432", `listen_port = ${poolerPort}`)
    .replace("/run/pgbouncer/userlist.txt", usersFile);
  await writeFile(poolerFile, pooler);
  await giveToServers(poolerFile);
  await giveToServers(usersFile);
  supervise(
    "setpriv",
    ["--reuid=postgres", "--regid=postgres", "--init-groups", "/usr/sbin/pgbouncer", poolerFile],
    {},
  );

  const stateOf = async ({ address }: Member): Promise<MemberState | undefined> => {
    const response = await fetch(`http://${address}:8008/patroni`, { signal: AbortSignal.timeout(1000) }).catch(
      () => undefined,
    );
    return response === undefined
      ? undefined
      : ((await response.json().catch(() => undefined)) as MemberState | undefined);
  };
  /** The member that answers a question about its role with yes. */
  const memberThatAnswers = async (path: string): Promise<Member | undefined> => {
    for (const member of members) {
      const answers = await fetch(`http://${member.address}:8008${path}`, { signal: AbortSignal.timeout(1000) }).then(
        ({ status }) => status === 200,
        () => false,
      );
      if (answers) return member;
    }
    return undefined;
  };
  const cluster: PatroniCluster = {
    members,
    metricsPort,
    url: (user) => urlOf(user, poolerPort),
    directUrl: (user) => urlOf(user, databasePort),
    primary: () => memberThatAnswers("/primary"),
    isWhole: async () => {
      const states = await Promise.all(members.map(stateOf));
      const leads = states.filter((state) => state?.state === "running" && ["master", "primary"].includes(state.role));
      const follow = states.filter(
        (state) => ["running", "streaming"].includes(state?.state ?? "") && state?.role === "replica",
      );
      const replication = leads[0]?.replication ?? [];
      return (
        leads.length === 1 &&
        follow.length === 2 &&
        replication.length === 2 &&
        // PostgreSQL names the synchronous standby before Patroni's record in etcd does, without which none takes over.
        (await memberThatAnswers("/synchronous")) !== undefined
      );
    },
    stop: async () => {
      stopping = true;
      for (const member of members) {
        try {
          member.signalPostgres("SIGKILL");
        } catch {
          // It does not run.
        }
      }
      const ended = [...running].map((child) => (child.exitCode ?? child.signalCode) === null && once(child, "exit"));
      for (const child of running) child.kill("SIGKILL");
      await Promise.all(ended);
      for (const namespace of namespaces) ip("netns", "del", namespace);
      ip("link", "del", bridge);
    },
  };
  await until(() => cluster.isWhole(), 90_000, "three servers run, one of two standbys is synchronous");

  const owner = new pg.Client({
    host: "127.0.0.1",
    port: databasePort,
    user: "postgres",
    password: PASSWORD,
    database: "postgres",
  });
  await owner.connect();
  const literal = owner.escapeLiteral(PASSWORD);
  await owner.query(`create role finance login createrole password ${literal}`);
  await owner.query(`create role finance_app login password ${literal}`);
  await owner.query("create database finance owner finance");
  await owner.end();
  return cluster;
}

function urlOf(user: string, port: number): string {
  return `postgres://${user}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/finance`;
}

interface MemberState {
  readonly state: string;
  readonly role: string;
  readonly replication?: readonly object[];
}

/** The processes whose parent is `pid`. */
function childrenOf(pid: number): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      // The parent is the second field after the name, which ends with the last parenthesis.
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}
