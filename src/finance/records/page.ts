/** The parts that all lists share: a page's token, its end, and the columns of its rows. */
import { createHash } from "node:crypto";
import { invalidArgument } from "../errors.ts";
import { INT64_MAX } from "../values.ts";

/** A page of a list. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
  /** Memory of the page's rows. */
  readonly bytes: number;
}

/** A page with nothing on it. */
export const EMPTY_PAGE: Listed<never> = { items: [], nextPageToken: "", bytes: 0 };

/** The columns that {@link pageOf} adds to a row. */
export interface PagedRow {
  /** Bytes of the page up to and including this row. */
  readonly page_bytes: bigint;
  /** Whether the list continues after this row. */
  readonly has_next: boolean;
}

/**
 * The page of the rows that a {@link pageOf} query found.
 *
 * @param filters the values that its token is valid for.
 * @param positionOf the keyset of the page's last row.
 */
export function toPage<Row extends PagedRow, Item>(
  rows: readonly Row[],
  filters: readonly unknown[],
  toItem: (row: Row) => Item,
  positionOf: (last: Row) => readonly bigint[],
): Listed<Item> {
  const last = rows.at(-1);
  if (last === undefined) return EMPTY_PAGE;
  return {
    items: rows.map(toItem),
    nextPageToken: last.has_next ? writePageToken(positionOf(last), filters) : "",
    bytes: Number(last.page_bytes),
  };
}

/** The token of the page after `position`, valid only with these filters. */
export function writePageToken(position: readonly bigint[], filters: readonly unknown[]): string {
  return Buffer.from(`${position.join(".")}.${fingerprint(filters)}`).toString("base64url");
}

/**
 * The position in a token.
 *
 * @param length how many numbers the keyset has.
 * @returns undefined for the empty token: the first page.
 * @throws FinanceError invalid_argument when the token is not one of ours or belongs to other filters.
 */
export function readPageToken(token: string, length: number, filters: readonly unknown[]): bigint[] | undefined {
  if (token === "") return undefined;
  const bytes = Buffer.from(token, "base64url");
  const parts = bytes.toString("latin1").split(".");
  const print = parts.pop();
  const isOurs =
    // Node ignores characters that are not base64url.
    bytes.toString("base64url") === token &&
    parts.length === length &&
    parts.every((part) => /^(?:0|[1-9]\d{0,18})$/.test(part) && BigInt(part) <= INT64_MAX);
  if (!isOurs) throw invalidArgument("page_token", "is not a next_page_token of this method");
  if (print !== fingerprint(filters)) throw invalidArgument("page_token", "belongs to a call with other filters");
  return parts.map(BigInt);
}

function fingerprint(filters: readonly unknown[]): string {
  const text = JSON.stringify(filters, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/**
 * Bytes of text after which a page ends: 2 MiB. The row that reaches the limit is still on the page, so that each page has
 * at least one row. PostgreSQL adds the bytes up, so later rows never reach this process.
 */
export const PAGE_BYTES_MAX = 2_097_152;

/**
 * A query of the rows of one page, in their order. A page ends at a number of rows or at {@link PAGE_BYTES_MAX}.
 *
 * @param rows a query with a column `row_bytes` of type integer; its limit is one row more than the page may have.
 * @param order of a row `r`, such as `r.id desc`.
 * @param sizeAndOne the parameter with that limit.
 */
export function pageOf(rows: string, order: string, sizeAndOne: string): string {
  return `
select *
  from (select r.*, row_number() over rising as ordinal, sum(r.row_bytes) over rising as page_bytes,
               lead(true, 1, false) over rising as has_next
          from (${rows}) r
        window rising as (order by ${order})) page
 where page.ordinal < ${sizeAndOne}::bigint
   and page.page_bytes - page.row_bytes < ${PAGE_BYTES_MAX}
 order by page.ordinal`;
}

/** Bytes of a row: a fixed number, and its texts, which may be null. */
export function bytesOf(fixed: number, ...texts: string[]): string {
  return [`${fixed}`, ...texts.map((text) => `coalesce(octet_length(${text}), 0)`)].join(" + ");
}

/** A select list that gives each expression the name of its field, so that rows have a record's fields. */
export function columnsOf(expressions: Readonly<Record<string, string>>): string {
  return Object.entries(expressions)
    .map(([field, expression]) => `${expression} as "${field}"`)
    .join(",\n       ");
}

/** The SQL expression of each field of a record; the compiler refuses a missing one. */
export type Columns<Row> = Readonly<Record<keyof Row, string>>;
