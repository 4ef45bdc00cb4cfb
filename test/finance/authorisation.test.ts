/** Who may do what: every method, by every kind of caller. */
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { INT64_MAX } from "../../src/finance/values.ts";
import { findingsOf, openAccount, openFunded, rowsDigest } from "../setup/ledger.ts";
import { type JsonRequest, type MethodName, validRequests } from "../setup/requests.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

/** Alice owns the account that money comes from, bob the one it goes to, carol neither. */
const callers = {
  unscoped: ["alice", ""],
  reader: ["alice", "finance.read"],
  writer: ["alice", "finance.write"],
  stranger: ["carol", "finance.read finance.write"],
  counterparty: ["bob", "finance.read finance.write"],
  owner: ["alice", "finance.read finance.write"],
  admin: ["root", "finance.admin"],
} as const;
type CallerName = keyof typeof callers;
const callerNames = Object.keys(callers) as CallerName[];

let service: TestService;
let tokens: Record<CallerName, string>;
/** Wallets, which are of type LIABILITY. */
let alices: string;
let bobs: string;
/** Of a type that a debit raises: an admin opened them, with money in them. */
let alicesAsset: string;
let bobsAsset: string;
let alicesExpense: string;
/** Of the other types that a credit raises. */
let alicesIncome: string;
let bobsEquity: string;
/** Wallets that hold all that an account can. */
let alicesFull: string;
let bobsFull: string;
let requests: ReturnType<typeof validRequests>;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "silent" });
  alices = await openFunded(service, "alice", 1_000_000);
  bobs = await openFunded(service, "bob", 1_000_000);
  alicesAsset = await openAsset("alice", "ACCOUNT_TYPE_ASSET");
  bobsAsset = await openAsset("bob", "ACCOUNT_TYPE_ASSET");
  alicesExpense = await openAsset("alice", "ACCOUNT_TYPE_EXPENSE");
  alicesIncome = await openFunded(service, "alice", 1_000_000, { type: "ACCOUNT_TYPE_INCOME" });
  bobsEquity = await openAccount(service, "bob", { type: "ACCOUNT_TYPE_EQUITY" });
  alicesFull = await openFunded(service, "alice", INT64_MAX);
  bobsFull = await openFunded(service, "bob", INT64_MAX);
  expect((await service.call("UpdateAccount", { id: alices, name: "Renamed" })).status).toBe(200);
  requests = validRequests(service, { from: alices, to: bobs });
  const minted = callerNames.map(async (name) => {
    const [subject, scope] = callers[name];
    return [name, await service.token(subject, scope)];
  });
  tokens = Object.fromEntries(await Promise.all(minted));
});
afterAll(async () => {
  expect(await findingsOf(service.pool)).toEqual([]);
  await service.close();
});

/** An account that holds 1000 and that debits raise. */
async function openAsset(owner: string, type: string): Promise<string> {
  const id = await openAccount(service, owner, { type });
  const request = { debit_account_id: id, credit_account_id: await openAccount(service, "bank"), amount: 1000 };
  expect((await service.call("CreateTransfer", request)).status).toBe(200);
  return id;
}

/** "ok", "nothing" for an empty list, or the error's code and meta, where ids are called by what they are. */
function verdictOf({ status, body }: Reply, request: JsonRequest): string {
  const error = status === 200 ? body.results?.[0].error : body;
  if (error === undefined) {
    const list = Object.values(body).find(Array.isArray);
    return list?.length === 0 ? "nothing" : "ok";
  }
  const names = new Map<unknown, string>([
    [request["id"], "asked"],
    [alices, "alice's"],
    [bobs, "bob's"],
    [alicesAsset, "alice's asset"],
    [bobsAsset, "bob's asset"],
    [alicesExpense, "alice's expense"],
    [alicesIncome, "alice's income"],
    [alicesFull, "alice's full"],
    [bobsFull, "bob's full"],
  ]);
  const meta = Object.entries(error.meta).map(([key, value]) => `${key}=${names.get(value) ?? value}`);
  return [error.code, ...meta].join(" ");
}

const READ = "permission_denied scope=finance.read";
const WRITE = "permission_denied scope=finance.write";
const ADMIN = "permission_denied scope=finance.admin";
const NO_ACCOUNT = "not_found resource=account id=alice's";
const NO_TRANSFER = "not_found resource=transfer id=asked";
const NO_SUCH = "not_found resource=account id=asked";
const ALICES = "permission_denied account_id=alice's";
const BOBS = "permission_denied account_id=bob's";
const HOLD = "permission_denied reason=hold_not_owned transfer_id=asked";
const CLOSED = "failed_precondition reason=account_not_open account_id=asked";
const ALICES_ASSET = "permission_denied account_id=alice's asset";
const ALICES_EXPENSE = "permission_denied account_id=alice's expense";
const ALICES_INCOME = "permission_denied account_id=alice's income";
const BOBS_ASSET = "permission_denied account_id=bob's asset";
const fullOf = (account: string) => `out_of_range account_id=${account}`;
const notDebitable = (account: string) => `permission_denied reason=account_not_debitable account_id=${account}`;
const notCreditable = (account: string) => `failed_precondition reason=account_not_creditable account_id=${account}`;

/** Of what only an admin may ask for. */
const ADMINS = [WRITE, WRITE, ADMIN, ADMIN, ADMIN, ADMIN, "ok"];

/** Of a transfer that alice and an admin may ask for as far as it debits alice's wallet. */
const outOfAlices = (alice: string, admin = "ok") => [WRITE, WRITE, alice, ALICES, ALICES, alice, admin];

const same = () => ({});
const back = () => ({ debit_account_id: bobs, credit_account_id: alices });
const member = (change: object) => () => ({
  transfers: [{ debit_account_id: alices, credit_account_id: bobs, amount: "1", ...change }],
});
const effective = { effective_at: "2026-01-01T00:00:00Z" };

/** An empty account of alice's of its own, with a status. */
const another =
  (status: "OPEN" | "FROZEN" | "CLOSED", request: object, of: object = {}) =>
  async () => {
    const id = await openAccount(service, "alice", of);
    if (status !== "OPEN") await service.call("UpdateAccount", { id, status: `ACCOUNT_STATUS_${status}` });
    return { id, ...request };
  };

/** A transfer that an admin made. */
const byAdmin = (change: () => JsonRequest) => async () => {
  const { status, body } = await service.call("CreateTransfer", { ...(await requests.CreateTransfer()), ...change() });
  expect(status).toBe(200);
  return { id: `${body.id}` };
};
const heldByAdmin = byAdmin(() => ({ pending: true }));

/** A hold of alice's from before 0.2.0, which did not record who placed it. */
async function oldHold(): Promise<JsonRequest> {
  const { id } = await requests.CaptureTransfer();
  await service.pool.query(`
    alter table transfer disable trigger transfer_append_only;
    update transfer set created_by = null where id = ${id};
    alter table transfer enable trigger transfer_append_only`);
  return { id };
}

type Change = () => JsonRequest | Promise<JsonRequest>;

// A row for each method at least: what is changed of its valid request, then the verdicts in the order of the callers.
const rows: [MethodName, what: string, change: Change, verdicts: string[]][] = [
  // unscoped, reader, writer, stranger, counterparty, owner, admin
  ["CreateAccount", "of one's own", same, [WRITE, WRITE, "ok", "ok", "ok", "ok", "ok"]],
  ["CreateAccount", "for dave", () => ({ owner: "dave" }), [WRITE, WRITE, ADMIN, ADMIN, ADMIN, ADMIN, "ok"]],
  ["CreateAccount", "for alice", () => ({ owner: "alice" }), [WRITE, WRITE, "ok", ADMIN, ADMIN, "ok", "ok"]],
  ["CreateAccount", "of type ASSET", () => ({ type: "ACCOUNT_TYPE_ASSET" }), ADMINS],
  ["CreateAccount", "of type EQUITY", () => ({ type: "ACCOUNT_TYPE_EQUITY" }), ADMINS],
  ["CreateAccount", "of type INCOME", () => ({ type: "ACCOUNT_TYPE_INCOME" }), ADMINS],
  ["CreateAccount", "of type EXPENSE", () => ({ type: "ACCOUNT_TYPE_EXPENSE" }), ADMINS],
  ["CreateAccount", "with an overdraft", () => ({ overdraft_limit: 1 }), ADMINS],
  ["CreateAccount", "without a floor", () => ({ unlimited_overdraft: true }), ADMINS],
  ["GetAccount", "alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["ListAccounts", "alice's", () => ({ owner: "alice" }), [READ, "ok", READ, "nothing", "nothing", "ok", "ok"]],
  ["UpdateAccount", "alice's", same, [WRITE, WRITE, "ok", NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  [
    "UpdateAccount",
    "metadata of alice's",
    () => ({ metadata: { a: "1" } }),
    [WRITE, WRITE, "ok", NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"],
  ],
  ["UpdateAccount", "an overdraft for alice's", () => ({ overdraft_limit: 5 }), ADMINS],
  ["UpdateAccount", "no overdraft for alice's", () => ({ overdraft_limit: 0 }), ADMINS],
  ["UpdateAccount", "no floor for alice's", another("OPEN", { unlimited_overdraft: true }), ADMINS],
  ["UpdateAccount", "a floor for alice's", () => ({ unlimited_overdraft: false }), ADMINS],
  ["UpdateAccount", "freeze alice's", another("OPEN", { status: "ACCOUNT_STATUS_FROZEN" }), ADMINS],
  ["UpdateAccount", "unfreeze alice's", another("FROZEN", { status: "ACCOUNT_STATUS_OPEN" }), ADMINS],
  [
    "UpdateAccount",
    "open alice's closed one",
    another("CLOSED", { status: "ACCOUNT_STATUS_OPEN" }),
    [WRITE, WRITE, ADMIN, ADMIN, ADMIN, ADMIN, CLOSED],
  ],
  [
    "UpdateAccount",
    "close alice's",
    another("OPEN", { status: "ACCOUNT_STATUS_CLOSED" }),
    [WRITE, WRITE, "ok", NO_SUCH, NO_SUCH, "ok", "ok"],
  ],
  [
    "UpdateAccount",
    "close alice's asset",
    another("OPEN", { status: "ACCOUNT_STATUS_CLOSED" }, { type: "ACCOUNT_TYPE_ASSET" }),
    [WRITE, WRITE, "ok", NO_SUCH, NO_SUCH, "ok", "ok"],
  ],
  [
    "UpdateAccount",
    "rename alice's asset",
    another("OPEN", { name: "Cash" }, { type: "ACCOUNT_TYPE_ASSET" }),
    [WRITE, WRITE, "ok", NO_SUCH, NO_SUCH, "ok", "ok"],
  ],
  [
    "UpdateAccount",
    "rename alice's frozen one",
    another("FROZEN", { name: "Ice" }),
    [WRITE, WRITE, "ok", NO_SUCH, NO_SUCH, "ok", "ok"],
  ],
  [
    "UpdateAccount",
    "rename alice's closed one",
    another("CLOSED", { name: "Shut" }),
    [WRITE, WRITE, CLOSED, NO_SUCH, NO_SUCH, CLOSED, "ok"],
  ],
  [
    "UpdateAccount",
    "metadata of alice's closed one",
    another("CLOSED", { metadata: { a: "1" } }),
    [WRITE, WRITE, CLOSED, NO_SUCH, NO_SUCH, CLOSED, "ok"],
  ],
  ["ListAccountChanges", "of alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["CreateTransfer", "out of alice's", same, [WRITE, WRITE, "ok", ALICES, ALICES, "ok", "ok"]],
  ["CreateTransfer", "into alice's, out of bob's", back, [WRITE, WRITE, BOBS, BOBS, "ok", BOBS, "ok"]],
  ["CreateTransfer", "as a hold", () => ({ pending: true }), [WRITE, WRITE, "ok", ALICES, ALICES, "ok", "ok"]],
  ["CreateTransfer", "as a dry run", () => ({ dry_run: true }), [WRITE, WRITE, "ok", ALICES, ALICES, "ok", "ok"]],
  ["CreateTransfer", "with a date of its own", () => effective, ADMINS],
  ["CreateTransfer", "as a hold with a date of its own", () => ({ ...effective, pending: true }), ADMINS],
  [
    "CreateTransfer",
    "out of alice's asset",
    () => ({ debit_account_id: alicesAsset }),
    [WRITE, WRITE, notDebitable("alice's asset"), ALICES_ASSET, ALICES_ASSET, notDebitable("alice's asset"), "ok"],
  ],
  [
    "CreateTransfer",
    "out of alice's expense, into alice's",
    () => ({ debit_account_id: alicesExpense, credit_account_id: alices }),
    [
      WRITE,
      WRITE,
      notDebitable("alice's expense"),
      ALICES_EXPENSE,
      ALICES_EXPENSE,
      notDebitable("alice's expense"),
      "ok",
    ],
  ],
  [
    "CreateTransfer",
    "into alice's own asset",
    () => ({ credit_account_id: alicesAsset }),
    outOfAlices(notCreditable("alice's asset")),
  ],
  [
    "CreateTransfer",
    "into bob's asset",
    () => ({ credit_account_id: bobsAsset }),
    outOfAlices(notCreditable("bob's asset")),
  ],
  [
    "CreateTransfer",
    "into bob's asset, as a hold",
    () => ({ credit_account_id: bobsAsset, pending: true }),
    outOfAlices(notCreditable("bob's asset")),
  ],
  [
    "CreateTransfer",
    "into bob's asset, as a dry run",
    () => ({ credit_account_id: bobsAsset, dry_run: true }),
    outOfAlices(notCreditable("bob's asset")),
  ],
  [
    "CreateTransfer",
    "of more than bob's asset holds, into it",
    () => ({ credit_account_id: bobsAsset, amount: "500000" }),
    outOfAlices(notCreditable("bob's asset"), "failed_precondition reason=insufficient_funds account_id=bob's asset"),
  ],
  [
    "CreateTransfer",
    "into alice's full one",
    () => ({ credit_account_id: alicesFull }),
    outOfAlices(fullOf("alice's full"), fullOf("alice's full")),
  ],
  [
    "CreateTransfer",
    "into bob's full one",
    () => ({ credit_account_id: bobsFull }),
    outOfAlices(notCreditable("bob's full"), fullOf("bob's full")),
  ],
  [
    "CreateTransfer",
    "out of alice's income, into bob's equity",
    () => ({ debit_account_id: alicesIncome, credit_account_id: bobsEquity }),
    [WRITE, WRITE, "ok", ALICES_INCOME, ALICES_INCOME, "ok", "ok"],
  ],
  ["BatchCreateTransfers", "out of alice's", same, outOfAlices("ok")],
  ["BatchCreateTransfers", "with a date of its own", member(effective), ADMINS],
  ["BatchCreateTransfers", "atomic, with a date of its own", () => ({ ...member(effective)(), atomic: true }), ADMINS],
  [
    "BatchCreateTransfers",
    "into bob's asset",
    () => member({ credit_account_id: bobsAsset })(),
    outOfAlices(notCreditable("bob's asset")),
  ],
  [
    "BatchCreateTransfers",
    "atomic, into bob's asset",
    () => ({ ...member({ credit_account_id: bobsAsset })(), atomic: true }),
    outOfAlices(notCreditable("bob's asset")),
  ],
  ["CaptureTransfer", "a hold that alice placed", same, [WRITE, WRITE, "ok", NO_TRANSFER, HOLD, "ok", "ok"]],
  ["CaptureTransfer", "a hold of alice's by root", heldByAdmin, [WRITE, WRITE, HOLD, NO_TRANSFER, HOLD, HOLD, "ok"]],
  ["CaptureTransfer", "a hold of alice's by nobody", oldHold, [WRITE, WRITE, HOLD, NO_TRANSFER, HOLD, HOLD, "ok"]],
  ["VoidTransfer", "a hold that alice placed", same, [WRITE, WRITE, "ok", NO_TRANSFER, "ok", "ok", "ok"]],
  ["VoidTransfer", "a hold of alice's by root", heldByAdmin, [WRITE, WRITE, HOLD, NO_TRANSFER, "ok", HOLD, "ok"]],
  ["VoidTransfer", "a hold of alice's by nobody", oldHold, [WRITE, WRITE, HOLD, NO_TRANSFER, "ok", HOLD, "ok"]],
  ["ReverseTransfer", "from alice to bob", same, [WRITE, WRITE, BOBS, NO_TRANSFER, "ok", BOBS, "ok"]],
  [
    "ReverseTransfer",
    "from alice into bob's asset",
    byAdmin(() => ({ credit_account_id: bobsAsset })),
    [WRITE, WRITE, BOBS_ASSET, NO_TRANSFER, notDebitable("bob's asset"), BOBS_ASSET, "ok"],
  ],
  [
    "ReverseTransfer",
    "out of bob's asset to alice",
    byAdmin(() => ({ debit_account_id: bobsAsset, credit_account_id: alices })),
    [WRITE, WRITE, notCreditable("bob's asset"), NO_TRANSFER, ALICES, notCreditable("bob's asset"), "ok"],
  ],
  ["GetTransfer", "from alice to bob", same, [READ, "ok", READ, NO_TRANSFER, "ok", "ok", "ok"]],
  ["ListTransfers", "of alice's", same, [READ, "ok", READ, "nothing", "ok", "ok", "ok"]],
  ["ListEntries", "of alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["GetBalance", "of alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["GetBalanceHistory", "of alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["ListEvents", "of alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["GetTrialBalance", "of all", same, [ADMIN, ADMIN, ADMIN, ADMIN, ADMIN, ADMIN, "ok"]],
];
const methods = FinanceService.methods.map(({ name }) => name);

test("every method has its row", () => {
  expect([...new Set(rows.map(([method]) => method))]).toEqual(methods);
});

const rehearsable = FinanceService.methods.filter(({ I }) => I.fields.some(({ localName }) => localName === "dryRun"));

test("every method that changes what is there has a dry run", () => {
  expect(rehearsable.map(({ name }) => name)).toEqual([
    "UpdateAccount",
    "CreateTransfer",
    "CaptureTransfer",
    "VoidTransfer",
    "ReverseTransfer",
  ]);
});

test.each(rows)("%s %s is allowed as the table says; dry runs and refused calls change nothing", async (...row) => {
  const [method, , change, verdicts] = row;
  const answered: string[] = [];
  for (const name of callerNames) {
    const request = { ...(await requests[method]()), ...(await change()) };
    const before = await rowsDigest(service.pool);
    const send = async (dry: object) => {
      const reply = await service.call(method, { ...request, ...dry }, tokens[name]);
      return verdictOf(reply, request);
    };
    const rehearsed = rehearsable.some((one) => one.name === method) ? await send({ dry_run: true }) : undefined;
    expect(await rowsDigest(service.pool), `rows after a dry run by ${name}`).toEqual(before);
    const verdict = await send({});
    if (rehearsed !== undefined) expect(rehearsed, `a dry run by ${name}`).toBe(verdict);
    if (verdict !== "ok") expect(await rowsDigest(service.pool), `rows after ${name}`).toEqual(before);
    answered.push(`${name}: ${verdict}`);
  }
  expect(answered).toEqual(callerNames.map((name, index) => `${name}: ${verdicts[index]}`));
});

describe.each(methods)("%s", (method) => {
  const attempts: [what: string, authorization: string | undefined, reason: string, challenge: string][] = [
    ["nobody", undefined, "token_missing", "Bearer"],
    ["a token that is none", "Bearer abc", "token_malformed", 'Bearer error="invalid_token"'],
  ];

  test.each(attempts)("turns away %s before it reads the request", async (_, authorization, reason, challenge) => {
    const response = await fetch(`${service.url}/twirp/finance.v1.FinanceService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(authorization !== undefined && { authorization }) },
      body: "{not JSON",
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "unauthenticated", meta: { reason } });
    expect(response.headers.get("www-authenticate")).toBe(challenge);
  });

  test("turns away a token without its scope before it reads the request", async () => {
    const { status, body } = await service.call(method, "{not JSON", tokens.unscoped);
    expect([status, body.code, body.meta.scope]).toEqual([
      403,
      "permission_denied",
      expect.stringContaining("finance."),
    ]);
  });
});

test("turns away a request with two Authorization headers, whichever comes first", async () => {
  const good = `Bearer ${tokens.admin}`;
  for (const authorization of [
    [good, "Bearer garbage"],
    ["Bearer garbage", good],
    [good, good],
  ]) {
    const sent = httpRequest(`${service.url}/twirp/finance.v1.FinanceService/GetAccount`, { method: "POST" });
    sent.setHeader("content-type", "application/json");
    sent.setHeader("authorization", authorization);
    sent.end('{"id":"1"}');
    const [response] = await once(sent, "response");
    const reply = await json(response);
    expect([response.statusCode, reply]).toEqual([
      401,
      {
        code: "unauthenticated",
        msg: "the header authorization was sent 2 times; send one, with one token",
        meta: { reason: "token_malformed" },
      },
    ]);
  }
});

test("lists without a filter hold only the caller's own rows", async () => {
  const id = await openFunded(service, "erin", 5);
  const erin = await service.token("erin");
  const { body: accounts } = await service.call("ListAccounts", {}, erin);
  expect(accounts.accounts.map((account: JsonRequest) => account["id"])).toEqual([id]);
  const { body: transfers } = await service.call("ListTransfers", {}, erin);
  expect(transfers.transfers.map((transfer: JsonRequest) => transfer["credit_account_id"])).toEqual([id]);
});

test("a transfer shows each owner only the balance of their own account", async () => {
  const { id } = await requests.GetTransfer();
  const seenBy = async (name: CallerName) => {
    const { body } = await service.call("GetTransfer", { id }, tokens[name]);
    return [body.debit_account_balance !== "0", body.credit_account_balance !== "0"];
  };
  expect(await seenBy("owner")).toEqual([true, false]);
  expect(await seenBy("counterparty")).toEqual([false, true]);
  expect(await seenBy("admin")).toEqual([true, true]);
});

test("only its caller and admins see who made a transfer, and its key", async () => {
  const request = { debit_account_id: alices, credit_account_id: bobs, amount: "1", idempotency_key: "who" };
  const made: [maker: CallerName, as: string, seenBy: CallerName[]][] = [
    ["owner", "alice", ["owner", "admin"]],
    ["admin", "root", ["admin"]],
  ];
  for (const [maker, as, seenBy] of made) {
    const { body } = await service.call("CreateTransfer", request, tokens[maker]);
    expect([body.created_by, body.idempotency_key]).toEqual([as, "who"]);
    for (const name of ["owner", "counterparty", "admin"] as const) {
      const { body: seen } = await service.call("GetTransfer", { id: body.id }, tokens[name]);
      const expected = seenBy.includes(name) ? [as, "who"] : ["", ""];
      expect([seen.created_by, seen.idempotency_key], name).toEqual(expected);
    }
  }
});

test("only the caller who settled a hold and admins see who did", async () => {
  const settlements: [method: MethodName, settler: CallerName, as: string, seenBy: CallerName[]][] = [
    ["CaptureTransfer", "owner", "alice", ["owner", "admin"]],
    ["CaptureTransfer", "admin", "root", ["admin"]],
    ["VoidTransfer", "counterparty", "bob", ["counterparty", "admin"]],
  ];
  for (const [method, settler, as, seenBy] of settlements) {
    const { body } = await service.call(method, await requests.CaptureTransfer(), tokens[settler]);
    expect(body.settled_by).toBe(as);
    for (const name of ["owner", "counterparty", "admin"] as const) {
      const { body: seen } = await service.call("GetTransfer", { id: body.id }, tokens[name]);
      expect(seen.settled_by, name).toBe(seenBy.includes(name) ? as : "");
    }
  }
});

test("only the caller who changed an account and admins see who did, and by which request", async () => {
  const id = await openAccount(service, "alice");
  const ids: (string | null)[] = [];
  for (const [name, caller] of [
    ["By alice", "owner"],
    ["By root", "admin"],
  ] as const) {
    const { headers } = await service.call("UpdateAccount", { id, name }, tokens[caller]);
    ids.push(headers.get("x-request-id"));
  }
  const seenBy = async (name: CallerName) => {
    const { body } = await service.call("ListAccountChanges", { account_id: id }, tokens[name]);
    const [opening, ...changes] = body.changes.map((change: JsonRequest) => [
      change["after"],
      change["changed_by"],
      change["request_id"],
    ]);
    expect(opening).toEqual(name === "admin" ? ["true", "root", expect.stringMatching(/./)] : ["true", "", ""]);
    return changes;
  };
  expect(await seenBy("owner")).toEqual([
    ["By alice", "alice", ids[0]],
    ["By root", "", ""],
  ]);
  expect(await seenBy("admin")).toEqual([
    ["By alice", "alice", ids[0]],
    ["By root", "root", ids[1]],
  ]);
});
