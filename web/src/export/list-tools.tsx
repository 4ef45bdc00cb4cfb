import type { CallOptions } from "@finance-service/client";
import type { QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { CallButton } from "../calls/call-button.tsx";
import type { Read } from "../calls/recorded-call.ts";
import { PAGE_SIZE_MAX } from "../data/queries.ts";
import { CsvButton, type CsvButtonProps } from "./csv-button.tsx";

interface ListToolsProps<Row> extends CsvButtonProps<Row> {
  readonly read: Read;
  readonly queryKey: QueryKey;
  /** Shown before the buttons. */
  readonly children?: ReactNode;
}

/** Buttons that save a list as CSV and show its API call. */
export function ListTools<Row>({ read, queryKey, children, ...csv }: ListToolsProps<Row>) {
  return (
    <div className="tools">
      {children}
      <CsvButton {...csv} />
      <CallButton read={read} queryKey={queryKey} />
    </div>
  );
}

/** Loads all pages of a list with a request's filters. */
export function pagesOf<Request extends object, Page, Row>(
  list: { pages(request: Request, options: CallOptions): AsyncIterable<Page> },
  request: Request,
  rowsOf: (page: Page) => readonly Row[],
): (signal: AbortSignal) => AsyncIterable<readonly Row[]> {
  return async function* (signal) {
    for await (const page of list.pages({ ...request, pageSize: PAGE_SIZE_MAX }, { signal })) yield rowsOf(page);
  };
}
