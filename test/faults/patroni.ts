/**
 * Three PostgreSQL servers under Patroni with etcd, as docker-compose.ha.yml arranges them, made of Debian's packages.
 *
 * Each server has a network namespace, joined by a bridge, so that its network can be cut. Patroni and etcd are started again when
 * they end, as containers are.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { childrenOf, killThoseIn, own } from "../setup/belongings.ts";
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

/** A program that starts again a second after it ends. */
interface Supervised {
  /** Kills it with SIGKILL. */
  kill(): void;
  /** Kills it, and leaves it down until {@link start}. */
  keepDown(): void;
  start(): void;
}

/** A server of the cluster. */
export interface Member {
  readonly name: string;
  readonly address: string;
  /** Sends a signal to PostgreSQL and all of its processes. */
  signalPostgres(signal: NodeJS.Signals): void;
  readonly patroni: Supervised;
  readonly etcd: Supervised;
  /** Cuts its network off from everybody. */
  cut(): void;
  reconnect(): void;
  /** The end of Patroni's and PostgreSQL's log. */
  recentLog(): string;
  /** Runs psql in the server's own network namespace, for ten seconds at most. @returns its output, or undefined if it failed. */
  psql(statement: string): Promise<string | undefined>;
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
  // Names of network interfaces have at most 15 characters.
  const id = `${process.pid}${clusters++ % 10}`;
  // Different for clusters of different processes at the same time.
  const subnet = `10.${64 + ((process.pid >> 8) % 64)}.${process.pid % 256}`;
  const bridge = `fb${id}`;
  const numbers = [1, 2, 3];
  const namespaces = numbers.map((number) => `fn${id}${number}`);
  const running = new Set<ChildProcess>();
  let stopping = false;

  /** Runs a program until the cluster stops, and starts it again when it ends. */
  function supervise(
    program: string,
    args: string[],
    {
      cwd,
      env = {},
      log = "/dev/null",
      prepare = () => undefined,
    }: { cwd: string; env?: Record<string, string>; log?: string; prepare?: () => void },
  ): Supervised {
    let child: ChildProcess | undefined;
    let isKeptDown = false;
    const start = () => {
      if (stopping || isKeptDown || child !== undefined) return;
      prepare();
      const output = openSync(log, "a");
      const started = spawn(program, args, {
        cwd,
        env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", ...env },
        stdio: ["ignore", output, output],
      });
      closeSync(output);
      child = started;
      running.add(started);
      started.once("exit", () => {
        child = undefined;
        running.delete(started);
        if (!stopping) setTimeout(start, 1000);
      });
    };
    const kill = () => void child?.kill("SIGKILL");
    start();
    return {
      kill,
      keepDown: () => {
        isKeptDown = true;
        kill();
      },
      start: () => {
        isKeptDown = false;
        start();
      },
    };
  }

  const disowns = [own("bridge", bridge), ...namespaces.map((namespace) => own("namespace", namespace))];
  ip("link", "add", bridge, "type", "bridge");
  ip("addr", "add", `${subnet}.254/24`, "dev", bridge);
  ip("link", "set", bridge, "up");
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
        { cwd: home, log: join(home, "etcd.log") },
      );
      const patroni = supervise(
        "/usr/sbin/ip",
        within("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "/usr/bin/patroni", configuration),
        {
          cwd: home,
          log: join(home, "patroni.log"),
          // A container that is started again has no process of its former life.
          prepare: () => killThoseIn(data),
          env: {
            PATRONI_NAME: name,
            PATRONI_RESTAPI_CONNECT_ADDRESS: `${address}:8008`,
            PATRONI_ETCD_HOSTS: etcdHosts,
            PATRONI_POSTGRESQL_CONNECT_ADDRESS: `${address}:5432`,
            PATRONI_SUPERUSER_USERNAME: "postgres",
            PATRONI_SUPERUSER_PASSWORD: PASSWORD,
            PATRONI_REPLICATION_USERNAME: "replicator",
            PATRONI_REPLICATION_PASSWORD: PASSWORD,
          },
        },
      );
      return {
        name,
        address,
        signalPostgres: (signal) => {
          const postmaster = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
          for (const pid of [postmaster, ...childrenOf(postmaster)]) process.kill(pid, signal);
        },
        patroni,
        etcd,
        recentLog: () => readFileSync(join(home, "patroni.log"), "utf8").split("\n").slice(-60).join("\n"),
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
          return promisify(execFile)("/usr/sbin/ip", command, { timeout: 10_000 }).then(
            ({ stdout }) => stdout.trim(),
            () => undefined,
          );
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
  supervise("/usr/sbin/haproxy", ["-db", "-f", haproxyFile], { cwd: directory });

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
  supervise("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", "/usr/sbin/pgbouncer", poolerFile], {
    cwd: directory,
  });

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
        (state) => state?.role === "replica" && ["running", "streaming"].includes(state.state),
      );
      const replication = leads[0]?.replication ?? [];
      const synchronous = replication.filter(({ sync_state }) => sync_state === "sync");
      return (
        leads.length === 1 &&
        follow.length === 2 &&
        replication.length === 2 &&
        // A former primary may follow for a moment, and stop again to rewind.
        follow.every((state) => state?.timeline === leads[0]?.timeline) &&
        // The one that commits wait for is the one that may take over.
        synchronous.length === 1 &&
        synchronous[0]?.application_name === (await memberThatAnswers("/synchronous"))?.name
      );
    },
    stop: async () => {
      stopping = true;
      const ended = [...running].map((child) => once(child, "exit"));
      killThoseIn(directory);
      await Promise.all(ended);
      for (const namespace of namespaces) ip("netns", "del", namespace);
      ip("link", "del", bridge);
      for (const disown of disowns) disown();
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
  readonly timeline?: number;
  readonly replication?: readonly { readonly application_name: string; readonly sync_state: string }[];
}
