/** Opens accounts, once for each idempotency key. */
import type { ClientBase, Pool } from "pg";
import { AccountStatus } from "../../../generated/server/finance/v1/account.ts";
import { withTransaction } from "../../database/index.ts";
import { FinanceError } from "../errors.ts";
import {
  type Claim,
  isKeyCollision,
  isSameRequest,
  type KeyRow,
  keyReused,
  loadUsedKeys,
  rememberOutcomes,
} from "../posting/idempotency.ts";
import type { NewAccount } from "../validation.ts";
import { accountId } from "../values.ts";
import type { Author } from "./account-changes.ts";
import { type AccountRecord, insertAccount, loadAccounts } from "./accounts.ts";
import { joinWritersBriefly } from "./final-time.ts";

interface Opened {
  readonly account: AccountRecord;
  readonly replayed: boolean;
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
  author: Author,
): Promise<Opened> {
  const open = () => withTransaction(pool, (client) => openOnce(client, account, claim, author));
  try {
    return await open();
  } catch (error) {
    if (!isKeyCollision(error)) throw error;
    // Another request used the key after it was read here; now it has an outcome.
    return await open();
  }
}

/** The account that the same request opened before; undefined if it did not. */
export async function loadOpened(pool: Pool, claim: Claim): Promise<Opened | undefined> {
  const row = (await loadUsedKeys(pool, [claim])).get(claim.keyDigest);
  if (row === undefined || !isSameRequest(row, claim)) return undefined;
  return { account: await loadFirstOutcome(pool, row), replayed: true };
}

async function openOnce(
  client: ClientBase,
  account: NewAccount & { readonly owner: string },
  claim: Claim | undefined,
  author: Author,
): Promise<Opened> {
  await client.query(joinWritersBriefly);
  if (claim === undefined) return { account: await insertAccount(client, account, author), replayed: false };
  const row = (await loadUsedKeys(client, [claim])).get(claim.keyDigest);
  if (row !== undefined) {
    if (!isSameRequest(row, claim)) throw new FinanceError(keyReused(claim.key));
    return { account: await loadFirstOutcome(client, row), replayed: true };
  }
  const created = await insertAccount(client, account, author);
  const remembered = {
    id: `${created.id}`,
    name: created.name,
    metadata: created.metadata,
    overdraft_limit: `${created.overdraftLimit}`,
    unlimited_overdraft: created.unlimitedOverdraft,
  };
  await client.query(rememberOutcomes([{ claim, response: { account: remembered } }]));
  return { account: created, replayed: false };
}

/** The account as it was when the key was first used. */
async function loadFirstOutcome(client: Pool | ClientBase, row: KeyRow): Promise<AccountRecord> {
  const remembered = row.response?.account;
  if (remembered === undefined) throw new Error("an idempotency key has no outcome");
  const id = accountId(BigInt(remembered.id));
  const current = (await loadAccounts(client, [id])).get(id);
  if (current === undefined) throw new Error("an idempotency key names an account that does not exist");
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
