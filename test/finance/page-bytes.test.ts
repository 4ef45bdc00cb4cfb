import { afterAll, beforeAll, expect, test } from "vitest";
import { PAGE_BYTES_MAX } from "../../src/finance/records/page.ts";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

/** Half of these rows fill more than a page. */
const ROWS = 180;
/** 27 kB, nearly the most that a row's metadata may have in letters of one byte. */
const METADATA = Object.fromEntries(
  Array.from({ length: 50 }, (_, index) => [`key ${index}`.padEnd(40, "_"), "x".repeat(500)]),
);
/** 2000 bytes: letters of four bytes each. */
const DESCRIPTION = "😀".repeat(500);
const ENTRIES = Math.ceil((1.3 * PAGE_BYTES_MAX) / 2000);
/** A reply has names and punctuation in addition to the counted bytes. */
const REPLY_BYTES_MAX = 1.5 * PAGE_BYTES_MAX;

let service: TestService;
let alice: string;
let account: string;
let described: string;

beforeAll(async () => {
  service = await startTestService();
  alice = await service.token("alice");
  account = await openFunded(service, "alice", 1000, { metadata: METADATA });
  const to = await openAccount(service, "alice", { metadata: METADATA });
  const move = { debit_account_id: account, credit_account_id: to, amount: 1, metadata: METADATA };
  await post(Array.from({ length: ROWS }, (_, row) => ({ ...move, pending: row % 2 === 0 })));
  described = await openFunded(service, "bob", 10_000);
  const pay = { debit_account_id: described, credit_account_id: await openAccount(service, "bob"), amount: 1 };
  await post(Array.from({ length: ENTRIES }, () => ({ ...pay, description: DESCRIPTION })));
  for (let row = 0; row < ROWS / 2; row += 1) await openAccount(service, "alice", { metadata: METADATA });
}, 60_000);
afterAll(() => service.close());

async function post(transfers: readonly object[]): Promise<void> {
  for (let from = 0; from < transfers.length; from += 30) {
    const { status, body } = await service.call("BatchCreateTransfers", {
      transfers: transfers.slice(from, from + 30),
    });
    expect(status).toBe(200);
    expect(body.results.filter((result: object) => "error" in result)).toEqual([]);
  }
}

type Row = Readonly<Record<string, string>>;

/** Every page of a list, each with its rows. */
async function pagesOf(method: string, request: object, rows: string, token?: string): Promise<Row[][]> {
  const pages: Row[][] = [];
  let page_token = "";
  do {
    const { status, body } = await service.call(method, { ...request, page_token }, token);
    expect(status).toBe(200);
    pages.push(body[rows]);
    page_token = body.next_page_token;
  } while (page_token !== "");
  return pages;
}

test.each([
  ["ListAccounts", () => ({ owner: "alice" }), "accounts"],
  ["ListTransfers", () => ({ metadata: METADATA }), "transfers"],
  ["ListTransfers", () => ({ account_id: account }), "transfers"],
  ["ListTransfers", () => ({ account_id: account, state: "TRANSFER_STATE_PENDING" }), "transfers"],
  ["ListTransfers", () => ({ metadata: METADATA, state: "TRANSFER_STATE_PENDING" }), "transfers"],
  ["ListEntries", () => ({ account_id: described }), "entries"],
  ["ListEntries", () => ({ account_id: described, newest_first: true }), "entries"],
] as const)("%s ends a page at bytes, without a gap or a repeat", async (method, request, rows) => {
  for (const token of method === "ListEntries" ? [undefined] : [undefined, alice]) {
    const byBytes = await pagesOf(method, { ...request(), page_size: 1000 }, rows, token);
    const byRows = await pagesOf(method, { ...request(), page_size: 50 }, rows, token);
    expect(byBytes.length).toBeGreaterThan(1);
    expect(byBytes.flat()).toEqual(byRows.flat());
    expect(byBytes[0]?.length).toBeGreaterThan(50);
    for (const page of byBytes) {
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(REPLY_BYTES_MAX);
    }
    for (const page of byRows.slice(0, -1)) expect(page).toHaveLength(50);
  }
});

test("a page of a thousand ordinary rows is one page", async () => {
  const from = await openFunded(service, "carol", 10_000);
  const to = await openAccount(service, "carol");
  const metadata = { order: "4711", channel: "web" };
  const move = { debit_account_id: from, credit_account_id: to, amount: 1, description: "Rent for May", metadata };
  await post(Array.from({ length: 999 }, () => move));
  const [page] = await pagesOf("ListTransfers", { account_id: from, page_size: 1000 }, "transfers");
  expect(page).toHaveLength(1000);
});

test("ListEvents ends a page at the bytes of the caller's own events", async () => {
  const start = (await service.call("ListEvents", { from_end: true })).body.cursor;
  const [hers, his] = [await openAccount(service, "dora"), await openAccount(service, "eric")];
  // Each changes fifty fields with short texts, so the changes are much larger than the settings.
  await service.pool.query({
    text: `
with changed as (
  insert into account_change (account_id, sequence, name, status, overdraft_limit, unlimited_overdraft, metadata, changed_at)
  select id, number + 1, 'Wallet', 1, 0, false,
         (select jsonb_object_agg(key, number::text) from generate_series(1, 50) key), clock_timestamp()
    from unnest($1::bigint[]) id, generate_series(1, $2::bigint) number
  returning account_id, sequence
)
insert into feed (types, subjects, sequences, credit_sequences)
select array[2], array[account_id], array[sequence], array[0]
  from changed
 order by sequence, account_id`,
    values: [[hers, his], ROWS],
  });
  const ask = async (owner: string, page_size: number, cursor = start) =>
    (await service.call("ListEvents", { cursor, page_size }, await service.token(owner))).body;

  const first = await ask("dora", 1000);
  expect(Buffer.byteLength(JSON.stringify(first.events))).toBeLessThan(REPLY_BYTES_MAX);
  const second = await ask("dora", 1000, first.cursor);
  expect([...first.events, ...second.events].map(({ account }) => account.id)).toEqual(Array(ROWS + 1).fill(hers));
  expect(second.events.length).toBeGreaterThan(0);
  // The events of strangers fill several pages, but one call passes them all.
  const none = await ask("fred", 1000);
  expect(none.events).toEqual([]);
  expect(none.cursor).toBe((await service.call("ListEvents", { from_end: true })).body.cursor);
});
