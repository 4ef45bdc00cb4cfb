/**
 * The cells of a table that was copied from a spreadsheet, or of CSV text; undefined for other text. Cells may be quoted
 * (https://www.rfc-editor.org/rfc/rfc4180#section-2). Empty rows are left out, and a line break in a cell becomes a space.
 */
export function readPastedTable(text: string): readonly (readonly string[])[] | undefined {
  const [head = ""] = text.trim().split("\n", 1);
  const isTable = text.includes("\t") || (text.trim().includes("\n") && /[;,]/.test(head));
  if (!isTable) return undefined;
  const separator = text.includes("\t") ? "\t" : head.includes(";") ? ";" : ",";
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [whole, quoted, plain = "", end] of text.matchAll(CELLS[separator])) {
    if (whole === "" && row.length === 0) break;
    row.push((quoted?.replaceAll('""', '"') ?? plain).replace(UNSEEN, " ").trim());
    if (end === separator) continue;
    rows.push(row);
    row = [];
    if (end === "") break;
  }
  return rows.filter((cells) => cells.some((text) => text !== ""));
}

/** A cell and what ends it, by the separator of cells. */
const CELLS = {
  "\t": /(?:"((?:[^"]|"")*)"|([^\t\r\n]*))(\t|\r?\n|\r|$)/gy,
  ";": /(?:"((?:[^"]|"")*)"|([^;\r\n]*))(;|\r?\n|\r|$)/gy,
  ",": /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|\r|$)/gy,
} as const;

/** Control characters and line separators, which the service refuses. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
