/** A ledger of version 0.1.0 after the upgrade: nothing is lost, and what its bugs blocked works again. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestDatabase } from "../setup/database.ts";
import { findingsOf, fundsOf, verdictOf } from "../setup/ledger.ts";
import { startTestService, type TestService } from "../setup/service.ts";
import { createOldLedger, readFixture, upgrade } from "./old-ledger.ts";

const { text, ledger: old } = await readFixture("ledger-0.1.0.json");
const idOf = (name: string) => old.ids[name] ?? "";

let database: TestDatabase;
let service: TestService;
let alice: string;
let bob: string;

beforeAll(async () => {
  database = await createOldLedger(2, text);
  expect(await upgrade(database)).not.toEqual([]);
  service = await startTestService({}, { database, sweepIntervalMs: 3_600_000 });
  alice = await service.token("alice");
  bob = await service.token("bob");
});
afterAll(async () => {
  expect(await findingsOf(database.pool)).toEqual([]);
  await service.close();
  await database.drop();
});

const tokenOf = (subject: string) => (subject === "alice" ? alice : undefined);

describe("keys from before", () => {
  const decided = old.calls.filter(({ method, body, request }) => {
    const isMistake = "late" === (request as { idempotency_key?: string }).idempotency_key;
    return method !== "BatchCreateTransfers" && !isMistake && "idempotency_key" in request && body !== undefined;
  });

  test.each(decided)(
    "$method answers $request.idempotency_key as it did",
    async ({ subject, method, request, status, body }) => {
      const reply = await service.call(method, request, tokenOf(subject));
      expect(reply.status).toBe(status);
      expect(reply.body).toMatchObject(body);
      expect(reply.headers.get("idempotent-replayed")).toBe("true");
      if (method !== "CreateTransfer") return;
      const move = { debit_account_id: idOf("alice"), credit_account_id: idOf("bob"), amount: 77 };
      const other = { ...move, idempotency_key: (request as { idempotency_key: string }).idempotency_key };
      expect(verdictOf(await service.call(method, other, tokenOf(subject)))).toBe("idempotency_key_reused");
    },
  );

  const made = decided.filter(({ method, status }) => method === "CreateTransfer" && status === 200);

  test.each(made)("find the transfer of $request.idempotency_key", async ({ subject, request, body }) => {
    const { idempotency_key } = request as { idempotency_key: string };
    for (const token of [undefined, tokenOf(subject)]) {
      const { body: found } = await service.call("ListTransfers", { idempotency_key }, token);
      expect(found.transfers).toMatchObject([{ id: body["id"], idempotency_key }]);
    }
  });

  test("that were used up by mistake can be used", async () => {
    const move = { debit_account_id: idOf("alice"), credit_account_id: idOf("bob"), amount: 1 };
    for (const idempotency_key of ["late", "neighbour"]) {
      const reply = await service.call("CreateTransfer", { ...move, idempotency_key }, alice);
      expect([reply.status, reply.headers.get("idempotent-replayed")]).toEqual([200, null]);
      const again = await service.call("CreateTransfer", { ...move, idempotency_key }, alice);
      expect([again.body.id, again.headers.get("idempotent-replayed")]).toEqual([reply.body.id, "true"]);
    }
    const culprit = { debit_account_id: idOf("bob"), credit_account_id: idOf("alice"), amount: 1 };
    const again = await service.call("CreateTransfer", { ...culprit, idempotency_key: "culprit" }, alice);
    expect([verdictOf(again), again.headers.get("idempotent-replayed")]).toEqual(["permission_denied", "true"]);
  });
});

describe("accounts from before", () => {
  test("that were stuck at the end of int64 work again", async () => {
    const move = { debit_account_id: idOf("bank"), credit_account_id: idOf("full"), amount: 1 };
    expect(verdictOf(await service.call("CreateTransfer", move))).toBe("200");
    const { body } = await service.call("GetAccount", { id: idOf("full") });
    expect(body).toMatchObject({
      balance: "1",
      debits_posted: "9223372036854775807",
      total_debits: "9223372036854775807",
      credits_posted: "9223372036854775807",
      total_credits: "9223372036854775808",
    });
  });

  test("keep amounts above today's limit, which can be reversed", async () => {
    const { body: big } = await service.call("GetTransfer", { id: idOf("big") });
    expect(big).toMatchObject({ amount: "5000000000000000000", created_by: "" });
    expect(verdictOf(await service.call("ReverseTransfer", { id: idOf("big") }))).toBe("200");
    expect(await fundsOf(service, idOf("huge"))).toBe("0/0");
  });

  test("have the digits of their currency", async () => {
    const digits = async (name: string) =>
      (await service.call("GetAccount", { id: idOf(name) })).body.minor_unit_digits;
    expect([await digits("yen"), await digits("alice")]).toEqual([0, 2]);
  });

  test("of a type that only an admin may open now can be read by their owner, who can't post to them", async () => {
    expect(verdictOf(await service.call("GetAccount", { id: idOf("asset") }, alice))).toBe("200");
    const move = { debit_account_id: idOf("asset"), credit_account_id: idOf("alice"), amount: 1 };
    expect(verdictOf(await service.call("CreateTransfer", move, alice))).toBe("account_not_debitable");
  });
});

test("a hold from before can be captured by an admin and voided by the payee, not by the payer", async () => {
  const id = idOf("held");
  expect(verdictOf(await service.call("CaptureTransfer", { id }, alice))).toBe("hold_not_owned");
  expect(verdictOf(await service.call("CaptureTransfer", { id }, bob))).toBe("hold_not_owned");
  expect(verdictOf(await service.call("VoidTransfer", { id }, alice))).toBe("hold_not_owned");
  expect(verdictOf(await service.call("VoidTransfer", { id }, bob))).toBe("200");
});
