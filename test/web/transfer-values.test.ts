import { expect, test } from "vitest";
import { AccountStatus } from "../../src/client/index.ts";
import { readTransfer, type TransferValues } from "../../web/src/transfers/transfer-values.ts";
import { anAccount } from "./accounts.ts";

const accounts = new Map([
  [4n, anAccount({ id: 4n })],
  [5n, anAccount({ id: 5n, status: AccountStatus.ACCOUNT_STATUS_FROZEN })],
]);
const filled: TransferValues = {
  debitAccountId: "4",
  creditAccountId: "6",
  amount: "12.5",
  description: " Rent ",
  pending: false,
  holdDays: 7,
};

test("what is complete is an order in minor units, to any account", () => {
  expect(readTransfer(filled, accounts)).toEqual({
    order: { debitAccountId: 4n, creditAccountId: 6n, amount: 1250n, description: "Rent", pending: false },
  });
});

test.each<[what: string, change: Partial<TransferValues>, problems: object]>([
  ["no account to debit", { debitAccountId: "" }, { debitAccountId: "Choose an account." }],
  ["a name that was not chosen", { debitAccountId: "Ali" }, { debitAccountId: "Choose an account." }],
  ["somebody else's account to debit", { debitAccountId: "9" }, { debitAccountId: "This is none of your accounts." }],
  ["a frozen account to debit", { debitAccountId: "5" }, { debitAccountId: "This account is frozen." }],
  ["no account to credit", { creditAccountId: "x" }, { creditAccountId: "Choose an account, or enter its number." }],
  [
    "the same account twice",
    { creditAccountId: "4" },
    { creditAccountId: "This is the account the money comes from." },
  ],
  ["no amount", { amount: "" }, { amount: "Enter an amount." }],
  [
    "nothing right",
    { creditAccountId: "", amount: "x" },
    {
      creditAccountId: "Choose an account, or enter its number.",
      amount: expect.stringContaining("Enter a plain number"),
    },
  ],
])("%s is told at the field", (_, change, problems) => {
  expect(readTransfer({ ...filled, ...change }, accounts)).toEqual({ problems });
});
