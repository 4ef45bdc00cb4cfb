import { expect, test } from "vitest";
import { AccountStatus, AccountType } from "../../packages/client/src/index.ts";
import { permissionsOf } from "../../web/src/session/permissions.ts";
import { readTransfer, type TransferValues } from "../../web/src/transfers/transfer-values.ts";
import { anAccount } from "./accounts.ts";

const accounts = new Map([
  [4n, anAccount({ owner: "bob", id: 4n })],
  [5n, anAccount({ owner: "bob", id: 5n, status: AccountStatus.ACCOUNT_STATUS_FROZEN })],
  [7n, anAccount({ owner: "bob", id: 7n, type: AccountType.ACCOUNT_TYPE_ASSET })],
]);
const may = permissionsOf({ subject: "bob", scopes: new Set(["finance.write"]) });
const adminMay = permissionsOf({ subject: "root", scopes: new Set(["finance.admin"]) });
const filled: TransferValues = {
  debitAccountId: "4",
  creditAccountId: "6",
  amount: "12.5",
  description: " Rent ",
  pending: false,
  holdDays: 7,
  expiresAt: "",
  effectiveAt: "",
  metadata: [],
};

test("a complete form becomes a draft in minor units, to any account", () => {
  expect(readTransfer(filled, accounts, may)).toEqual({
    draft: {
      debitAccountId: 4n,
      creditAccountId: 6n,
      amount: 1250n,
      description: "Rent",
      pending: false,
      metadata: {},
    },
  });
});

test("while the account is being loaded, the form does not call it somebody else's", () => {
  const change = { ...filled, debitAccountId: "9" };
  expect(readTransfer(change, accounts, may, true)).toEqual({
    problems: { debitAccountId: "Looking for this account…" },
  });
});

test.each<[what: string, change: Partial<TransferValues>, problems: object]>([
  ["no account to debit", { debitAccountId: "" }, { debitAccountId: "Choose an account." }],
  ["a name that was not chosen", { debitAccountId: "Ali" }, { debitAccountId: "Choose an account." }],
  [
    "somebody else's account to debit",
    { debitAccountId: "9" },
    { debitAccountId: "This is not one of your accounts." },
  ],
  [
    "an own account that a debit raises",
    { debitAccountId: "7" },
    { debitAccountId: "Only an admin can debit this account, because a debit would increase it." },
  ],
  ["a frozen account to debit", { debitAccountId: "5" }, { debitAccountId: "This account is frozen." }],
  ["no account to credit", { creditAccountId: "x" }, { creditAccountId: "Choose an account, or enter its number." }],
  [
    "the same account twice",
    { creditAccountId: "4" },
    { creditAccountId: "This is the account the money comes from." },
  ],
  [
    "an own account that a credit lowers",
    { creditAccountId: "7" },
    { creditAccountId: "Only an admin can credit this account, because a credit would decrease it." },
  ],
  ["too large an amount", { amount: "10,000,000,000,000.01" }, { amount: "Enter at most $10,000,000,000,000.00." }],
  ["no expiry", { pending: true, holdDays: undefined }, { expiresAt: "Choose a time." }],
  [
    "a past expiry",
    { pending: true, holdDays: undefined, expiresAt: "2020-01-01T00:00" },
    { expiresAt: "Choose a time in the future." },
  ],
  ["half a pair", { metadata: [{ key: "a", value: "" }] }, { metadata: "Complete the pairs that are marked." }],
  ["no amount", { amount: "" }, { amount: "Enter an amount." }],
  [
    "nothing right",
    { creditAccountId: "", amount: "x" },
    {
      creditAccountId: "Choose an account, or enter its number.",
      amount: expect.stringContaining("Enter a plain number"),
    },
  ],
])("%s is reported at the field", (_, change, problems) => {
  expect(readTransfer({ ...filled, ...change }, accounts, may)).toEqual({ problems });
});

test("an admin debits and credits any account", () => {
  const change = { debitAccountId: "7", creditAccountId: "4" };
  expect(readTransfer({ ...filled, ...change }, accounts, adminMay)).toMatchObject({
    draft: { debitAccountId: 7n, creditAccountId: 4n },
  });
  expect(readTransfer({ ...filled, creditAccountId: "7" }, accounts, adminMay)).toHaveProperty("draft");
});

test("times, metadata and the expiry of a hold are in the draft; an empty pair is not", () => {
  const metadata = [
    { key: "__proto__", value: "1" },
    { key: "", value: "" },
  ];
  const times = { holdDays: undefined, expiresAt: "2099-07-01T12:30", effectiveAt: "2026-01-31T08:00" };
  const local = (text: string) => `${new Date(text).toISOString().slice(0, 19)}Z`;
  expect(readTransfer({ ...filled, ...times, pending: true, metadata }, accounts, may)).toMatchObject({
    draft: {
      expiresAt: local(times.expiresAt),
      effectiveAt: local(times.effectiveAt),
      metadata: Object.fromEntries([["__proto__", "1"]]),
    },
  });
  expect(readTransfer({ ...filled, ...times }, accounts, may)).not.toHaveProperty("draft.expiresAt");
});
