import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { catalogue } from "../../src/finance/errors.ts";
import { addOldTransfer, findingsOf, fundsOf, openAccount, openFunded } from "../setup/ledger.ts";
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
    ["1000000000000001", "invalid_argument"],
    ['"1000000000000001"', "invalid_argument"],
    ["1e16", "invalid_argument"],
    ['"9223372036854775807"', "invalid_argument"],
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

  // An atomic batch is refused whole; of another the malformed member is, with an error of its own.
  const spendings: [what: string, method: string, body: (amount: string) => string, path: string, status: number][] = [
    ["CreateTransfer", "CreateTransfer", (amount) => transferOf(amount), "amount", 400],
    [
      "an atomic batch",
      "BatchCreateTransfers",
      (amount) => `{"transfers":[${transferOf("1")},${transferOf(amount)}],"atomic":true}`,
      "transfers[1].amount",
      400,
    ],
    [
      "an independent batch",
      "BatchCreateTransfers",
      (amount) => `{"transfers":[${transferOf(amount)}]}`,
      "transfers[0].amount",
      200,
    ],
  ];
  const transferOf = (amount: string) =>
    `{"debit_account_id":"${from}","credit_account_id":"${to}","amount":${amount},"idempotency_key":"unused"}`;

  describe.each(spendings)("of %s", (_, method, bodyOf, path, statusWhenRead) => {
    test.each(amounts)("%s is refused as %s, uses no key and moves nothing", async (amount, code) => {
      const { status, body } = await service.call(method, bodyOf(amount), alice);
      const error = status === 200 ? body.results[0].error : body;
      expect([status, error.code]).toEqual([code === "malformed" ? 400 : statusWhenRead, code]);
      if (code === "invalid_argument") expect(error.meta).toEqual({ argument: path });
      else expect(error.msg).toBe("the json request could not be decoded");
      expect(await fundsOf(service, from)).toBe("100/91");
      const { rows } = await service.pool.query("select from idempotency");
      expect(rows).toHaveLength(0);
    });
  });

  test.each(["0", '"0"', "-1", '"9223372036854775808"', '"1.5"', '"١٢"'])(
    "of a capture, %s is refused",
    async (amount) => {
      const { status } = await service.call("CaptureTransfer", `{"id":"${held}","amount":${amount}}`, alice);
      expect(status).toBe(400);
      expect((await service.call("GetTransfer", { id: held }, alice)).body.state).toBe("TRANSFER_STATE_PENDING");
    },
  );

  test.each(["1e3", '"1e3"', "1000.0"])("%s is read as exactly 1000, as in proto3 JSON", async (amount) => {
    const { status, body } = await service.call("CreateTransfer", transferOf(amount).replace("unused", ""), alice);
    expect([status, body.meta]).toEqual([412, { reason: "insufficient_funds", account_id: from }]);
    expect(body.msg).toContain("not 1000");
  });
});

describe("where several refusals hold, the first in the catalogue is reported", () => {
  /**
   * Situations of a transfer, in the catalogue's order: each can be arranged alone or together with all later ones. Only a
   * debit that raises a balance can't lack funds.
   */
  const order = [
    "invalid_argument",
    "idempotency_key_reused",
    "not_found",
    "account_not_owned",
    "account_not_debitable",
    "account_not_open",
    "currency_mismatch",
    "insufficient_funds",
    "out_of_range",
    "account_not_creditable",
  ] as const;
  type Fault = (typeof order)[number];

  async function refusalOf(faults: ReadonlySet<Fault>): Promise<string> {
    const debited = await openAccount(service, faults.has("account_not_owned") ? "bob" : "alice", {
      ...(faults.has("account_not_debitable") && { type: "ACCOUNT_TYPE_ASSET" }),
      ...(faults.has("insufficient_funds")
        ? { overdraft_limit: faults.has("out_of_range") ? `${INT64_MAX}` : 0 }
        : { unlimited_overdraft: true }),
    });
    if (faults.has("out_of_range") && !faults.has("account_not_debitable")) {
      // As far below zero as a balance can be, and all of its limit is used.
      await addOldTransfer(service.pool, debited, await openAccount(service, "dave"), INT64_MAX);
    }
    const currency = faults.has("currency_mismatch") ? "EUR" : "USD";
    const credited = faults.has("account_not_creditable")
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
    const situations = Object.keys(catalogue);
    expect(situations.filter((situation) => (order as readonly string[]).includes(situation))).toEqual(order);
  });

  test.each(order)("%s alone", async (fault) => {
    expect(await refusalOf(new Set([fault]))).toBe(fault);
  });

  test.each(order)("%s before all later ones", async (fault) => {
    expect(await refusalOf(new Set(order.slice(order.indexOf(fault))))).toBe(fault);
  });

  test("and none of them is a transfer", async () => {
    expect(await refusalOf(new Set())).toBe("posted");
  });
});

describe("accounts of a transfer", () => {
  const notDebitable = { reason: "account_not_debitable" };
  const notCreditable = { reason: "account_not_creditable" };
  const cases: [what: string, of: "debit" | "credit", open: () => Promise<string>, code: string, meta: object][] = [
    ["unknown", "debit", async () => "4611686018427387904", "not_found", { resource: "account" }],
    ["unknown", "credit", async () => "4611686018427387904", "not_found", { resource: "account" }],
    ["foreign", "debit", () => openAccount(service, "bob"), "permission_denied", {}],
    ["of one's own that a debit raises", "debit", () => cashAccount("alice"), "permission_denied", notDebitable],
    ["of one's own that a credit lowers", "credit", () => cashAccount("alice"), "failed_precondition", notCreditable],
    ["of another's that a credit lowers", "credit", () => cashAccount("bob"), "failed_precondition", notCreditable],
    ["of another's that is full", "credit", () => full("bob"), "failed_precondition", notCreditable],
    ["of one's own that is full", "credit", () => full("alice"), "out_of_range", {}],
    ["closed", "debit", () => shut("CLOSED"), "failed_precondition", { reason: "account_not_open" }],
    ["closed", "credit", () => shut("CLOSED"), "failed_precondition", { reason: "account_not_open" }],
    ["frozen", "debit", () => shut("FROZEN"), "failed_precondition", { reason: "account_not_open" }],
    ["frozen", "credit", () => shut("FROZEN"), "failed_precondition", { reason: "account_not_open" }],
    ["of another currency", "debit", () => euros(), "failed_precondition", { reason: "currency_mismatch" }],
    ["of another currency", "credit", () => euros(), "failed_precondition", { reason: "currency_mismatch" }],
  ];
  const full = (owner: string) => openFunded(service, owner, INT64_MAX);
  /** With 100 in it. */
  const cashAccount = async (owner: string) => {
    const id = await openAccount(service, owner, { type: "ACCOUNT_TYPE_ASSET" });
    const request = { debit_account_id: id, credit_account_id: await openAccount(service, "bank"), amount: 100 };
    expect((await service.call("CreateTransfer", request)).status).toBe(200);
    return id;
  };
  const euros = () => openAccount(service, "alice", { currency: "EUR", unlimited_overdraft: true });
  const shut = async (status: string) => {
    const id = await openAccount(service, "alice");
    await service.call("UpdateAccount", { id, status: `ACCOUNT_STATUS_${status}` });
    return id;
  };

  test.each(cases)(
    "%s, as the %sed account, has its own error, alone and in a batch between good ones",
    async (...row) => {
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
    },
  );
});

const outcomes = ({ body }: Reply): string[] =>
  body.results.map(({ transfer, error }: { transfer?: { amount: string }; error?: { code: string } }) =>
    transfer ? "posted" : error?.code,
  );

describe("a balance past int64", () => {
  test("is refused alone: the others in the batch are posted, up to the last unit", async () => {
    const source = await openAccount(service, "bank", { unlimited_overdraft: true });
    const full = await openFunded(service, "bob", INT64_MAX - 3n);
    const transfers = [2, 5, 1, 1].map((amount) => ({ debit_account_id: source, credit_account_id: full, amount }));
    const reply = await service.call("BatchCreateTransfers", { transfers });
    expect(outcomes(reply)).toEqual(["posted", "out_of_range", "posted", "out_of_range"]);
    expect(reply.body.results[1].error.meta).toEqual({ account_id: full });
    expect(await fundsOf(service, full)).toBe(`${INT64_MAX}/${INT64_MAX}`);
  });

  test("counts holds: a hold that could not be captured is refused", async () => {
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

  test("is refused only until money moves back", async () => {
    const source = await openAccount(service, "bank", { unlimited_overdraft: true });
    const full = await openFunded(service, "bob", INT64_MAX);
    const move = { debit_account_id: source, credit_account_id: full, amount: 7 };
    expect((await service.call("CreateTransfer", move)).body.code).toBe("out_of_range");
    const back = { debit_account_id: full, credit_account_id: source, amount: 7 };
    expect((await service.call("CreateTransfer", back)).status).toBe(200);
    expect((await service.call("CreateTransfer", move)).status).toBe(200);
    expect(await fundsOf(service, full)).toBe(`${INT64_MAX}/${INT64_MAX}`);
  });

  test("is refused below zero as well", async () => {
    const emptied = await openAccount(service, "bank", { unlimited_overdraft: true });
    const other = await openAccount(service, "bob");
    await addOldTransfer(service.pool, emptied, await openAccount(service, "bob"), INT64_MAX - 1n);
    const move = { debit_account_id: emptied, credit_account_id: other, amount: 1 };
    const transfers = [move, move];
    const reply = await service.call("BatchCreateTransfers", { transfers });
    expect(outcomes(reply)).toEqual(["posted", "out_of_range"]);
    expect(reply.body.results[1].error.meta).toEqual({ account_id: emptied });
    expect(await fundsOf(service, emptied)).toBe(`-${INT64_MAX}/-${INT64_MAX}`);
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

describe("the sums of an account past int64", () => {
  test("refuse nothing: exact totals are given beside int64 totals that stop at the maximum", async () => {
    const amount = 10n ** 15n;
    const full = await openFunded(service, "alice", INT64_MAX);
    const other = await openAccount(service, "alice");
    const totals = async () => {
      const { body } = await service.call("GetAccount", { id: full }, alice);
      return [body.total_debits, body.total_credits, body.debits_posted, body.credits_posted, body.balance];
    };
    expect(await totals()).toEqual(["0", `${INT64_MAX}`, "0", `${INT64_MAX}`, `${INT64_MAX}`]);
    const out = { debit_account_id: full, credit_account_id: other, amount: `${amount}` };
    const back = { debit_account_id: other, credit_account_id: full, amount: `${amount}` };
    const reply = await service.call("BatchCreateTransfers", { transfers: [out, back, out] }, alice);
    expect(outcomes(reply)).toEqual(["posted", "posted", "posted"]);
    expect(await totals()).toEqual([
      `${2n * amount}`,
      `${INT64_MAX + amount}`,
      `${2n * amount}`,
      `${INT64_MAX}`,
      `${INT64_MAX - amount}`,
    ]);
  });

  test("of accounts that earlier versions had exhausted work again", async () => {
    const [one, two] = [await openAccount(service, "alice"), await openAccount(service, "alice")];
    await addOldTransfer(
      service.pool,
      await openAccount(service, "bank", { unlimited_overdraft: true }),
      one,
      INT64_MAX,
    );
    const { body: moved } = await service.call("ListTransfers", { account_id: one }, alice);
    expect(moved.transfers).toMatchObject([{ amount: `${INT64_MAX}`, state: "TRANSFER_STATE_POSTED" }]);
    const { status, body } = await service.call("ReverseTransfer", { id: moved.transfers[0].id }, alice);
    expect([status, body.amount]).toEqual([200, `${INT64_MAX}`]);
    expect(await fundsOf(service, one)).toBe("0/0");
    // Both sums are at the end of int64 now.
    const move = { debit_account_id: await openFunded(service, "alice", 5), credit_account_id: one, amount: 5 };
    expect((await service.call("CreateTransfer", move, alice)).status).toBe(200);
    expect(
      (await service.call("CreateTransfer", { ...move, debit_account_id: one, credit_account_id: two }, alice)).status,
    ).toBe(200);
    expect(await fundsOf(service, one)).toBe("0/0");
    const { body: account } = await service.call("GetAccount", { id: one }, alice);
    expect(account).toMatchObject({ total_debits: `${INT64_MAX + 5n}`, total_credits: `${INT64_MAX + 5n}` });
  });
});
