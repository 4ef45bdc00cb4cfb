/** What a key stands for: which requests are the same, and the header that means the same as the field. */
import { once } from "node:events";
import http from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CaptureTransferRequest,
  CreateTransferRequest,
  ReverseTransferRequest,
  VoidTransferRequest,
} from "../../generated/server/finance/v1/transfer.ts";
import { claimOf } from "../../src/finance/posting/idempotency.ts";
import { fundsOf, openAccount, openFunded, verdictOf } from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let from: string;
let to: string;

beforeAll(async () => {
  service = await startTestService({ LOG_LEVEL: "silent" });
  from = await openFunded(service, "alice", 1000);
  to = await openAccount(service, "bob");
});
afterAll(() => service.close());

let keys = 0;
const newKey = () => `key-${++keys}`;
const move = (change: object = {}) => ({ debit_account_id: from, credit_account_id: to, amount: 1, ...change });

async function send(
  method: string,
  body: string | Uint8Array<ArrayBuffer>,
  type: string,
  headers: [string, string][] = [],
): Promise<Reply> {
  const authorization = `Bearer ${await service.token("root", "finance.admin")}`;
  const response = await fetch(`${service.url}/twirp/finance.v1.FinanceService/${method}`, {
    method: "POST",
    headers: [["content-type", type], ["authorization", authorization], ...headers],
    body,
  });
  return {
    status: response.status,
    headers: response.headers,
    body: type === "application/json" ? await response.json() : undefined,
  };
}
const sendJson = (method: string, request: object, ...headers: [string, string][]) =>
  send(method, JSON.stringify(request), "application/json", headers);

const isReplay = ({ headers }: Reply) => headers.get("idempotent-replayed") === "true";

describe("the same request", () => {
  const base = {
    description: "x",
    metadata: { "10": "a", "2": "b", z: "c" },
    effective_at: "2026-01-02T03:04:05.123456Z",
  };
  const same: [what: string, change: object][] = [
    ["as it was", {}],
    ["with its pairs in another order", { metadata: { z: "c", "2": "b", "10": "a" } }],
    ["with an amount as text", { amount: "1" }],
    ["with a time finer than a microsecond", { effective_at: "2026-01-02T03:04:05.123456789Z" }],
    ["with its time in another zone", { effective_at: "2026-01-02T04:04:05.123456+01:00" }],
    ["with fields that nobody knows", { colour: "red" }],
    ["with defaults written out", { pending: false, expires_at: null }],
    ["as a dry run", { dry_run: true }],
  ];
  test.each(same)("%s gets the first answer again", async (_, change) => {
    const idempotency_key = newKey();
    const first = await sendJson("CreateTransfer", move({ ...base, idempotency_key }));
    const again = await sendJson("CreateTransfer", move({ ...base, idempotency_key, ...change }));
    expect([again.body, isReplay(again)]).toEqual([first.body, true]);
  });

  test("in protobuf, with unknown fields, gets the first answer again", async () => {
    const idempotencyKey = newKey();
    await sendJson("CreateTransfer", move({ idempotency_key: idempotencyKey }));
    const message = CreateTransferRequest.toBinary(
      CreateTransferRequest.create({
        debitAccountId: BigInt(from),
        creditAccountId: BigInt(to),
        amount: 1n,
        idempotencyKey,
      }),
    );
    const unknown = Uint8Array.of(0xfa, 0x3f, 0x01, 0x41);
    const again = await send("CreateTransfer", Uint8Array.from([...message, ...unknown]), "application/protobuf");
    expect([again.status, isReplay(again)]).toEqual([200, true]);
  });

  const others: [what: string, change: object][] = [
    ["amount", { amount: 2 }],
    ["description", { description: "y" }],
    ["pair", { metadata: { "10": "a", "2": "b", z: "d" } }],
    ["business time", { effective_at: "2026-01-02T03:04:05.123457Z" }],
    ["kind", { pending: true }],
  ];
  test.each(others)("is another one with another %s", async (_, change) => {
    const idempotency_key = newKey();
    await sendJson("CreateTransfer", move({ ...base, idempotency_key }));
    const other = await sendJson("CreateTransfer", move({ ...base, idempotency_key, ...change }));
    expect(verdictOf(other)).toBe("idempotency_key_reused");
  });

  test("under another caller's key is not a replay", async () => {
    const idempotency_key = newKey();
    await sendJson("CreateTransfer", move({ idempotency_key }));
    const alice = await service.token("alice");
    const reply = await service.call("CreateTransfer", move({ idempotency_key }), alice);
    expect([reply.status, isReplay(reply)]).toEqual([200, false]);
  });

  test("to open an account counts its owner, written out or not", async () => {
    const idempotency_key = newKey();
    const request = { name: "Mine", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", idempotency_key };
    const carol = await service.token("carol");
    const first = await service.call("CreateAccount", request, carol);
    const again = await service.call("CreateAccount", { ...request, owner: "carol" }, carol);
    expect([again.body, isReplay(again)]).toEqual([first.body, true]);
  });

  test("from many callers at once opens one account", async () => {
    const idempotency_key = newKey();
    const request = { name: "Raced", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD", idempotency_key };
    const replies = await Promise.all(Array.from({ length: 12 }, () => sendJson("CreateAccount", request)));
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    expect(replies.filter((reply) => !isReplay(reply))).toHaveLength(1);
  });

  test.each([
    [
      "CaptureTransfer",
      CaptureTransferRequest,
      { id: 7n },
      ["38cd554b5e8ac3b4dede74ea591858f6", "4f241d545d5ead3f7548debc5bab82d8"],
    ],
    [
      "VoidTransfer",
      VoidTransferRequest,
      { id: 7n },
      ["6bf5f065b128d63456f4d6cada52a91b", "2f706b3369f8663e859b6992966ce165"],
    ],
    [
      "ReverseTransfer",
      ReverseTransferRequest,
      { id: 7n, description: "x" },
      ["6477f067827a16559a1088099d1d253b", "b46eba58ec9babf0a672c4e0e0510fe2"],
    ],
  ] as const)("to %s keeps the digests that it had before it could be a dry run", (method, type, fields, digests) => {
    for (const dryRun of [false, true]) {
      const claim = claimOf("alice", "k", method, { ...type.create(), ...fields, dryRun });
      expect([claim.messageDigest, claim.legacyDigest()]).toEqual(digests);
    }
  });

  test("of an earlier version is compared by that version's digest only while it has no field that was added since", () => {
    const request = CreateTransferRequest.create({ debitAccountId: 4n, creditAccountId: 6n, amount: 1n });
    // sha256 of ["CreateTransfer","4","6","1","",[],null,false,null], as 0.1.0 took it.
    expect(claimOf("alice", "k", "CreateTransfer", request).legacyDigest()).toBe("557faab54d4f321b1a64cfc3a0344c80");
  });
});

describe("the header Idempotency-Key", () => {
  test("means the same as the field", async () => {
    const key = newKey();
    const first = await sendJson("CreateTransfer", move(), ["Idempotency-Key", key]);
    expect(first.body.idempotency_key).toBe(key);
    const again = await sendJson("CreateTransfer", move({ idempotency_key: key }));
    const both = await sendJson("CreateTransfer", move({ idempotency_key: key }), ["idempotency-key", key]);
    expect([again.body, both.body, isReplay(again), isReplay(both)]).toEqual([first.body, first.body, true, true]);
  });

  test.each<[method: string, request: () => Promise<object>]>([
    ["CreateAccount", async () => ({ name: "A", type: "ACCOUNT_TYPE_LIABILITY", currency: "USD" })],
    ["CaptureTransfer", async () => ({ id: (await sendJson("CreateTransfer", move({ pending: true }))).body.id })],
    ["VoidTransfer", async () => ({ id: (await sendJson("CreateTransfer", move({ pending: true }))).body.id })],
    ["ReverseTransfer", async () => ({ id: (await sendJson("CreateTransfer", move())).body.id })],
  ])("works on %s", async (method, makeRequest) => {
    const request = await makeRequest();
    const key = newKey();
    const first = await sendJson(method, request, ["Idempotency-Key", key]);
    const again = await sendJson(method, request, ["Idempotency-Key", key]);
    expect([first.status, again.body, isReplay(again)]).toEqual([200, first.body, true]);
  });

  test.each(["GetAccount", "ListTransfers", "GetTrialBalance"])("is ignored on %s", async (method) => {
    const request = method === "GetAccount" ? { id: from } : {};
    expect((await sendJson(method, request, ["Idempotency-Key", "x".repeat(65)])).status).toBe(200);
  });

  const refused: [what: string, method: string, request: () => object, key: string, argument: string][] = [
    [
      "where it differs from the field",
      "CreateTransfer",
      () => move({ idempotency_key: "one" }),
      "another",
      "idempotency_key",
    ],
    [
      "where it differs from the field of a request with other mistakes",
      "CreateTransfer",
      () => move({ idempotency_key: "one", amount: 0 }),
      "another",
      "idempotency_key",
    ],
    ["that is too long", "CreateTransfer", () => move(), "x".repeat(65), "idempotency_key"],
    ["that is not ASCII", "CreateTransfer", () => move(), "\u00e9", "idempotency_key"],
    ["on a batch", "BatchCreateTransfers", () => ({ transfers: [move()] }), "a", "Idempotency-Key"],
    ["on UpdateAccount", "UpdateAccount", () => ({ id: from, name: "B" }), "a", "Idempotency-Key"],
  ];
  test.each(refused)("is refused %s", async (...[, method, request, key, argument]) => {
    const before = await fundsOf(service, from);
    const { status, body } = await sendJson(method, request(), ["Idempotency-Key", key]);
    expect([status, body.code, body.meta]).toEqual([400, "invalid_argument", { argument }]);
    expect(await fundsOf(service, from)).toBe(before);
  });

  test("is refused when it comes twice", async () => {
    const authorization = `Bearer ${await service.token("root", "finance.admin")}`;
    // fetch would join the two into one line.
    const url = `${service.url}/twirp/finance.v1.FinanceService/CreateTransfer`;
    const headers = { "content-type": "application/json", authorization, "Idempotency-Key": ["a", "b"] };
    const request = http.request(url, { method: "POST", headers }).end(JSON.stringify(move()));
    const [response] = await once(request, "response");
    expect(JSON.parse(await text(response))).toMatchObject({
      code: "invalid_argument",
      meta: { argument: "idempotency_key" },
    });
  });
});
