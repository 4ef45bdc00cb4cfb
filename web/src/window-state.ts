/** What the browser says about the tab and the device. */
import { useSyncExternalStore } from "react";

/** Whether this device has a network. */
export function useOnline(): boolean {
  return useSyncExternalStore(subscribe, () => navigator.onLine);
}

/** Whether the tab is in front in its window. */
export function useVisible(): boolean {
  return useSyncExternalStore(subscribe, () => document.visibilityState === "visible");
}

function subscribe(onChange: () => void): () => void {
  const stop = new AbortController();
  for (const name of ["online", "offline"]) window.addEventListener(name, onChange, { signal: stop.signal });
  document.addEventListener("visibilitychange", onChange, { signal: stop.signal });
  return () => stop.abort();
}
