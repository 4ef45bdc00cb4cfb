import { useCallback, useEffect, useRef, useState } from "react";
import type { Page } from "./api.ts";
import { CallError, type Problem } from "./problem.ts";

/** A value that is fetched. Both undefined: it is on its way for the first time. */
export interface Loaded<T> {
  /** The newest that came; it stays while it is fetched anew, and when that fails. */
  readonly value: T | undefined;
  readonly problem: Problem | undefined;
  /** Fetches it anew. */
  reload(): void;
}

/** Fetches a value when shown. Give the component a key when what it shows changes: the old value would stay meanwhile. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const loadPage = useCallback(
    async (_: string, signal: AbortSignal): Promise<Page<T>> => ({ items: [await load(signal)], nextPageToken: "" }),
    [load],
  );
  const { items, problem, reload } = usePages(loadPage);
  return { value: items?.[0], problem, reload };
}

/** A list that is fetched page by page. */
export interface Pages<T> {
  /** Undefined until the first page came. */
  readonly items: readonly T[] | undefined;
  readonly problem: Problem | undefined;
  readonly busy: boolean;
  readonly hasMore: boolean;
  loadMore(): void;
  /** Fetches the first page anew; the old items stay until it came. */
  reload(): void;
}

/** Fetches the first page when shown, and further ones on demand. */
export function usePages<T>(load: (pageToken: string, signal: AbortSignal) => Promise<Page<T>>): Pages<T> {
  const [items, setItems] = useState<readonly T[]>();
  const [nextPageToken, setNextPageToken] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(true);
  const running = useRef<AbortController>(undefined);

  const fetchPage = useCallback(
    async (pageToken: string) => {
      running.current?.abort();
      const controller = new AbortController();
      const { signal } = controller;
      running.current = controller;
      setBusy(true);
      try {
        const page = await load(pageToken, signal);
        if (signal.aborted) return;
        setItems((before = []) => (pageToken === "" ? page.items : [...before, ...page.items]));
        setNextPageToken(page.nextPageToken);
        setProblem(undefined);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof CallError)) throw error;
        setProblem(error.problem);
      }
      setBusy(false);
    },
    [load],
  );

  useEffect(() => {
    void fetchPage("");
    return () => running.current?.abort();
  }, [fetchPage]);

  const reload = useCallback(() => void fetchPage(""), [fetchPage]);
  return {
    items,
    problem,
    busy,
    hasMore: nextPageToken !== "",
    loadMore: () => void fetchPage(nextPageToken),
    reload,
  };
}
