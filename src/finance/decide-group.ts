/** Decides orders that belong together: each on its own, or all or none. */
import { availableBalanceOf, keepsFloor } from "./account.ts";
import type { Books, LockedAccount } from "./books.ts";
import { type Decision, decide, insufficientFunds } from "./decide.ts";
import { type Refusal, refuse } from "./errors.ts";
import type { TransferId } from "./identifiers.ts";
import type { Order } from "./order.ts";

/** An order with the id of the transfer that it may make. */
export interface NumberedOrder {
  readonly order: Order;
  readonly id: TransferId;
}

/**
 * Decides a group in its order and changes the books by what was carried out for real.
 *
 * @param atomic all or none: floors hold at the group's end, so that it may dip in between and recover.
 * @returns a decision or refusal for each order. Of a refused atomic group one carries the reason, the others
 *   batch_refused with that one's index.
 */
export function decideGroup(group: readonly NumberedOrder[], atomic: boolean, books: Books): (Decision | Refusal)[] {
  if (!atomic) {
    return group.map(({ order, id }) =>
      order.dryRun
        ? rehearse([order], books, () => decide(order, books, { id, floors: "now" }))
        : decide(order, books, { id, floors: "now" }),
    );
  }
  const orders = group.map(({ order }) => order);
  const attempt = () => decideAtomically(group, books);
  return orders.every(({ dryRun }) => dryRun) ? rehearse(orders, books, attempt) : attempt();
}

function decideAtomically(group: readonly NumberedOrder[], books: Books): (Decision | Refusal)[] {
  const orders = group.map(({ order }) => order);
  const { accounts: before, restore } = remember(orders, books);
  const decisions: Decision[] = [];
  for (const [index, { order, id }] of group.entries()) {
    const decision = decide(order, books, { id, floors: "later" });
    if ("situation" in decision) {
      restore();
      return refuseAll(group.length, index, decision);
    }
    decisions.push(decision);
  }
  for (const [id, earlier] of before) {
    const account = books.accounts.get(id) ?? earlier;
    if (availableBalanceOf(account) >= availableBalanceOf(earlier) || keepsFloor(account)) continue;
    const index = decisions.findLastIndex(({ transfer }) =>
      [transfer.debitAccountId, transfer.creditAccountId].includes(account.id),
    );
    const actor = orders[index]?.actor;
    restore();
    if (actor === undefined) throw new Error(`account ${account.id} changed without an order`);
    return refuseAll(group.length, index, refusalAtEnd(earlier, account, actor));
  }
  return decisions;
}

function refusalAtEnd(before: LockedAccount, after: LockedAccount, actor: Order["actor"]): Refusal {
  return insufficientFunds(before, availableBalanceOf(before) - availableBalanceOf(after), actor);
}

function refuseAll(count: number, culprit: number, refusal: Refusal): Refusal[] {
  const msg = `transfers[${culprit}] was refused, so none of the batch was posted: ${refusal.msg}`;
  return Array.from({ length: count }, (_, index) =>
    index === culprit ? refusal : refuse("batch_refused", msg, { index: `${culprit}` }),
  );
}

/** Decides and takes everything back. What it would have made has no id. */
function rehearse<Result extends Decision | Refusal | (Decision | Refusal)[]>(
  orders: readonly Order[],
  books: Books,
  attempt: () => Result,
): Result {
  const { restore } = remember(orders, books);
  const result = attempt();
  restore();
  return result;
}

/** Keeps the part of the books that these orders can change, to put it back. */
function remember(orders: readonly Order[], books: Books): { accounts: Books["accounts"]; restore: () => void } {
  const accounts: Books["accounts"] = new Map();
  const transfers: Books["transfers"] = new Map();
  for (const { command } of orders) {
    const transfer = command.kind === "create" ? command.transfer : books.transfers.get(command.id);
    if (transfer === undefined) continue;
    if ("id" in transfer) transfers.set(transfer.id, transfer);
    for (const id of [transfer.debitAccountId, transfer.creditAccountId]) {
      const account = books.accounts.get(id);
      if (account !== undefined) accounts.set(id, account);
    }
  }
  return {
    accounts,
    restore: () => {
      for (const [id, account] of accounts) books.accounts.set(id, account);
      for (const [id, transfer] of transfers) books.transfers.set(id, transfer);
    },
  };
}
