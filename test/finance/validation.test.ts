import { describe, expect, test } from "vitest";
import { AccountType, CreateAccountRequest, UpdateAccountRequest } from "../../generated/server/finance/v1/account.ts";
import { CreateTransferRequest, ListTransfersRequest } from "../../generated/server/finance/v1/transfer.ts";
import { FinanceError } from "../../src/finance/errors.ts";
import {
  readAccountChange,
  readIdempotencyKey,
  readNewAccount,
  readNewTransfer,
  readPage,
  readTransferFilter,
} from "../../src/finance/validation.ts";

function argumentOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof FinanceError && error.refusal.situation === "invalid_argument") {
      return error.refusal.meta["argument"] ?? "";
    }
    throw error;
  }
  return "accepted";
}

// As it comes off the wire: an enum of proto3 is open.
const unknownValue: number = 77;

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));

describe("CreateAccount", () => {
  const good = { name: "Till", type: AccountType.ASSET, currency: "USD" };
  const table: [what: string, change: Partial<CreateAccountRequest>, argument: string][] = [
    ["all that is required", {}, "accepted"],
    ["no name", { name: "" }, "name"],
    ["a name of 200 characters beyond the BMP", { name: "😀".repeat(200) }, "accepted"],
    ["a name of 201 characters", { name: "n".repeat(201) }, "name"],
    ["a name with U+0000", { name: "a\u0000b" }, "name"],
    ["no type", { type: AccountType.UNSPECIFIED }, "type"],
    ["a type nobody knows", { type: unknownValue }, "type"],
    ["no currency", { currency: "" }, "currency"],
    ["a currency in lower case", { currency: "usd" }, "currency"],
    ["a currency that is gone", { currency: "DEM" }, "currency"],
    ["an owner of 256 characters", { owner: "o".repeat(256) }, "owner"],
    ["a negative overdraft limit", { overdraftLimit: -1n }, "overdraft_limit"],
    ["a limit where there is none", { overdraftLimit: 1n, unlimitedOverdraft: true }, "overdraft_limit"],
    ["50 pairs of metadata", { metadata: pairs(50) }, "accepted"],
    ["51 pairs of metadata", { metadata: pairs(51) }, "metadata"],
    ["an empty metadata key", { metadata: { "": "v" } }, "metadata"],
    ["a metadata key of 41 characters", { metadata: { ["k".repeat(41)]: "v" } }, "metadata"],
    ["an empty metadata value", { metadata: { k: "" } }, "metadata.k"],
    ["a metadata value of 501 characters", { metadata: { k: "v".repeat(501) } }, "metadata.k"],
  ];
  test.each(table)("with %s", (_, change, argument) => {
    expect(argumentOf(() => readNewAccount(CreateAccountRequest.create({ ...good, ...change })))).toBe(argument);
  });
});

describe("UpdateAccount", () => {
  const table: [what: string, change: Partial<UpdateAccountRequest>, argument: string][] = [
    ["nothing to change", {}, "accepted"],
    ["no id", { id: 0n }, "id"],
    ["a negative id", { id: -4n }, "id"],
    ["an empty name", { name: "" }, "name"],
    ["a status nobody knows", { status: unknownValue }, "status"],
    ["a pair to remove", { metadata: { k: "" } }, "accepted"],
    ["a negative overdraft limit", { overdraftLimit: -1n }, "overdraft_limit"],
  ];
  test.each(table)("with %s", (_, change, argument) => {
    expect(argumentOf(() => readAccountChange(UpdateAccountRequest.create({ id: 1n, ...change })))).toBe(argument);
  });
});

describe("CreateTransfer", () => {
  const good = { debitAccountId: 1n, creditAccountId: 2n, amount: 5n };
  const table: [what: string, change: Partial<CreateTransferRequest>, argument: string][] = [
    ["all that is required", {}, "accepted"],
    ["the greatest amount", { amount: 9_223_372_036_854_775_807n }, "accepted"],
    ["no amount", { amount: 0n }, "amount"],
    ["a negative amount", { amount: -5n }, "amount"],
    ["no debited account", { debitAccountId: 0n }, "debit_account_id"],
    ["a negative credited account", { creditAccountId: -1n }, "credit_account_id"],
    ["the same account twice", { creditAccountId: 1n }, "credit_account_id"],
    ["a description of 501 characters", { description: "d".repeat(501) }, "description"],
    ["an expiry without a hold", { expiresAt: { seconds: 1n, nanos: 0 } }, "expires_at"],
    ["a date past the year 9999", { effectiveAt: { seconds: 253_402_300_800n, nanos: 0 } }, "effective_at"],
    ["nanos of more than a second", { effectiveAt: { seconds: 0n, nanos: 1_000_000_000 } }, "effective_at"],
  ];
  test.each(table)("with %s", (_, change, argument) => {
    expect(argumentOf(() => readNewTransfer(CreateTransferRequest.create({ ...good, ...change })))).toBe(argument);
  });

  test("names a member of a batch by its path", () => {
    const request = CreateTransferRequest.create({ ...good, amount: 0n });
    expect(argumentOf(() => readNewTransfer(request, "transfers[3]."))).toBe("transfers[3].amount");
  });
});

describe("lists", () => {
  test.each([
    [-1, "page_size"],
    [0, "accepted"],
    [1000, "accepted"],
    [1001, "page_size"],
  ])("a page_size of %i", (pageSize, argument) => {
    expect(argumentOf(() => readPage({ pageSize, pageToken: "" }))).toBe(argument);
  });

  test.each([
    [{ minAmount: -1n }, "min_amount"],
    [{ maxAmount: -1n }, "max_amount"],
    [{ minAmount: 5n, maxAmount: 4n }, "max_amount"],
    [{ minAmount: 5n, maxAmount: 0n }, "accepted"],
    [{ state: unknownValue }, "state"],
    [{ accountId: -1n }, "account_id"],
  ])("a transfer filter of %o", (filter, argument) => {
    expect(argumentOf(() => readTransferFilter(ListTransfersRequest.create(filter)))).toBe(argument);
  });
});

test.each([
  ["", undefined],
  ["k".repeat(64), "k".repeat(64)],
])("an idempotency key %o reads as %o", (key, read) => {
  expect(readIdempotencyKey(key)).toBe(read);
});

test("an idempotency key of 65 characters is refused", () => {
  expect(argumentOf(() => readIdempotencyKey("k".repeat(65)))).toBe("idempotency_key");
});
