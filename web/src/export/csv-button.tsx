import { useEffect, useRef, useState } from "react";
import { writeDay } from "../labels.ts";
import { type CsvColumn, csvHead, csvRows } from "./csv.ts";

export interface CsvButtonProps<Row> {
  /** The start of the file's name, as "statement-4". */
  readonly name: string;
  readonly columns: readonly CsvColumn<Row>[];
  /** Loads all rows that the list shows, page by page. */
  pages(signal: AbortSignal): AsyncIterable<readonly Row[]>;
}

/** More rows than a spreadsheet is comfortable with. */
const ROWS_MAX = 50_000;

type State =
  | { readonly is: "idle" }
  | { readonly is: "loading"; readonly rows: number }
  | { readonly is: "saved"; readonly rows: number; readonly isCut: boolean }
  | { readonly is: "failed"; readonly reason: string };

/** Saves all pages of a list as a file, up to ROWS_MAX rows. A second press stops it. */
export function CsvButton<Row>({ name, columns, pages }: CsvButtonProps<Row>) {
  const [state, setState] = useState<State>({ is: "idle" });
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const save = async () => {
    const stop = new AbortController();
    running.current = stop;
    const parts = [csvHead(columns)];
    let rows = 0;
    setState({ is: "loading", rows });
    try {
      let isCut = false;
      for await (const page of pages(stop.signal)) {
        const kept = page.slice(0, ROWS_MAX - rows);
        parts.push(csvRows(columns, kept));
        rows += kept.length;
        isCut = kept.length < page.length;
        if (isCut) break;
        setState({ is: "loading", rows });
      }
      offer(new Blob(parts, { type: "text/csv" }), `${name}-${writeDay(new Date())}.csv`);
      setState({ is: "saved", rows, isCut });
    } catch (error) {
      if (stop.signal.aborted) setState({ is: "idle" });
      else setState({ is: "failed", reason: error instanceof Error ? error.message : String(error) });
    }
  };
  const isLoading = state.is === "loading";
  return (
    <>
      <span role="status" className="muted">
        {wordsOf(state)}
      </span>
      <button type="button" className="plain" onClick={() => (isLoading ? running.current?.abort() : void save())}>
        {isLoading ? "Stop" : "Download CSV"}
      </button>
    </>
  );
}

function wordsOf(state: State): string {
  switch (state.is) {
    case "idle":
      return "";
    case "loading":
      return `${rowsIn(state.rows)} so far…`;
    case "saved":
      return state.isCut ? `Saved only the first ${rowsIn(state.rows)}: there are more` : `Saved ${rowsIn(state.rows)}`;
    case "failed":
      return `The download failed: ${state.reason}`;
  }
}

function rowsIn(rows: number): string {
  return rows === 1 ? "1 row" : `${rows.toLocaleString()} rows`;
}

function offer(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
