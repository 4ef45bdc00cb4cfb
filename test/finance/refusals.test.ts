import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalogue } from "../../src/finance/errors.ts";
import { findingsOf, fundsOf, openAccount, openFunded } from "../setup/ledger.ts";
import { type Reply, startTestService, type TestService } from "../setup/service.ts";

let service: TestService;
let alice: string;

beforeAll(async () => {
  service = await startTestService();
  alice = await service.token("alice");
});
afterAll(async () => {
  expect(await findingsOf(service.pool)).toEqual([]);
  await service.close();
});

const INT64_MAX = 9_223_372_036_854_775_807n;

describe("an amount", () => {
  let from: string;
  let to: string;
  let held: string;

  beforeAll(async () => {
    from = await openFunded(service, "alice", 100);
    to = await openAccount(service, "bob");
    const hold = { debit_account_id: from, credit_account_id: to, amount: 9, pending: true };
    held = (await service.call("CreateTransfer", hold, alice)).body.id;
  });

  // What stands in the JSON, and who refuses it: the reading of the body, in Twirp's own words, or the field's rule by name.
  const amounts: [json: string, code: string][] = [
    ["0", "invalid_argument"],
    ['"0"', "invalid_argument"],
    ["-1", "invalid_argument"],
    ['"-9223372036854775808"', "invalid_argument"],
    ['"9223372036854775808"', "malformed"],
    ["9223372036854775808", "malformed"],
    ['"-9223372036854775809"', "malformed"],
    ["1.5", "malformed"],
    ['"1.5"', "malformed"],
    ["NaN", "malformed"],
    ['"NaN"', "malformed"],
    ['"Infinity"', "malformed"],
    ['"١٢"', "malformed"],
    ['"１２"', "malformed"],
    ['"0x10"', "malformed"],
    ['"1_000"', "malformed"],
    ['" 5"', "malformed"],
    ['""', "malformed"],
    ["true", "malformed"],
    ["[5]", "malformed"],
  ];

  const spendings: [method: string, body: (amount: string) => string, path: string][] = [
    ["CreateTransfer", (amount) => transferOf(amount), "amount"],
    [
      "BatchCreateTransfers",
      (amount) => `{"transfers":[${transferOf("1")},${transferOf(amount)}]}`,
      "transfers[1].amount",
    ],
  ];
  const transferOf = (amount: string) =>
    `{"debit_account_id":"${from}","credit_account_id":"${to}","amount":${amount},"idempotency_key":"unused"}`;

  describe.each(spendings)("of %s", (method, bodyOf, path) => {
    test.each(amounts)("%s is refused as %s, uses no key and moves nothing", async (amount, code) => {
      const { status, body } = await service.call(method, bodyOf(amount), alice);
      expect([status, body.code]).toEqual([400, code]);
      if (code === "invalid_argument") expect(body.meta).toEqual({ argument: path });
      else expect(body.msg).toBe("the json request could not be decoded");
      expect(await fundsOf(service, from)).toBe("100/91");
      const { rows } = await service.pool.query("select from idempotency");
      expect(rows).toHaveLength(0);
    });
  });

  test.each(["-1", '"9223372036854775808"', '"1.5"', '"١٢"'])("of a capture, %s is refused", async (amount) => {
    const { status } = await service.call("CaptureTransfer", `{"id":"${held}","amount":${amount}}`, alice);
    expect(status).toBe(400);
    expect((await service.call("GetTransfer", { id: held }, alice)).body.state).toBe("TRANSFER_STATE_PENDING");
  });

  test.each(["1e3", '"1e3"', "1000.0"])("%s is a thousand to the unit, as proto3 JSON has it", async (amount) => {
    const { status, body } = await service.call("CreateTransfer", transferOf(amount).replace("unused", ""), alice);
    expect([status, body.meta]).toEqual([412, { reason: "insufficient_funds", account_id: from }]);
    expect(body.msg).toContain("1000 is asked");
  });
});

describe("where several refusals hold, the first in the catalogue is reported", () => {
  /** Situations of a transfer, in the catalogue's order: each can be arranged alone or together with all later ones. */
  const order = [
    "invalid_argument",
    "idempotency_key_reused",
    "not_found",
    "account_not_owned",
    "account_not_open",
    "currency_mismatch",
    "insufficient_funds",
    "out_of_range",
  ] as const;
  type Fault = (typeof order)[number];

  async function refusalOf(faults: ReadonlySet<Fault>): Promise<string> {
    const debited = await openAccount(service, faults.has("account_not_owned") ? "bob" : "alice", {
      unlimited_overdraft: !faults.has("insufficient_funds"),
    });
    const currency = faults.has("currency_mismatch") ? "EUR" : "USD";
    const credited = faults.has("out_of_range")
      ? await openFunded(service, "carol", INT64_MAX, { currency })
      : await openAccount(service, "carol", { currency });
    if (faults.has("account_not_open")) {
      await service.call("UpdateAccount", { id: debited, status: "ACCOUNT_STATUS_FROZEN" });
    }
    const idempotency_key = `order-${debited}`;
    if (faults.has("idempotency_key_reused")) {
      const other = { debit_account_id: credited, credit_account_id: debited, amount: 1, idempotency_key };
      await service.call("CreateTransfer", other, alice);
    }
    const { status, body } = await service.call(
      "CreateTransfer",
      {
        debit_account_id: debited,
        credit_account_id: faults.has("not_found") ? `${INT64_MAX}` : credited,
        amount: faults.has("invalid_argument") ? 0 : 5,
        idempotency_key,
      },
      alice,
    );
    if (status === 200) return "posted";
    return body.meta.reason ?? (body.code === "permission_denied" ? "account_not_owned" : body.code);
  }

  test("and the table below follows its order", () => {
    const situations: string[] = catalogue.map(({ situation }) => situation);
    expect(situations.filter((situation) => (order as readonly string[]).includes(situation))).toEqual(order);
  });

  test.each(order)("%s alone", async (fault) => {
    expect(await refusalOf(new Set([fault]))).toBe(fault);
  });

  test.each(order)("%s before all that come later", async (fault) => {
    expect(await refusalOf(new Set(order.slice(order.indexOf(fault))))).toBe(fault);
  });

  test("and none of them is a transfer", async () => {
    expect(await refusalOf(new Set())).toBe("posted");
  });
});

describe("accounts of a transfer", () => {
  const cases: [what: string, of: "debit" | "credit", open: () => Promise<string>, code: string, meta: object][] = [
    ["unknown", "debit", async () => "4611686018427387904", "not_found", { resource: "account" }],
    ["unknown", "credit", async () => "4611686018427387904", "not_found", { resource: "account" }],
    ["foreign", "debit", () => openAccount(service, "bob"), "permission_denied", {}],
    ["closed", "debit", () => shut("CLOSED"), "failed_precondition", { reason: "account_not_open" }],
    ["closed", "credit", () => shut("CLOSED"), "failed_precondition", { reason: "account_not_open" }],
    ["frozen", "debit", () => shut("FROZEN"), "failed_precondition", { reason: "account_not_open" }],
    ["frozen", "credit", () => shut("FROZEN"), "failed_precondition", { reason: "account_not_open" }],
    ["of another currency", "debit", () => euros(), "failed_precondition", { reason: "currency_mismatch" }],
    ["of another currency", "credit", () => euros(), "failed_precondition", { reason: "currency_mismatch" }],
  ];
  const euros = () => openAccount(service, "alice", { currency: "EUR", unlimited_overdraft: true });
  const shut = async (status: string) => {
    const id = await openAccount(service, "alice");
    await service.call("UpdateAccount", { id, status: `ACCOUNT_STATUS_${status}` });
    return id;
  };

  test.each(cases)("%s, as %sed one, have their own error, alone and in a batch between good ones", async (...row) => {
    const [, side, open, code, meta] = row;
    const from = await openFunded(service, "alice", 100);
    const to = await openAccount(service, "bob");
    const good = { debit_account_id: from, credit_account_id: to, amount: 10 };
    const bad = { ...good, [`${side}_account_id`]: await open() };
    const alone = await service.call("CreateTransfer", bad, alice);
    expect(alone.body).toMatchObject({ code, meta });
    const { body } = await service.call("BatchCreateTransfers", { transfers: [good, bad, good] }, alice);
    expect(body.results[1].error).toEqual(alone.body);
    expect([body.results[0].transfer.amount, body.results[2].transfer.amount]).toEqual(["10", "10"]);
    expect(await fundsOf(service, to)).toBe("20/20");
  });
});

describe("a sum past int64", () => {
  const outcomes = ({ body }: Reply): string[] =>
    body.results.map(({ transfer, error }: { transfer?: { amount: string }; error?: { code: string } }) =>
      transfer ? "posted" : error?.code,
    );

  test("is refused alone: its neighbours in the batch post, up to the last unit", async () => {
    const source = await openAccount(service, "bank", { unlimited_overdraft: true });
    const full = await openFunded(service, "bob", INT64_MAX - 3n);
    const transfers = [2, 5, 1, 1].map((amount) => ({ debit_account_id: source, credit_account_id: full, amount }));
    const reply = await service.call("BatchCreateTransfers", { transfers });
    expect(outcomes(reply)).toEqual(["posted", "out_of_range", "posted", "out_of_range"]);
    expect(reply.body.results[1].error.meta).toEqual({ account_id: full });
    expect(await fundsOf(service, full)).toBe(`${INT64_MAX}/${INT64_MAX}`);
  });

  test("counts what is held: a hold that could not be captured is refused", async () => {
    const source = await openAccount(service, "bank", { unlimited_overdraft: true });
    const full = await openFunded(service, "bob", INT64_MAX - 3n);
    const move = { debit_account_id: source, credit_account_id: full };
    const { body: held } = await service.call("CreateTransfer", { ...move, amount: 3, pending: true });
    expect((await service.call("CreateTransfer", { ...move, amount: 1 })).body.code).toBe("out_of_range");
    expect((await service.call("CreateTransfer", { ...move, amount: 1, pending: true })).body.code).toBe(
      "out_of_range",
    );
    expect((await service.call("CaptureTransfer", { id: held.id })).status).toBe(200);
  });

  test("in an atomic batch refuses the batch", async () => {
    const source = await openAccount(service, "bank", { unlimited_overdraft: true });
    const full = await openFunded(service, "bob", INT64_MAX - 3n);
    const transfers = [2, 5].map((amount) => ({ debit_account_id: source, credit_account_id: full, amount }));
    const reply = await service.call("BatchCreateTransfers", { transfers, atomic: true });
    expect(outcomes(reply)).toEqual(["aborted", "out_of_range"]);
    expect(await fundsOf(service, full)).toBe(`${INT64_MAX - 3n}/${INT64_MAX - 3n}`);
  });
});
