import { type FeedState, type FinanceClient, FinanceError } from "@finance-service/client";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useSession } from "../session/session.ts";
import { useOnline, useVisible } from "../window-state.ts";
import { Refresher } from "./refresher.ts";
import { EVERYTHING, touchedBy } from "./touched.ts";

/** Whether the pages follow the ledger; the error, if one ended the feed; "unreadable" for a token without finance.read. */
export type FeedStatus = "unreadable" | "connecting" | "offline" | FeedState | FinanceError;

/**
 * Follows the service's events while the tab is visible, and fetches again what each touches.
 *
 * A hidden tab stops, because each feed keeps a connection open and browsers allow few to a server. The feed starts again when
 * the tab is shown, when the network changes and with a new token. What happened before, it does not say: everything is
 * fetched again.
 */
export function useFeed(): FeedStatus {
  const { finance, may } = useSession();
  const queries = useQueryClient();
  const [refresher] = useState(() => new Refresher(queries));
  const [status, setStatus] = useState<FeedStatus>("connecting");
  const isVisible = useVisible();
  const isOnline = useOnline();
  useEffect(() => {
    if (!isVisible || !may.read) return undefined;
    const stop = new AbortController();
    const awayStatus = (status: FeedStatus) => (isOnline ? status : "offline");
    setStatus(awayStatus("connecting"));
    // A service on this machine can be live without a network.
    const onState = (state: FeedState) => setStatus(state === "live" ? state : awayStatus(state));
    follow(finance, refresher, stop.signal, onState).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      if (!(error instanceof FinanceError)) throw error;
      setStatus(error);
      refresher.touch(EVERYTHING);
    });
    return () => stop.abort();
  }, [finance, may.read, refresher, isVisible, isOnline]);
  return may.read ? status : "unreadable";
}

const PAGE_SIZE = 200;

async function follow(
  finance: FinanceClient,
  refresher: Refresher,
  signal: AbortSignal,
  onState: (state: FeedState) => void,
): Promise<void> {
  for (;;) {
    let isFirst = true;
    for await (const { events } of finance.events.pages({ fromEnd: true, pageSize: PAGE_SIZE, signal, onState })) {
      refresher.touch(isFirst ? EVERYTHING : events.flatMap(touchedBy));
      isFirst = false;
      // After a long sleep it is faster to fetch everything than to read all events.
      if (events.length === PAGE_SIZE) break;
    }
  }
}
