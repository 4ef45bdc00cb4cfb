import type { Pool } from "pg";
import { expect, vi } from "vitest";
import { EventType } from "../../generated/server/finance/v1/event.ts";
import { CreateTransferRequest } from "../../generated/server/finance/v1/transfer.ts";
import { audit } from "../../src/finance/index.ts";
import { claimOf } from "../../src/finance/posting/idempotency.ts";
import type { PostingGroup } from "../../src/finance/posting/posting.ts";
import { AMOUNT_MAX, accountId } from "../../src/finance/values.ts";
import type { Reply, TestService } from "./service.ts";

/** Opens a wallet (LIABILITY, USD) for `owner`, as an admin; `change` overrides its request. */
export async function openAccount(service: TestService, owner: string, change: object = {}): Promise<string> {
  const request = { name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", owner, ...change };
  const { status, body } = await service.call("CreateAccount", request);
  expect(status).toBe(200);
  return body.id;
}

/** Opens a wallet and funds it with `amount` from an account without a floor. For larger amounts see {@link addOldTransfer}. */
export async function openFunded(
  service: TestService,
  owner: string,
  amount: bigint | number,
  change: object = {},
): Promise<string> {
  const source = await openAccount(service, "bank", { unlimited_overdraft: true, ...change });
  const id = await openAccount(service, owner, change);
  if (BigInt(amount) > AMOUNT_MAX) {
    await addOldTransfer(service.pool, source, id, BigInt(amount));
    return id;
  }
  const transfer = { debit_account_id: source, credit_account_id: id, amount: `${amount}` };
  expect((await service.call("CreateTransfer", transfer)).status).toBe(200);
  return id;
}

/**
 * Adds a transfer between two new wallets whose amount is above the limit of requests: before 0.2.0 a transfer could
 * move up to the greatest int64, and such transfers are still in the books.
 */
export async function addOldTransfer(pool: Pool, from: string, to: string, amount: bigint): Promise<void> {
  await pool.query(
    `with old as (
       insert into transfer (id, debit_account_id, credit_account_id, amount, debit_account_balance,
                             credit_account_balance, created_at)
       values (nextval('transfer_id'), $1, $2, $3, -$3::bigint, $3, clock_timestamp())
       returning id, created_at
     ), posted as (
       insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at)
       select $1, 1, id, -$3::bigint, -$3::bigint, created_at from old
       union all
       select $2, 1, id, $3, $3, created_at from old
     ), event as (
       insert into feed (types, subjects, sequences, credit_sequences)
       select array[${EventType.TRANSFER_POSTED}], array[id], array[1], array[1] from old
     )
     update account_balance
        set debits_posted = case account_id when $1 then $3::bigint else 0 end,
            credits_posted = case account_id when $2 then $3::bigint else 0 end,
            last_sequence = 1,
            updated_at = old.created_at
       from old
      where account_id in ($1, $2)`,
    [from, to, amount],
  );
}

/** An account's balance and available balance, as "100/40". */
export async function fundsOf(service: TestService, id: string): Promise<string> {
  const { body } = await service.call("GetAccount", { id });
  return `${body.balance}/${body.available_balance}`;
}

/** "200", or the refusal's reason, or its code if it has no reason. */
export function verdictOf({ status, body }: Pick<Reply, "status" | "body">): string {
  return status === 200 ? "200" : (body.meta?.reason ?? body.code);
}

/** A reply's time in microseconds, for comparisons: as text ".1Z" sorts after ".12Z". */
export function microsOf(time: string): bigint {
  const [, second = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return BigInt(Date.parse(`${second}Z`)) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

/** A posting by alice that moves 1, for the ledger's queue. Postings that are queued together are one batch. */
export function postingToMove(from: string, to: string, description: string, key?: string): PostingGroup {
  const parties = { debitAccountId: accountId(BigInt(from)), creditAccountId: accountId(BigInt(to)) };
  const request = CreateTransferRequest.create({ ...parties, amount: 1n, description });
  const transfer = { ...parties, amount: 1n, description, metadata: {}, pending: false };
  const claim = key === undefined ? undefined : claimOf("alice", key, "CreateTransfer", request);
  const actor = { subject: "alice", admin: false };
  const command = { kind: "create", transfer: { ...transfer, effectiveAt: undefined, expiresAt: undefined } } as const;
  return { postings: [{ command, actor, claim, dryRun: false, path: "" }], atomic: false };
}

/** The auditor's findings for the whole ledger. */
export async function findingsOf(pool: Pool): Promise<unknown[]> {
  const client = await pool.connect();
  try {
    const findings: unknown[] = [];
    await audit(client, (finding) => {
      if (!finding.notice) findings.push(finding);
    });
    return findings;
  } finally {
    client.release();
  }
}

/** Locks an account as another server's posting would, until it is released. */
export async function lockAccount(pool: Pool, id: string): Promise<{ release(): Promise<void> }> {
  const client = await pool.connect();
  await client.query("begin");
  await client.query("select from account_balance where account_id = $1 for no key update", [id]);
  return {
    release: async () => {
      await client.query("commit");
      client.release();
    },
  };
}

/** Resolves once this many sessions wait for a lock in the pool's database. */
export async function untilWaitingForLock(pool: Pool, sessions: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await pool.query<{ waiting: bigint }>(
        `select count(*) as waiting
           from pg_stat_activity
          where datname = current_database()
            and wait_event_type = 'Lock'`,
      );
      expect(rows).toEqual([{ waiting: BigInt(sessions) }]);
    },
    { timeout: 10_000, interval: 5 },
  );
}

/** A digest of all rows of all tables, to show that nothing changed. Events may be sealed meanwhile. */
export async function rowsDigest(pool: Pool): Promise<Record<string, string>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public' order by name",
  );
  const digests: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await pool.query<{ digest: string }>(
      `select md5(coalesce(string_agg(row, e'\\n' order by row), '')) as digest
         from (select (to_jsonb(t) ${name === "feed" ? "- 'position' - 'seal'" : ""})::text as row from "${name}" t) rows`,
    );
    digests[name] = rows[0]?.digest ?? "";
  }
  return digests;
}
