/**
 * A year of demo data: a small payment platform with two customers and a shop, in dollars and euros.
 *
 * All postings go through the ledger itself, hour by hour with the clock of that hour, so its rules apply. The year is the
 * same on every machine: the amounts come from a seeded generator.
 */
import type { ClientBase, Pool } from "pg";
import { AccountType } from "../../generated/server/finance/v1/account.ts";
import { withTransaction } from "../database/index.ts";
import { isRefusal } from "./errors.ts";
import type { Actor } from "./policy.ts";
import { postWithin } from "./posting/batch.ts";
import type { Posting } from "./posting/posting.ts";
import { type FeedMember, insertFeedRows } from "./posting/statements.ts";
import { insertAccount } from "./records/accounts.ts";
import { joinWriters } from "./records/final-time.ts";
import type { NewAccount } from "./validation.ts";
import { type AccountId, accountId, type Micros, type Minor } from "./values.ts";

const PLATFORM: Actor = { subject: "platform", admin: true };

const DAYS = 365;
const DAY_MS = 86_400_000;
const MICROS_PER_MS = 1000n;

const ids = {
  dollarsAtBank: accountId(1n),
  equity: accountId(2n),
  fees: accountId(3n),
  alice: accountId(4n),
  bob: accountId(5n),
  grocery: accountId(6n),
  eurosAtBank: accountId(7n),
  aliceSavings: accountId(8n),
};

type DemoAccount = Pick<NewAccount, "name" | "type" | "currency"> & {
  readonly owner: string;
  readonly unlimited?: true;
};

// In id order.
const accounts: readonly DemoAccount[] = [
  { name: "Settlement bank, dollars", type: AccountType.ASSET, currency: "USD", owner: "platform", unlimited: true },
  { name: "Owners' equity", type: AccountType.EQUITY, currency: "USD", owner: "platform", unlimited: true },
  { name: "Fee income", type: AccountType.INCOME, currency: "USD", owner: "platform" },
  { name: "Alice, everyday", type: AccountType.LIABILITY, currency: "USD", owner: "alice" },
  { name: "Bob, everyday", type: AccountType.LIABILITY, currency: "USD", owner: "bob" },
  { name: "Corner Grocery", type: AccountType.LIABILITY, currency: "USD", owner: "corner-grocery" },
  { name: "Settlement bank, euros", type: AccountType.ASSET, currency: "EUR", owner: "platform", unlimited: true },
  { name: "Alice, savings in euros", type: AccountType.LIABILITY, currency: "EUR", owner: "alice" },
];

interface DemoTransfer {
  readonly hour: number;
  readonly debit: AccountId;
  readonly credit: AccountId;
  readonly amount: Minor;
  readonly description: string;
  readonly category: string;
}

/** The number of an advisory lock: the application's role may not lock a table. */
const SEEDING_LOCK = 8_157_030_411;

/**
 * Opens accounts 1 to 8 and posts a year of transfers up to yesterday, all or nothing, if the ledger has no accounts.
 *
 * @param onStart called if there is something to do, which takes seconds.
 * @returns the number of transfers; 0 if the ledger is in use.
 */
export async function seedDemoData(pool: Pool, now: Date, onStart?: () => void): Promise<number> {
  return await withTransaction(pool, async (client) => {
    // If two processes start at once, the second one waits here and then finds the accounts of the first.
    await client.query("select pg_advisory_xact_lock($1)", [SEEDING_LOCK]);
    await client.query(joinWriters);
    const { rowCount } = await client.query("select from account limit 1");
    if (rowCount !== 0) return 0;
    onStart?.();
    const firstDay = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()) - DAYS * DAY_MS;
    for (const { unlimited = false, ...account } of accounts) {
      const opened = { ...account, overdraftLimit: 0n, unlimitedOverdraft: unlimited, metadata: {} };
      await insertAccount(client, opened, { subject: PLATFORM.subject }, toMicros(firstDay));
    }
    const year = demoYear(firstDay);
    const members: FeedMember[] = [];
    for (const { midnight, transfers } of year) await postDay(client, midnight, transfers, members);
    for (const row of insertFeedRows(members)) await client.query(row);
    return year.reduce((count, { transfers }) => count + transfers.length, 0);
  });
}

async function postDay(
  client: ClientBase,
  midnight: number,
  transfers: readonly DemoTransfer[],
  members: FeedMember[],
): Promise<void> {
  for (const hour of new Set(transfers.map((transfer) => transfer.hour))) {
    const postings = transfers.filter((transfer) => transfer.hour === hour).map(toPosting);
    const clock = toMicros(midnight + hour * 3_600_000);
    const outcomes = await postWithin(client, [{ postings, atomic: false }], clock, members);
    for (const { result } of outcomes.flat()) {
      if (isRefusal(result)) throw new Error(`the demo data does not add up: ${result.msg}`);
    }
  }
}

/** The year's transfers by day, in the order of their hours. */
function demoYear(firstDay: number): { midnight: number; transfers: DemoTransfer[] }[] {
  const life = { random: seededRandom(9707), takings: 0n };
  return Array.from({ length: DAYS }, (_, day) => {
    const midnight = firstDay + day * DAY_MS;
    return { midnight, transfers: transfersOf(new Date(midnight), day, life).sort((a, b) => a.hour - b.hour) };
  });
}

/** @param life the state from day to day: the random numbers, and the money of the shop. */
function transfersOf(date: Date, day: number, life: { random: () => number; takings: Minor }): DemoTransfer[] {
  const { random } = life;
  const dollars = (least: number, most: number) => BigInt(Math.round((least + (most - least) * random()) * 100));
  const { dollarsAtBank, equity, fees, alice, bob, grocery, eurosAtBank, aliceSavings } = ids;
  const dayOfMonth = date.getUTCDate();
  const weekday = date.getUTCDay();
  const transfers: DemoTransfer[] = [];
  const add = (
    hour: number,
    debit: AccountId,
    credit: AccountId,
    amount: Minor,
    description: string,
    category: string,
  ) => transfers.push({ hour, debit, credit, amount, description, category });

  if (day === 0) {
    add(8, dollarsAtBank, equity, 25_000_000n, "Founders' capital", "capital");
    add(9, dollarsAtBank, alice, 420_000n, "Opening transfer", "top-up");
    add(9, dollarsAtBank, bob, 310_000n, "Opening transfer", "top-up");
  }
  if (dayOfMonth === 25) add(9, dollarsAtBank, alice, 385_000n, "Salary, Harbour Design", "salary");
  if (dayOfMonth === 28) add(9, dollarsAtBank, bob, 310_000n, "Salary, City Library", "salary");
  if (dayOfMonth === 1 && day > 0) {
    add(7, alice, dollarsAtBank, 142_000n, "Rent", "housing");
    add(7, bob, dollarsAtBank, 118_000n, "Rent", "housing");
  }
  if (dayOfMonth === 3) add(10, alice, dollarsAtBank, dollars(55, 110), "Electricity and water", "utilities");
  if (dayOfMonth === 26) add(11, eurosAtBank, aliceSavings, dollars(150, 350), "Monthly saving", "savings");
  if ([1, 3, 6].includes(weekday)) buyGroceries(alice, 18, dollars(18, 84));
  if ([2, 5].includes(weekday)) buyGroceries(bob, 19, dollars(12, 66));
  if (weekday !== 0 && random() < 0.35) buyGroceries(random() < 0.5 ? alice : bob, 12, dollars(4, 14));
  if (random() < 0.09) add(21, alice, bob, dollars(8, 45), "Dinner, shared", "friends");
  if (random() < 0.06) add(21, bob, alice, dollars(8, 40), "Concert ticket", "friends");
  if (weekday === 5) payOut();
  return transfers;

  function buyGroceries(customer: AccountId, hour: number, amount: Minor): void {
    const fee = amount / 40n + 10n;
    life.takings += amount - fee;
    add(hour, customer, grocery, amount, "Corner Grocery", "groceries");
    add(hour, grocery, fees, fee, "Card fee, 2.5% + 10 cents", "fee");
  }

  function payOut(): void {
    const payout = (life.takings * 4n) / 5n;
    if (payout === 0n) return;
    life.takings -= payout;
    add(23, grocery, dollarsAtBank, payout, "Weekly payout", "payout");
  }
}

function toPosting({ debit, credit, amount, description, category }: DemoTransfer): Posting {
  const transfer = {
    debitAccountId: debit,
    creditAccountId: credit,
    amount,
    description,
    metadata: { category },
    effectiveAt: undefined,
    pending: false,
    expiresAt: undefined,
  };
  return { command: { kind: "create", transfer }, actor: PLATFORM, claim: undefined, dryRun: false, path: "" };
}

function toMicros(milliseconds: number): Micros {
  return BigInt(milliseconds) * MICROS_PER_MS;
}

/** Numbers from 0 up to 1 (a linear congruential generator modulo 2^32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
