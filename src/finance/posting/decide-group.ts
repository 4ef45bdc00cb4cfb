/**
 * Decides a group of postings: each on its own, or all or none.
 *
 * An atomic group is decided with all its members, including those whose keys were used before, in this order:
 *
 * 1. If a key was used for another request, or earlier in the group for another posting, the group is refused.
 * 2. If a member has a remembered refusal, the group is refused.
 * 3. If all members were posted before, the group gets their outcomes again.
 * 4. If only some were, the group is refused: `batch_partly_decided`.
 * 5. Otherwise the members are decided one after the other, and the floors are checked at the end.
 *
 * In each step the lowest index counts. A refused group changes nothing, and only the culprit's own refusal is remembered.
 */
import { availableBalanceOf, insufficientFunds, keepsFloor } from "../account.ts";
import { isRefusal, type Refusal, refuse } from "../errors.ts";
import { isVisibleTo } from "../policy.ts";
import type { TransferRecord } from "../records/transfers.ts";
import { type TransferId, transferId } from "../values.ts";
import { type Books, type Decision, type LockedAccount, timeToRecord } from "./books.ts";
import { decide, makesTransfer } from "./decide.ts";
import { keyReused } from "./idempotency.ts";
import type { Posting } from "./posting.ts";

/** The id of a transfer that is only rehearsed. */
const NO_ID = transferId(0n);

/** A posting with the id of the transfer that it may make. */
export interface NumberedPosting {
  readonly posting: Posting;
  readonly id: TransferId;
}

/** The outcome of a posting. */
export interface Outcome {
  readonly result: TransferRecord | Refusal;
  /** Whether this was already the outcome of an earlier request with the same key. */
  readonly replayed: boolean;
}

/**
 * Decides a group in order. Real postings change the books, dry runs do not.
 *
 * @param atomic all or none; then all members are dry runs or none is.
 * @returns an outcome for each posting. In a refused atomic group, one has the reason and the others have `batch_refused`
 *   with its index.
 */
export function decideGroup(group: readonly NumberedPosting[], atomic: boolean, books: Books): Outcome[] {
  const dryRuns = group.filter(({ posting }) => posting.dryRun).length;
  if (atomic) return decideAtomically(group, dryRuns > 0 ? books.layer() : books);
  if (dryRuns === 0) return group.map((member) => decideAlone(member, books));
  // The group is decided twice: with only the real members, and as if all members were real.
  const real = books.layer();
  const rehearsal = books.layer();
  const outcomes = group.map((member) => {
    const outcome = member.posting.dryRun ? undefined : decideAlone(member, real);
    // A posting without a real transfer has no id in the rehearsal either.
    const isPosted = outcome !== undefined && !isRefusal(outcome.result) && !outcome.replayed;
    const rehearsed = decideAlone(isPosted ? member : { ...member, id: NO_ID }, rehearsal);
    return outcome ?? rehearsed;
  });
  real.merge();
  return outcomes;
}

function decideAlone({ posting, id }: NumberedPosting, books: Books): Outcome {
  const known = knownOutcome(posting, books);
  if (known !== undefined) return known;
  const decision = decide(posting, books, { id, floors: "now" });
  if (isRefusal(decision)) rememberRefusal(posting, decision, books);
  else keep(posting, decision, books);
  return { result: isRefusal(decision) ? decision : decision.transfer, replayed: false };
}

function decideAtomically(group: readonly NumberedPosting[], books: Books): Outcome[] {
  const postings = group.map(({ posting }) => posting);
  const known = postings.map((posting) => knownOutcome(posting, books));
  const firsts = firstsOfKeys(postings);

  const reused = postings.findIndex(({ claim }, index) => {
    const use = known[index];
    // A known outcome that is not a replay says that the key was used for another request.
    if (use !== undefined) return !use.replayed;
    return claim?.messageDigest !== postings[firsts[index] ?? index]?.claim?.messageDigest;
  });
  const reusing = postings[reused]?.claim;
  if (reusing !== undefined) return refuseAll(postings, reused, { result: keyReused(reusing.key), replayed: false });

  const refused = known.findIndex((outcome) => outcome !== undefined && isRefusal(outcome.result));
  const refusal = known[refused];
  if (refusal !== undefined) return refuseAll(postings, refused, refusal);

  const posted = known.filter((outcome) => outcome !== undefined);
  if (posted.length === postings.length) return posted;
  if (posted.length > 0) {
    const index = known.findIndex((outcome) => outcome !== undefined);
    const msg = `transfers[${index}] was posted before, but some transfers of the batch were not; send those in a batch of their own`;
    const result = refuse("batch_partly_decided", msg, { index: `${index}` });
    return refuseAll(postings, index, { result, replayed: false });
  }
  return decideFresh(group, firsts, books);
}

/** Decides a group whose keys were not used before. */
function decideFresh(group: readonly NumberedPosting[], firsts: readonly number[], books: Books): Outcome[] {
  const postings = group.map(({ posting }) => posting);
  const layer = books.layer();
  // One time for all members, so that the books as of any time have all of the group or nothing.
  const recordedAt = timeToRecord(books, accountsOf(postings, books));
  const outcomes: Outcome[] = [];
  let behindFloors: Culprit | undefined;
  for (const [index, { posting, id }] of group.entries()) {
    const first = outcomes[firsts[index] ?? index];
    if (first !== undefined) {
      outcomes.push({ ...first, replayed: true });
      continue;
    }
    const decision = decide(posting, layer, { id, floors: "later", recordedAt });
    if (isRefusal(decision)) return refuseFresh(postings, index, decision, books);
    if (decision.behindFloors !== undefined) behindFloors ??= { index, refusal: decision.behindFloors };
    keep(posting, decision, layer);
    outcomes.push({ result: decision.transfer, replayed: false });
  }
  const broken = brokenFloor(postings, outcomes, layer) ?? behindFloors;
  if (broken !== undefined) return refuseFresh(postings, broken.index, broken.refusal, books);
  layer.merge();
  return outcomes;
}

function accountsOf(postings: readonly Posting[], books: Books): LockedAccount[] {
  return postings.flatMap(({ command }) => {
    const transfer = command.kind === "create" ? command.transfer : books.transfer(command.id);
    if (transfer === undefined) return [];
    return [transfer.debitAccountId, transfer.creditAccountId].flatMap((id) => books.account(id) ?? []);
  });
}

function refuseFresh(postings: readonly Posting[], index: number, refusal: Refusal, books: Books): Outcome[] {
  const culprit = postings[index];
  if (culprit !== undefined) rememberRefusal(culprit, refusal, books);
  return refuseAll(postings, index, { result: refusal, replayed: false });
}

/** The member because of which a group is refused. */
interface Culprit {
  readonly index: number;
  readonly refusal: Refusal;
}

/**
 * Refuses a group that leaves an account below its floor. The culprit is the last member that lowers the account; with
 * several such accounts, the lowest of these members.
 */
function brokenFloor(postings: readonly Posting[], outcomes: readonly Outcome[], layer: Books): Culprit | undefined {
  let lowest: Culprit | undefined;
  for (const after of layer.accounts.values()) {
    const before = layer.accountBelow(after.id);
    if (before === undefined) throw new Error(`account ${after.id} is in no layer below`);
    const fall = availableBalanceOf(before) - availableBalanceOf(after);
    if (fall <= 0n || keepsFloor(after)) continue;
    const index = outcomes.findLastIndex((outcome) => lowers(outcome, after));
    const actor = postings[index]?.actor;
    if (actor === undefined) throw new Error(`account ${after.id} was not lowered by any posting`);
    // The caller must not learn this about another caller's account; `behindFloors` refuses to credit it.
    if (!isVisibleTo(after, actor)) continue;
    if (index < (lowest?.index ?? outcomes.length)) lowest = { index, refusal: insufficientFunds(before, fall) };
  }
  return lowest;
}

/** Whether a member lowered an account; a repeated member did nothing. */
function lowers({ result, replayed }: Outcome, { id, debitNormal }: LockedAccount): boolean {
  if (replayed || isRefusal(result)) return false;
  return (debitNormal ? result.creditAccountId : result.debitAccountId) === id;
}

/** The outcome that a posting's key already has; undefined if the posting must be decided. */
function knownOutcome(posting: Posting, books: Books): Outcome | undefined {
  const { claim } = posting;
  if (claim === undefined) return undefined;
  const use = books.keyUse(claim.keyDigest);
  if (use === undefined) return undefined;
  return use.isFor(claim)
    ? { result: use.outcomeOf(makesTransfer(posting.command)), replayed: true }
    : { result: keyReused(claim.key), replayed: false };
}

/** For each posting, the index of the first one with the same key; its own index if there is none before it. */
function firstsOfKeys(postings: readonly Posting[]): number[] {
  const firsts = new Map<string, number>();
  return postings.map(({ claim }, index) => {
    if (claim === undefined) return index;
    const first = firsts.get(claim.keyDigest);
    if (first === undefined) firsts.set(claim.keyDigest, index);
    return first ?? index;
  });
}

function keep(posting: Posting, decision: Decision, books: Books): void {
  books.decisions.push(decision);
  if (posting.claim !== undefined) books.remember(posting.claim, decision.transfer);
}

/** A mistake in the request leaves the key free. */
function rememberRefusal({ claim }: Posting, refusal: Refusal, books: Books): void {
  if (claim !== undefined && refusal.situation !== "invalid_argument") books.remember(claim, refusal);
}

function refuseAll(postings: readonly Posting[], culprit: number, outcome: Outcome): Outcome[] {
  const reason = isRefusal(outcome.result) ? outcome.result.msg : "";
  const msg = `transfers[${culprit}] was refused, so no transfer of the batch was posted: ${reason}`;
  return postings.map((_, index) =>
    index === culprit ? outcome : { result: refuse("batch_refused", msg, { index: `${culprit}` }), replayed: false },
  );
}
