/** Locks and reads what a batch of orders needs to be decided. */
import type { ClientBase } from "pg";
import type { Books, LockedAccount } from "./books.ts";
import type { Claim } from "./idempotency.ts";
import { type AccountId, accountId, type TransferId, transferId } from "./identifiers.ts";
import { latestOf, type Micros } from "./micros.ts";
import { makesTransfer, type Order, targetOf } from "./order.ts";
import { settleAll } from "./pipeline.ts";
import {
  type DrawnRow,
  drawIdsAndClaimKeys,
  type EarlierRow,
  type LapsedRow,
  type LockedRow,
  lockAccounts,
  readEarlierOutcomes,
  readLapsedHolds,
  readParties,
  toLockedAccount,
} from "./posting-statements.ts";
import { type LoadedTransfer, loadTransfers } from "./transfers.ts";

export interface BatchInput {
  readonly books: Books;
  /** Of each order. */
  readonly claims: readonly (Claim | undefined)[];
  /** For each order. */
  readonly draws: readonly OrderDraw[];
  /** What keys decided that were used before, by key digest. */
  readonly earlier: ReadonlyMap<string, EarlierRow>;
  /** The transfers that those keys made or were about. */
  readonly earlierTransfers: ReadonlyMap<TransferId, LoadedTransfer>;
}

export interface OrderDraw {
  /** Of the transfer that the order makes; meaningless for one that makes none. */
  readonly id: TransferId;
  /**
   * `decide`: the order is new. `earlier`: its key was used before this batch. A number: its key is used by that earlier
   * order of this batch.
   */
  readonly course: "decide" | "earlier" | number;
}

const NO_ID = transferId(0n);

/**
 * Locks the accounts of all orders and claims their keys.
 *
 * @param begin statements to send first, in the same round trip.
 * @param recordedAt the time to record instead of the clock's; an account's newest entry wins when it is later.
 */
export async function lockAndRead(
  client: ClientBase,
  orders: readonly Order[],
  begin: readonly string[],
  recordedAt?: Micros,
): Promise<BatchInput> {
  const targets = [...new Set(orders.flatMap(({ command }) => targetOf(command) ?? []))];
  const ids = new Set([...accountsOfNew(orders), ...(await accountsOfTargets(client, targets))]);
  const repeats = repeatsWithin(orders);

  const begun = begin.map((statement) => client.query(statement));
  const locking = client.query<LockedRow>(lockAccounts([...ids]));
  const drawing = client.query<DrawnRow>(
    drawIdsAndClaimKeys(
      orders.map((order, index) =>
        order.dryRun || repeats.has(index)
          ? { claim: undefined, target: NO_ID }
          : { claim: order.claim, target: makesTransfer(order.command) ? undefined : targetOf(order.command) },
      ),
    ),
  );
  await settleAll([...begun, locking, drawing]);
  const locked = (await locking).rows;
  const drawn = (await drawing).rows;
  const draws = drawn.map((row, index): OrderDraw => {
    const order = orders[index];
    const used = order?.claim !== undefined && !order.dryRun && !row.claimed;
    return { id: transferId(row.id), course: repeats.get(index) ?? (used ? "earlier" : "decide") };
  });

  const now = recordingTime(locked, recordedAt ?? drawn[0]?.now ?? 0n);
  const used = orders.flatMap(({ claim }, index) => (draws[index]?.course === "earlier" && claim ? [claim] : []));
  const [lapsed, transfers, earlier] = await Promise.all([
    loadLapsedHolds(client, locked, now),
    loadById(client, targets),
    loadEarlier(client, used),
  ]);
  const earlierIds = [...earlier.values()].flatMap(({ transfer_id: id }) => (id === null ? [] : [transferId(id)]));
  return {
    books: {
      accounts: new Map(locked.map((row) => [accountId(row.account_id), withoutLapsed(toLockedAccount(row), lapsed)])),
      transfers: new Map([...transfers].map(([id, { current }]) => [id, current])),
      now,
    },
    claims: orders.map(({ claim }) => claim),
    draws,
    earlier,
    earlierTransfers: await loadById(client, earlierIds),
  };
}

function accountsOfNew(orders: readonly Order[]): AccountId[] {
  return orders.flatMap(({ command }) =>
    command.kind === "create" ? [command.transfer.debitAccountId, command.transfer.creditAccountId] : [],
  );
}

async function accountsOfTargets(client: ClientBase, targets: readonly TransferId[]): Promise<AccountId[]> {
  if (targets.length === 0) return [];
  const { rows } = await client.query<{ debit_account_id: bigint; credit_account_id: bigint }>(readParties(targets));
  return rows.flatMap((row) => [accountId(row.debit_account_id), accountId(row.credit_account_id)]);
}

/** Orders whose key an earlier order of the batch has, by their index. */
function repeatsWithin(orders: readonly Order[]): ReadonlyMap<number, number> {
  const firsts = new Map<string, number>();
  const repeats = new Map<number, number>();
  orders.forEach(({ claim, dryRun }, index) => {
    if (claim === undefined || dryRun) return;
    const first = firsts.get(claim.keyDigest);
    if (first === undefined) firsts.set(claim.keyDigest, index);
    else repeats.set(index, first);
  });
  return repeats;
}

/** A clock that was set back must not make an account's entries fall in time. */
function recordingTime(locked: readonly LockedRow[], clock: Micros): Micros {
  return latestOf(
    locked.map((row) => row.updated_at),
    clock,
  );
}

async function loadLapsedHolds(
  client: ClientBase,
  locked: readonly LockedRow[],
  now: Micros,
): Promise<ReadonlyMap<AccountId, LapsedRow>> {
  const holding = locked.filter((row) => row.debits_pending > 0n || row.credits_pending > 0n);
  if (holding.length === 0) return new Map();
  const ids = holding.map((row) => accountId(row.account_id));
  const { rows } = await client.query<LapsedRow>(readLapsedHolds(ids, now));
  return new Map(rows.map((row) => [accountId(row.account_id), row]));
}

async function loadById(client: ClientBase, ids: readonly TransferId[]): Promise<Map<TransferId, LoadedTransfer>> {
  if (ids.length === 0) return new Map();
  return new Map((await loadTransfers(client, ids)).map((loaded) => [loaded.current.id, loaded]));
}

async function loadEarlier(client: ClientBase, claims: readonly Claim[]): Promise<Map<string, EarlierRow>> {
  if (claims.length === 0) return new Map();
  const { rows } = await client.query<EarlierRow>(readEarlierOutcomes(claims));
  return new Map(rows.map((row) => [row.key_digest, row]));
}

function withoutLapsed(account: LockedAccount, lapsed: ReadonlyMap<AccountId, LapsedRow>): LockedAccount {
  const row = lapsed.get(account.id);
  if (row === undefined) return account;
  return {
    ...account,
    debitsPending: account.debitsPending - row.debits,
    creditsPending: account.creditsPending - row.credits,
    lapsedDebits: row.debits,
    lapsedCredits: row.credits,
  };
}
