/** Text that would break out of a statement or mislead its reader, in every place of every request that can hold text. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { findingsOf, openAccount, openFunded } from "../setup/ledger.ts";
import { type Place, textPlacesOf } from "../setup/request-places.ts";
import { type JsonRequest, type MethodName, validRequests } from "../setup/requests.ts";
import { startTestService, type TestService } from "../setup/service.ts";

// Each at most 40 characters, the shortest limit of a text.
const TEXTS = [
  "'; drop table account cascade; --",
  "' or '1'='1",
  "1); delete from entry; --",
  '"; truncate transfer; --',
  "\\'; drop schema public cascade; --",
  "$1, $2); drop table hold; --",
  "$$; drop table transfer; $$",
  "/* */ union select * from account --",
  "{a,b}','x'),('y",
  '{"a": "b"}',
  "%_\\%",
  "' || pg_sleep(600) || '",
  "\\x27; commit; --",
  "ʼ; drop table account; --",
];

/** Text that moves the cursor or turns the direction of writing, and what is said of it where people are to read it. */
const UNPRINTABLE: [text: string, problem: string][] = [
  ["a\tb", "control characters; character 2 is U+0009"],
  ["😀\r\n", "control characters; character 2 is U+000D"],
  ["\u001b[2J\u001b[31mpaid", "control characters; character 1 is U+001B"],
  ["a\u007f", "control characters; character 2 is U+007F"],
  ["a\u0085b", "control characters; character 2 is U+0085"],
  ["user\u202egnp.exe", "bidirectional formatting characters; character 5 is U+202E"],
  ["\u2066abc\u2069", "bidirectional formatting characters; character 1 is U+2066"],
  ["abc\u200f", "bidirectional formatting characters; character 4 is U+200F"],
  ["a\u061cb", "bidirectional formatting characters; character 2 is U+061C"],
];

let service: TestService;
let requests: ReturnType<typeof validRequests>;
let schema: string;
let bystander: string;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "silent" });
  const from = await openFunded(service, "alice", 1_000_000);
  bystander = await openFunded(service, "bob", 77);
  requests = validRequests(service, { from, to: await openAccount(service, "bob") });
  schema = await schemaOf();
});
afterAll(async () => {
  expect(await findingsOf(service.pool)).toEqual([]);
  await service.close();
});

/** Every table, column, index, function, trigger and role. */
async function schemaOf(): Promise<string> {
  const { rows } = await service.pool.query(`
select 'column' as kind, attrelid::regclass::text as of, attname::text as name
  from pg_attribute
  join pg_class on pg_class.oid = attrelid
 where relnamespace = 'public'::regnamespace
   and not attisdropped
union all
select 'function', '', oid::regprocedure::text
  from pg_proc
 where pronamespace = 'public'::regnamespace
union all
select 'trigger', tgrelid::regclass::text, tgname
  from pg_trigger
union all
select 'role', '', rolname
  from pg_roles
order by 1, 2, 3`);
  return JSON.stringify(rows);
}

/** How many rows of each kind there are. */
async function countsOf(): Promise<Record<string, bigint>> {
  const { rows } = await service.pool.query(`
select (select count(*) from account) as accounts,
       (select count(*) from transfer) as transfers,
       (select count(*) from entry) as entries,
       (select count(*) from hold) as holds,
       (select count(*) from idempotency) as keys`);
  return rows[0];
}

/** A text as the reply has it: under the field's own name, or in its metadata. */
function storedIn(message: JsonRequest, place: Place, text: string): unknown {
  const name = place.path.split(".").at(-1)?.replace("name_prefix", "name") ?? "";
  const [field = "", part] = name.split(" ");
  const value = message[field];
  if (part === undefined || typeof value !== "object" || value === null) return value;
  return part === "key" ? Object.keys(value).find((key) => key === text) : new Map(Object.entries(value)).get("note");
}

const places = FinanceService.methods.flatMap(({ name, I }) =>
  textPlacesOf(I).map((place) => [name as MethodName, place.path, place] as const),
);

test("texts are found by reflection, in lists and maps too", () => {
  const paths = places.map(([method, path]) => `${method} ${path}`);
  expect(paths).toContain("CreateAccount name");
  expect(paths).toContain("UpdateAccount metadata key");
  expect(paths).toContain("BatchCreateTransfers transfers[0].metadata value");
  expect(paths).toContain("ListTransfers page_token");
});

describe.each(places)("%s, %s", (method, path, place) => {
  const field = path.split(" ")[0] ?? "";

  /** Calls the method with the text in its place; the result is a batch's first, or else the reply. */
  async function callWith(text: string) {
    const request = place.put(await requests[method](), text);
    const before = await countsOf();
    // Keys are a caller's own: each place has one for itself.
    const caller = await service.token(`caller for ${method} ${path}`, "finance.admin");
    const { status, body } = await service.call(method, request, caller);
    const error = status === 200 ? body.results?.[0].error : body;
    return { request, before, caller, status, body, error };
  }

  async function expectToBeText(text: string): Promise<void> {
    const { request, before, caller, status, body, error } = await callWith(text);
    const list = status === 200 && /^List/.test(method) ? Object.values(body).find(Array.isArray) : undefined;
    const result = body.results?.[0].transfer ?? body;
    if (["currency", "page_token", "cursor"].includes(field)) {
      expect(status).toBe(400);
      expect(error).toMatchObject({ code: "invalid_argument", meta: { argument: field } });
      expect(await countsOf()).toEqual(before);
    } else if (list !== undefined) {
      for (const found of list) {
        // Entries are listed by their transfer's metadata, and only the transfer shows it.
        const holder = method === "ListEntries" ? { id: found.transfer_id } : undefined;
        const shown = holder ? (await service.call("GetTransfer", holder)).body : found;
        expect(storedIn(shown, place, text)).toBe(text);
      }
    } else if (field.endsWith("idempotency_key")) {
      expect(error).toBeUndefined();
      const again = await service.call(method, request, caller);
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(again.body).toEqual(
        method === "BatchCreateTransfers" ? { results: [{ ...body.results[0], replayed: true }] } : body,
      );
    } else expect(storedIn(result, place, text)).toBe(text);

    expect(await schemaOf()).toBe(schema);
    expect((await service.call("GetAccount", { id: bystander })).body).toMatchObject({ owner: "bob", balance: "77" });
  }

  test.each(TEXTS)(
    "%s is text and nothing else: stored as it is, matched as it is, or refused by name",
    expectToBeText,
  );

  // Names and descriptions are what people read.
  if (/(^|\.)(name|description)$/.test(field)) {
    test.each(UNPRINTABLE)("%j is refused by its character", async (text, problem) => {
      const { before, error } = await callWith(text);
      expect(error).toMatchObject({
        code: "invalid_argument",
        msg: `${field} must not hold ${problem}`,
        meta: { argument: field },
      });
      expect(await countsOf()).toEqual(before);
    });
  } else test.each(UNPRINTABLE)("%j is text like any other", expectToBeText);
});

test("names and descriptions are the texts that people read", () => {
  const read = places
    .filter(([, path]) => /(^|\.)(name|description)$/.test(path))
    .map(([method, path]) => `${method} ${path}`);
  expect(read).toEqual([
    "CreateAccount name",
    "UpdateAccount name",
    "CreateTransfer description",
    "BatchCreateTransfers transfers[0].description",
    "ReverseTransfer description",
  ]);
});

test.each(TEXTS)("a caller named %s owns only the accounts that they open and sees nothing else", async (subject) => {
  const token = await service.token(subject + subject);
  expect((await service.call("ListAccounts", {}, token)).body.accounts).toEqual([]);
  const wallet = { name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", idempotency_key: "k" };
  const { body: opened } = await service.call("CreateAccount", wallet, token);
  expect(opened.owner).toBe(subject + subject);
  expect((await service.call("ListAccounts", {}, token)).body.accounts).toEqual([opened]);
  expect((await service.call("ListTransfers", {}, token)).body.transfers).toEqual([]);
  expect(await schemaOf()).toBe(schema);
});
