import type { Pool } from "pg";
import { type LedgerPath, observeDatabase } from "./database-usage.ts";
import { callerHeaders, ledgerCalls, productEnvironment } from "./ledger-calls.ts";
import { appendEvents, auditLedger, type FilledLedger, fillLedger } from "./ledger-data.ts";
import { observeAll } from "./measure.ts";
import { canReadProcesses } from "./processes.ts";
import { startScratchPostgres } from "./scratch-postgres.ts";
import { atMost, rounded, type Suite } from "./suite.ts";

/** How many times slower a path may be on accounts with many holds. */
const SLOWDOWN_MAX = 1.2;

/** The holds of the two hot accounts: active ones, or expired ones that the service settles meanwhile. */
const LOADS = [
  { name: "no holds", holds: 0, expired: false },
  { name: "1,000 expired", holds: 1000, expired: true },
  { name: "1,000,000 expired", holds: 1_000_000, expired: true },
  { name: "1,000,000 standing", holds: 1_000_000, expired: false },
] as const;

const PATHS = ["GetAccount", "CreateTransfer on these accounts", "CreateTransfer on others"] as const;

/** Postings and reads on accounts with many holds, beside the same on accounts without. */
export const holds: Suite = async (options) => {
  const postgres = await startScratchPostgres();
  try {
    const headers = await callerHeaders();
    const paths: LedgerPath[] = [];
    const pools: Pool[] = [];
    for (const [index, load] of LOADS.entries()) {
      const database = await postgres.createDatabase(`holds_${index}`);
      const ledger = await fillLedger(database.pool, { accounts: 1000, entries: 10_000 });
      await placeHolds(database.pool, ledger, load);
      pools.push(database.pool);
      const calls = ledgerCalls(ledger, headers);
      const product = { database, program: "servers/product", environment: productEnvironment(database.url) };
      const hot = Array.from({ length: 100 }, () => JSON.stringify({ id: `${ledger.firstWallet}` }));
      const selected = [
        { ...calls.getAccount, body: hot, connections: 32 },
        { ...calls.createTransferHot, connections: 64, transfersPerCall: 1 },
        { ...calls.createTransfer, connections: 64, transfersPerCall: 1 },
      ];
      for (const [position, path] of selected.entries()) {
        paths.push({ ...product, ...path, name: `${PATHS[position]}, ${load.name}` });
      }
    }
    // Measure the loads of a path in succession, so that they meet the same conditions.
    const alternating = PATHS.flatMap((name) => paths.filter((path) => path.name.startsWith(`${name},`)));
    const samples = await observeAll(alternating, options, observeDatabase(postgres));
    const slowdown = (path: string, load: string) => samples.over(`${path}, no holds`, `${path}, ${load}`, "rate");
    const loaded = LOADS.slice(1).map(({ name }) => name);
    let failures = samples.failures;
    for (const pool of pools) failures += await auditLedger(pool);
    return {
      rows: PATHS.flatMap((path) =>
        LOADS.map(({ name }) => ({
          path,
          holds: name,
          "calls/s": rounded(samples.middle(`${path}, ${name}`, "rate"), 0),
          "x slower": rounded(slowdown(path, name), 2),
          "p99 ms": rounded(samples.middle(`${path}, ${name}`, "p99Ms"), 2),
          ...(canReadProcesses && {
            "postgres us/call": rounded(samples.middle(`${path}, ${name}`, "postgresUs"), 0),
          }),
        })),
      ),
      marks: PATHS.flatMap((path) =>
        loaded.map((load) => atMost(`${path}: times slower with ${load}`, slowdown(path, load), SLOWDOWN_MAX)),
      ),
      notes: [
        postgres.settings,
        "half of the holds debit the first wallet and credit the last, half the other way round",
      ],
      failures,
    };
  } finally {
    await postgres.stop();
  }
};

/** Writes holds between the two hot accounts as the service would: each has the funds for its own holds. */
async function placeHolds(pool: Pool, ledger: FilledLedger, load: { holds: number; expired: boolean }): Promise<void> {
  if (load.holds === 0) return;
  const { firstWallet, lastWallet, transfers } = ledger;
  const values = [load.holds, transfers, firstWallet, lastWallet];
  const made = `
made as (
  select $2::bigint + n as id,
         case when n % 2 = 0 then $3::bigint else $4::bigint end as debited,
         case when n % 2 = 0 then $4::bigint else $3::bigint end as credited
    from generate_series(1, $1::bigint) as n
)`;
  await pool.query(
    `
with ${made}
insert into transfer (id, debit_account_id, credit_account_id, amount, debit_account_balance, credit_account_balance,
                      created_at, pending)
select id, debited, credited, 1, 0, 0, '2025-12-01', true from made`,
    values,
  );
  const expiresAt = load.expired
    ? "'2026-01-01'::timestamptz + id * interval '1 microsecond'"
    : "'2099-01-01'::timestamptz";
  await pool.query(
    `
with ${made}
insert into hold (transfer_id, debit_account_id, credit_account_id, expires_at)
select id, debited, credited, ${expiresAt} from made`,
    values,
  );
  await appendEvents(pool, "select 4 as type, transfer_id as subject, 0 as sequence, 0 as credit_sequence from hold");
  await pool.query(
    `
update account_balance
   set debits_pending = $1::bigint / 2,
       credits_pending = $1::bigint / 2
 where account_id = any($2::bigint[])`,
    [load.holds, [firstWallet, lastWallet]],
  );
  await pool.query("select setval('transfer_id', $1::bigint)", [transfers + load.holds]);
  await pool.query("vacuum (analyze)");
  await pool.query("checkpoint");
}
