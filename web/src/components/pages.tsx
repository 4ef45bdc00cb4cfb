import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import { Loading } from "./loading.tsx";
import { ProblemNote } from "./problem-note.tsx";

interface PagesProps<Page, Item> {
  readonly query: UseInfiniteQueryResult<InfiniteData<Page>>;
  itemsOf(page: Page): readonly Item[];
  /** As "the statement". */
  readonly what: string;
  /** What stands there when there is nothing. */
  readonly empty: ReactNode;
  children(items: readonly Item[]): ReactNode;
}

/** A list that goes on as one scrolls to its end, or presses the button there. */
export function Pages<Page, Item>({ query, itemsOf, what, empty, children }: PagesProps<Page, Item>) {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  const problem = error ?? query.failureReason;
  const items = data?.pages.flatMap(itemsOf);
  return (
    <div className="pages" aria-busy={query.isFetching}>
      {items === undefined && problem === null && <Loading what={what} />}
      {items?.length === 0 && <div className="empty">{empty}</div>}
      {items !== undefined && items.length > 0 && children(items)}
      {problem !== null && <ProblemNote problem={problem} onRetry={() => void refetch()} />}
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
    // Half a screen ahead, so that whoever scrolls seldom waits.
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
