/**
 * Two servers post at the same time, and the feed tells in which order: the model, which does one thing after the other,
 * accepts the events in their order and comes to the same balances.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { seededRandom } from "../setup/random.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";
import { Follower } from "./follower.ts";
import { type Action, at, Model } from "./model.ts";

// biome-ignore lint/suspicious/noExplicitAny: messages in JSON, as tests read them.
type Json = any;

const root = { subject: "root", admin: true };

let database: TestDatabase;
let servers: TestService[];

beforeAll(async () => {
  database = await createTestDatabase();
  servers = [await startTestService({}, { database }), await startTestService({}, { database })];
});
afterAll(async () => {
  expect(await findingsOf(database.pool)).toEqual([]);
  for (const server of servers) await server.close();
  await database.drop();
});

/** The model's ledger, made of events alone. */
class Replay {
  readonly model = new Model();
  readonly #accounts: string[] = [];
  readonly #transfers: string[] = [];

  apply(event: Json): void {
    const count = this.model.events.length;
    expect([event.id, this.#verdictOf(event)]).toEqual([event.id, "ok"]);
    if (event.type === "EVENT_TYPE_ACCOUNT_CREATED") return;
    expect(this.model.events).toHaveLength(count + 1);
    const { changes, entries } = at(this.model.events, count);
    expect(event.account_changes).toMatchObject(changes);
    expect(event.entries).toMatchObject(
      entries.map(({ account, amount, balance }) => ({
        account_id: at(this.#accounts, account),
        amount: `${amount}`,
        balance_after: `${balance}`,
      })),
    );
  }

  #verdictOf({ type, account, account_changes, transfer }: Json): string {
    if (type === "EVENT_TYPE_ACCOUNT_CREATED") {
      this.#accounts.push(account.id);
      this.model.accounts.push({
        debitNormal: account.type === "ACCOUNT_TYPE_ASSET",
        owner: account.owner,
        ...{ debits: 0n, credits: 0n, heldDebits: 0n, heldCredits: 0n },
        limit: BigInt(account.overdraft_limit),
        unlimited: account.unlimited_overdraft,
        frozen: false,
        name: account.name,
        metadata: account.metadata,
      });
      return "ok";
    }
    if (type === "EVENT_TYPE_ACCOUNT_UPDATED") {
      const [{ field, after }] = account_changes;
      const update = field === "name" ? { name: after } : { limit: BigInt(after) };
      return this.model.update(root, this.#accounts.indexOf(account.id), update);
    }
    const action = this.#actionOf(type, transfer);
    return this.model.single(root, { action, key: undefined, dryRun: false }).verdict;
  }

  #actionOf(type: string, transfer: Json): Action {
    const index = this.#transfers.indexOf(transfer.id);
    // Only the clock decides when a hold expires; on the books an expiry is the same as a void.
    if (/VOIDED|EXPIRED/.test(type)) return { kind: "void", transfer: index };
    if (/CAPTURED/.test(type)) return { kind: "capture", transfer: index, amount: BigInt(transfer.captured_amount) };
    this.#transfers.push(transfer.id);
    const { reverses_transfer_id: reverses } = transfer;
    if (reverses !== "0") return { kind: "reverse", transfer: this.#transfers.indexOf(reverses) };
    return {
      kind: "move",
      debit: this.#accounts.indexOf(transfer.debit_account_id),
      credit: this.#accounts.indexOf(transfer.credit_account_id),
      amount: BigInt(transfer.amount),
      pending: type === "EVENT_TYPE_TRANSFER_HELD",
      expires: "never",
    };
  }
}

test("events are in an order in which the same calls, one after the other, have the same outcomes", async () => {
  const random = seededRandom(4);
  const below = (end: number) => Math.floor(random() * end);
  const server = () => at(servers, below(2));
  const follower = new Follower({ call: (...call) => server().call(...call) });
  const accounts = [await openAccount(server(), "bank", { type: "ACCOUNT_TYPE_ASSET", overdraft_limit: 100 })];
  for (const owner of ["alice", "bob", "carol"]) accounts.push(await openFunded(server(), owner, 150));
  const transfers: string[] = [];
  let posted = 0;

  let keys = 0;
  const keyed = () => {
    keys += 1;
    return { idempotency_key: `${keys}` };
  };
  const move = () => {
    const debit = below(accounts.length);
    const credit = (debit + 1 + below(accounts.length - 1)) % accounts.length;
    return {
      ...keyed(),
      debit_account_id: at(accounts, debit),
      credit_account_id: at(accounts, credit),
      amount: 1 + below(60),
      ...(random() < 0.4 && {
        pending: true,
        ...(random() < 0.5 && { expires_at: new Date(Date.now() + 100 + below(1500)).toISOString() }),
      }),
    };
  };
  const target = () => ({ ...keyed(), id: at(transfers, below(transfers.length)) });
  const calls: (() => [method: string, request: object])[] = [
    () => ["CreateTransfer", move()],
    () => ["BatchCreateTransfers", { transfers: Array.from({ length: 3 }, move) }],
    () => ["CaptureTransfer", { ...target(), ...(random() < 0.5 && { amount: 1 + below(20) }) }],
    () => ["VoidTransfer", target()],
    () => ["ReverseTransfer", target()],
    () => ["UpdateAccount", { id: at(accounts, below(accounts.length)), name: `Name ${below(1000)}` }],
    () => ["UpdateAccount", { id: at(accounts, 1 + below(3)), overdraft_limit: below(50) }],
  ];
  const work = async () => {
    for (let turn = 0; turn < 40; turn += 1) {
      const [method, request] = at(calls, transfers.length === 0 ? 0 : below(calls.length))();
      const { status, body } = await untilDecided(() => server().call(method, request));
      // Refused by the ledger's own rules, or done.
      if (status !== 200) expect(verdictOf({ status, body })).toMatch(REFUSALS);
      const made: Json[] =
        method === "BatchCreateTransfers" ? (body.results ?? []).map((r: Json) => r.transfer) : [body];
      if (method === "UpdateAccount") continue;
      for (const transfer of made) {
        if (status !== 200 || !transfer) continue;
        posted += 1;
        if (!transfers.includes(transfer.id)) transfers.push(transfer.id);
      }
    }
  };
  let isWorking = true;
  const working = Promise.all(Array.from({ length: 8 }, work)).finally(() => {
    isWorking = false;
  });
  const events: Json[] = [];
  while (isWorking) events.push(...(await follower.catchUp(() => 1 + below(30), 50)));
  await working;
  // A hold that expired during the comparison below would change what it compares.
  const isExpiring = ({ state, expires_at }: Json) => state === "TRANSFER_STATE_PENDING" && expires_at !== null;
  do events.push(...(await follower.catchUp(() => 1 + below(30), 50)));
  while ([...follower.transfers.values()].some(isExpiring));

  const replay = new Replay();
  for (const event of events) replay.apply(event);
  const isSettlement = ({ type }: Json) => /CAPTURED|VOIDED/.test(type);
  const isNew = ({ type }: Json) => /POSTED|HELD/.test(type);
  const funding = 3;
  expect(events.filter((event) => isSettlement(event) || isNew(event))).toHaveLength(posted + funding);
  const states = new Set([...follower.transfers.values()].map(({ state }) => state));
  expect(states.size, "all that can happen to a hold has happened").toBeGreaterThanOrEqual(4);
  for (const [index, { id }] of [...follower.accounts.values()].map(({ settings }) => settings).entries()) {
    const { body } = await server().call("GetAccount", { id });
    expect([body.balance, body.available_balance]).toEqual([
      `${replay.model.balance(index)}`,
      `${replay.model.available(index)}`,
    ]);
  }
}, 60_000);

/** A server that is busy with other tests may give up; the key makes it safe to ask again. */
async function untilDecided(call: () => Promise<Reply>): Promise<Reply> {
  for (;;) {
    const reply = await call();
    if (reply.status !== 503) return reply;
  }
}

const REFUSALS =
  /^(insufficient_funds|transfer_expired|transfer_not_pending|transfer_not_posted|already_reversed|invalid_argument)$/;
