import type { ReactNode } from "react";

export interface Column<Row> {
  readonly head: string;
  /** Classes of the heading and of every cell in the column. */
  readonly className?: string;
  /** Keeps the heading for screen readers only. */
  readonly isHeadHidden?: boolean;
  cell(row: Row): ReactNode;
}

interface TableProps<Row> {
  /** The id of the heading that names the table, or its name. */
  readonly labelledBy?: string;
  readonly label?: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string;
}

export function Table<Row>({ labelledBy, label, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <table aria-labelledby={labelledBy} aria-label={label}>
      <thead>
        <tr>
          {columns.map(({ head, className, isHeadHidden }) => (
            <th key={`${head} ${className}`} scope="col" className={className}>
              {isHeadHidden ? <span className="unseen">{head}</span> : head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
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
  );
}
