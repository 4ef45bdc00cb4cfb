/**
 * The article's program in Node: twirp-ts's own handler, no authentication, no CORS, and separate statements for every call.
 * A transfer is a transaction that locks both accounts, a deep page uses an offset, and a past balance is a sum.
 */
import { createServer } from "node:http";
import type { PoolClient } from "pg";
import { Account, AccountStatus } from "../../generated/server/finance/v1/account.ts";
import { Entry, type ListEntriesRequest } from "../../generated/server/finance/v1/entry.ts";
import {
  createFinanceServiceServer,
  type FinanceServiceTwirp,
} from "../../generated/server/finance/v1/finance.twirp.ts";
import { type GetBalanceRequest, GetBalanceResponse } from "../../generated/server/finance/v1/report.ts";
import { type CreateTransferRequest, Transfer, TransferState } from "../../generated/server/finance/v1/transfer.ts";
import { openPool } from "../../src/database/index.ts";
import { serve } from "../serve.ts";

/** At most half of the writing callers wait for a connection: better than all of them waiting for locks. */
const CONNECTIONS = 32;
/** Long enough that a baseline never fails for lack of a connection, even on a busy machine. */
const CONNECT_TIMEOUT_MS = 60_000;
const PAGE_SIZE = 50;

const pool = openPool({
  connectionString: process.env["DATABASE_URL"] ?? "",
  max: CONNECTIONS,
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
});

// Only the methods that the suites call.
const service = {
  GetAccount: (_context: unknown, { id }: { id: bigint }) => getAccount(id),
  CreateTransfer: (_context: unknown, request: CreateTransferRequest) => createTransfer(request),
  ListEntries: (_context: unknown, request: ListEntriesRequest) => listEntries(request),
  GetBalance: (_context: unknown, request: GetBalanceRequest) => getBalance(request),
} satisfies Partial<FinanceServiceTwirp> as unknown as FinanceServiceTwirp;

serve(createServer(createFinanceServiceServer(service).httpHandler()));

interface AccountRow {
  readonly account_id: bigint;
  readonly name: string;
  readonly owner: string;
  readonly type: number;
  readonly currency: string;
  readonly debits_posted: bigint;
  readonly credits_posted: bigint;
  readonly overdraft_limit: bigint;
  readonly unlimited_overdraft: boolean;
  readonly debit_normal: boolean;
  readonly last_sequence: bigint;
  readonly created_at: bigint;
}

const SELECT_ACCOUNTS = `
select b.account_id, a.name, a.owner, a.type, a.currency, a.created_at, b.debits_posted, b.credits_posted,
       b.overdraft_limit, b.unlimited_overdraft, b.debit_normal, b.last_sequence
  from account a
  join account_balance b on b.account_id = a.id`;

async function getAccount(id: bigint): Promise<Account> {
  const { rows } = await pool.query<AccountRow>({
    name: "get_account",
    text: `${SELECT_ACCOUNTS} where a.id = $1::bigint`,
    values: [id],
  });
  const row = found(rows[0]);
  const balance = balanceOf(row);
  return Account.create({
    id: row.account_id,
    name: row.name,
    owner: row.owner,
    type: row.type,
    currency: row.currency,
    status: AccountStatus.OPEN,
    minorUnitDigits: 2,
    debitsPosted: row.debits_posted,
    creditsPosted: row.credits_posted,
    balance,
    availableBalance: balance,
    overdraftLimit: row.overdraft_limit,
    createdAt: toTimestamp(row.created_at),
  });
}

async function createTransfer(request: CreateTransferRequest): Promise<Transfer> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const transfer = await post(client, request);
    await client.query("commit");
    return transfer;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

async function post(client: PoolClient, request: CreateTransferRequest): Promise<Transfer> {
  const { debitAccountId, creditAccountId, amount } = request;
  const { rows: accounts } = await client.query<AccountRow>({
    name: "lock_accounts",
    text: `${SELECT_ACCOUNTS} where a.id in ($1::bigint, $2::bigint) order by a.id for update of b`,
    values: [debitAccountId, creditAccountId],
  });
  const debited = found(accounts.find((account) => account.account_id === debitAccountId));
  const credited = found(accounts.find((account) => account.account_id === creditAccountId));
  const debitedAfter = { ...debited, debits_posted: debited.debits_posted + amount };
  const creditedAfter = { ...credited, credits_posted: credited.credits_posted + amount };
  const debitBalance = balanceOf(debitedAfter);
  const creditBalance = balanceOf(creditedAfter);
  if (!debited.unlimited_overdraft && debitBalance < -debited.overdraft_limit) throw new Error("insufficient funds");

  const { rows } = await client.query<{ id: bigint; created_at: bigint }>({
    name: "insert_transfer",
    text: `
insert into transfer (id, debit_account_id, credit_account_id, amount, debit_account_balance, credit_account_balance,
                      created_at)
values (nextval('transfer_id'), $1, $2, $3, $4, $5, clock_timestamp())
returning id, created_at`,
    values: [debitAccountId, creditAccountId, amount, debitBalance, creditBalance],
  });
  const { id, created_at: createdAt } = found(rows[0]);
  await client.query({
    name: "insert_entries",
    text: `
insert into entry (account_id, sequence, transfer_id, amount, balance_after, created_at)
select account_id, sequence, $1, amount, balance_after, (select created_at from transfer where id = $1)
  from (values ($2::bigint, $3::bigint, $4::bigint, $5::bigint), ($6, $7, $8, $9))
       as e (account_id, sequence, amount, balance_after)`,
    values: [
      id,
      ...[debitAccountId, debited.last_sequence + 1n, debitBalance - balanceOf(debited), debitBalance],
      ...[creditAccountId, credited.last_sequence + 1n, creditBalance - balanceOf(credited), creditBalance],
    ],
  });
  for (const account of [debitedAfter, creditedAfter]) {
    await client.query({
      name: "update_balance",
      text: `
update account_balance
   set debits_posted = $2, credits_posted = $3, last_sequence = last_sequence + 1, updated_at = clock_timestamp()
 where account_id = $1`,
      values: [account.account_id, account.debits_posted, account.credits_posted],
    });
  }
  return Transfer.create({
    id,
    debitAccountId,
    creditAccountId,
    amount,
    currency: debited.currency,
    state: TransferState.POSTED,
    debitAccountBalance: debitBalance,
    creditAccountBalance: creditBalance,
    createdAt: toTimestamp(createdAt),
    effectiveAt: toTimestamp(createdAt),
  });
}

interface EntryRow {
  readonly account_id: bigint;
  readonly sequence: bigint;
  readonly transfer_id: bigint;
  readonly counterparty_account_id: bigint;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly created_at: bigint;
}

async function listEntries({ accountId, pageToken }: ListEntriesRequest) {
  const { rows } = await pool.query<EntryRow>({
    name: "list_entries",
    text: `
select e.account_id, e.sequence, e.transfer_id, e.amount, e.balance_after, e.created_at,
       case when t.debit_account_id = e.account_id then t.credit_account_id else t.debit_account_id end
         as counterparty_account_id
  from entry e
  join transfer t on t.id = e.transfer_id
 where e.account_id = $1
 order by e.sequence
offset $2
 limit $3`,
    values: [accountId, pageToken, PAGE_SIZE],
  });
  const entries = rows.map((row) =>
    Entry.create({
      accountId: row.account_id,
      sequence: row.sequence,
      transferId: row.transfer_id,
      counterpartyAccountId: row.counterparty_account_id,
      amount: row.amount,
      balanceAfter: row.balance_after,
      createdAt: toTimestamp(row.created_at),
    }),
  );
  return { entries, nextPageToken: `${Number(pageToken) + PAGE_SIZE}` };
}

async function getBalance({ accountId, asOf }: GetBalanceRequest) {
  const { rows } = await pool.query<{ balance: string; sequence: bigint }>({
    name: "get_balance",
    text: `
select coalesce(sum(amount), 0)::text as balance, count(*) as sequence
  from entry
 where account_id = $1
   and created_at <= to_timestamp($2)`,
    values: [accountId, Number(asOf?.seconds ?? 0n)],
  });
  const { balance, sequence } = found(rows[0]);
  return GetBalanceResponse.create({ balance: BigInt(balance), sequence, ...(asOf && { asOf }) });
}

function balanceOf({ debit_normal, debits_posted, credits_posted }: AccountRow): bigint {
  return debit_normal ? debits_posted - credits_posted : credits_posted - debits_posted;
}

function toTimestamp(micros: bigint): { seconds: bigint; nanos: number } {
  return { seconds: micros / 1_000_000n, nanos: Number(micros % 1_000_000n) * 1000 };
}

function found<T>(row: T | undefined): T {
  if (row === undefined) throw new Error("there is no such row");
  return row;
}
