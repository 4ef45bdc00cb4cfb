/** CSV by RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180), for spreadsheets and for programs. */
import type { Currency } from "@finance-service/client";

export interface CsvColumn<Row> {
  readonly head: string;
  /** Whether each cell is empty or a plain decimal number, so that spreadsheets can add it up. Default false. */
  readonly isNumber?: boolean;
  cell(row: Row): string;
}

/** Tells Excel that the file is UTF-8. */
const BYTE_ORDER_MARK = "\ufeff";

/** The heads of the columns, as the first line of a file. */
export function csvHead<Row>(columns: readonly CsvColumn<Row>[]): string {
  return BYTE_ORDER_MARK + line(columns.map(({ head }) => textCell(head)));
}

export function csvRows<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  return rows
    .map((row) => line(columns.map(({ isNumber, cell }) => (isNumber ? numberCell(cell(row)) : textCell(cell(row))))))
    .join("");
}

function line(cells: readonly string[]): string {
  return `${cells.join(",")}\r\n`;
}

function numberCell(text: string): string {
  return /^-?\d+(\.\d+)?$/.test(text) ? text : textCell(text);
}

/** Spreadsheets run text that begins so as a formula: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/** In quotes always: spreadsheets of many countries split cells at semicolons, where another formula could begin. */
function textCell(text: string): string {
  if (text === "") return "";
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

/** Minor units in the major unit, exact: "-12.50". */
export function decimalOf(minor: bigint, { minorUnitDigits }: Pick<Currency, "minorUnitDigits">): string {
  const digits = `${minor < 0n ? -minor : minor}`.padStart(minorUnitDigits + 1, "0");
  const whole = digits.slice(0, digits.length - minorUnitDigits);
  return `${minor < 0n ? "-" : ""}${whole}${minorUnitDigits > 0 ? `.${digits.slice(-minorUnitDigits)}` : ""}`;
}
