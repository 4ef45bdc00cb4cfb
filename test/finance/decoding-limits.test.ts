/** What decoding knows of the rules for requests: it changes when a request is refused, never how. */
import type { FieldInfo, IMessageType } from "@protobuf-ts/runtime";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import { BatchCreateTransfersRequest, CreateTransferRequest } from "../../generated/server/finance/v1/transfer.ts";
import { decodingLimits } from "../../src/finance/index.ts";
import { openAccount, openFunded } from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

type AnyType = IMessageType<Record<string, unknown>>;

let service: TestService;
let alice: string;
let from: string;
let to: string;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "silent" });
  alice = await service.token("alice");
  from = await openFunded(service, "alice", 1_000_000);
  to = await openAccount(service, "bob");
});
afterAll(() => service.close());

function collectionsOf(type: AnyType): string[] {
  const isCollection = (field: FieldInfo) => field.kind === "map" || field.repeat !== 0;
  return type.fields.flatMap((field) => [
    ...(isCollection(field) ? [`${type.typeName}.${field.name}`] : []),
    ...(field.kind === "message" ? collectionsOf(field.T()) : []),
  ]);
}

test("every list and map of a request has a limit", () => {
  const collections = FinanceService.methods.flatMap(({ I }) => collectionsOf(I));
  expect(Object.keys(decodingLimits.elements ?? {}).sort()).toEqual([...new Set(collections)].sort());
});

/** Calls with protobuf; an error comes as JSON all the same. */
async function callBinary(method: string, body: Uint8Array<ArrayBuffer>): Promise<Reply> {
  const response = await fetch(`${service.url}/twirp/finance.v1.FinanceService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/protobuf", authorization: `Bearer ${alice}` },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, "v"]));
const transfer = (change: object = {}) => ({ debit_account_id: from, credit_account_id: to, amount: "1", ...change });

describe.each([1001, 1002, 300_000])("%i transfers", (count) => {
  const refused = {
    code: "invalid_argument",
    msg: `transfers must hold 1 to 1000 transfers, not ${count}`,
    meta: { argument: "transfers" },
  };

  test("are refused with their number, and at most one too many is built", async () => {
    const create = vi.spyOn(CreateTransferRequest, "create");
    const json = await service.call("BatchCreateTransfers", `{"transfers":[${"{},".repeat(count - 1)}{}]}`, alice);
    const binary = await callBinary(
      "BatchCreateTransfers",
      new Uint8Array(2 * count).map((_, at) => (at % 2 ? 0 : 10)),
    );
    expect(json.body).toEqual(refused);
    expect(binary.body).toEqual(refused);
    expect(create.mock.calls.length).toBeLessThanOrEqual(2 * 1001);
    create.mockRestore();
  });
});

test.each([
  ["CreateAccount", { name: "a", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" }],
  ["UpdateAccount", { id: "1" }],
  ["CreateTransfer", { debit_account_id: "1", credit_account_id: "2", amount: "1" }],
  ["ListTransfers", {}],
])("%s counts all pairs of metadata that are sent", async (method, request) => {
  for (const count of [51, 52, 30_000]) {
    const { body } = await service.call(method, { ...request, metadata: pairs(count) }, alice);
    const msg = `metadata must have at most 50 pairs, not ${count}`;
    expect(body).toEqual({ code: "invalid_argument", msg, meta: { argument: "metadata" } });
  }
});

test("in an independent batch, too many pairs are the result of their own transfer, in JSON and in protobuf", async () => {
  const transfers = [transfer(), transfer({ metadata: pairs(60) }), transfer({ metadata: pairs(50) })];
  const json = await service.call("BatchCreateTransfers", { transfers }, alice);
  expect(json.body.results.map((result: { error?: object }) => result.error ?? null)).toEqual([
    null,
    {
      code: "invalid_argument",
      msg: "transfers[1].metadata must have at most 50 pairs, not 60",
      meta: { argument: "transfers[1].metadata" },
    },
    null,
  ]);
  const message = BatchCreateTransfersRequest.fromJson({ transfers, atomic: true });
  const binary = await callBinary(
    "BatchCreateTransfers",
    new Uint8Array(BatchCreateTransfersRequest.toBinary(message)),
  );
  expect(binary.body).toMatchObject({
    code: "invalid_argument",
    msg: "transfers[1].metadata must have at most 50 pairs, not 60",
  });
});

test("the largest batch of the largest transfers is within the limits", async () => {
  const times = { effective_at: "2026-01-01T00:00:00Z", pending: true, expires_at: "2020-01-01T00:00:00Z" };
  const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}`, "v"]));
  const transfers = Array.from({ length: 1000 }, () => transfer({ ...times, metadata }));
  const { status, body } = await service.call("BatchCreateTransfers", { transfers }, alice);
  expect([status, body.results?.length]).toEqual([200, 1000]);
});

test("a caller of a newer API may send fields that this one does not know, some for each transfer", async () => {
  const transfers = Array.from({ length: 1000 }, () =>
    transfer({ dry_run: true, fee: { id: 1 }, splits: [1, 2], note: "" }),
  );
  expect((await service.call("BatchCreateTransfers", { transfers, mode: "X" }, alice)).status).toBe(200);
  const unknown = Array.from({ length: 10_001 }, (_, index) => `"x${index}":1`);
  expect((await service.call("ListAccounts", `{${unknown}}`, alice)).body).toMatchObject({
    code: "malformed",
    meta: { detail: "more than 10000 unknown fields" },
  });
});

test("text that is far too long is refused with its length", async () => {
  const { body } = await service.call("CreateTransfer", transfer({ description: "🦊".repeat(200_000) }), alice);
  expect(body.msg).toBe("description must have at most 500 characters, not 200000");
});
