/**
 * Faults under load: many clients transfer money with idempotency keys and repeat each request until it is answered,
 * while the server is killed, PostgreSQL is killed and restarted, and the network between them stalls and breaks.
 *
 * Afterwards every acknowledged transfer exists once, none exists twice, and the books pass the auditor.
 */
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Pool } from "pg";
import { mintToken } from "../../src/auth/index.ts";
import { migrate, migrationsDirectory, openPool, startEmbeddedPostgres } from "../../src/database/index.ts";
import { audit } from "../../src/finance/index.ts";
import { freePort, type ServiceProcess, startProcess } from "../setup/process.ts";
import { openFaultyNetwork } from "./network.ts";

export interface TortureOptions {
  /** An empty directory for the database. */
  readonly directory: string;
  readonly seconds: number;
  readonly clients: number;
  /** Decides which fault comes when. */
  readonly seed: number;
  /** What happens, as it happens. */
  readonly report: (line: string) => void;
}

export interface TortureResult {
  readonly acknowledged: number;
  readonly refused: number;
  readonly faults: number;
  /** From a fault's end to the next acknowledged transfer, the longest. */
  readonly recoveryMsMax: number;
  /** What is wrong; empty when all is well. */
  readonly findings: readonly string[];
}

const SECRET = "a secret for faults, 32 bytes or more";
const ACCOUNTS = 20;
const FUNDS = 20_000;
const FINAL_ANSWERS: ReadonlySet<number> = new Set([200, 412]);
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

export async function torture(options: TortureOptions): Promise<TortureResult> {
  const dataDir = join(options.directory, "data");
  await mkdir(dataDir);
  await chmod(options.directory, 0o711);
  await chmod(dataDir, 0o711);
  const postgres = await startEmbeddedPostgres({ dataDir, log: silent });
  const direct = new URL(postgres.url);
  direct.searchParams.delete("host");
  const network = await openFaultyNetwork({ host: "127.0.0.1", port: Number(direct.port) });
  await migrate({ connectionString: postgres.url, directory: await migrationsDirectory() });
  const pool = openPool({ connectionString: postgres.url, max: 2 });
  await openAccounts(pool);

  const through = new URL(direct);
  through.port = `${network.port}`;
  const server = await keepServing(through.href, options.report);
  const traffic = startClients(server.url, options);
  const faults = faultsFor({ pool, network, server });
  const random = seededRandom(options.seed);
  const end = Date.now() + options.seconds * 1000;
  let count = 0;
  try {
    while (Date.now() < end) {
      const fault = faults[Math.floor(random() * faults.length)];
      if (fault === undefined) break;
      await traffic.progress(20);
      count += 1;
      options.report(`fault ${count}: ${fault.name}`);
      await fault.strike();
      traffic.faultEnded();
    }
    await traffic.progress(20);
    const totals = await traffic.stop();
    await server.stop();
    return { ...totals, faults: count, findings: await inspect(pool, traffic.acknowledgedKeys) };
  } finally {
    await traffic.stop();
    await server.stop();
    await pool.end();
    await network.close();
    await postgres.stop();
  }
}

interface Fault {
  readonly name: string;
  strike(): Promise<void>;
}

interface Targets {
  readonly pool: Pool;
  readonly network: Awaited<ReturnType<typeof openFaultyNetwork>>;
  readonly server: Awaited<ReturnType<typeof keepServing>>;
}

function faultsFor({ pool, network, server }: Targets): readonly Fault[] {
  return [
    { name: "kill -9 of the server", strike: () => server.kill() },
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

/** Signals the postmaster, which is then started again by its owner, and waits until it answers. */
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

/** Runs the service and starts it again whenever it ends. */
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

function startClients(url: string, { clients, seed }: TortureOptions) {
  const acknowledgedKeys = new Set<string>();
  const totals = { acknowledged: 0, refused: 0, recoveryMsMax: 0 };
  let running = true;
  let faultEndedAt: number | undefined;

  async function run(client: number): Promise<void> {
    const random = seededRandom(seed * 1000 + client);
    const token = await mintToken(SECRET, { subject: "torture", scope: "finance.admin", lifetimeSeconds: 86_400 });
    for (let index = 0; running; index += 1) {
      const debit = 1 + Math.floor(random() * ACCOUNTS);
      const key = `${client}-${index}`;
      const status = await untilFinal(url, token, {
        debit_account_id: debit,
        credit_account_id: 1 + ((debit + Math.floor(random() * (ACCOUNTS - 1))) % ACCOUNTS),
        amount: 1 + Math.floor(random() * 5000),
        idempotency_key: key,
      });
      if (status === 200) {
        acknowledgedKeys.add(key);
        totals.acknowledged += 1;
        if (faultEndedAt !== undefined)
          totals.recoveryMsMax = Math.max(totals.recoveryMsMax, Date.now() - faultEndedAt);
        faultEndedAt = undefined;
      } else if (status !== undefined) totals.refused += 1;
    }
  }

  /** Repeats a request until it is decided, as a client would that must know; undefined when the run ends before. */
  async function untilFinal(base: string, token: string, request: object): Promise<number | undefined> {
    while (running) {
      const status = await fetch(`${base}/twirp/finance.v1.FinanceService/CreateTransfer`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(12_000),
      }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.status;
        },
        () => undefined,
      );
      if (status !== undefined && FINAL_ANSWERS.has(status)) return status;
      await pause(20);
    }
    return undefined;
  }

  const all = Array.from({ length: clients }, (_, client) => run(client));
  return {
    acknowledgedKeys,
    /** Resolves once this many more transfers were acknowledged; fails when the service does not come back. */
    progress: async (count: number) => {
      const goal = totals.acknowledged + count;
      await untilAnswered(async () => totals.acknowledged >= goal);
    },
    faultEnded: () => {
      faultEndedAt = Date.now();
    },
    stop: async () => {
      running = false;
      await Promise.all(all);
      return totals;
    },
  };
}

async function inspect(pool: Pool, acknowledged: ReadonlySet<string>): Promise<string[]> {
  const findings: string[] = [];
  const client = await pool.connect();
  try {
    await audit(client, (finding) => findings.push(JSON.stringify(finding)));
    const { rows } = await client.query<{ idempotency_key: string; count: bigint }>(
      "select idempotency_key, count(*) as count from transfer where idempotency_key is not null group by 1",
    );
    const posted = new Map(rows.map((row) => [row.idempotency_key, row.count]));
    for (const key of acknowledged) if (!posted.has(key)) findings.push(`${key} was acknowledged and is gone`);
    for (const [key, count] of posted) if (count !== 1n) findings.push(`${key} was posted ${count} times`);
    const { rows: sums } = await client.query<{ sum: string }>(
      "select sum(credits_posted - debits_posted) as sum from account_balance where account_id <= $1",
      [ACCOUNTS],
    );
    if (sums[0]?.sum !== `${ACCOUNTS * FUNDS}`) findings.push(`the accounts hold ${sums[0]?.sum} in all`);
  } finally {
    client.release();
  }
  return findings;
}

/** Accounts 1 to 20 with a floor and funds, from one without. */
async function openAccounts(pool: Pool): Promise<void> {
  await pool.query(
    `insert into account (name, owner, type, currency, created_at)
     select 'Account ' || n, 'torture', 2, 'USD', now() from generate_series(1, $1::int + 1) as n`,
    [ACCOUNTS],
  );
  await pool.query(
    `insert into transfer (id, debit_account_id, credit_account_id, amount, debit_account_balance, credit_account_balance, created_at)
     select nextval('transfer_id'), $1::int + 1, n, $2::bigint, -n * $2::bigint, $2::bigint, now() from generate_series(1, $1::int) as n`,
    [ACCOUNTS, FUNDS],
  );
  await pool.query(
    `insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at)
     select credit_account_id, 1, id, amount, amount, created_at from transfer
     union all
     select debit_account_id, id, id, -amount, debit_account_balance, created_at from transfer`,
  );
  await pool.query(
    `insert into account_balance (account_id, debit_normal, unlimited_overdraft, credits_posted, debits_posted, last_sequence, updated_at)
     select id, false, id > $1, case when id > $1 then 0 else $2::bigint end, case when id > $1 then $1 * $2::bigint else 0 end,
            case when id > $1 then $1 else 1 end, now()
       from account`,
    [ACCOUNTS, FUNDS],
  );
}

async function untilAnswered(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error("the service did not recover within 30 seconds");
    await pause(10);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Numbers from 0 up to 1, the same run for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
