import { describe, expect, test } from "vitest";
import { type CsvColumn, csvHead, csvRows, decimalOf } from "../../web/src/export/csv.ts";

const columns: readonly CsvColumn<readonly [string, string]>[] = [
  { head: "Text", cell: ([text]) => text },
  { head: "Amount", isNumber: true, cell: ([, amount]) => amount },
];

/** The text cell and the number cell of one row. */
const cellsOf = (text: string, amount: string) => csvRows(columns, [[text, amount]]);

test("the file starts with a byte order mark and the heads, and its lines end as RFC 4180 says", () => {
  expect(csvHead(columns)).toBe('\ufeff"Text","Amount"\r\n');
  expect(
    csvRows(columns, [
      ["a", "1"],
      ["b", "2"],
    ]),
  ).toBe('"a",1\r\n"b",2\r\n');
  expect(csvRows(columns, [])).toBe("");
});

describe("text", () => {
  test.each([
    ["plain", '"plain"'],
    ["", ""],
    ["comma, semicolon; and tab\t", '"comma, semicolon; and tab\t"'],
    ['"quoted"', '"""quoted"""'],
    ["two\r\nlines", '"two\r\nlines"'],
    ["Grüße 世界", '"Grüße 世界"'],
  ])("%j becomes %j", (text, cell) => {
    expect(cellsOf(text, "")).toBe(`${cell},\r\n`);
  });

  test.each([
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    '=HYPERLINK("http://x")',
  ])("%j would be a formula, and gets an apostrophe", (text) => {
    expect(cellsOf(text, "")).toBe(`"'${text.replaceAll('"', '""')}",\r\n`);
  });

  test("a formula after a semicolon stays within its cell, also where semicolons separate cells", () => {
    expect(cellsOf('a;=1+1";=2', "")).toBe('"a;=1+1"";=2",\r\n');
  });
});

test.each([
  ["12.50", "12.50"],
  ["-12.50", "-12.50"],
  ["0", "0"],
  ["9223372036854775807", "9223372036854775807"],
  ["", ""],
  ["-1+1", `"'-1+1"`],
  ["Unlimited", '"Unlimited"'],
])("the number %j becomes %j: only a plain decimal number goes without quotes", (amount, cell) => {
  expect(cellsOf("", amount)).toBe(`,${cell}\r\n`);
});

test.each<[minor: bigint, digits: number, decimal: string]>([
  [1250n, 2, "12.50"],
  [-1250n, 2, "-12.50"],
  [5n, 2, "0.05"],
  [-5n, 3, "-0.005"],
  [0n, 2, "0.00"],
  [1250n, 0, "1250"],
  [-(2n ** 63n), 2, "-92233720368547758.08"],
])("%d minor units with %i digits are %s", (minor, minorUnitDigits, decimal) => {
  expect(decimalOf(minor, { minorUnitDigits })).toBe(decimal);
});
