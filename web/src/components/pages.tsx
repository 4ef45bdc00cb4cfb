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
  children(items: readonly Item[]): ReactNode;
}

/** A list that loads more when its end is scrolled into view or the button there is pressed. */
export function Pages<Page, Item>({ query, itemsOf, what, empty, children }: PagesProps<Page, Item>) {
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  return (
    <div className="pages" aria-busy={query.isFetching}>
      <Loaded query={query} what={what}>
        {({ pages }) => {
          const items = pages.flatMap(itemsOf);
          return items.length === 0 ? <div className="empty">{empty}</div> : children(items);
        }}
      </Loaded>
      {hasNextPage && <More busy={isFetchingNextPage} onWanted={() => void fetchNextPage()} />}
    </div>
  );
}

function More({ busy, onWanted }: { readonly busy: boolean; onWanted(): void }) {
  const button = useRef<HTMLButtonElement>(null);
  const wanted = useRef(onWanted);
  wanted.current = onWanted;
  useEffect(() => {
    const { current } = button;
    if (current === null || busy) return undefined;
    // Half a screen ahead, so that people who scroll rarely wait.
    const observer = new IntersectionObserver(
      (seen) => {
        if (seen.some(({ isIntersecting }) => isIntersecting)) wanted.current();
      },
      { rootMargin: "0px 0px 50% 0px" },
    );
    observer.observe(current);
    return () => observer.disconnect();
  }, [busy]);
  return (
    <button ref={button} type="button" className="quiet" onClick={onWanted} aria-disabled={busy}>
      {busy ? "Loading more…" : "Show more"}
    </button>
  );
}
