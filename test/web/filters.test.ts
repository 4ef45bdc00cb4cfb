import { describe, expect, test } from "vitest";
import {
  readAccountFilters,
  readEntryFilters,
  readTransferFilters,
  toAddressAmount,
  toTypedAmount,
  toTypedDay,
} from "../../web/src/data/filters.ts";

const USD = { currency: "USD", minorUnitDigits: 2 };
const account = { id: 4n, currency: "JPY", minorUnitDigits: 0 };

/** The service's time of a local midnight. */
const midnight = (year: number, month: number, day: number) => new Date(year, month - 1, day).toISOString();

describe("the filters of transfers", () => {
  test("are all read from the address", () => {
    const address =
      "state=held&account=4&counterparty=6&from=2026-01-31&until=2026-02-28&min=1.50&max=20&metadata=order%3D1042&key=k-1";
    const { filters, problems } = readTransferFilters(new URLSearchParams(address), USD);
    const { createdAfter = "", createdBefore = "", ...others } = filters;
    expect(problems).toEqual({});
    expect(others).toEqual({
      state: 2,
      accountId: 4n,
      counterpartyAccountId: 6n,
      minAmount: 150n,
      maxAmount: 2000n,
      metadata: { order: "1042" },
      idempotencyKey: "k-1",
    });
    expect(Date.parse(createdAfter)).toBe(Date.parse(midnight(2026, 1, 31)));
    expect(Date.parse(createdBefore), "the last day is included").toBe(Date.parse(midnight(2026, 3, 1)));
  });

  test("are none in an address without a query, or with empty ones", () => {
    const none = { filters: {}, problems: {} };
    expect(readTransferFilters(new URLSearchParams(), USD)).toEqual(none);
    expect(readTransferFilters(new URLSearchParams("state=&account=&from=+&min="), USD)).toEqual(none);
  });

  test.each([
    ["state=lost", "state"],
    ["state=HELD", "state"],
    ["account=Alice", "account"],
    ["account=0", "account"],
    ["account=9223372036854775808", "account"],
    ["counterparty=6", "counterparty"],
    ["from=2026-02-30", "from"],
    ["from=31.01.2026", "from"],
    ["until=0000-00-00", "until"],
    ["until=9999-12-31", "until"],
    ["min=-1", "min"],
    ["min=0", "min"],
    ["min=1,50", "min"],
    ["max=1.234", "max"],
    ["max=99999999999999999999", "max"],
    ["metadata=order", "metadata"],
    ["metadata==1042", "metadata"],
    [`metadata=${"k".repeat(41)}=v`, "metadata"],
    ["metadata=order%3D%00", "metadata"],
    [`key=${"k".repeat(65)}`, "key"],
    ["key=%00", "key"],
  ])("ignore %s, and say so", (address, name) => {
    const { filters, problems } = readTransferFilters(new URLSearchParams(address), USD);
    expect(filters).toEqual({});
    expect(Object.keys(problems)).toEqual([name]);
  });

  test("have lengths in characters, as the service counts them", () => {
    const [key, name] = ["👛".repeat(64), "👛".repeat(40)];
    const { filters, problems } = readTransferFilters(new URLSearchParams({ key, metadata: `${name}=1` }), USD);
    expect(problems).toEqual({});
    expect(filters).toEqual({ idempotencyKey: key, metadata: { [name]: "1" } });
  });

  test.each([
    ["from=2026-02-02&until=2026-02-01", "until", ["createdAfter"]],
    ["min=5&max=4.99", "max", ["minAmount"]],
    ["account=4&counterparty=4", "counterparty", ["accountId"]],
  ])("ignore the second of two that exclude each other: %s", (address, name, kept) => {
    const { filters, problems } = readTransferFilters(new URLSearchParams(address), USD);
    expect(Object.keys(filters)).toEqual(kept);
    expect(Object.keys(problems)).toEqual([name]);
  });
});

test("the filters of a statement are read in its currency, and its own account is no other account", () => {
  const { filters, problems } = readEntryFilters(new URLSearchParams("min=5&max=1.5&counterparty=4"), account);
  expect(filters).toEqual({ minAmount: 5n });
  expect(Object.keys(problems).sort()).toEqual(["counterparty", "max"]);
});

test("the filters of accounts are read by their words", () => {
  const read = (address: string) => readAccountFilters(new URLSearchParams(address));
  const any = { namePrefix: "", type: 0, status: 0, currency: "" };
  expect(read("q=Alice&type=liability&status=frozen&currency=EUR")).toEqual({
    filters: { namePrefix: "Alice", type: 2, status: 2, currency: "EUR" },
    problems: {},
  });
  const long = read(`q=${"👛".repeat(201)}`);
  expect(long.filters.namePrefix).toBe("👛".repeat(200));
  const wrong = read("type=debt&status=lost&currency=eur");
  expect(wrong.filters).toEqual(any);
  expect(Object.keys(wrong.problems)).toEqual(["type", "status", "currency"]);
});

test.each([
  ["12,5", "de-DE", "12.50", "12,50"],
  ["1.234,5", "de-DE", "1234.50", "1234,50"],
  ["12.5", "en-US", "12.50", "12.50"],
])("an amount that was typed as %s in %s is %s in the address", (typed, locale, kept, shown) => {
  expect(toAddressAmount(typed, USD, locale)).toBe(kept);
  expect(toTypedAmount(kept, USD, locale)).toBe(shown);
});

test("what is no amount or day stays as it is in the address", () => {
  expect(toAddressAmount(" abc ", USD, "en-US")).toBe("abc");
  expect(toTypedAmount("abc", USD, "en-US")).toBe("abc");
  expect(toTypedDay("2026-02-30")).toBe("");
  expect(toTypedDay("2026-02-28")).toBe("2026-02-28");
});
