import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { microsOf, rowsDigest } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let alice: string;
let bob: string;

beforeAll(async () => {
  service = await startTestService();
  alice = await service.token("alice");
  bob = await service.token("bob");
});
afterAll(() => service.close());

const wallet = { name: "Wallet", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" };

describe("CreateAccount", () => {
  test("answers the whole account as proto3 JSON with every field", async () => {
    const { status, body } = await service.call("CreateAccount", {
      name: "Cash",
      owner: "alice",
      type: "ACCOUNT_TYPE_ASSET",
      currency: "KWD",
      overdraft_limit: "250",
      metadata: { shop: "7" },
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.stringMatching(/^\d+$/),
      name: "Cash",
      owner: "alice",
      type: "ACCOUNT_TYPE_ASSET",
      currency: "KWD",
      status: "ACCOUNT_STATUS_OPEN",
      minor_unit_digits: 3,
      debits_posted: "0",
      credits_posted: "0",
      debits_pending: "0",
      credits_pending: "0",
      balance: "0",
      available_balance: "0",
      overdraft_limit: "250",
      unlimited_overdraft: false,
      metadata: { shop: "7" },
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updated_at: body.created_at,
      total_debits: "0",
      total_credits: "0",
    });
  });

  test("with the same key and request gives the first outcome, even after the account has changed", async () => {
    const request = { ...wallet, idempotency_key: "open-1" };
    const first = await service.call("CreateAccount", request, alice);
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    const change = { id: first.body.id, name: "Renamed", overdraft_limit: 5, metadata: { a: "1" } };
    expect((await service.call("UpdateAccount", change)).status).toBe(200);
    const again = await service.call("CreateAccount", request, alice);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });

  test("with the same key and another request is refused, but other callers have keys of their own", async () => {
    await service.call("CreateAccount", { ...wallet, idempotency_key: "open-2" }, alice);
    const other = await service.call("CreateAccount", { ...wallet, name: "Other", idempotency_key: "open-2" }, alice);
    expect(other.status).toBe(409);
    expect(other.body).toMatchObject({ code: "already_exists", meta: { reason: "idempotency_key_reused" } });
    const bobs = await service.call("CreateAccount", { ...wallet, idempotency_key: "open-2" }, bob);
    expect(bobs.body.owner).toBe("bob");
  });

  test("ten times at once with one key opens one account", async () => {
    const request = { ...wallet, name: "Once", idempotency_key: "open-3" };
    const replies = await Promise.all(Array.from({ length: 10 }, () => service.call("CreateAccount", request, alice)));
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    const { body } = await service.call("ListAccounts", { name_prefix: "Once" }, alice);
    expect(body.accounts).toHaveLength(1);
  });

  test("for another owner needs finance.admin", async () => {
    const request = { ...wallet, owner: "bob" };
    const refused = await service.call("CreateAccount", request, alice);
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ code: "permission_denied", meta: { scope: "finance.admin" } });
    expect((await service.call("CreateAccount", request)).body.owner).toBe("bob");
  });

  test("names the argument that is wrong", async () => {
    const { status, body } = await service.call("CreateAccount", { ...wallet, currency: "ZZZ" }, alice);
    expect(status).toBe(400);
    expect(body).toEqual({
      code: "invalid_argument",
      msg: 'currency must be an active ISO 4217 code such as "USD", not "ZZZ"',
      meta: { argument: "currency" },
    });
  });
});

describe("GetAccount", () => {
  test("hides another owner's account as if it did not exist, and shows it to an admin", async () => {
    const { body: account } = await service.call("CreateAccount", wallet, alice);
    const hidden = await service.call("GetAccount", { id: account.id }, bob);
    const missing = await service.call("GetAccount", { id: "999999" }, bob);
    expect(hidden).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(hidden.body.msg.replace(account.id, "N")).toBe(missing.body.msg.replace("999999", "N"));
    expect((await service.call("GetAccount", { id: account.id })).body).toEqual(account);
  });

  test.each([
    ["0", "is required"],
    ["-4", "must be more than 0, not -4"],
  ])("refuses id %s", async (id, problem) => {
    expect((await service.call("GetAccount", { id })).body).toMatchObject({ msg: `id ${problem}` });
  });
});

describe("ListAccounts", () => {
  test("pages in id order through the accounts that the caller may see, without losing or repeating any", async () => {
    const carol = await service.token("carol");
    const opened: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      opened.push((await service.call("CreateAccount", { ...wallet, name: `Carol ${index}` }, carol)).body.id);
    }
    const seen: string[] = [];
    let page_token = "";
    do {
      const { body } = await service.call("ListAccounts", { page_size: 3, page_token }, carol);
      seen.push(...body.accounts.map((account: { id: string }) => account.id));
      page_token = body.next_page_token;
    } while (page_token !== "");
    expect(seen).toEqual(opened);
  });

  test("lists only rows that pass every filter", async () => {
    const dave = await service.token("dave");
    const open = (change: object) => service.call("CreateAccount", { ...wallet, owner: "dave", ...change });
    await open({ name: "A euro", currency: "EUR" });
    const frozen = await open({ name: "A frozen", type: "ACCOUNT_TYPE_EXPENSE" });
    await service.call("UpdateAccount", { id: frozen.body.id, status: "ACCOUNT_STATUS_FROZEN" });
    await open({ name: "B 100%_" });
    const names = async (filter: object) => {
      const { body } = await service.call("ListAccounts", filter, dave);
      return body.accounts.map((account: { name: string }) => account.name);
    };
    expect(await names({})).toEqual(["A euro", "A frozen", "B 100%_"]);
    expect(await names({ name_prefix: "A" })).toEqual(["A euro", "A frozen"]);
    expect(await names({ name_prefix: "B 1%" })).toEqual([]);
    expect(await names({ currency: "EUR" })).toEqual(["A euro"]);
    expect(await names({ status: "ACCOUNT_STATUS_FROZEN" })).toEqual(["A frozen"]);
    expect(await names({ type: "ACCOUNT_TYPE_LIABILITY", name_prefix: "A" })).toEqual(["A euro"]);
    expect(await names({ owner: "alice" })).toEqual([]);
  });

  test("finds accounts in a currency that ISO 4217 has withdrawn", async () => {
    await service.pool.query(`
      with old as (
        insert into account (name, owner, type, currency, created_at)
        values ('Marks', 'fritz', 2, 'DEM', clock_timestamp())
        returning id, created_at
      )
      insert into account_balance (account_id, debit_normal, updated_at) select id, false, created_at from old`);
    const { body } = await service.call("ListAccounts", { currency: "DEM" }, await service.token("fritz"));
    expect(body.accounts).toMatchObject([{ name: "Marks", currency: "DEM", minor_unit_digits: 2 }]);
    const lower = await service.call("ListAccounts", { currency: "dem" });
    expect(lower.body).toMatchObject({ code: "invalid_argument", meta: { argument: "currency" } });
  });

  test("refuses a token that is not its own or belongs to other filters", async () => {
    const { body: first } = await service.call("ListAccounts", { page_size: 1 });
    const other = await service.call("ListAccounts", {
      page_size: 1,
      currency: "EUR",
      page_token: first.next_page_token,
    });
    expect(other.body).toMatchObject({ code: "invalid_argument", meta: { argument: "page_token" } });
    for (const page_token of ["junk", `${first.next_page_token}=`, `!${first.next_page_token}`, " "]) {
      const junk = await service.call("ListAccounts", { page_size: 1, page_token });
      expect(junk.body).toMatchObject({ code: "invalid_argument", meta: { argument: "page_token" } });
    }
  });
});

describe("UpdateAccount", () => {
  test("changes the fields that are present and no others", async () => {
    const { body: account } = await service.call("CreateAccount", { ...wallet, metadata: { a: "1", b: "2" } }, alice);
    const { body } = await service.call("UpdateAccount", { id: account.id, metadata: { b: "", c: "3" } }, alice);
    expect(body).toMatchObject({ ...account, metadata: { a: "1", c: "3" }, updated_at: body.updated_at });
    expect(microsOf(body.updated_at)).toBeGreaterThan(microsOf(account.updated_at));
  });

  test("closes an empty account for ever", async () => {
    const { body: account } = await service.call("CreateAccount", wallet, alice);
    const closed = await service.call("UpdateAccount", { id: account.id, status: "ACCOUNT_STATUS_CLOSED" }, alice);
    expect(closed.body.status).toBe("ACCOUNT_STATUS_CLOSED");
    for (const change of [
      { status: "ACCOUNT_STATUS_OPEN" },
      { status: "ACCOUNT_STATUS_FROZEN" },
      { overdraft_limit: 1 },
    ]) {
      expect(await service.call("UpdateAccount", { id: account.id, ...change })).toMatchObject({
        status: 412,
        body: { meta: { reason: "account_not_open", account_id: account.id } },
      });
    }
  });

  test("lets an admin change only the name and the metadata of a closed account", async () => {
    const { body: account } = await service.call("CreateAccount", { ...wallet, metadata: { a: "1" } }, alice);
    const closed = await service.call("UpdateAccount", { id: account.id, status: "ACCOUNT_STATUS_CLOSED" }, alice);
    const request = { id: account.id, name: "Closed by request", metadata: { a: "", ticket: "77" } };
    const asOwner = await service.call("UpdateAccount", request, alice);
    expect(asOwner).toMatchObject({ status: 412, body: { meta: { reason: "account_not_open" } } });
    const asAdmin = await service.call("UpdateAccount", request);
    expect(asAdmin.body).toEqual({
      ...closed.body,
      name: "Closed by request",
      metadata: { ticket: "77" },
      updated_at: asAdmin.body.updated_at,
    });
    const withLimit = await service.call("UpdateAccount", { ...request, name: "Again", unlimited_overdraft: true });
    expect(withLimit.body.meta.reason).toBe("account_not_open");
    expect((await service.call("GetAccount", { id: account.id })).body).toEqual(asAdmin.body);
  });

  test("refuses to close an account with money and to set a floor above its balance", async () => {
    const overdrawn = { ...wallet, owner: "alice", unlimited_overdraft: true };
    const { body: source } = await service.call("CreateAccount", overdrawn);
    const { body: target } = await service.call("CreateAccount", wallet, alice);
    const transfer = { debit_account_id: source.id, credit_account_id: target.id, amount: 10 };
    expect((await service.call("CreateTransfer", transfer, alice)).status).toBe(200);
    const close = await service.call("UpdateAccount", { id: target.id, status: "ACCOUNT_STATUS_CLOSED" }, alice);
    expect(close.body).toMatchObject({ code: "failed_precondition", meta: { reason: "account_not_empty" } });
    const limit = { id: source.id, unlimited_overdraft: false, overdraft_limit: 9 };
    expect((await service.call("UpdateAccount", limit)).body.meta.reason).toBe("insufficient_funds");
    expect((await service.call("UpdateAccount", { ...limit, overdraft_limit: 10 })).status).toBe(200);
  });

  const changes: [what: string, change: object][] = [
    ["its name", { name: "Purse" }],
    ["its metadata", { metadata: { a: "", b: "2" } }],
    ["its limits", { unlimited_overdraft: true }],
    ["its status", { status: "ACCOUNT_STATUS_FROZEN" }],
    ["nothing", {}],
    ["its name, which is too long", { name: "x".repeat(201) }],
    ["both its limits", { overdraft_limit: 5, unlimited_overdraft: true }],
    ["its metadata, which would be too much", { metadata: Object.fromEntries(numbered(50)) }],
    ["its status, for ever", { status: "ACCOUNT_STATUS_CLOSED" }],
  ];
  test.each(changes)("of %s as a dry run gives the answer of the real call, and changes nothing", async (_, change) => {
    const { body: account } = await service.call("CreateAccount", { ...wallet, metadata: { a: "1" } }, alice);
    const request = { id: account.id, ...change };
    const before = [await rowsDigest(service.pool), await numbersDrawn()];
    const dry = await service.call("UpdateAccount", { ...request, dry_run: true });
    expect([await rowsDigest(service.pool), await numbersDrawn()]).toEqual(before);
    const real = await service.call("UpdateAccount", request);
    expect(dry.status).toBe(real.status);
    expect({ ...dry.body, updated_at: "" }).toEqual({ ...real.body, updated_at: "" });
    if (real.status !== 200) return;
    expect(microsOf(dry.body.updated_at)).toBeGreaterThan(microsOf(account.updated_at));
    expect(microsOf(dry.body.updated_at)).toBeLessThan(microsOf(real.body.updated_at));
  });
});

function numbered(count: number): [string, string][] {
  return Array.from({ length: count }, (_, index) => [`key-${index}`, "x"]);
}

/** The last number of each sequence in the database. */
async function numbersDrawn(): Promise<unknown> {
  return (await service.pool.query("select sequencename, last_value from pg_sequences order by 1")).rows;
}

describe("scopes", () => {
  const methods = [
    ["CreateAccount", "finance.write"],
    ["GetAccount", "finance.read"],
    ["ListAccounts", "finance.read"],
    ["UpdateAccount", "finance.write"],
    ["CreateTransfer", "finance.write"],
    ["BatchCreateTransfers", "finance.write"],
    ["CaptureTransfer", "finance.write"],
    ["VoidTransfer", "finance.write"],
    ["ReverseTransfer", "finance.write"],
    ["GetTransfer", "finance.read"],
    ["ListTransfers", "finance.read"],
    ["ListEntries", "finance.read"],
    ["GetBalance", "finance.read"],
    ["GetBalanceHistory", "finance.read"],
    ["GetTrialBalance", "finance.admin"],
  ] as const;

  test.each(methods)("%s needs %s", async (method, scope) => {
    const without = await service.token("alice", scope === "finance.read" ? "finance.write" : "finance.read");
    const { status, body } = await service.call(method, {}, without);
    expect(status).toBe(403);
    expect(body).toMatchObject({ code: "permission_denied", meta: { scope } });
  });
});
