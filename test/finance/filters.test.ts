import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { microsOf, openAccount, openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let alice: string;
/** Two of alice's accounts, one of bob's, one of bob's that alice has nothing to do with. */
let accounts: { mine: string; second: string; bobs: string; apart: string };
let transfers: ListedTransfer[];
let opened: ListedAccount[];

interface ListedTransfer {
  readonly id: string;
  readonly debit_account_id: string;
  readonly credit_account_id: string;
  readonly amount: string;
  readonly state: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly settled_at: string | null;
}

interface ListedEntry {
  readonly sequence: string;
  readonly transfer_id: string;
  readonly counterparty_account_id: string;
  readonly amount: string;
  readonly created_at: string;
}

interface ListedAccount {
  readonly id: string;
  readonly owner: string;
  readonly type: string;
  readonly currency: string;
  readonly status: string;
  readonly name: string;
}

beforeAll(async () => {
  service = await startTestService();
  alice = await service.token("alice");
  accounts = {
    mine: await openFunded(service, "alice", 10_000),
    second: await openFunded(service, "alice", 10_000),
    bobs: await openFunded(service, "bob", 10_000),
    apart: await openFunded(service, "bob", 10_000),
  };
  const { mine, second, bobs, apart } = accounts;
  const pairs = [
    [mine, bobs],
    [bobs, mine],
    [mine, second],
    [second, bobs],
    [bobs, apart],
  ];
  const ids: string[] = [];
  for (let round = 0; round < 20; round += 1) {
    const [debit_account_id, credit_account_id] = pairs[round % pairs.length] ?? [];
    const move = { debit_account_id, credit_account_id, amount: 10 + (round % 4) * 10 };
    const metadata = {
      ...(round % 2 === 0 && { kind: "even" }),
      ...(round % 3 === 0 && { third: "yes" }),
    };
    const direct = await service.call("CreateTransfer", { ...move, metadata });
    ids.push(direct.body.id);
    const expires_at = round % 4 === 3 ? { expires_at: new Date(Date.now() + 3000).toISOString() } : {};
    const held = await service.call("CreateTransfer", { ...move, metadata, pending: true, ...expires_at });
    ids.push(held.body.id);
    if (round % 4 === 1) await service.call("VoidTransfer", { id: held.body.id });
    // Settled among later entries, with the older id of the hold.
    const earlier = ids.at(-5);
    if (round % 4 === 2 && earlier !== undefined) await service.call("CaptureTransfer", { id: earlier });
  }
  // Wait until all holds with an expiry have expired.
  const expiring = "select from hold where state = 2 and expires_at is not null";
  await vi.waitFor(async () => expect((await service.pool.query(expiring)).rows).toEqual([]), { timeout: 20_000 });

  const { rows } = await service.pool.query<{ id: bigint }>("select id from transfer order by id desc");
  transfers = await Promise.all(rows.map(async ({ id }) => (await service.call("GetTransfer", { id: `${id}` })).body));
  expect(new Set(transfers.map(({ state }) => state)).size).toBe(5);

  for (const [index, name] of ["A 1", "A 2", "A 10%", "B_1", "b 1"].entries()) {
    for (const owner of ["alice", "bob"]) {
      const type = index % 2 === 0 ? "ACCOUNT_TYPE_ASSET" : "ACCOUNT_TYPE_EXPENSE";
      const currency = index % 3 === 0 ? "EUR" : "USD";
      const id = await openAccount(service, owner, { name, type, currency });
      if (index % 2 === 1) await service.call("UpdateAccount", { id, status: "ACCOUNT_STATUS_FROZEN" });
      if (index === 2) await service.call("UpdateAccount", { id, status: "ACCOUNT_STATUS_CLOSED" });
    }
  }
  const { rows: all } = await service.pool.query<{ id: bigint }>("select id from account order by id");
  opened = await Promise.all(all.map(async ({ id }) => (await service.call("GetAccount", { id: `${id}` })).body));
}, 120_000);
afterAll(() => service.close());

/** Every choice of one value per field; an undefined value leaves its field out. */
function combinations(fields: Readonly<Record<string, readonly unknown[]>>): Record<string, unknown>[] {
  return Object.entries(fields).reduce<Record<string, unknown>[]>(
    (all, [field, values]) =>
      all.flatMap((one) => values.map((value) => (value === undefined ? one : { ...one, [field]: value }))),
    [{}],
  );
}

/** Follows the pages to their end. */
async function listAll(
  method: string,
  rows: string,
  request: object,
  token: string | undefined,
  server = service,
): Promise<string[]> {
  const all: string[] = [];
  let page_token = "";
  do {
    const { status, body } = await server.call(method, { ...request, page_token }, token);
    expect(status, JSON.stringify(body)).toBe(200);
    all.push(...body[rows].map((row: { id?: string; sequence?: string }) => row.id ?? row.sequence));
    page_token = body.next_page_token;
  } while (page_token !== "");
  return all;
}

/** Compares many requests with the model, some at a time. */
async function compareAll<Request extends object>(
  requests: readonly Request[],
  compare: (request: Request) => Promise<void>,
): Promise<void> {
  const left = [...requests];
  const work = async () => {
    for (let request = left.pop(); request !== undefined; request = left.pop()) await compare(request);
  };
  await Promise.all(Array.from({ length: 8 }, work));
}

const callers: [who: string, tokenOf: () => string | undefined, sees: (owner: string) => boolean][] = [
  ["an admin", () => undefined, () => true],
  ["an owner", () => alice, (owner) => owner === "alice"],
];

describe.each(callers)("for %s", (_, tokenOf, sees) => {
  test("every combination of ListTransfers' filters gives what a model keeps", async () => {
    const { mine, second, bobs, apart } = accounts;
    const owners = new Map(opened.map(({ id, owner }) => [id, owner]));
    const [late, early] = [transfers[12]?.created_at ?? "", transfers[32]?.created_at ?? ""];
    // Bounds that leave out some settlements at either end.
    const settlements = transfers
      .flatMap(({ settled_at }) => settled_at ?? [])
      .toSorted((a, b) => Number(microsOf(a) - microsOf(b)));
    const [settledEarly = "", settledLate = ""] = [settlements[4], settlements.at(-4)];
    expect(settlements.length).toBeGreaterThan(12);
    const requests = combinations({
      account_id: [undefined, mine, second, bobs, apart],
      state: [undefined, "POSTED", "PENDING", "CAPTURED", "VOIDED", "EXPIRED"].map(
        (state) => state && `TRANSFER_STATE_${state}`,
      ),
      created_after: [undefined, early],
      created_before: [undefined, late],
      settled_after: [undefined, settledEarly],
      settled_before: [undefined, settledLate],
      min_amount: [undefined, 20],
      max_amount: [undefined, 30],
      metadata: [undefined, { kind: "even" }, { kind: "even", third: "yes" }],
      page_size: [7],
    });
    expect(requests).toHaveLength(5 * 6 * 2 * 2 * 2 * 2 * 2 * 2 * 3);
    const expected = (filter: (typeof requests)[number]) =>
      transfers.filter((transfer) => {
        const { debit_account_id: debit, credit_account_id: credit, state, metadata } = transfer;
        const { account_id = debit } = filter;
        const created = microsOf(transfer.created_at);
        const settled = transfer.settled_at === null ? undefined : microsOf(transfer.settled_at);
        return (
          [debit, credit].some((id) => sees(owners.get(id) ?? "")) &&
          [debit, credit].some((id) => id === account_id) &&
          (filter["state"] ?? state) === state &&
          (filter["created_after"] === undefined || created >= microsOf(early)) &&
          (filter["created_before"] === undefined || created < microsOf(late)) &&
          (filter["settled_after"] === undefined || (settled !== undefined && settled >= microsOf(settledEarly))) &&
          (filter["settled_before"] === undefined || (settled !== undefined && settled < microsOf(settledLate))) &&
          Number(transfer.amount) >= Number(filter["min_amount"] ?? 0) &&
          Number(transfer.amount) <= Number(filter["max_amount"] ?? Number.POSITIVE_INFINITY) &&
          Object.entries(filter["metadata"] ?? {}).every(([key, value]) => metadata[key] === value)
        );
      });
    await compareAll(requests, async (request) => {
      const listed = await listAll("ListTransfers", "transfers", request, tokenOf());
      expect(listed, JSON.stringify(request)).toEqual(expected(request).map(({ id }) => id));
    });
  }, 300_000);

  test("transfers between two accounts are those that a model keeps", async () => {
    const { mine, second, bobs, apart } = accounts;
    const owners = new Map(opened.map(({ id, owner }) => [id, owner]));
    const requests = combinations({
      account_id: [mine, second, bobs, apart],
      counterparty_account_id: [mine, second, bobs, apart, "999999"],
      state: [undefined, "TRANSFER_STATE_POSTED", "TRANSFER_STATE_PENDING", "TRANSFER_STATE_CAPTURED"],
      created_before: [undefined, transfers[12]?.created_at],
      max_amount: [undefined, 20],
      page_size: [2, 1000],
    }).filter((request) => request["account_id"] !== request["counterparty_account_id"]);
    const expected = (filter: (typeof requests)[number]) =>
      transfers.filter((transfer) => {
        const sides = [transfer.debit_account_id, transfer.credit_account_id];
        const { created_before: before } = filter;
        return (
          sides.some((id) => sees(owners.get(id) ?? "")) &&
          sides.includes(`${filter["account_id"]}`) &&
          sides.includes(`${filter["counterparty_account_id"]}`) &&
          (filter["state"] ?? transfer.state) === transfer.state &&
          (typeof before !== "string" || microsOf(transfer.created_at) < microsOf(before)) &&
          Number(transfer.amount) <= Number(filter["max_amount"] ?? Number.POSITIVE_INFINITY)
        );
      });
    expect(requests.filter((request) => expected(request).length > 2).length).toBeGreaterThan(8);
    await compareAll(requests, async (request) => {
      const listed = await listAll("ListTransfers", "transfers", request, tokenOf());
      expect(listed, JSON.stringify(request)).toEqual(expected(request).map(({ id }) => id));
    });
  }, 300_000);

  test("every combination of ListAccounts' filters gives what a model keeps", async () => {
    const requests = combinations({
      owner: [undefined, "alice", "bob", "nobody"],
      type: [undefined, "ACCOUNT_TYPE_ASSET", "ACCOUNT_TYPE_EXPENSE"],
      currency: [undefined, "EUR", "USD"],
      status: [undefined, "OPEN", "FROZEN", "CLOSED"].map((status) => status && `ACCOUNT_STATUS_${status}`),
      name_prefix: [undefined, "A", "A 1", "B_", "%"],
      page_size: [3],
    });
    const expected = (filter: (typeof requests)[number]) =>
      opened.filter(
        (account) =>
          sees(account.owner) &&
          (["owner", "type", "currency", "status"] as const).every(
            (field) => (filter[field] ?? account[field]) === account[field],
          ) &&
          account.name.startsWith(String(filter["name_prefix"] ?? "")),
      );
    await compareAll(requests, async (request) => {
      const listed = await listAll("ListAccounts", "accounts", request, tokenOf());
      expect(listed, JSON.stringify(request)).toEqual(expected(request).map(({ id }) => id));
    });
  }, 300_000);
});

test.each<[who: string, subject: string | undefined, makers: ("admin" | "alice" | "bob")[]]>([
  ["an admin", undefined, ["admin", "alice", "bob"]],
  ["alice", "alice", ["alice"]],
  ["bob", "bob", ["bob"]],
  ["a stranger", "stranger", []],
])("%s finds by idempotency key what they made with it, an admin what anybody did", async (_, subject, makers) => {
  const { mine, bobs, second, apart } = accounts;
  const key = "found-by-key";
  const pay = async (debit_account_id: string, credit_account_id: string, token?: string): Promise<string> => {
    const request = { debit_account_id, credit_account_id, amount: 3, pending: true, idempotency_key: key };
    const { status, body } = await service.call("CreateTransfer", request, token);
    expect(status).toBe(200);
    return body.id;
  };
  const made = {
    admin: await pay(second, bobs),
    alice: await pay(mine, bobs, alice),
    bob: await pay(apart, bobs, await service.token("bob")),
  };
  const token = subject && (await service.token(subject));
  const find = (filter: object) =>
    listAll("ListTransfers", "transfers", { idempotency_key: key, page_size: 1, ...filter }, token);
  const own = makers.map((maker) => made[maker]).toSorted((a, b) => Number(b) - Number(a));
  expect(await find({})).toEqual(own);
  expect(await find({ idempotency_key: "found-by-KEY" })).toEqual([]);
  expect(await find({ state: "TRANSFER_STATE_PENDING", max_amount: 3 })).toEqual(own);
  expect(await find({ state: "TRANSFER_STATE_POSTED" })).toEqual([]);
  expect(await find({ settled_before: "2999-01-01T00:00:00Z" })).toEqual([]);
  expect(await find({ min_amount: 4 })).toEqual([]);
  expect(await find({ account_id: mine })).toEqual(own.filter((id) => id === made.alice));
});

test("a key that settled another caller's hold does not find the hold, so nobody learns that the keys are equal", async () => {
  const { mine, bobs } = accounts;
  const bob = await service.token("bob");
  const idempotency_key = "the same of both";
  const hold = { debit_account_id: mine, credit_account_id: bobs, amount: 1, pending: true, idempotency_key };
  const { body: held } = await service.call("CreateTransfer", hold, alice);
  const { status } = await service.call("VoidTransfer", { id: held.id, idempotency_key }, bob);
  expect(status).toBe(200);
  expect(await listAll("ListTransfers", "transfers", { idempotency_key }, bob)).toEqual([]);
  expect(await listAll("ListTransfers", "transfers", { idempotency_key }, alice)).toEqual([held.id]);
});

test("a former admin does not find the transfers of strangers that they made", async () => {
  const { mine, bobs } = accounts;
  const idempotency_key = "of a former admin";
  const was = await service.token("former", "finance.read finance.write finance.admin");
  const pay = { debit_account_id: mine, credit_account_id: bobs, amount: 1, idempotency_key };
  expect((await service.call("CreateTransfer", pay, was)).status).toBe(200);
  expect(await listAll("ListTransfers", "transfers", { idempotency_key }, was)).toHaveLength(1);
  const is = await service.token("former", "finance.read finance.write");
  expect(await listAll("ListTransfers", "transfers", { idempotency_key }, is)).toEqual([]);
});

test("every combination of ListEntries' filters gives what a model keeps", async () => {
  const { mine, second, bobs, apart } = accounts;
  const { body } = await service.call("ListEntries", { account_id: mine, page_size: 1000 });
  const entries: ListedEntry[] = body.entries;
  expect(entries.length).toBeGreaterThan(10);
  const metadataOf = new Map(transfers.map(({ id, metadata }) => [id, metadata]));
  const times = [
    undefined,
    "2001-01-01T00:00:00Z",
    entries[3]?.created_at,
    entries.at(-4)?.created_at,
    "2999-01-01T00:00:00Z",
  ];
  const requests = combinations({
    after: times,
    before: times,
    newest_first: [false, true],
    counterparty_account_id: [undefined, second, bobs, apart, "999999"],
    min_amount: [undefined, 20],
    max_amount: [undefined, 30],
    metadata: [undefined, { kind: "even" }],
    page_size: [2, 1000],
  });
  const expected = (filter: (typeof requests)[number]) => {
    const kept = entries.filter((entry) => {
      const created = microsOf(entry.created_at);
      const size = Math.abs(Number(entry.amount));
      const { after, before } = filter;
      return (
        (filter["counterparty_account_id"] ?? entry.counterparty_account_id) === entry.counterparty_account_id &&
        size >= Number(filter["min_amount"] ?? 0) &&
        size <= Number(filter["max_amount"] ?? Number.POSITIVE_INFINITY) &&
        Object.entries(filter["metadata"] ?? {}).every(
          ([key, value]) => metadataOf.get(entry.transfer_id)?.[key] === value,
        ) &&
        (typeof after !== "string" || created >= microsOf(after)) &&
        (typeof before !== "string" || created < microsOf(before))
      );
    });
    return filter["newest_first"] === true ? kept.toReversed() : kept;
  };
  await compareAll(requests, async (request) => {
    const listed = await listAll("ListEntries", "entries", { account_id: mine, ...request }, undefined);
    expect(listed, JSON.stringify(request)).toEqual(expected(request).map(({ sequence }) => sequence));
  });
});

test.each([
  ["ListTransfers", "created_after"],
  ["ListTransfers", "created_before"],
  ["ListTransfers", "settled_after"],
  ["ListTransfers", "settled_before"],
  ["ListEntries", "after"],
  ["ListEntries", "before"],
])("%s takes the last nanosecond of the year 9999 as %s", async (method, bound) => {
  const request = { account_id: accounts.mine, [bound]: "9999-12-31T23:59:59.999999999Z" };
  expect((await service.call(method, request, alice)).status).toBe(200);
});

test("a hold is EXPIRED from its time on, and counts as settled after it was settled", async () => {
  const unswept = await startTestService({}, { sweepIntervalMs: 3_600_000 });
  try {
    const from = await openFunded(unswept, "alice", 100);
    const expires_at = new Date(Date.now() + 300).toISOString();
    const hold = { debit_account_id: from, credit_account_id: await openAccount(unswept, "bob"), pending: true };
    const { body: expiring } = await unswept.call("CreateTransfer", { ...hold, amount: 1, expires_at });
    const { body: standing } = await unswept.call("CreateTransfer", { ...hold, amount: 2 });
    const idsOf = async (filter: object) => await listAll("ListTransfers", "transfers", filter, undefined, unswept);
    const state = "TRANSFER_STATE_EXPIRED";
    await vi.waitFor(async () => expect(await idsOf({ state })).toEqual([expiring.id]), {
      timeout: 10_000,
      interval: 10,
    });
    for (const account_id of [undefined, from]) {
      expect(await idsOf({ account_id, settled_after: expires_at })).toEqual([]);
      expect(await idsOf({ account_id, settled_before: "2999-01-01T00:00:00Z" })).toEqual([]);
      expect(await idsOf({ account_id, state: "TRANSFER_STATE_PENDING" })).toEqual([standing.id]);
    }
    await unswept.ledger.expiry.settle();
    const { body: settled } = await unswept.call("GetTransfer", { id: expiring.id });
    expect(microsOf(settled.settled_at)).toBeGreaterThan(microsOf(expires_at));
    for (const account_id of [undefined, from]) {
      expect(await idsOf({ account_id, settled_after: settled.settled_at })).toEqual([expiring.id]);
      expect(await idsOf({ account_id, settled_after: settled.settled_at, state })).toEqual([expiring.id]);
      expect(await idsOf({ account_id, settled_before: settled.settled_at })).toEqual([]);
      expect(await idsOf({ account_id, settled_before: "2999-01-01T00:00:00Z" })).toEqual([expiring.id]);
    }
  } finally {
    await unswept.close();
  }
});

describe("an owner of very many accounts", () => {
  /** More than are walked one by one. */
  const MANY = 201;
  let carol: string;

  async function openMany(count: number): Promise<void> {
    await service.pool.query(
      `with opened as (
         insert into account (name, owner, type, currency, created_at)
         select 'Many', 'carol', 2, 'USD', clock_timestamp() from generate_series(1, $1::int)
         returning id, created_at
       )
       insert into account_balance (account_id, debit_normal, unlimited_overdraft, updated_at)
       select id, false, true, created_at from opened`,
      [count],
    );
  }

  async function pay(count: number): Promise<void> {
    const { rows } = await service.pool.query<{ id: bigint }>(
      "select id from account where owner = 'carol' order by id",
    );
    for (let index = 0; index < count; index += 1) {
      const debit_account_id = `${rows.at(-1 - (index % rows.length))?.id}`;
      const move = { debit_account_id, credit_account_id: accounts.bobs, amount: 1 + index, pending: index % 3 === 0 };
      expect((await service.call("CreateTransfer", move)).status).toBe(200);
    }
  }

  async function carols(): Promise<string[]> {
    const { rows } = await service.pool.query<{ id: bigint }>(
      `select id
         from transfer
        where exists (select from account
                       where id in (debit_account_id, credit_account_id)
                         and owner = 'carol')
        order by id desc`,
    );
    return rows.map(({ id }) => `${id}`);
  }

  test("gets all of them, also when accounts are added between two pages", async () => {
    carol = await service.token("carol");
    await openMany(3);
    await pay(12);
    const before = await carols();
    const { body: first } = await service.call("ListTransfers", { page_size: 5 }, carol);
    await openMany(MANY);
    const ids = [...first.transfers].map(({ id }: { id: string }) => id);
    let page_token = first.next_page_token;
    while (page_token !== "") {
      const { body } = await service.call("ListTransfers", { page_size: 5, page_token }, carol);
      ids.push(...body.transfers.map(({ id }: { id: string }) => id));
      page_token = body.next_page_token;
    }
    expect(ids).toEqual(before);

    await pay(12);
    const after = await carols();
    expect(after).toHaveLength(24);
    expect(await listAll("ListTransfers", "transfers", { page_size: 5 }, carol)).toEqual(after);
    const held = await listAll("ListTransfers", "transfers", { page_size: 5, state: "TRANSFER_STATE_PENDING" }, carol);
    expect(held).toHaveLength(8);
    const shared = { page_size: 5, account_id: accounts.bobs };
    expect(await listAll("ListTransfers", "transfers", shared, carol)).toEqual(after);
  });
});
