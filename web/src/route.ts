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
  return pathOf(useFragment());
}

/** The query of the address, as "from=4" in "#/transfer?from=4". */
export function useQueryOfAddress(): URLSearchParams {
  return queryOf(useFragment());
}

interface ChangeQueryOptions {
  /** Change the entry of the history instead of adding one, as for each pause while somebody types. Default false. */
  readonly isReplaced?: boolean;
}

/** Changes parameters of the address and keeps the others; an empty text removes its parameter. */
export function changeQuery(
  changes: Readonly<Record<string, string>>,
  { isReplaced = false }: ChangeQueryOptions = {},
): void {
  const query = queryOf(readFragment());
  for (const [name, text] of Object.entries(changes)) {
    if (text === "") query.delete(name);
    else query.set(name, text);
  }
  const fragment = `#${[pathOf(readFragment()), `${query}`].filter(Boolean).join("?")}`;
  if (fragment === window.location.hash) return;
  if (!isReplaced) {
    window.location.hash = fragment;
    return;
  }
  window.history.replaceState(window.history.state, "", fragment);
  // The browser tells only of entries that it adds.
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

function pathOf(fragment: string): string {
  return fragment.split("?")[0] || "/";
}

function queryOf(fragment: string): URLSearchParams {
  return new URLSearchParams(/\?(.*)/.exec(fragment)?.[1] ?? "");
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
