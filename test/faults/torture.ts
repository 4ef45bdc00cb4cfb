/**
 * Faults under load: many clients transfer money through two servers with idempotency keys and repeat each request until it
 * is answered, while a server is killed or stopped, PostgreSQL is killed and restarted, the network between them stalls and
 * breaks, and PostgreSQL's clock is set hours forward and back.
 *
 * Afterwards every acknowledged transfer exists once, none exists twice, the books pass the auditor, and the programs that
 * followed the feed of events have the same books.
 */
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Pool } from "pg";
import { migrate, openPool, startEmbeddedPostgres } from "../../src/database/index.ts";
import { migrationsDirectory } from "../../src/package-files.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";
import { FAKETIME, type FakeClock, openFakeClock } from "./clock.ts";
import { HAS_PYTHON, startConsumers } from "./consumers.ts";
import { openFaultyNetwork } from "./network.ts";
import {
  inspect,
  openAccounts,
  pause,
  SECRET,
  seededRandom,
  startAsking,
  startClients,
  untilAnswered,
} from "./traffic.ts";

export interface TortureOptions {
  /** An empty directory for the database. */
  readonly directory: string;
  readonly seconds: number;
  readonly clients: number;
  /** Random numbers for the order and times of faults. */
  readonly seed: number;
  /** Receives a line for each event. */
  readonly report: (line: string) => void;
}

export interface TortureResult {
  readonly acknowledged: number;
  readonly refused: number;
  readonly faults: number;
  /** The longest time in milliseconds from the end of a fault to the next acknowledged transfer. */
  readonly recoveryMsMax: number;
  /** The faults found; empty if all is well. */
  readonly findings: readonly string[];
}

/** A busy machine takes longer for them. */
const FAULTS_MIN = 4;

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export async function torture(options: TortureOptions): Promise<TortureResult> {
  const dataDir = join(options.directory, "data");
  await mkdir(dataDir);
  await chmod(options.directory, 0o711);
  await chmod(dataDir, 0o711);
  const clock = FAKETIME === undefined ? undefined : await openFakeClock(options.directory);
  if (clock === undefined) options.report("the clock stays as it is: there is no libfaketime");
  if (!HAS_PYTHON) options.report("nobody follows the feed in Python: there is no python3");
  const postgres = await startEmbeddedPostgres({ dataDir, log: silent });
  const direct = new URL(postgres.url);
  direct.searchParams.delete("host");
  const network = await openFaultyNetwork({ host: "127.0.0.1", port: Number(direct.port) });
  await migrate({ connectionString: postgres.url, directory: migrationsDirectory() });
  const pool = openPool({ connectionString: postgres.url, max: 2 });
  await openAccounts(pool);

  const through = new URL(direct);
  through.port = `${network.port}`;
  const server = await keepServing(through.href, options.report);
  const other = await keepServing(through.href, options.report);
  const traffic = startClients([server.url, other.url], options);
  const asking = await startAsking(server.url);
  const random = seededRandom(options.seed);
  const consumers = await startConsumers({
    urls: [server.url, other.url],
    random: seededRandom(options.seed + 1),
  });
  const faults = faultsFor({ pool, network, server, clock, random });
  const end = Date.now() + options.seconds * 1000;
  let count = 0;
  let clockFaults = 0;
  try {
    while (Date.now() < end || count < FAULTS_MIN) {
      const fault = faults[Math.floor(random() * faults.length)];
      if (fault === undefined) break;
      await traffic.progress(20);
      count += 1;
      options.report(`fault ${count}: ${fault.name}`);
      if (fault.setsClock) clockFaults += 1;
      await fault.strike();
      traffic.faultEnded();
    }
    await traffic.progress(20);
    const totals = await traffic.stop();
    await clock?.set(0);
    const findings = await asking.check();
    const followed = await consumers.check(pool);
    await Promise.all([server.stop(), other.stop()]);
    findings.push(...[...followed, ...(await inspect(pool, traffic.acknowledgedKeys))].map(({ text }) => text));
    if (clockFaults >= 3 && !(await hasRecordedHoursApart(pool))) findings.push("the clock was never set");
    return { ...totals, faults: count, findings };
  } finally {
    await traffic.stop();
    await consumers.end();
    await Promise.all([server.stop(), other.stop()]);
    await pool.end();
    await network.close();
    await postgres.stop();
    clock?.close();
  }
}

async function hasRecordedHoursApart(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ apart: boolean }>(
    "select max(created_at) - min(created_at) > interval '20 minutes' as apart from transfer",
  );
  return rows[0]?.apart === true;
}

interface Fault {
  readonly name: string;
  readonly setsClock?: boolean;
  strike(): Promise<void>;
}

interface Targets {
  readonly pool: Pool;
  readonly network: Awaited<ReturnType<typeof openFaultyNetwork>>;
  readonly server: Awaited<ReturnType<typeof keepServing>>;
  readonly clock: FakeClock | undefined;
  readonly random: () => number;
}

function faultsFor({ pool, network, server, clock, random }: Targets): readonly Fault[] {
  let direction = -1;
  const clockFault = {
    name: "the database's clock is set, one to four hours ahead or back",
    setsClock: true,
    strike: async () => {
      direction = -direction;
      await clock?.set(direction * Math.round((1 + random() * 3) * 3600));
    },
  };
  return [
    // A third of all faults.
    ...(clock === undefined ? [] : Array.from({ length: 4 }, () => clockFault)),
    { name: "kill -9 of the server", strike: () => server.kill() },
    {
      name: "SIGSTOP of a server that seals events",
      strike: () =>
        whileSealing(pool, async (finish) => {
          server.signal("SIGSTOP");
          await finish();
          await pause(700);
          server.signal("SIGCONT");
        }),
    },
    {
      name: "SIGSTOP of a PostgreSQL process that seals events",
      strike: () =>
        whileSealing(pool, async (finish, pid) => {
          process.kill(pid, "SIGSTOP");
          await finish();
          await pause(700);
          process.kill(pid, "SIGCONT");
        }),
    },
    { name: "kill -9 of PostgreSQL", strike: () => signalPostgres(pool, "SIGKILL") },
    { name: "fast shutdown of PostgreSQL", strike: () => signalPostgres(pool, "SIGINT") },
    { name: "every database connection cut", strike: async () => network.cut() },
    {
      name: "the database network stalls, then breaks",
      strike: async () => {
        network.stall();
        await pause(700);
        network.cut();
        network.resume();
      },
    },
    {
      name: "the database network stalls, then goes on",
      strike: async () => {
        network.stall();
        await pause(400);
        network.resume();
      },
    },
  ];
}

/**
 * Does `work` while a seal of each server waits for the lock by which seals exclude each other. It gets a function that gives
 * the lock to the first of them, and the id of the PostgreSQL process that carries it out.
 */
async function whileSealing(
  pool: Pool,
  work: (finish: () => Promise<unknown>, pid: number) => Promise<void>,
): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock(9707, 2)");
    let pid: number | undefined;
    await untilAnswered(async () => {
      const { rows } = await client.query<{ pid: number }>(
        "select pid from pg_locks where locktype = 'advisory' and objid = 2 and not granted order by waitstart",
      );
      pid = rows[0]?.pid;
      return rows.length === 2;
    });
    await work(() => client.query("commit"), pid ?? 0);
  } finally {
    client.release();
  }
}

/** Signals the postmaster, starts it again, and waits until it answers. */
async function signalPostgres(pool: Pool, signal: NodeJS.Signals): Promise<void> {
  const { rows } = await pool.query<{ pid: string }>(
    "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid",
  );
  process.kill(Number(rows[0]?.pid), signal);
  await untilAnswered(async () => {
    const { rows: now } = await pool.query<{ pid: string }>(
      "select split_part(pg_read_file('postmaster.pid'), e'\\n', 1) as pid",
    );
    return now[0]?.pid !== rows[0]?.pid;
  });
}

/** Runs the service and restarts it when it ends. */
async function keepServing(databaseUrl: string, report: (line: string) => void) {
  const port = await freePort();
  let stopping = false;
  let current: ServiceProcess;
  const start = async () => {
    current = startProcess({
      DATABASE_URL: databaseUrl,
      AUTH_JWT_SECRET: SECRET,
      PORT: `${port}`,
      CONSOLE_PORT: "off",
      LOG_LEVEL: "fatal",
    });
    void current.ended.then((code) => {
      if (stopping) return;
      if (code !== "SIGKILL") report(`the server ended with ${code}:\n${current.output()}`);
      void pause(100).then(start);
    });
    await current.printed("API").catch(() => undefined);
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    signal: (signal: NodeJS.Signals) => void current.child.kill(signal),
    kill: async () => {
      const { child, ended } = current;
      child.kill("SIGKILL");
      await ended;
    },
    stop: async () => {
      if (stopping) return;
      stopping = true;
      current.child.kill("SIGTERM");
      await current.ended;
    },
  };
}
