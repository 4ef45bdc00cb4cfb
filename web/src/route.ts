import { useSyncExternalStore } from "react";

/** The page of an account, in the address so that back, reload and bookmarks work. */
export function accountPath(id: bigint): string {
  return `#/accounts/${id}`;
}

export const HOME_PATH = "#/";

/** The account in the address; undefined when there is none. */
export function useAccountInAddress(): bigint | undefined {
  const digits = /^#\/accounts\/(\d{1,19})$/.exec(useSyncExternalStore(subscribe, readHash))?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => window.removeEventListener("hashchange", onChange);
}

function readHash(): string {
  return window.location.hash;
}
