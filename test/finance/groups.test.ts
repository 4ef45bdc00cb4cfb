/**
 * Batches by the state of their members' keys: every combination in groups of two and three, against the rules of
 * docs/ledger.md in a few lines.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, openAccount, openFunded, rowsDigest } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

const FUNDS = 1_000_000_000;
const TOO_MUCH = 10 ** 12;

let database: TestDatabase;
let one: TestService;
let other: TestService;
let from: string;
let to: string;

beforeAll(async () => {
  database = await createTestDatabase();
  one = await startTestService({ LOG_LEVEL: "silent" }, { database });
  other = await startTestService({ LOG_LEVEL: "silent" }, { database });
  from = await openFunded(one, "alice", FUNDS);
  to = await openAccount(one, "bob");
});
afterAll(async () => {
  expect(await findingsOf(database.pool)).toEqual([]);
  await one.close();
  await other.close();
  await database.drop();
});

const states = ["keyless", "new", "unpayable", "posted", "refused", "reused", "same", "different", "dry"] as const;
type State = (typeof states)[number];

interface Member {
  readonly key: string;
  readonly amount: number;
  readonly dry: boolean;
}

/** What is known of a key: the amount that its request asked for, and whether that was posted. */
interface KeyUse {
  readonly amount: number;
  readonly posted: boolean;
}
type Keys = Map<string, KeyUse>;

let runs = 0;

/** Makes the members of a group and what their keys were used for before. `same` and `different` repeat the key before. */
async function prepare(group: readonly State[]): Promise<{ members: Member[]; keys: Keys }> {
  runs += 1;
  const keys: Keys = new Map();
  const members: Member[] = [];
  for (const [index, state] of group.entries()) {
    const before = members[index - 1];
    const key = state === "keyless" ? "" : `run-${runs}-${index}`;
    const amount = state === "unpayable" || state === "refused" ? TOO_MUCH + index : 1 + index;
    const repeated = { key: before?.key ?? "", dry: false };
    if (state === "same") members.push({ ...repeated, amount: before?.amount ?? 1 });
    else if (state === "different") members.push({ ...repeated, amount: (before?.amount ?? 1) + 100 });
    else members.push({ key, amount, dry: state === "dry" });
    const used = { posted: amount, refused: amount, reused: amount + 50 }[state as string];
    if (used === undefined) continue;
    const { status } = await one.call("CreateTransfer", requestOf({ key, amount: used, dry: false }));
    keys.set(key, { amount: used, posted: status === 200 });
  }
  return { members, keys };
}

function requestOf({ key, amount, dry }: Member): object {
  return { debit_account_id: from, credit_account_id: to, amount, idempotency_key: key, dry_run: dry };
}

/** The rules for one member: its verdict, and what its key then stands for. */
function decide(member: Member, keys: Keys): string {
  const use = keys.get(member.key);
  if (use !== undefined && member.key !== "") {
    if (use.amount !== member.amount) return "idempotency_key_reused";
    return use.posted ? "posted again" : "insufficient_funds again";
  }
  const posted = member.amount < TOO_MUCH;
  if (member.key !== "") keys.set(member.key, { amount: member.amount, posted });
  return posted ? "posted" : "insufficient_funds";
}

function decideEach(members: readonly Member[], keys: Keys): string[] {
  const rehearsed = new Map(keys);
  return members.map((member) => {
    const verdict = decide(member, rehearsed);
    return member.dry ? verdict : decide(member, keys);
  });
}

function decideTogether(members: readonly Member[], keys: Keys): string[] {
  const refused = (culprit: number, verdict: string) =>
    members.map((_, index) => (index === culprit ? verdict : `batch_refused ${culprit}`));
  const known = members.map(({ key }) => (key === "" ? undefined : keys.get(key)));
  const reused = members.findIndex(({ key, amount }, index) => {
    const first = key === "" ? undefined : members.find((member) => member.key === key);
    return (known[index] ?? first ?? { amount }).amount !== amount;
  });
  if (reused >= 0) return refused(reused, "idempotency_key_reused");
  const refusedBefore = known.findIndex((use) => use?.posted === false);
  if (refusedBefore >= 0) return refused(refusedBefore, "insufficient_funds again");
  if (known.every((use) => use !== undefined)) return members.map(() => "posted again");
  const postedBefore = known.findIndex((use) => use !== undefined);
  if (postedBefore >= 0) return refused(postedBefore, `batch_partly_decided ${postedBefore}`);
  if (members.some(({ amount }) => amount >= TOO_MUCH)) {
    // Funds are looked at once, at the end: the last member that touches the account is told.
    const isRepeated = ({ key }: Member, index: number) =>
      key !== "" && members.findIndex((member) => member.key === key) < index;
    const culprit = members.findLastIndex((member, index) => !isRepeated(member, index));
    const { key = "", amount = 0 } = members[culprit] ?? {};
    if (key !== "") keys.set(key, { amount, posted: false });
    return refused(culprit, "insufficient_funds");
  }
  const seen = new Set<string>();
  return members.map(({ key, amount }) => {
    const again = key !== "" && seen.has(key);
    seen.add(key);
    if (key !== "") keys.set(key, { amount, posted: true });
    return again ? "posted again" : "posted";
  });
}

interface BatchResult {
  readonly transfer?: object;
  readonly error?: { readonly code: string; readonly meta: Readonly<Record<string, string>> };
  readonly replayed: boolean;
}

function verdictOf({ transfer, error, replayed }: BatchResult): string {
  const what = transfer === undefined ? [error?.meta["reason"] ?? error?.code, error?.meta["index"]] : ["posted"];
  return [...what, replayed ? "again" : undefined].filter((part) => part !== undefined).join(" ");
}

async function send(service: TestService, members: readonly Member[], atomic: boolean): Promise<string[]> {
  const { status, body } = await service.call("BatchCreateTransfers", { transfers: members.map(requestOf), atomic });
  return status === 200 ? body.results.map(verdictOf) : [body.msg];
}

const balance = async () => Number((await one.call("GetAccount", { id: from })).body.balance);

/** What each member would be told alone now: a dry run tells what its key stands for and changes nothing. */
async function toldAlone(members: readonly Member[]): Promise<string[]> {
  const told: string[] = [];
  for (const member of members) told.push(...(await send(one, [{ ...member, dry: true }], false)));
  return told;
}

function combinations(length: number, allowed: readonly State[]): State[][] {
  if (length === 0) return [[]];
  return combinations(length - 1, allowed).flatMap((group) =>
    allowed.flatMap((state) => {
      const repeats = state === "same" || state === "different";
      // There must be a key to repeat, and a dry run has its own.
      const before = group.at(-1);
      return repeats && (before === undefined || before === "keyless" || before === "dry") ? [] : [[...group, state]];
    }),
  );
}

const movedBy = (members: readonly Member[], verdicts: readonly string[]) =>
  members.reduce((sum, { amount, dry }, index) => sum + (verdicts[index] === "posted" && !dry ? amount : 0), 0);

describe.each([
  ["independent", false],
  ["atomic", true],
] as const)("an %s group", (_, atomic) => {
  const isAllowed = (group: readonly State[]) =>
    // Of an atomic batch all or none are dry runs.
    !atomic || group.every((state) => state === "dry") || !group.includes("dry");

  test.each([2, 3])(
    "of %i members answers every combination of keys by the rules, and leaves the keys so",
    async (length) => {
      const groups = combinations(length, states).filter(isAllowed);
      expect(groups.length).toBeGreaterThan(length === 2 ? 40 : 250);
      for (const group of groups) {
        const { members, keys } = await prepare(group);
        const expected = atomic ? decideTogether(members, new Map(keys)) : decideEach(members, new Map(keys));
        const left = new Map(keys);
        if (!members.every(({ dry }) => dry)) (atomic ? decideTogether : decideEach)(members, left);
        const before = await balance();

        // The rehearsal of the whole group says what will happen, and leaves no trace.
        const isReal = members.every(({ dry }) => !dry);
        if (isReal && runs % 7 === 0) {
          const rows = await rowsDigest(database.pool);
          const rehearsal = members.map((member) => ({ ...member, dry: true }));
          expect(await send(one, rehearsal, atomic), `rehearsal of ${group}`).toEqual(expected);
          expect(await rowsDigest(database.pool), `rows after the rehearsal of ${group}`).toEqual(rows);
        }

        expect(await send(one, members, atomic), `${group}`).toEqual(expected);
        expect(before - (await balance()), `money moved by ${group}`).toBe(movedBy(members, expected));
        const alone = members.map((member) => decide(member, new Map(left)));
        expect(await toldAlone(members), `keys after ${group}`).toEqual(alone);
      }
    },
    240_000,
  );

  test("sent to two servers at once is decided once", async () => {
    const groups = combinations(2, ["new", "unpayable", "posted", "refused", "reused", "same", "different"]);
    for (const group of groups) {
      const { members, keys } = await prepare(group);
      const rules = atomic ? decideTogether : decideEach;
      const first = rules(members, keys);
      const second = rules(members, keys);
      const before = await balance();
      const answers = await Promise.all([send(one, members, atomic), send(other, members, atomic)]);
      expect(answers.map(String).sort(), `${group}`).toEqual([first, second].map(String).sort());
      expect(before - (await balance()), `money moved by ${group}`).toBe(movedBy(members, first));
    }
  }, 120_000);
});

test("in a mixed batch, dry runs see all members before them and real transfers only real ones", async () => {
  const a = await openFunded(one, "alice", 100);
  const b = await openAccount(one, "alice");
  const move = (debit: string, credit: string, amount: number, dry_run = false) => ({
    debit_account_id: debit,
    credit_account_id: credit,
    amount,
    dry_run,
  });
  const transfers = [
    move(a, b, 100, true), // would take all
    move(a, b, 30), // does not see that
    move(a, b, 1, true), // sees both: nothing is left
    move(b, a, 100, true), // sees the 100 that were only tried
    move(b, a, 100), // there are 30
  ];
  const { body } = await one.call("BatchCreateTransfers", { transfers });
  expect(body.results.map(verdictOf)).toEqual([
    "posted",
    "posted",
    "insufficient_funds",
    "posted",
    "insufficient_funds",
  ]);
  expect((await one.call("GetAccount", { id: a })).body.balance).toBe("70");
});

test("a mistake in a request leaves its key free, whenever it is found", async () => {
  const move = { debit_account_id: from, credit_account_id: to, amount: 1 };
  const past = "2020-01-01T00:00:00Z";
  const future = "2099-01-01T00:00:00Z";
  const late = await one.call("CreateTransfer", { ...move, pending: true, expires_at: past, idempotency_key: "late" });
  expect(late.body).toMatchObject({ code: "invalid_argument", meta: { argument: "expires_at" } });
  const held = await one.call("CreateTransfer", {
    ...move,
    pending: true,
    expires_at: future,
    idempotency_key: "late",
  });
  expect(held.body).toMatchObject({ state: "TRANSFER_STATE_PENDING" });

  const capture = (amount: number) =>
    one.call("CaptureTransfer", { id: held.body.id, amount, idempotency_key: "capture" });
  expect((await capture(2)).body).toMatchObject({ code: "invalid_argument", meta: { argument: "amount" } });
  expect((await capture(1)).body).toMatchObject({ state: "TRANSFER_STATE_CAPTURED" });

  const member = { ...move, pending: true, expires_at: past, idempotency_key: "member" };
  for (const atomic of [false, true]) {
    const { body } = await one.call("BatchCreateTransfers", { transfers: [move, member], atomic });
    expect(body.results[1].error).toMatchObject({
      code: "invalid_argument",
      meta: { argument: "transfers[1].expires_at" },
    });
  }
  const { body: posted } = await one.call("CreateTransfer", { ...move, idempotency_key: "member" });
  expect(posted).toMatchObject({ state: "TRANSFER_STATE_POSTED" });
});

test("a broken floor is reported at the last member that lowers the account; the keys of members that raise it stay free", async () => {
  const empty = await openAccount(one, "alice");
  const rich = await openFunded(one, "alice", 100);
  const members = [
    { debit_account_id: empty, credit_account_id: to, amount: 10, idempotency_key: "lowers" },
    { debit_account_id: rich, credit_account_id: empty, amount: 3, idempotency_key: "raises" },
  ];
  const { body } = await one.call("BatchCreateTransfers", { transfers: members, atomic: true });
  expect(body.results.map(verdictOf)).toEqual(["insufficient_funds", "batch_refused 0"]);
  expect((await one.call("CreateTransfer", members[1] ?? {})).status).toBe(200);
});

test("whether another caller's account can be credited is checked last, in a group too", async () => {
  const alice = await one.token("alice");
  const poor = await openAccount(one, "alice");
  const asset = await openAccount(one, "bob", { type: "ACCOUNT_TYPE_ASSET" });
  const pay = { debit_account_id: poor, credit_account_id: asset, amount: 1 };
  for (const atomic of [false, true]) {
    const { body } = await one.call("BatchCreateTransfers", { transfers: [pay], atomic }, alice);
    expect(body.results.map(verdictOf)).toEqual(["insufficient_funds"]);
  }
});

test("a dry run gives no id to a transfer that was not posted", async () => {
  const bank = await openAccount(one, "bank", { unlimited_overdraft: true });
  const poor = await openAccount(one, "alice");
  const pay = { debit_account_id: poor, credit_account_id: to, amount: 100, idempotency_key: "only tried" };
  const fund = { debit_account_id: bank, credit_account_id: poor, amount: 100, dry_run: true };
  const { body } = await one.call("BatchCreateTransfers", { transfers: [fund, pay, { ...pay, dry_run: true }] });
  expect(body.results.map(verdictOf)).toEqual(["posted", "insufficient_funds", "posted again"]);
  expect(body.results[2].transfer.id).toBe("0");
});
