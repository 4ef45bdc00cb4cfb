/** Opens accounts, once for each idempotency key. */
import type { ClientBase, Pool } from "pg";
import { AccountStatus } from "../../../generated/server/finance/v1/account.ts";
import { withTransaction } from "../../database/index.ts";
import type { Metadata } from "../account.ts";
import { FinanceError } from "../errors.ts";
import {
  type Claim,
  isKeyCollision,
  isSameRequest,
  type KeyRow,
  keyReused,
  rememberOutcomes,
} from "../posting/idempotency.ts";
import { loadUsedKey } from "../posting/replay.ts";
import type { NewAccount } from "../validation.ts";
import { accountId } from "../values.ts";
import { type AccountRecord, insertAccount, loadAccounts } from "./accounts.ts";
import { joinWritersBriefly } from "./final-time.ts";

/** What an idempotency key remembers of a new account: what could have changed since. */
interface RememberedAccount {
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata;
  readonly overdraft_limit: string;
  readonly unlimited_overdraft: boolean;
}

interface AccountKeyRow extends KeyRow {
  readonly response: (KeyRow["response"] & { readonly account?: RememberedAccount }) | null;
}

interface Opened {
  readonly account: AccountRecord;
  readonly replayed: boolean;
}

/**
 * Opens an account with a zero balance.
 *
 * @throws FinanceError idempotency_key_reused, or the refusal that the key remembers.
 */
export async function createAccount(
  pool: Pool,
  account: NewAccount & { readonly owner: string },
  claim: Claim | undefined,
): Promise<Opened> {
  try {
    return await withTransaction(pool, (client) => openOnce(client, account, claim));
  } catch (error) {
    if (!isKeyCollision(error)) throw error;
    // The key was used since it was read, so now it has an outcome.
    return await withTransaction(pool, (client) => openOnce(client, account, claim));
  }
}

/** The account that this very request opened before, for one that today's rules would refuse unread. */
export async function loadOpened(pool: Pool, claim: Claim): Promise<AccountRecord | undefined> {
  const row = await loadUsedKey<AccountKeyRow>(pool, claim);
  return row !== undefined && isSameRequest(row, claim) ? await loadFirstOutcome(pool, row) : undefined;
}

async function openOnce(
  client: ClientBase,
  account: NewAccount & { readonly owner: string },
  claim: Claim | undefined,
): Promise<Opened> {
  await client.query(joinWritersBriefly);
  if (claim === undefined) return { account: await insertAccount(client, account), replayed: false };
  const row = await loadUsedKey<AccountKeyRow>(client, claim);
  if (row !== undefined) {
    if (!isSameRequest(row, claim)) throw new FinanceError(keyReused(claim.key));
    return { account: await loadFirstOutcome(client, row), replayed: true };
  }
  const created = await insertAccount(client, account);
  const remembered: RememberedAccount = {
    id: `${created.id}`,
    name: created.name,
    metadata: created.metadata,
    overdraft_limit: `${created.overdraftLimit}`,
    unlimited_overdraft: created.unlimitedOverdraft,
  };
  await client.query(rememberOutcomes([{ claim, transferId: undefined, response: { account: remembered } }]));
  return { account: created, replayed: false };
}

/** The account as it was when the key was first used. */
async function loadFirstOutcome(client: Pool | ClientBase, row: AccountKeyRow): Promise<AccountRecord> {
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
    postedCarried: 0n,
    debitsPending: 0n,
    creditsPending: 0n,
    lastSequence: 0n,
    updatedAt: current.createdAt,
  };
}
