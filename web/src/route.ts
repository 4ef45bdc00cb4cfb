/** The console's addresses. They are fragments, so that back, reload and bookmarks work on any static server. */
import { useSyncExternalStore } from "react";

export const paths = {
  overview: "#/",
  accounts: "#/accounts",
  newAccount: "#/accounts/new",
  account: (id: bigint) => `#/accounts/${id}`,
  /** @param days As "2026-11-01". Default: this month. */
  statement: (id: bigint, days?: { readonly from: string; readonly until: string }) =>
    `#/accounts/${id}/statement${days ? `?from=${days.from}&until=${days.until}` : ""}`,
  activity: "#/activity",
  holds: "#/holds",
  transfer: (id: bigint) => `#/transfers/${id}`,
  newTransfer: (filled: { readonly from?: bigint; readonly to?: bigint } = {}) => {
    const query = Object.entries(filled).map(([side, id]) => `${side}=${id}`);
    return query.length === 0 ? "#/transfer" : `#/transfer?${query.join("&")}`;
  },
  newJournal: "#/journal",
  connection: "#/connection",
} as const;

/** The CORS doctor, a page of its own beside the console. */
export const doctorPage = "doctor.html";

/** The path in the address, as "/accounts/4". */
export function usePath(): string {
  return useFragment().split("?")[0] || "/";
}

/** The query of the address, as "from=4" in "#/transfer?from=4". */
export function useQueryOfAddress(): URLSearchParams {
  return new URLSearchParams(useFragment().split("?")[1] ?? "");
}

const ID_MAX = 2n ** 63n - 1n;

/** The id of an account or a transfer; undefined for any other text. */
export function readId(text: string): bigint | undefined {
  const digits = /^[1-9]\d{0,18}$/.exec(text.trim())?.[0];
  return digits === undefined || BigInt(digits) > ID_MAX ? undefined : BigInt(digits);
}

/** Everything after the "#" in the address. */
export function useFragment(): string {
  return useSyncExternalStore(subscribe, readFragment);
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => window.removeEventListener("hashchange", onChange);
}

function readFragment(): string {
  return window.location.hash.slice(1);
}
