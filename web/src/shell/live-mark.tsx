import { FinanceError } from "@finance-service/client";
import type { FeedStatus } from "../live/use-feed.ts";

/** Says whether the page shows changes as they happen. */
export function LiveMark({ status }: { readonly status: FeedStatus }) {
  return (
    <p role="status" className="live" data-live={status === "live"}>
      {status instanceof FinanceError ? `Not live: ${reasonOf(status)}` : WORDS[status]}
    </p>
  );
}

const WORDS = {
  unreadable: "Not live: the token lacks finance.read",
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  offline: "Offline",
} as const;

function reasonOf({ code, reason, message }: FinanceError): string {
  if (reason === "feed_diverged") return "the ledger was restored. Reload the page";
  // A token that is not a readable JWT.
  if (code === "permission_denied") return "the token lacks finance.read";
  return message;
}
