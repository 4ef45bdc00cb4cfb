/** Pasted tables and the lines of a journal. */
import { describe, expect, test } from "vitest";
import * as fields from "../../generated/client/fields.ts";
import type { BatchCreateTransfersResult } from "../../packages/client/src/index.ts";
import { complete } from "../../packages/client/src/message.ts";
import {
  changeLine,
  isBlank,
  type Line,
  linesOfTable,
  newLine,
  settleLine,
  totalsOf,
} from "../../web/src/transfers/journal-lines.ts";
import { readPastedTable } from "../../web/src/transfers/pasted-table.ts";
import { anAccount } from "./accounts.ts";

describe("a pasted text", () => {
  test.each<[what: string, text: string, rows: readonly (readonly string[])[] | undefined]>([
    ["words", "Apples, pears; plums", undefined],
    ["one line of CSV", "4,6,1", undefined],
    ["two lines without a separator", "Apples\npears", undefined],
    ["a row of a spreadsheet", "4\t6\t1.50\tApples, pears\n", [["4", "6", "1.50", "Apples, pears"]]],
    ["empty cells", "4\t\t\t\n\t\t\t\n", [["4", "", "", ""]]],
    [
      "comma-separated values",
      '4,6,"1,000.50",a\n5,6,2,b',
      [
        ["4", "6", "1,000.50", "a"],
        ["5", "6", "2", "b"],
      ],
    ],
    [
      "semicolons, because the comma is decimal",
      "4;6;1,5\r\n5;6;2,5\r\n",
      [
        ["4", "6", "1,5"],
        ["5", "6", "2,5"],
      ],
    ],
    ["quotes and a line break in a cell", '4\t6\t1\t"a ""b""\nc"\n', [["4", "6", "1", 'a "b" c']]],
    [
      "blank lines between rows",
      "4\t6\n\n5\t6",
      [
        ["4", "6"],
        ["5", "6"],
      ],
    ],
  ])("with %s is read", (_, text, rows) => {
    expect(readPastedTable(text)).toEqual(rows);
  });
});

const accounts = new Map(
  [
    anAccount({ id: 4n, name: "Alice" }),
    anAccount({ id: 5n, name: "Twin" }),
    anAccount({ id: 6n, name: "twin" }),
    anAccount({ id: 7n, name: "2024", currency: "JPY", minorUnitDigits: 0 }),
  ].map((account) => [account.id, account]),
);

test("a table's head is left out, unique names become numbers, other texts stay", () => {
  const rows = [
    ["Debit", "Credit", "Amount"],
    ["ALICE", "twin", "1"],
    ["2024", "nobody"],
  ];
  expect(linesOfTable(rows, accounts)).toMatchObject([
    { debitAccountId: "4", creditAccountId: "twin", amount: "1", description: "" },
    { debitAccountId: "2024", creditAccountId: "nobody", amount: "", description: "" },
  ]);
});

test("a first row without an amount is no head if it starts with an account", () => {
  const rows = [
    ["Alice", "6", "", "Apples"],
    ["5", "6", "2"],
  ];
  expect(linesOfTable(rows, accounts)).toMatchObject([
    { debitAccountId: "4", amount: "", description: "Apples" },
    { debitAccountId: "5", amount: "2" },
  ]);
});

const line = newLine({ debitAccountId: "4", creditAccountId: "5", amount: "1" });
const draft = { debitAccountId: 4n, creditAccountId: 5n, amount: 100n, description: "", pending: false, metadata: {} };

function refusal(code: string, meta: Record<string, string>, replayed = false): BatchCreateTransfersResult {
  return { outcome: { $case: "error", error: { code, msg: "transfers[0].amount is refused", meta } }, replayed };
}

const funds = { reason: "insufficient_funds", account_id: "4" };

test.each<[what: string, result: BatchCreateTransfersResult, isDryRun: boolean, shown: object, keepsKey: boolean]>([
  ["a refusal", refusal("failed_precondition", funds), false, { kind: "refused" }, false],
  ["a refusal of a dry run", refusal("failed_precondition", funds), true, { kind: "refused" }, true],
  // The key would give the same answer for ever.
  ["a refusal of an earlier try", refusal("failed_precondition", funds, true), true, { kind: "refused" }, false],
  [
    "the refusal of another line",
    refusal("aborted", { reason: "batch_refused", index: "1" }),
    false,
    { kind: "not posted", because: 7 },
    true,
  ],
  [
    "a wrong field",
    refusal("invalid_argument", { argument: "transfers[0].amount" }),
    true,
    { kind: "refused", problems: { amount: "Amount is refused." } },
    true,
  ],
  ["too many calls", refusal("resource_exhausted", {}), false, { kind: "refused", problems: {} }, true],
  ["a half-posted batch", refusal("already_exists", { reason: "batch_partly_decided", index: "0" }), false, {}, true],
])("after %s the line says so; a decided key is not used again", (_, result, isDryRun, shown, keepsKey) => {
  const settled = settleLine(line, draft, result, [3, 7], isDryRun);
  expect(settled.result).toMatchObject(shown);
  expect(settled.idempotencyKey === line.idempotencyKey).toBe(keepsKey);
});

test("a dry run that finds the transfer of an earlier try counts as posted", () => {
  const resultOf = (id: bigint): Line["result"] => {
    const transfer = complete(fields.Transfer, { id });
    return settleLine(line, draft, { outcome: { $case: "transfer", transfer }, replayed: id > 0n }, [1], true).result;
  };
  expect(resultOf(0n)).toMatchObject({ kind: "accepted" });
  expect(resultOf(12n)).toMatchObject({ kind: "posted", isReplayed: true });
});

test("a changed line is another transfer, and a blank line is none", () => {
  expect(changeLine(line, { amount: "2" }).idempotencyKey).not.toBe(line.idempotencyKey);
  expect([newLine(), newLine({ description: " " }), line].map(isBlank)).toEqual([true, true, false]);
});

test("totals are exact, one for each currency", () => {
  const drafts = [
    { ...draft, amount: 10n ** 15n },
    { ...draft, amount: 1n },
    { ...draft, debitAccountId: 7n, amount: 5n },
  ];
  expect(totalsOf(drafts, accounts)).toEqual([
    { currency: "USD", minorUnitDigits: 2, minor: 1_000_000_000_000_001n },
    { currency: "JPY", minorUnitDigits: 0, minor: 5n },
  ]);
});
