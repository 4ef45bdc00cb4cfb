import { describe, expect, test } from "vitest";
import {
  AccountType,
  CreateAccountRequest,
  ListAccountsRequest,
  UpdateAccountRequest,
} from "../../generated/server/finance/v1/account.ts";
import { ListEntriesRequest } from "../../generated/server/finance/v1/entry.ts";
import {
  CaptureTransferRequest,
  CreateTransferRequest,
  ListTransfersRequest,
  ReverseTransferRequest,
} from "../../generated/server/finance/v1/transfer.ts";
import { FinanceError } from "../../src/finance/errors.ts";
import {
  readAccountChange,
  readAccountFilter,
  readCapture,
  readEntryFilter,
  readIdempotencyKey,
  readNewAccount,
  readNewTransfer,
  readPage,
  readReversal,
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
  const good = { name: "Cash", type: AccountType.ASSET, currency: "USD" };
  const table: [what: string, change: Partial<CreateAccountRequest>, argument: string][] = [
    ["all that is required", {}, "accepted"],
    ["no name", { name: "" }, "name"],
    ["a name of 200 characters beyond the BMP", { name: "😀".repeat(200) }, "accepted"],
    ["a name of 201 characters", { name: "n".repeat(201) }, "name"],
    ["a name with U+0000", { name: "a\u0000b" }, "name"],
    ["a name with a line feed", { name: "a\nb" }, "name"],
    ["a name with U+009F", { name: "a\u009fb" }, "name"],
    ["a name that turns to the left", { name: "a\u202eb" }, "name"],
    ["a name in Arabic and Hebrew", { name: "حساب חשבון" }, "accepted"],
    ["a name with joiners", { name: "👨‍👩‍👧 می‌خواهم" }, "accepted"],
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
    ["a name that turns to the right", { name: "\u2067ab" }, "name"],
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
    ["the greatest amount", { amount: 1_000_000_000_000_000n }, "accepted"],
    ["an amount past the greatest", { amount: 1_000_000_000_000_001n }, "amount"],
    ["no amount", { amount: 0n }, "amount"],
    ["a negative amount", { amount: -5n }, "amount"],
    ["no debited account", { debitAccountId: 0n }, "debit_account_id"],
    ["a negative credited account", { creditAccountId: -1n }, "credit_account_id"],
    ["the same account twice", { creditAccountId: 1n }, "credit_account_id"],
    ["a description of 501 characters", { description: "d".repeat(501) }, "description"],
    ["a description with a tab", { description: "a\tb" }, "description"],
    ["a description that turns to the left", { description: "a\u200f" }, "description"],
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

describe("CaptureTransfer", () => {
  test.each([
    [{}, "accepted"],
    [{ amount: 1n }, "accepted"],
    [{ amount: 0n }, "amount"],
    [{ amount: -1n }, "amount"],
    [{ id: 0n }, "id"],
  ])("with %o", (change, argument) => {
    expect(argumentOf(() => readCapture(CaptureTransferRequest.create({ id: 1n, ...change })))).toBe(argument);
  });

  test("without an amount asks for the whole hold", () => {
    expect(readCapture(CaptureTransferRequest.create({ id: 1n })).amount).toBeUndefined();
    expect(readCapture(CaptureTransferRequest.create({ id: 1n, amount: 7n })).amount).toBe(7n);
  });
});

test("ReverseTransfer refuses a description that changes the writing direction", () => {
  const request = ReverseTransferRequest.create({ id: 1n, description: "\u202a" });
  expect(argumentOf(() => readReversal(request))).toBe("description");
});

describe("lists", () => {
  test.each([
    [0, 50],
    [1, 1],
    [1000, 1000],
    [1001, 1000],
    [2_147_483_647, 1000],
  ])("a page_size of %i is one of %i", (pageSize, size) => {
    expect(readPage({ pageSize, pageToken: "" }).size).toBe(size);
  });

  test("a page_size below 0 is refused", () => {
    expect(argumentOf(() => readPage({ pageSize: -1, pageToken: "" }))).toBe("page_size");
  });

  test.each([
    ["", "accepted"],
    ["USD", "accepted"],
    ["DEM", "accepted"],
    ["usd", "currency"],
    ["US", "currency"],
    ["USDX", "currency"],
    ["ÜSD", "currency"],
    ["USD\n", "currency"],
  ])("an account filter of the currency %j", (currency, argument) => {
    expect(argumentOf(() => readAccountFilter(ListAccountsRequest.create({ currency })))).toBe(argument);
  });

  test.each([
    [{ minAmount: -1n }, "min_amount"],
    [{ maxAmount: -1n }, "max_amount"],
    [{ minAmount: 5n, maxAmount: 4n }, "max_amount"],
    [{ minAmount: 5n, maxAmount: 0n }, "accepted"],
    [{ state: unknownValue }, "state"],
    [{ accountId: -1n }, "account_id"],
    [{ counterpartyAccountId: 2n }, "counterparty_account_id"],
    [{ accountId: 1n, counterpartyAccountId: 2n }, "accepted"],
    [{ accountId: 1n, counterpartyAccountId: 1n }, "counterparty_account_id"],
    [{ accountId: 1n, counterpartyAccountId: -2n }, "counterparty_account_id"],
    [{ idempotencyKey: "k".repeat(64) }, "accepted"],
    [{ idempotencyKey: "k".repeat(65) }, "idempotency_key"],
    [{ settledAfter: { seconds: 0n, nanos: -1 } }, "settled_after"],
    [{ settledBefore: { seconds: 253_402_300_800n, nanos: 0 } }, "settled_before"],
  ])("a transfer filter of %o", (filter, argument) => {
    expect(argumentOf(() => readTransferFilter(ListTransfersRequest.create(filter)))).toBe(argument);
  });

  test.each([
    [{}, "accepted"],
    [{ accountId: 0n }, "account_id"],
    [{ counterpartyAccountId: 2n, minAmount: 5n, maxAmount: 5n, metadata: { order: "7" } }, "accepted"],
    [{ counterpartyAccountId: 1n }, "counterparty_account_id"],
    [{ counterpartyAccountId: -2n }, "counterparty_account_id"],
    [{ minAmount: -1n }, "min_amount"],
    [{ maxAmount: -1n }, "max_amount"],
    [{ minAmount: 5n, maxAmount: 4n }, "max_amount"],
    [{ metadata: { order: "" } }, "metadata.order"],
    [{ metadata: pairs(51) }, "metadata"],
  ])("an entry filter of %o", (filter, argument) => {
    expect(argumentOf(() => readEntryFilter(ListEntriesRequest.create({ accountId: 1n, ...filter })))).toBe(argument);
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
