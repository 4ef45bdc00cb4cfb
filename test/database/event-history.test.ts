/**
 * The order that migration 0005 gives to a history with equal times. Version 0.1.0 gave one time to a whole batch, and to all
 * batches while the clock was behind; within it, only the sequences say what came first.
 */
import { afterAll, describe, expect, test } from "vitest";
import type { TestDatabase } from "../setup/database.ts";
import { findingsOf } from "../setup/ledger.ts";
import { createOldLedger, upgrade } from "./old-ledger.ts";

/** Something that happened, in the order in which it did. */
interface Step {
  /** Milliseconds. */
  readonly at: number;
  readonly kind: "post" | "hold" | "capture" | "void";
  readonly transfer: number;
  /** Debited and credited account; those of the hold for its capture or void. */
  readonly accounts: readonly [debit: number, credit: number];
}

const START_MS = Date.UTC(2026, 0, 1);

/** The rows of a ledger of version 0.1.0 in which these steps happened. Each moves 1. */
function ledgerOf(steps: readonly Step[]): string {
  const time = (ms: number) => new Date(START_MS + ms).toISOString();
  const account_balance = new Map<number, Record<string, unknown> & { sum: number; last_sequence: number }>();
  const transfer = new Map<number, Record<string, unknown>>();
  const hold = new Map<number, Record<string, unknown>>();
  const entry: object[] = [];
  const balanceOf = (account_id: number) => {
    const balance = account_balance.get(account_id) ?? {
      account_id,
      sum: 0,
      debits_posted: 0,
      credits_posted: 0,
      debits_pending: 0,
      credits_pending: 0,
      overdraft_limit: 0,
      last_sequence: 0,
      updated_at: time(0),
      status: 1,
      debit_normal: false,
      unlimited_overdraft: true,
    };
    account_balance.set(account_id, balance);
    return balance;
  };
  for (const { at, kind, transfer: id, accounts } of steps) {
    const created_at = time(at);
    const sides = [
      { balance: balanceOf(accounts[0]), amount: -1, posted: "debits_posted", pending: "debits_pending" },
      { balance: balanceOf(accounts[1]), amount: 1, posted: "credits_posted", pending: "credits_pending" },
    ];
    for (const { balance, amount, posted, pending } of sides) {
      balance["updated_at"] = created_at;
      if (kind !== "post") balance[pending] = Number(balance[pending]) + (kind === "hold" ? 1 : -1);
      if (kind !== "post" && kind !== "capture") continue;
      balance[posted] = Number(balance[posted]) + 1;
      balance.sum += amount;
      balance.last_sequence += 1;
      entry.push({
        account_id: balance["account_id"],
        sequence: balance.last_sequence,
        transfer_id: id,
        amount,
        balance_after: balance.sum,
        created_at,
      });
    }
    const parties = { debit_account_id: accounts[0], credit_account_id: accounts[1] };
    const balances = { debit_account_balance: sides[0]?.balance.sum, credit_account_balance: sides[1]?.balance.sum };
    if (kind === "post" || kind === "hold") {
      transfer.set(id, { id, ...parties, ...balances, amount: 1, created_at, pending: kind === "hold" });
      if (kind === "hold") hold.set(id, { transfer_id: id, ...parties, state: 2, captured_amount: 0 });
    } else {
      const captured = kind === "capture";
      const settled = { state: captured ? 3 : 4, captured_amount: captured ? 1 : 0, settled_at: created_at };
      hold.set(id, { ...hold.get(id), ...settled, ...balances });
    }
  }
  const account = [...account_balance.keys()].map((id) => ({
    id,
    name: "Wallet",
    owner: "alice",
    type: 2,
    currency: "USD",
    metadata: {},
    created_at: time(0),
  }));
  const tables = {
    account,
    account_balance: [...account_balance.values()],
    transfer: [...transfer.values()],
    hold: [...hold.values()],
    entry,
  };
  return JSON.stringify({ tables });
}

const databases: TestDatabase[] = [];
afterAll(async () => {
  for (const database of databases) await database.drop();
});

/** Upgrades a ledger in which these steps happened. @returns its transfers' events, as "capture 1". */
async function historyOf(steps: readonly Step[]): Promise<string[]> {
  const database = await createOldLedger(2, ledgerOf(steps));
  databases.push(database);
  await upgrade(database);
  expect(await findingsOf(database.pool)).toEqual([]);
  const { rows } = await database.pool.query<{ event: string }>(
    `select (array['post', 'hold', 'capture', 'void'])[e.type - 2] || ' ' || e.subject as event
       from feed f
      cross join lateral unnest(f.types, f.subjects) with ordinality as e (type, subject, ordinal)
      where e.type > 2
      order by f.position, e.ordinal`,
  );
  return rows.map(({ event }) => event);
}

/** Steps at 1 ms by their names, after holds of the given transfers at 0 ms. */
function atOneTime(accountsOf: Readonly<Record<number, readonly [number, number]>>, told: readonly string[]): Step[] {
  const steps = told.map((name): Step => {
    const [kind = "", id = ""] = name.split(" ");
    return { at: 1, kind: kind as Step["kind"], transfer: Number(id), accounts: accountsOf[Number(id)] ?? [0, 0] };
  });
  const placed = new Set(steps.filter(({ kind }) => kind === "hold").map(({ transfer }) => transfer));
  const holds = steps
    .filter(({ kind, transfer }) => kind !== "post" && !placed.has(transfer))
    .map(({ transfer, accounts }): Step => ({ at: 0, kind: "hold", transfer, accounts }))
    .sort((a, b) => a.transfer - b.transfer);
  return [...holds, ...steps];
}

describe("at one time, the order of positions is that of the sequences:", () => {
  test.each<[what: string, accounts: Record<number, [number, number]>, told: string[]]>([
    [
      "captures of old holds before and after a newer transfer of the account",
      { 1: [1, 2], 2: [1, 2], 3: [1, 2] },
      ["capture 2", "post 3", "capture 1"],
    ],
    [
      "a chain that goes from one account to the next",
      { 1: [3, 4], 2: [1, 2], 3: [2, 3], 4: [4, 5] },
      ["capture 2", "post 3", "capture 1", "post 4"],
    ],
    [
      "two chains of different lengths that meet",
      { 1: [1, 4], 2: [5, 4], 3: [1, 2], 4: [2, 3], 5: [3, 1] },
      ["capture 2", "post 3", "post 4", "post 5", "capture 1"],
    ],
    [
      "a hold that is placed and captured at that time",
      { 1: [1, 2], 2: [1, 2], 3: [1, 2] },
      ["post 2", "hold 3", "capture 1", "capture 3"],
    ],
  ])("%s", async (_, accounts, told) => {
    const history = await historyOf(atOneTime(accounts, told));
    const entries = (events: readonly string[]) => events.filter((event) => /^(?:post|capture)/.test(event));
    expect(entries(history)).toEqual(entries(told));
    for (const hold of history.filter((event) => event.startsWith("hold"))) {
      expect(history.indexOf(hold)).toBeLessThan(history.indexOf(hold.replace("hold", "capture")));
    }
  });
});

/** Numbers below `limit`, the same in each run (mulberry32). */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Random steps among few accounts, of which on average `perTime` share a time. */
function randomSteps(count: number, accounts: number, perTime: number): Step[] {
  const random = randomNumbers(count + perTime);
  const held: Step[] = [];
  const steps: Step[] = [];
  let at = 0;
  for (let transfer = 1; steps.length < count; ) {
    if (random(perTime) === 0) at += 1;
    const [hold] = random(5) < 2 ? held.splice(random(held.length + 1), 1) : [];
    if (hold !== undefined) {
      steps.push({ ...hold, at, kind: random(4) === 0 ? "void" : "capture" });
      continue;
    }
    const debit = random(accounts);
    const credit = (debit + 1 + random(accounts - 1)) % accounts;
    const step: Step = {
      at,
      kind: random(3) === 0 ? "hold" : "post",
      transfer,
      accounts: [debit + 1, credit + 1],
    };
    transfer += 1;
    steps.push(step);
    if (step.kind === "hold") held.push(step);
  }
  return steps;
}

describe("a random history keeps the order of each account", () => {
  test.each<[steps: number, accounts: number, perTime: number]>([
    [3000, 3, 4],
    [3000, 12, 50],
    // Chains of different lengths lead to each entry, so that visiting them one by one would take hours.
    [10_000, 4, 10_000],
  ])("%s steps on %s accounts, about %s at a time", async (count, accounts, perTime) => {
    const steps = randomSteps(count, accounts, perTime);
    const history = await historyOf(steps);
    const name = ({ kind, transfer }: Step) => `${kind} ${transfer}`;
    expect(history.toSorted()).toEqual(steps.map(name).toSorted());
    const position = new Map(history.map((event, index) => [event, index]));
    const early = steps.filter(
      ({ kind, transfer }) =>
        (kind === "capture" || kind === "void") &&
        (position.get(`${kind} ${transfer}`) ?? 0) < (position.get(`hold ${transfer}`) ?? 0),
    );
    expect(early).toEqual([]);
  });
});
