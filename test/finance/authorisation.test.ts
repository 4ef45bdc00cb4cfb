/** Who may do what: every method, by every kind of caller. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { findingsOf, openFunded, rowsDigest } from "../setup/ledger.ts";
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
let alices: string;
let bobs: string;
let requests: ReturnType<typeof validRequests>;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "silent" });
  alices = await openFunded(service, "alice", 1_000_000);
  bobs = await openFunded(service, "bob", 1_000_000);
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
  ]);
  const meta = Object.entries(error.meta).map(([key, value]) => `${key}=${names.get(value) ?? value}`);
  return [error.code, ...meta].join(" ");
}

const READ = "permission_denied scope=finance.read";
const WRITE = "permission_denied scope=finance.write";
const ADMIN = "permission_denied scope=finance.admin";
const NO_ACCOUNT = "not_found resource=account id=alice's";
const NO_TRANSFER = "not_found resource=transfer id=asked";
const ALICES = "permission_denied account_id=alice's";
const BOBS = "permission_denied account_id=bob's";

const same = () => ({});
const back = () => ({ debit_account_id: bobs, credit_account_id: alices });

// A row for each method at least: what is changed of its valid request, then the verdicts in the order of the callers.
const rows: [MethodName, what: string, change: () => JsonRequest, verdicts: string[]][] = [
  // unscoped, reader, writer, stranger, counterparty, owner, admin
  ["CreateAccount", "of one's own", same, [WRITE, WRITE, "ok", "ok", "ok", "ok", "ok"]],
  ["CreateAccount", "for dave", () => ({ owner: "dave" }), [WRITE, WRITE, ADMIN, ADMIN, ADMIN, ADMIN, "ok"]],
  ["GetAccount", "alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["ListAccounts", "alice's", () => ({ owner: "alice" }), [READ, "ok", READ, "nothing", "nothing", "ok", "ok"]],
  ["UpdateAccount", "alice's", same, [WRITE, WRITE, "ok", NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["CreateTransfer", "out of alice's", same, [WRITE, WRITE, "ok", ALICES, ALICES, "ok", "ok"]],
  ["CreateTransfer", "into alice's, out of bob's", back, [WRITE, WRITE, BOBS, BOBS, "ok", BOBS, "ok"]],
  ["CreateTransfer", "as a hold", () => ({ pending: true }), [WRITE, WRITE, "ok", ALICES, ALICES, "ok", "ok"]],
  ["CreateTransfer", "as a dry run", () => ({ dry_run: true }), [WRITE, WRITE, "ok", ALICES, ALICES, "ok", "ok"]],
  ["BatchCreateTransfers", "out of alice's", same, [WRITE, WRITE, "ok", ALICES, ALICES, "ok", "ok"]],
  ["CaptureTransfer", "a hold on alice's", same, [WRITE, WRITE, "ok", NO_TRANSFER, ALICES, "ok", "ok"]],
  ["VoidTransfer", "a hold on alice's", same, [WRITE, WRITE, "ok", NO_TRANSFER, ALICES, "ok", "ok"]],
  ["ReverseTransfer", "from alice to bob", same, [WRITE, WRITE, BOBS, NO_TRANSFER, "ok", BOBS, "ok"]],
  ["GetTransfer", "from alice to bob", same, [READ, "ok", READ, NO_TRANSFER, "ok", "ok", "ok"]],
  ["ListTransfers", "of alice's", same, [READ, "ok", READ, "nothing", "ok", "ok", "ok"]],
  ["ListEntries", "of alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["GetBalance", "of alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["GetBalanceHistory", "of alice's", same, [READ, "ok", READ, NO_ACCOUNT, NO_ACCOUNT, "ok", "ok"]],
  ["GetTrialBalance", "of all", same, [ADMIN, ADMIN, ADMIN, ADMIN, ADMIN, ADMIN, "ok"]],
];
const methods = FinanceService.methods.map(({ name }) => name);

test("every method has its row", () => {
  expect([...new Set(rows.map(([method]) => method))]).toEqual(methods);
});

test.each(rows)("%s %s is for whom the table says, and whoever is refused changes nothing", async (...row) => {
  const [method, , change, verdicts] = row;
  const answered: string[] = [];
  for (const name of callerNames) {
    const request = { ...(await requests[method]()), ...change() };
    const before = await rowsDigest(service.pool);
    const verdict = verdictOf(await service.call(method, request, tokens[name]), request);
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
});

test("lists without a filter hold what is the caller's alone", async () => {
  const id = await openFunded(service, "erin", 5);
  const erin = await service.token("erin");
  const { body: accounts } = await service.call("ListAccounts", {}, erin);
  expect(accounts.accounts.map((account: JsonRequest) => account["id"])).toEqual([id]);
  const { body: transfers } = await service.call("ListTransfers", {}, erin);
  expect(transfers.transfers.map((transfer: JsonRequest) => transfer["credit_account_id"])).toEqual([id]);
});

test("a transfer shows each side the balance of their own account only", async () => {
  const { id } = await requests.GetTransfer();
  const seenBy = async (name: CallerName) => {
    const { body } = await service.call("GetTransfer", { id }, tokens[name]);
    return [body.debit_account_balance !== "0", body.credit_account_balance !== "0"];
  };
  expect(await seenBy("owner")).toEqual([true, false]);
  expect(await seenBy("counterparty")).toEqual([false, true]);
  expect(await seenBy("admin")).toEqual([true, true]);
});
