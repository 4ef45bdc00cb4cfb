import { createHash } from "node:crypto";
import { FinanceError, refuse } from "../errors.ts";
import { INT64_MAX } from "../values.ts";

/**
 * The token of the page after `position`, for exactly these filters.
 *
 * @param position the keyset of the last row that was given out.
 */
export function writePageToken(position: readonly bigint[], filters: readonly unknown[]): string {
  return Buffer.from(`${position.join(".")}.${fingerprint(filters)}`).toString("base64url");
}

/**
 * The position that a token stands for.
 *
 * @param length how many numbers the keyset has.
 * @returns undefined for the empty token: the first page.
 * @throws FinanceError invalid_argument when the token is not one of ours or belongs to other filters.
 */
export function readPageToken(token: string, length: number, filters: readonly unknown[]): bigint[] | undefined {
  if (token === "") return undefined;
  const bytes = Buffer.from(token, "base64url");
  // Node's reader passes over what is not base64url.
  if (bytes.toString("base64url") !== token) throw refused("is not a next_page_token of this method");
  const parts = bytes.toString("latin1").split(".");
  const print = parts.pop();
  const wellFormed =
    parts.length === length && parts.every((part) => /^(?:0|[1-9]\d{0,18})$/.test(part) && BigInt(part) <= INT64_MAX);
  if (!wellFormed || print === undefined) throw refused("is not a next_page_token of this method");
  if (print !== fingerprint(filters)) throw refused("belongs to a call with other filters");
  return parts.map(BigInt);
}

function refused(problem: string): FinanceError {
  return new FinanceError(refuse("invalid_argument", `page_token ${problem}`, { argument: "page_token" }));
}

function fingerprint(filters: readonly unknown[]): string {
  const text = JSON.stringify(filters, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/**
 * Ends a page of a list at a number of bytes as well as at a number of rows, so that rows with much text in them don't make
 * a reply of any size. The database adds the bytes up: rows past the end never reach this process.
 */

/** Bytes of text after which a page ends: 2 MiB. The row that passes it is still on the page, so no page is empty for it. */
export const PAGE_BYTES_MAX = 2_097_152;

/** What {@link pageOf} adds to a row. */
export interface PagedRow {
  /** Bytes of the page up to this row, itself included. */
  readonly page_bytes: bigint;
  /** Whether a row that was found follows this one. */
  readonly has_next: boolean;
}

/** What a page's rows take in memory, and whether the list goes on after them. */
export interface PageExtent {
  readonly bytes: number;
  readonly hasNext: boolean;
}

/**
 * A query of the rows of one page, in their order.
 *
 * @param rows a query with a column `row_bytes` of type integer; it should find one row more than the page may have.
 * @param order of a row `r`, as `r.id desc`.
 * @param sizeAndOne the parameter that is one more than the rows that the page may have.
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

/** Bytes of a row: those that every row has, and those of its texts, each of which may be null. */
export function bytesOf(fixed: number, ...texts: string[]): string {
  return [`${fixed}`, ...texts.map((text) => `coalesce(octet_length(${text}), 0)`)].join(" + ");
}

/** @param rows in their order, as {@link pageOf} finds them. */
export function extentOf(rows: readonly PagedRow[]): PageExtent {
  const last = rows.at(-1);
  return { bytes: Number(last?.page_bytes ?? 0n), hasNext: last?.has_next ?? false };
}
