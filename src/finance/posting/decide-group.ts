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
import { availableBalanceOf, insufficientFunds, keepsFloor } from "../account.ts";
import { type Refusal, refuse } from "../errors.ts";
import { isVisibleTo } from "../policy.ts";
import type { TransferRecord } from "../records/transfers.ts";
import { type TransferId, transferId } from "../values.ts";
import { type Books, type Decision, type LockedAccount, timeToRecord } from "./books.ts";
import { makesTransfer, type Order } from "./command.ts";
import { decide } from "./decide.ts";
import { keyReused } from "./idempotency.ts";

/** Of what is only rehearsed. */
const NO_ID = transferId(0n);

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
  // Two runs of the same group: one with only the members that are real, and one as if all were.
  const real = books.layer();
  const rehearsal = books.layer();
  const outcomes = group.map((member) => {
    const outcome = member.order.dryRun ? undefined : decideAlone(member, real);
    // What was not posted for real has no id in the rehearsal either.
    const isPosted = outcome !== undefined && !("situation" in outcome.result) && !outcome.replayed;
    const rehearsed = decideAlone(isPosted ? member : { ...member, id: NO_ID }, rehearsal);
    return outcome ?? rehearsed;
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
  // One time for all, so that no answer about a time shows half of the group.
  const recordedAt = timeToRecord(books, accountsOf(orders, books));
  const outcomes: Outcome[] = [];
  let behindFloors: Culprit | undefined;
  for (const [index, { order, id }] of group.entries()) {
    const first = outcomes[firsts[index] ?? index];
    if (first !== undefined) {
      outcomes.push({ ...first, replayed: true });
      continue;
    }
    const decision = decide(order, layer, { id, floors: "later", recordedAt });
    if ("situation" in decision) return refuseFresh(orders, index, decision, books);
    if (decision.behindFloors !== undefined) behindFloors ??= { index, refusal: decision.behindFloors };
    keep(order, decision, layer);
    outcomes.push({ result: decision.transfer, replayed: false });
  }
  const broken = brokenFloor(orders, outcomes, layer) ?? behindFloors;
  if (broken !== undefined) return refuseFresh(orders, broken.index, broken.refusal, books);
  layer.merge();
  return outcomes;
}

function accountsOf(orders: readonly Order[], books: Books): LockedAccount[] {
  return orders.flatMap(({ command }) => {
    const transfer = command.kind === "create" ? command.transfer : books.transfer(command.id);
    if (transfer === undefined) return [];
    return [transfer.debitAccountId, transfer.creditAccountId].flatMap((id) => books.account(id) ?? []);
  });
}

function refuseFresh(orders: readonly Order[], index: number, refusal: Refusal, books: Books): Outcome[] {
  const culprit = orders[index];
  if (culprit !== undefined) rememberRefusal(culprit, refusal, books);
  return refuseAll(orders, index, { result: refusal, replayed: false });
}

/** The member of a group that ends it. */
interface Culprit {
  readonly index: number;
  readonly refusal: Refusal;
}

/**
 * The refusal of a group that leaves an account below its floor. It is told of the last member that lowers the account;
 * where there are several such accounts, of the lowest of these members.
 */
function brokenFloor(orders: readonly Order[], outcomes: readonly Outcome[], layer: Books): Culprit | undefined {
  let lowest: Culprit | undefined;
  for (const after of layer.accounts.values()) {
    const before = layer.accountBelow(after.id);
    if (before === undefined) throw new Error(`account ${after.id} came out of nowhere`);
    const fall = availableBalanceOf(before) - availableBalanceOf(after);
    if (fall <= 0n || keepsFloor(after)) continue;
    const index = outcomes.findLastIndex((outcome) => lowers(outcome, after));
    const actor = orders[index]?.actor;
    if (actor === undefined) throw new Error(`account ${after.id} was lowered by no order`);
    // Somebody else's account is not the caller's to hear of; that they can't credit it is found behind the floors.
    if (!isVisibleTo(after, actor)) continue;
    if (index < (lowest?.index ?? outcomes.length)) lowest = { index, refusal: insufficientFunds(before, fall) };
  }
  return lowest;
}

/** Whether a member took something from an account; a repetition of an earlier member did nothing. */
function lowers({ result, replayed }: Outcome, { id, debitNormal }: LockedAccount): boolean {
  if (replayed || "situation" in result) return false;
  return (debitNormal ? result.creditAccountId : result.debitAccountId) === id;
}

/** What the order's key says became of it; undefined for an order that is to be decided. */
function knownOutcome(order: Order, books: Books): Outcome | undefined {
  const { claim } = order;
  if (claim === undefined) return undefined;
  const use = books.keyUse(claim.keyDigest);
  if (use === undefined) return undefined;
  return use.isFor(claim)
    ? { result: use.outcomeOf(makesTransfer(order.command)), replayed: true }
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
