/** Opens accounts, once for each idempotency key. */
import type { ClientBase, Pool } from "pg";
import { AccountStatus } from "../../generated/server/finance/v1/account.ts";
import { withTransaction } from "../database/index.ts";
import type { Metadata } from "./account.ts";
import { type AccountRecord, insertAccount, loadAccounts } from "./accounts.ts";
import { FinanceError } from "./errors.ts";
import { type Claim, keyReused } from "./idempotency.ts";
import { accountId } from "./identifiers.ts";
import type { NewAccount } from "./validation.ts";

/** What an idempotency key remembers of a new account: what could have changed since. */
interface RememberedAccount {
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata;
  readonly overdraft_limit: string;
  readonly unlimited_overdraft: boolean;
}

interface KeyRow {
  readonly request_digest: string;
  readonly response: { readonly account?: RememberedAccount } | null;
}

/**
 * Opens an account with a zero balance.
 *
 * @throws FinanceError idempotency_key_reused.
 */
export async function createAccount(
  pool: Pool,
  account: NewAccount & { readonly owner: string },
  claim: Claim | undefined,
): Promise<{ account: AccountRecord; replayed: boolean }> {
  return await withTransaction(pool, async (client) => {
    if (claim !== undefined && !(await claimKey(client, claim))) {
      return { account: await loadFirstOutcome(client, claim), replayed: true };
    }
    const created = await insertAccount(client, account);
    if (claim !== undefined) await rememberAccount(client, claim, created);
    return { account: created, replayed: false };
  });
}

/** @returns whether the key is new; the caller's transaction then holds it. */
async function claimKey(client: ClientBase, claim: Claim): Promise<boolean> {
  const { rowCount } = await client.query(
    "insert into idempotency (key_digest, request_digest) values ($1, $2) on conflict do nothing",
    [claim.keyDigest, claim.requestDigest],
  );
  return rowCount === 1;
}

async function rememberAccount(client: ClientBase, claim: Claim, account: AccountRecord): Promise<void> {
  const remembered: RememberedAccount = {
    id: `${account.id}`,
    name: account.name,
    metadata: account.metadata,
    overdraft_limit: `${account.overdraftLimit}`,
    unlimited_overdraft: account.unlimitedOverdraft,
  };
  await client.query("update idempotency set response = $2::jsonb where key_digest = $1", [
    claim.keyDigest,
    JSON.stringify({ account: remembered }),
  ]);
}

/** The account as it was when the key was first used. */
async function loadFirstOutcome(client: ClientBase, claim: Claim): Promise<AccountRecord> {
  const { rows } = await client.query<KeyRow>(
    "select replace(request_digest::text, '-', '') as request_digest, response from idempotency where key_digest = $1",
    [claim.keyDigest],
  );
  const row = rows[0];
  if (row?.request_digest !== claim.requestDigest) throw new FinanceError(keyReused(claim.key));
  const remembered = row.response?.account;
  if (remembered === undefined) throw new Error("an idempotency key has no outcome");
  const id = accountId(BigInt(remembered.id));
  const current = (await loadAccounts(client, [id])).get(id);
  if (current === undefined) throw new Error("an idempotency key names an account that is not there");
  return {
    ...current,
    name: remembered.name,
    metadata: remembered.metadata,
    overdraftLimit: BigInt(remembered.overdraft_limit),
    unlimitedOverdraft: remembered.unlimited_overdraft,
    status: AccountStatus.OPEN,
    debitsPosted: 0n,
    creditsPosted: 0n,
    debitsPending: 0n,
    creditsPending: 0n,
    lapsed: 0n,
    updatedAt: current.createdAt,
  };
}
