/** Whether a stranger can tell an id that is somebody's from one that is nobody's. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { INT64_MAX } from "../../src/finance/values.ts";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { idPlacesOf } from "../setup/request-places.ts";
import { type JsonRequest, type MethodName, validRequests } from "../setup/requests.ts";
import { startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let carol: string;
let carols: string;
let alices: string;
/** Bob's, which no plain caller can credit: a credit lowers them, or they are full. */
let uncreditable: { empty: string; poor: string; rich: string; floorless: string; full: string };
let requests: ReturnType<typeof validRequests>;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "silent" });
  carol = await service.token("carol");
  alices = await openFunded(service, "alice", 1_000_000);
  carols = await openFunded(service, "carol", 1_000_000);
  uncreditable = {
    empty: await openAsset(0),
    poor: await openAsset(499),
    rich: await openAsset(1_000_000),
    floorless: await openAsset(0, { unlimited_overdraft: true }),
    full: await openFunded(service, "bob", INT64_MAX),
  };
  requests = validRequests(service, { from: alices, to: await openFunded(service, "bob", 1) });
});
afterAll(() => service.close());

/** Opens an account of bob's that a debit raises, with an amount in it. */
async function openAsset(amount: number, change: object = {}): Promise<string> {
  const id = await openAccount(service, "bob", { type: "ACCOUNT_TYPE_ASSET", ...change });
  if (amount === 0) return id;
  const request = { debit_account_id: id, credit_account_id: await openAccount(service, "bank"), amount };
  expect((await service.call("CreateTransfer", request)).status).toBe(200);
  return id;
}

interface WholeReply {
  /** Status and every header but the date. */
  readonly head: string;
  readonly body: string;
}

/** Everything a stranger gets to see, to the byte. */
async function replyTo(method: string, request: JsonRequest): Promise<WholeReply> {
  const response = await fetch(`${service.url}/twirp/finance.v1.FinanceService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${carol}`, "x-request-id": "the-same" },
    body: JSON.stringify(request),
  });
  const headers = [...response.headers].filter(([name]) => name !== "date").map((header) => header.join(": "));
  return { head: [response.status, ...headers].join("\n"), body: await response.text() };
}

/** An id of as many digits that nobody has. */
function unknownLike(id: unknown): string {
  return "9".repeat(`${id}`.length);
}

// By the contract anyone may credit any open account of a type that a credit raises, so a payer has to be told whether
// there is one.
const TELLING: readonly string[] = ["CreateTransfer", "BatchCreateTransfers"];
const places = FinanceService.methods.flatMap(({ name, I }) =>
  idPlacesOf(I).map((place) => [name as MethodName, place.path, place] as const),
);

test("every method that takes an id is found by reflection", () => {
  expect(places.map(([method, path]) => `${method} ${path}`)).toEqual([
    "GetAccount id",
    "UpdateAccount id",
    "ListAccountChanges account_id",
    "CreateTransfer debit_account_id",
    "CreateTransfer credit_account_id",
    "BatchCreateTransfers transfers[0].debit_account_id",
    "BatchCreateTransfers transfers[0].credit_account_id",
    "CaptureTransfer id",
    "VoidTransfer id",
    "ReverseTransfer id",
    "GetTransfer id",
    "ListTransfers account_id",
    "ListTransfers counterparty_account_id",
    "ListEntries account_id",
    "ListEntries counterparty_account_id",
    "GetBalance account_id",
    "GetBalanceHistory account_id",
    "ListEvents account_id",
  ]);
});

describe("the reply does not say why another caller's account can't be credited:", () => {
  const transferTo = (credit_account_id: string) => ({ debit_account_id: carols, credit_account_id, amount: 500 });
  const ways: [what: string, method: MethodName, requestTo: (id: string) => JsonRequest][] = [
    ["a transfer", "CreateTransfer", transferTo],
    ["a dry run", "CreateTransfer", (id) => ({ ...transferTo(id), dry_run: true })],
    ["a hold", "CreateTransfer", (id) => ({ ...transferTo(id), pending: true })],
    ["a batch", "BatchCreateTransfers", (id) => ({ transfers: [transferTo(id)] })],
    ["an atomic batch", "BatchCreateTransfers", (id) => ({ transfers: [transferTo(id)], atomic: true })],
  ];
  test.each(ways)("%s gets the same bytes, whatever the account is and holds", async (_, method, requestTo) => {
    const replies = new Map<string, string[]>();
    for (const [kind, id] of Object.entries(uncreditable)) {
      const { head, body } = await replyTo(method, requestTo(id));
      // Ids differ in length.
      const told = `${head.replace(/\ncontent-length: \d+/, "")}\n${body.replaceAll(new RegExp(`\\b${id}\\b`, "g"), "ID")}`;
      expect(told).toContain("account_not_creditable");
      replies.set(told, [...(replies.get(told) ?? []), kind]);
    }
    expect([...replies.values()]).toEqual([Object.keys(uncreditable)]);
  });
});

test.each(places.filter(([method]) => !TELLING.includes(method)))(
  "%s gives the same bytes for another caller's %s and an unknown one",
  async (method, path, place) => {
    const isCounterparty = path === "counterparty_account_id";
    const request = isCounterparty ? { account_id: carols } : await requests[method]();
    const id = isCounterparty ? alices : `${Object.values(request)[0]}`;
    const expected = await replyTo(method, place.put(request, unknownLike(id)));
    const { head, body } = await replyTo(method, place.put(request, id));
    expect({
      head,
      body: body.replaceAll(`"${id}"`, `"${unknownLike(id)}"`).replaceAll(` ${id}"`, ` ${unknownLike(id)}"`),
    }).toEqual(expected);
    expect(expected.head).toMatch(isCounterparty || method === "ListTransfers" ? /^200\n/ : /^404\n/);
  },
);

describe("a transfer has to show whether an account exists:", () => {
  const cases: [what: string, change: () => JsonRequest, answer: string][] = [
    ["to debit a foreign one", () => ({ debit_account_id: alices }), "permission_denied"],
    ["to debit an unknown one", () => ({ debit_account_id: "99" }), "not_found"],
    ["to credit a foreign one", () => ({ credit_account_id: alices }), "posted"],
    ["to credit an unknown one", () => ({ credit_account_id: "99" }), "not_found"],
    ["to credit a foreign asset", () => ({ credit_account_id: uncreditable.empty }), "failed_precondition"],
  ];
  test.each(cases)("%s is answered %s", async (_, change, answer) => {
    const bank = await openFunded(service, "dave", 1);
    const request = { debit_account_id: carols, credit_account_id: bank, amount: 1, ...change() };
    const { status, body } = await service.call("CreateTransfer", request, carol);
    expect(status === 200 ? "posted" : body.code).toBe(answer);
  });
});
