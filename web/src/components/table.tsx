import type { ReactNode } from "react";
import { changeQuery, useQueryOfAddress } from "../route.ts";

/** What rows are sorted by: texts and numbers, the first that differ decide. */
type SortKey = readonly (string | bigint)[];

export interface Column<Row> {
  readonly head: string;
  /** Classes of the heading and of every cell in the column. */
  readonly className?: string;
  /** Keeps the heading for screen readers only. */
  readonly isHeadHidden?: boolean;
  /** Absent: rows can't be sorted by this column. */
  sortKey?(row: Row): SortKey;
  /** Whether the greatest comes first when the column is chosen. Default false. */
  readonly startsDescending?: boolean;
  cell(row: Row): ReactNode;
}

/** The order that somebody chose for a table. */
export interface Sort {
  /** The column's heading in lower case. */
  readonly by: string;
  readonly isDescending: boolean;
}

interface TableProps<Row> {
  /** The id of the heading that names the table, or its name. */
  readonly labelledBy?: string;
  readonly label?: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string;
  /** Whether the columns with a sort key have buttons that put the order into the address. Default false. */
  readonly isSortable?: boolean;
}

/** The order in the address, such as "-amount"; undefined without one, and for a column that the table does not have. */
export function useSort(heads: readonly string[]): Sort | undefined {
  const text = useQueryOfAddress().get("sort") ?? "";
  const by = text.replace(/^-/, "");
  return heads.some((head) => head.toLowerCase() === by) ? { by, isDescending: text.startsWith("-") } : undefined;
}

export function Table<Row>({ labelledBy, label, columns, rows, keyOf, isSortable = false }: TableProps<Row>) {
  const chosen = useSort(columns.flatMap(({ head, sortKey }) => (sortKey ? head : [])));
  const sort = isSortable ? chosen : undefined;
  const asked = useQueryOfAddress().get("sort");
  return (
    <>
      {isSortable && asked !== null && chosen === undefined && (
        <p className="wrong">There is no column “{asked}” to sort by. It is ignored.</p>
      )}
      <table aria-labelledby={labelledBy} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head
                key={`${column.head} ${column.className}`}
                column={column}
                isSortable={isSortable}
                sort={sort?.by === column.head.toLowerCase() ? sort : undefined}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted(rows, columns, sort).map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ head, className, cell }) => (
                <td key={`${head} ${className}`} className={className}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

interface HeadProps<Row> {
  readonly column: Column<Row>;
  readonly isSortable: boolean;
  /** Absent: the table is not sorted by this column. */
  readonly sort: Sort | undefined;
}

function Head<Row>({ column, isSortable, sort }: HeadProps<Row>) {
  const { head, className, isHeadHidden, sortKey, startsDescending = false } = column;
  if (!isSortable || sortKey === undefined) {
    return (
      <th scope="col" className={className}>
        {isHeadHidden ? <span className="unseen">{head}</span> : head}
      </th>
    );
  }
  const order = sort && (sort.isDescending ? "descending" : "ascending");
  // The first press sorts, the second reverses, the third returns to the list's own order.
  const isDescending = sort === undefined ? startsDescending : !startsDescending;
  const isLast = sort !== undefined && sort.isDescending !== startsDescending;
  const next = isLast ? "" : `${isDescending ? "-" : ""}${head.toLowerCase()}`;
  return (
    <th scope="col" className={className} aria-sort={order}>
      <button type="button" className="sort" onClick={() => changeQuery({ sort: next })}>
        {head}
        <span aria-hidden="true">{order === undefined ? "↕" : sort?.isDescending ? "↓" : "↑"}</span>
      </button>
    </th>
  );
}

function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort | undefined): readonly Row[] {
  const key = columns.find(({ head }) => head.toLowerCase() === sort?.by)?.sortKey;
  if (sort === undefined || key === undefined) return rows;
  const sign = sort.isDescending ? -1 : 1;
  return rows
    .map((row) => ({ row, key: key(row) }))
    .sort((a, b) => sign * compareKeys(a.key, b.key))
    .map(({ row }) => row);
}

const NAMES = new Intl.Collator(undefined, { numeric: true });

function compareKeys(a: SortKey, b: SortKey): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? "";
    const order =
      typeof left === "string" || typeof right === "string"
        ? NAMES.compare(`${left}`, `${right}`)
        : Number(left > right) - Number(left < right);
    if (order !== 0) return order;
  }
  return 0;
}
