/**
 * Many clients that transfer money with idempotency keys and repeat each request until it is answered, and the checks that the
 * ledger must pass afterwards.
 */
import type { Pool } from "pg";
import { mintToken } from "../../src/auth/index.ts";
import { audit } from "../../src/finance/index.ts";

/** The key that signs the tokens of {@link startClients}. */
export const SECRET = "a secret for faults, 32 bytes or more";
const ACCOUNTS = 20;
const FUNDS = 20_000;
/** 400: the hold has expired already, since the clock was set. */
const FINAL_ANSWERS: ReadonlySet<number> = new Set([200, 400, 412]);
const HOUR_MS = 3_600_000;
/** Far more than needed: some callers wait 12 s for a lost answer, and the machine may be busy. */
const RECOVERY_MS_MAX = 90_000;

export interface TrafficOptions {
  readonly clients: number;
  /** Random numbers for payers, payees and amounts. */
  readonly seed: number;
  /** The longest time in milliseconds until a hold expires. Default: four hours. */
  readonly holdMsMax?: number;
  /** Receives a line for each event. Default: none. */
  readonly report?: (line: string) => void;
  /** Receives the id of each transfer as soon as it is acknowledged. Default: ignored. */
  readonly acknowledged?: (id: string) => void;
}

/** Starts the clients against the service at `url`, or against several services on one database. */
export function startClients(
  url: string | readonly string[],
  { clients, seed, holdMsMax = 4 * HOUR_MS, report = () => undefined, acknowledged = () => undefined }: TrafficOptions,
) {
  const urls = [url].flat();
  const acknowledgedKeys = new Set<string>();
  const totals = { acknowledged: 0, refused: 0, recoveryMsMax: 0 };
  let running = true;
  let faultEndedAt: number | undefined;

  async function run(client: number): Promise<void> {
    const random = seededRandom(seed * 1000 + client);
    const base = urls[client % urls.length] ?? "";
    const token = await mintToken(SECRET, { subject: "torture", scope: "finance.admin", lifetimeSeconds: 86_400 });
    for (let index = 0; running; index += 1) {
      const debit = 1 + Math.floor(random() * ACCOUNTS);
      const key = `${seed}-${client}-${index}`;
      // One transfer in four is a hold; half of the holds are captured, a quarter are voided.
      const isHold = index % 4 === 3;
      const expires_at = new Date(Date.now() + random() * holdMsMax).toISOString();
      const { status, id } = await untilFinal(base, token, "CreateTransfer", {
        debit_account_id: debit,
        credit_account_id: 1 + ((debit + Math.floor(random() * (ACCOUNTS - 1))) % ACCOUNTS),
        amount: 1 + Math.floor(random() * 5000),
        idempotency_key: key,
        ...(isHold && { pending: true, expires_at }),
      });
      if (isHold && index % 8 === 3 && id !== undefined) {
        await untilFinal(base, token, "CaptureTransfer", { id, idempotency_key: `${key}-capture` });
      }
      if (isHold && index % 16 === 7 && id !== undefined) {
        await untilFinal(base, token, "VoidTransfer", { id, idempotency_key: `${key}-void` });
      }
      if (index % 16 === 4) await untilFinal(base, token, "UpdateAccount", { id: debit, name: `Account of ${key}` });
      if (status === 200) {
        acknowledgedKeys.add(key);
        if (id !== undefined) acknowledged(id);
        totals.acknowledged += 1;
        if (faultEndedAt !== undefined) {
          const recoveryMs = Date.now() - faultEndedAt;
          totals.recoveryMsMax = Math.max(totals.recoveryMsMax, recoveryMs);
          report(`served again after ${recoveryMs} ms`);
        }
        faultEndedAt = undefined;
      } else if (status !== undefined) totals.refused += 1;
    }
  }

  /** Repeats a request until it is decided; gives no status if the run ends first. */
  async function untilFinal(
    base: string,
    token: string,
    method: string,
    request: object,
  ): Promise<{ status?: number; id?: string }> {
    while (running) {
      const answer = await fetch(`${base}/twirp/finance.v1.FinanceService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(12_000),
      }).then(
        async (response) => ({ ...((await response.json()) as { id?: string }), status: response.status }),
        () => undefined,
      );
      if (answer !== undefined && FINAL_ANSWERS.has(answer.status)) return answer;
      await pause(20);
    }
    return {};
  }

  const all = Array.from({ length: clients }, (_, client) => run(client));
  return {
    acknowledgedKeys,
    /** Resolves once this many more transfers are acknowledged; rejects if the service does not come back. */
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

/** Reads the trial balance repeatedly and remembers the answers. */
export async function startAsking(url: string) {
  const token = await mintToken(SECRET, { subject: "asker", scope: "finance.admin", lifetimeSeconds: 86_400 });
  const answers = new Map<string, string>();
  let asking = true;
  const ask = async (request: object): Promise<{ as_of: string } | undefined> => {
    const response = await fetch(`${url}/twirp/finance.v1.FinanceService/GetTrialBalance`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(12_000),
    }).catch(() => undefined);
    return response?.status === 200 ? ((await response.json().catch(() => undefined)) as { as_of: string }) : undefined;
  };
  const run = (async () => {
    while (asking) {
      const answer = await ask({});
      if (answer !== undefined) answers.set(answer.as_of, JSON.stringify(answer));
      await pause(100);
    }
  })();
  return {
    /** Repeats all reads. @returns the answers that differ from before. */
    check: async (): Promise<string[]> => {
      asking = false;
      await run;
      const findings: string[] = [];
      for (const [as_of, before] of answers) {
        let after: string | undefined;
        await untilAnswered(async () => {
          const answer = await ask({ as_of });
          after = answer && JSON.stringify(answer);
          return after !== undefined;
        });
        if (after !== before) findings.push(`the trial balance of ${as_of} was ${before} and is ${after}`);
      }
      return findings;
    },
  };
}

/** Reads the newest transfer repeatedly. A server that misses it is not the primary, or lost what was acknowledged. */
export function startReader(url: string, newest: () => string | undefined) {
  const missed: string[] = [];
  let found = 0;
  let running = true;
  const run = async () => {
    const token = await mintToken(SECRET, { subject: "reader", scope: "finance.admin", lifetimeSeconds: 86_400 });
    for (; running; await pause(10)) {
      const id = newest();
      if (id === undefined) continue;
      const status = await fetch(`${url}/twirp/finance.v1.FinanceService/GetTransfer`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify({ id }),
        signal: AbortSignal.timeout(12_000),
      }).then(
        async (response) => {
          await response.arrayBuffer();
          return response.status;
        },
        () => undefined,
      );
      if (status === 200) found += 1;
      if (status === 404) missed.push(id);
    }
  };
  const ended = run();
  return {
    /** Resolves once this many more reads are answered; rejects if the service does not come back. */
    progress: async (count: number) => {
      const goal = found + count;
      await untilAnswered(async () => found >= goal);
    },
    /** @returns the number of reads that found the transfer, and the transfers that were missed. */
    stop: async () => {
      running = false;
      await ended;
      return { found, missed };
    },
  };
}

/** Something that must not happen. */
export interface Finding {
  /**
   * `lost`: acknowledged, then gone; `twice`: posted more than once; `alone`: acknowledged by a former primary; `stale`: read, or
   * connected to, elsewhere than on the primary; `books`: the ledger is not sound.
   */
  readonly kind: "lost" | "twice" | "alone" | "stale" | "books";
  readonly text: string;
}

/** The faults of a ledger whose clients had these keys acknowledged; empty if it is sound. */
export async function inspect(pool: Pool, acknowledged: ReadonlySet<string>): Promise<Finding[]> {
  const findings: Finding[] = [];
  const client = await pool.connect();
  try {
    await audit(client, (finding) => {
      if (!finding.notice) findings.push({ kind: "books", text: JSON.stringify(finding) });
    });
    const { rows } = await client.query<{ idempotency_key: string; count: bigint }>(
      "select idempotency_key, count(*) as count from transfer where idempotency_key is not null group by 1",
    );
    const posted = new Map(rows.map((row) => [row.idempotency_key, row.count]));
    for (const key of acknowledged)
      if (!posted.has(key)) findings.push({ kind: "lost", text: `${key} was acknowledged and is gone` });
    for (const [key, count] of posted)
      if (count !== 1n) findings.push({ kind: "twice", text: `${key} was posted ${count} times` });
    const { rows: sums } = await client.query<{ sum: string }>(
      "select sum(credits_posted - debits_posted) as sum from account_balance where account_id <= $1",
      [ACCOUNTS],
    );
    if (sums[0]?.sum !== `${ACCOUNTS * FUNDS}`)
      findings.push({ kind: "books", text: `the accounts hold ${sums[0]?.sum} in all` });
  } finally {
    client.release();
  }
  return findings;
}

/** Opens accounts 1 to 20 with a floor and funds them from an account without one. */
export async function openAccounts(pool: Pool): Promise<void> {
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
  await pool.query(
    `insert into account_change (account_id, sequence, name, status, overdraft_limit, unlimited_overdraft, metadata, changed_at)
     select a.id, 1, a.name, b.status, b.overdraft_limit, b.unlimited_overdraft, a.metadata, a.created_at
       from account a join account_balance b on b.account_id = a.id`,
  );
  await pool.query(
    `insert into feed (types, subjects, sequences, credit_sequences)
     select array_agg(type order by type, subject), array_agg(subject order by type, subject),
            array_agg(sequence order by type, subject), array_agg(credit_sequence order by type, subject)
       from (select 1::smallint as type, id as subject, 1::bigint as sequence, 0::bigint as credit_sequence from account
             union all
             select 3, id, id, 1 from transfer) event`,
  );
}

/** Waits until a condition holds; an error counts as not yet. */
export async function untilAnswered(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + RECOVERY_MS_MAX;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`the service did not recover within ${RECOVERY_MS_MAX / 1000} s`);
    await pause(10);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Numbers from 0 up to 1, the same run for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
