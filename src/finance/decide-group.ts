/**
 * Decides orders that belong together: each on its own, or all or none.
 *
 * An atomic group is decided with all its members, those whose keys were used before included. In this order:
 *
 * 1. A key that was used for another request, before or earlier in the group, refuses the group.
 * 2. A remembered refusal of a member refuses the group.
 * 3. When all members were posted before, the group is answered as they were.
 * 4. When only some were, the group is refused: `batch_partly_decided`.
 * 5. Otherwise its members are decided one after the other, and the floors are checked at the end.
 *
 * The lowest index counts in each step. A refused group changes nothing, and only the culprit's own refusal is remembered.
 */
import { availableBalanceOf, keepsFloor } from "./account.ts";
import type { Books, Decision } from "./books.ts";
import { decide, insufficientFunds } from "./decide.ts";
import { type Refusal, refuse } from "./errors.ts";
import { keyReused } from "./idempotency.ts";
import type { TransferId } from "./identifiers.ts";
import type { Order } from "./order.ts";
import type { TransferRecord } from "./transfers.ts";

/** An order with the id of the transfer that it may make. */
export interface NumberedOrder {
  readonly order: Order;
  readonly id: TransferId;
}

/** What became of an order. */
export interface Outcome {
  readonly result: TransferRecord | Refusal;
  /** Whether an earlier request with the same key decided it. */
  readonly replayed: boolean;
}

/**
 * Decides a group in its order and changes the books by what was carried out for real.
 *
 * @param atomic all or none; all of its orders are dry runs, or none is.
 * @returns an outcome for each order. Of a refused atomic group one has the reason, the others `batch_refused` with that
 *   one's index.
 */
export function decideGroup(group: readonly NumberedOrder[], atomic: boolean, books: Books): Outcome[] {
  const dryRuns = group.filter(({ order }) => order.dryRun).length;
  if (atomic) return decideAtomically(group, dryRuns > 0 ? books.layer() : books);
  if (dryRuns === 0) return group.map((member) => decideAlone(member, books));
  // Two runs of the same group: one as if every member were real, one with only those that are.
  const rehearsal = books.layer();
  const real = books.layer();
  const outcomes = group.map((member) => {
    const rehearsed = decideAlone(member, rehearsal);
    return member.order.dryRun ? rehearsed : decideAlone(member, real);
  });
  real.merge();
  return outcomes;
}

function decideAlone({ order, id }: NumberedOrder, books: Books): Outcome {
  const known = knownOutcome(order, books);
  if (known !== undefined) return known;
  const decision = decide(order, books, { id, floors: "now" });
  if ("situation" in decision) rememberRefusal(order, decision, books);
  else keep(order, decision, books);
  return { result: "situation" in decision ? decision : decision.transfer, replayed: false };
}

function decideAtomically(group: readonly NumberedOrder[], books: Books): Outcome[] {
  const orders = group.map(({ order }) => order);
  const known = orders.map((order) => knownOutcome(order, books));
  const firsts = firstsOfKeys(orders);

  const reused = orders.findIndex(({ claim }, index) => {
    const use = known[index];
    // What is known of a key and was not replayed is that it stands for another request.
    if (use !== undefined) return !use.replayed;
    return claim?.messageDigest !== orders[firsts[index] ?? index]?.claim?.messageDigest;
  });
  const reusing = orders[reused]?.claim;
  if (reusing !== undefined) return refuseAll(orders, reused, { result: keyReused(reusing.key), replayed: false });

  const refused = known.findIndex((outcome) => outcome !== undefined && "situation" in outcome.result);
  const refusal = known[refused];
  if (refusal !== undefined) return refuseAll(orders, refused, refusal);

  const posted = known.filter((outcome) => outcome !== undefined);
  if (posted.length === orders.length) return posted;
  if (posted.length > 0) {
    const index = known.findIndex((outcome) => outcome !== undefined);
    const msg = `transfers[${index}] was posted before, but not every transfer of the batch: send those that are left under a batch of their own`;
    const result = refuse("batch_partly_decided", msg, { index: `${index}` });
    return refuseAll(orders, index, { result, replayed: false });
  }
  return decideFresh(group, firsts, books);
}

/** Decides a group none of whose keys was used before. */
function decideFresh(group: readonly NumberedOrder[], firsts: readonly number[], books: Books): Outcome[] {
  const orders = group.map(({ order }) => order);
  const layer = books.layer();
  const outcomes: Outcome[] = [];
  for (const [index, { order, id }] of group.entries()) {
    const first = outcomes[firsts[index] ?? index];
    if (first !== undefined) {
      outcomes.push({ ...first, replayed: true });
      continue;
    }
    const decision = decide(order, layer, { id, floors: "later" });
    if ("situation" in decision) return refuseFresh(orders, index, decision, books);
    keep(order, decision, layer);
    outcomes.push({ result: decision.transfer, replayed: false });
  }
  const broken = brokenFloor(outcomes, layer);
  if (broken !== undefined) return refuseFresh(orders, broken.index, broken.refusal, books);
  layer.merge();
  return outcomes;
}

function refuseFresh(orders: readonly Order[], index: number, refusal: Refusal, books: Books): Outcome[] {
  const culprit = orders[index];
  if (culprit !== undefined) rememberRefusal(culprit, refusal, books);
  return refuseAll(orders, index, { result: refusal, replayed: false });
}

/**
 * The refusal of a group that leaves an account below its floor. It is told of the last member that touches the account,
 * not counting repetitions of earlier members; where there are several such accounts, of the lowest of these members.
 */
function brokenFloor(outcomes: readonly Outcome[], layer: Books): { index: number; refusal: Refusal } | undefined {
  let lowest: { index: number; refusal: Refusal } | undefined;
  for (const after of layer.accounts.values()) {
    const before = layer.accountBelow(after.id);
    if (before === undefined) throw new Error(`account ${after.id} came out of nowhere`);
    const fall = availableBalanceOf(before) - availableBalanceOf(after);
    if (fall <= 0n || keepsFloor(after)) continue;
    const index = outcomes.findLastIndex(
      ({ result, replayed }) =>
        !(replayed || "situation" in result) && [result.debitAccountId, result.creditAccountId].includes(after.id),
    );
    if (index < (lowest?.index ?? outcomes.length)) lowest = { index, refusal: insufficientFunds(before, fall) };
  }
  return lowest;
}

/** What the order's key says became of it; undefined for an order that is to be decided. */
function knownOutcome(order: Order, books: Books): Outcome | undefined {
  const { claim } = order;
  if (claim === undefined) return undefined;
  const use = books.keyUse(claim.keyDigest);
  if (use === undefined) return undefined;
  return use.isFor(claim)
    ? { result: use.outcomeOf(order), replayed: true }
    : { result: keyReused(claim.key), replayed: false };
}

/** For each order the index of the first one with its key: its own when there is none before it. */
function firstsOfKeys(orders: readonly Order[]): number[] {
  const firsts = new Map<string, number>();
  return orders.map(({ claim }, index) => {
    if (claim === undefined) return index;
    const first = firsts.get(claim.keyDigest);
    if (first === undefined) firsts.set(claim.keyDigest, index);
    return first ?? index;
  });
}

function keep(order: Order, decision: Decision, books: Books): void {
  books.decisions.push(decision);
  if (order.claim !== undefined) books.remember(order.claim, decision.transfer);
}

/** A mistake in the request uses up no key. */
function rememberRefusal({ claim }: Order, refusal: Refusal, books: Books): void {
  if (claim !== undefined && refusal.situation !== "invalid_argument") books.remember(claim, refusal);
}

function refuseAll(orders: readonly Order[], culprit: number, outcome: Outcome): Outcome[] {
  const reason = "situation" in outcome.result ? outcome.result.msg : "";
  const msg = `transfers[${culprit}] was refused, so none of the batch was posted: ${reason}`;
  return orders.map((_, index) =>
    index === culprit ? outcome : { result: refuse("batch_refused", msg, { index: `${culprit}` }), replayed: false },
  );
}
