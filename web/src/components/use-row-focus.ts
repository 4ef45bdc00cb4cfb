import { type RefObject, useEffect, useRef } from "react";

/**
 * Keeps the focus where people work when they add or remove a row: in the first field of the added row, or on the button that
 * adds rows.
 *
 * @param rows A selector of the rows.
 */
export function useRowFocus(list: RefObject<HTMLElement | null>, count: number, rows: string): void {
  const before = useRef(count);
  useEffect(() => {
    const added = [...(list.current?.querySelectorAll(rows) ?? [])].at(-1)?.querySelector("input");
    const add = list.current?.querySelector<HTMLElement>(":scope > button");
    // More than one row is a paste, which leaves the focus where it is.
    if (count === before.current + 1) added?.focus();
    if (count < before.current) add?.focus();
    before.current = count;
  }, [list, count, rows]);
}
