import Fastify from "fastify";
import { expect, test } from "vitest";
import { Account } from "../../generated/server/finance/v1/account.ts";
import { FinanceService } from "../../generated/server/finance/v1/finance.ts";
import {
  createFinanceServiceServer,
  type FinanceServiceTwirp,
} from "../../generated/server/finance/v1/finance.twirp.ts";
import { Transfer } from "../../generated/server/finance/v1/transfer.ts";
import { type CallContext, twirp } from "../../packages/twirp/src/index.ts";

// Only the methods under test: the cast leaves the others out, which then answer `unimplemented`.
const implementation = {
  GetAccount: async (_context, { id }) =>
    Account.create({ id, name: "cash", type: 1, createdAt: { seconds: 0n, nanos: 0 }, metadata: { team: "a" } }),
  CreateTransfer: async (_context, { debitAccountId, creditAccountId, amount, metadata }) =>
    Transfer.create({ id: 1n, debitAccountId, creditAccountId, amount, metadata }),
} satisfies Partial<FinanceServiceTwirp<CallContext>> as unknown as FinanceServiceTwirp<CallContext>;

async function call(method: string, payload: unknown) {
  const app = Fastify();
  const server = createFinanceServiceServer<CallContext>(implementation);
  await app.register(twirp, { services: [{ server, type: FinanceService }] });
  const response = await app.inject({
    method: "POST",
    url: `/twirp/finance.v1.FinanceService/${method}`,
    headers: { "content-type": "application/json" },
    payload: JSON.stringify(payload),
  });
  await app.close();
  return { status: response.statusCode, body: response.json() };
}

test("the generated service answers in Go's JSON", async () => {
  expect(await call("GetAccount", { id: 4 })).toEqual({
    status: 200,
    body: {
      ...{
        id: "4",
        name: "cash",
        owner: "",
        type: "ACCOUNT_TYPE_ASSET",
        currency: "",
        status: "ACCOUNT_STATUS_UNSPECIFIED",
      },
      ...{ minor_unit_digits: 0, debits_posted: "0", credits_posted: "0", debits_pending: "0", credits_pending: "0" },
      ...{ balance: "0", available_balance: "0", overdraft_limit: "0", unlimited_overdraft: false },
      ...{ metadata: { team: "a" }, created_at: "1970-01-01T00:00:00Z", updated_at: null },
      ...{ total_debits: "", total_credits: "" },
    },
  });
});

test("amounts are exact, as numbers and as strings", async () => {
  const request = '{"debitAccountId":1,"credit_account_id":"2","amount":9007199254740993,"metadata":{"a":"b"}}';
  const app = Fastify();
  const server = createFinanceServiceServer<CallContext>(implementation);
  await app.register(twirp, { services: [{ server, type: FinanceService }] });
  const headers = { "content-type": "application/json" };
  const response = await app.inject({
    method: "POST",
    url: "/twirp/finance.v1.FinanceService/CreateTransfer",
    headers,
    payload: request,
  });
  await app.close();
  expect(response.json()).toMatchObject({ debit_account_id: "1", credit_account_id: "2", amount: "9007199254740993" });
  expect(response.body).toContain('"metadata":{"a":"b"}');
});

test("a method without an implementation is unimplemented", async () => {
  expect(await call("ListEntries", {})).toMatchObject({ status: 501, body: { code: "unimplemented" } });
});
