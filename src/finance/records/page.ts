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
