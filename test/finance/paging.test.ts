import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { findingsOf, openAccount, openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

/** Two servers on one database, so that ids, times and commits of their postings interleave. */
let database: TestDatabase;
let servers: TestService[];
let reader: TestService;
let alice: string;
let mine: string;
let others: string[];

const WRITERS = 6;
const BEFORE = 60;
/** Even a writer that outruns the reader comes to an end. */
const ROUNDS_MAX = 500;

beforeAll(async () => {
  database = await createTestDatabase();
  servers = [await startTestService({}, { database }), await startTestService({}, { database })];
  reader = await startTestService({}, { database });
  alice = await reader.token("alice");
  mine = await openFunded(reader, "alice", 1_000_000);
  others = [];
  for (let index = 0; index < 3; index += 1)
    others.push(await openFunded(reader, index === 0 ? "alice" : "bob", 1_000_000));
});
afterAll(async () => {
  expect(await findingsOf(database.pool)).toEqual([]);
  for (const server of [...servers, reader]) await server.close();
  await database.drop();
});

/** Posts, holds, captures and opens at both servers for as long as `work` takes. */
async function whileOthersWrite<T>(work: () => Promise<T>): Promise<T> {
  let writing = true;
  let written = 0;
  const write = async (writer: number) => {
    for (let round = 0; writing && round < ROUNDS_MAX; round += 1) {
      const server = servers[writer % servers.length] ?? reader;
      const other = others[(writer + round) % others.length];
      const move =
        round % 2 === 0
          ? { debit_account_id: mine, credit_account_id: other }
          : { debit_account_id: other, credit_account_id: mine };
      const pending = round % 3 === 0;
      const { status, body } = await server.call("CreateTransfer", { ...move, amount: 1, pending });
      expect(status).toBe(200);
      if (pending && round % 2 === 0) await server.call("CaptureTransfer", { id: body.id });
      if (round % 4 === 0) await openAccount(server, "alice");
      written += 1;
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
  try {
    const result = await work();
    expect(written).toBeGreaterThan(0);
    return result;
  } finally {
    writing = false;
    await Promise.all(writers);
  }
}

/** Everything a method lists, page by page. */
async function allPages<Row>(method: string, request: object, rows: string, token?: string): Promise<Row[]> {
  const all: Row[] = [];
  let page_token = "";
  do {
    const { status, body } = await reader.call(method, { ...request, page_size: 11, page_token }, token);
    expect(status).toBe(200);
    all.push(...body[rows]);
    page_token = body.next_page_token;
  } while (page_token !== "");
  return all;
}

/** Writes until enough is committed, then goes on writing while `list` pages; gives what was committed before it began. */
async function listedUnderWriters(
  committed: () => Promise<bigint[]>,
  list: () => Promise<bigint[]>,
): Promise<{ before: bigint[]; listed: bigint[] }> {
  return await whileOthersWrite(async () => {
    let before = await committed();
    while (before.length < BEFORE) before = await committed();
    return { before, listed: await list() };
  });
}

const column = (sql: string) => async () => {
  const { rows } = await database.pool.query<{ id: bigint }>(sql);
  return rows.map(({ id }) => id);
};
const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => BigInt(id));
const rising = (ids: readonly bigint[]) => [...new Set(ids)].sort((a, b) => (a < b ? -1 : 1));

test.each([
  ["oldest first", false],
  ["newest first", true],
])("ListEntries, %s, gives every entry from before its first page once and in order", async (_, newest_first) => {
  const { before, listed } = await listedUnderWriters(
    column(`select sequence as id from entry where account_id = ${mine}`),
    async () => {
      const entries = await allPages<{ sequence: string }>(
        "ListEntries",
        { account_id: mine, newest_first },
        "entries",
      );
      return entries.map(({ sequence }) => BigInt(sequence));
    },
  );
  const inOrder = newest_first ? rising(listed).reverse() : rising(listed);
  expect(listed).toEqual(inOrder);
  expect(before.filter((sequence) => !listed.includes(sequence))).toEqual([]);
});

test.each([
  ["of an account", () => ({ account_id: mine }), () => undefined],
  ["of the owner's own account", () => ({ account_id: mine }), () => alice],
  ["of all accounts of an owner", () => ({}), () => alice],
  ["of all", () => ({}), () => undefined],
  [
    "of an account that were posted at once",
    () => ({ account_id: mine, state: "TRANSFER_STATE_POSTED" }),
    () => undefined,
  ],
])(
  "ListTransfers %s gives every transfer from before its first page once and newest first",
  async (_, filter, token) => {
    const posted = "state" in filter() ? "and not pending" : "";
    const touched =
      "account_id" in filter()
        ? `${mine} in (debit_account_id, credit_account_id)`
        : token() === undefined
          ? "true"
          : "exists (select from account a where a.id in (debit_account_id, credit_account_id) and owner = 'alice')";
    const { before, listed } = await listedUnderWriters(
      column(`select id from transfer where ${touched} ${posted}`),
      async () => idsOf(await allPages("ListTransfers", filter(), "transfers", token())),
    );
    expect(listed).toEqual(rising(listed).reverse());
    expect(before.filter((id) => !listed.includes(id))).toEqual([]);
  },
);

test.each([
  ["for an admin", () => undefined],
  ["for an owner", () => alice],
])("ListAccounts %s gives every account from before its first page once and in id order", async (_, token) => {
  const { before, listed } = await listedUnderWriters(
    column(`select id from account where ${token() === undefined ? "true" : "owner = 'alice'"}`),
    async () => idsOf(await allPages("ListAccounts", {}, "accounts", token())),
  );
  expect(listed).toEqual(rising(listed));
  expect(before.filter((id) => !listed.includes(id))).toEqual([]);
});
