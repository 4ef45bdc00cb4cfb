import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import { Loaded } from "./loaded.tsx";

interface PagesProps<Page, Item> {
  readonly query: UseInfiniteQueryResult<InfiniteData<Page>>;
  itemsOf(page: Page): readonly Item[];
  /** As "the statement". */
  readonly what: string;
  /** Shown when there are no items. */
  readonly empty: ReactNode;
  /** Whether the items are shown in another order than the list's. Then more of them come only when asked for. Default false. */
  readonly isSorted?: boolean;
  children(items: readonly Item[]): ReactNode;
}

/** A list that loads more when its end is scrolled into view or the button there is pressed. */
export function Pages<Page, Item>({ query, itemsOf, what, empty, isSorted = false, children }: PagesProps<Page, Item>) {
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  return (
    <div className="pages" aria-busy={query.isFetching}>
      <Loaded query={query} what={what}>
        {({ pages }) => {
          const items = pages.flatMap(itemsOf);
          if (items.length === 0 && hasNextPage)
            return <p role="status">Nothing found so far. There is more to search.</p>;
          if (items.length === 0) return <div className="empty">{empty}</div>;
          return (
            <>
              {isSorted && hasNextPage && (
                <p role="status" className="muted">
                  Sorted among the first {items.length} of {what}. There are more.
                </p>
              )}
              {children(items)}
            </>
          );
        }}
      </Loaded>
      {hasNextPage && <More busy={isFetchingNextPage} isManual={isSorted} onWanted={() => void fetchNextPage()} />}
    </div>
  );
}

interface MoreProps {
  readonly busy: boolean;
  /** Whether only a press of the button loads more. */
  readonly isManual: boolean;
  onWanted(): void;
}

function More({ busy, isManual, onWanted }: MoreProps) {
  const button = useRef<HTMLButtonElement>(null);
  const wanted = useRef(onWanted);
  wanted.current = onWanted;
  useEffect(() => {
    const { current } = button;
    if (current === null || busy || isManual) return undefined;
    // Half a screen ahead, so that people who scroll rarely wait.
    const observer = new IntersectionObserver(
      (seen) => {
        if (seen.some(({ isIntersecting }) => isIntersecting)) wanted.current();
      },
      { rootMargin: "0px 0px 50% 0px" },
    );
    observer.observe(current);
    return () => observer.disconnect();
  }, [busy, isManual]);
  return (
    <button ref={button} type="button" className="quiet" onClick={onWanted} aria-disabled={busy}>
      {busy ? "Loading more…" : "Show more"}
    </button>
  );
}
