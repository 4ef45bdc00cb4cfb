import { FinanceError } from "@finance-service/client";
import { useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { paths } from "../route.ts";

/** Says so while the service does not answer what the page asks; the page goes on asking. */
export function ConnectionBanner() {
  const failure = useOutage();
  const online = useSyncExternalStore(subscribeToNetwork, () => navigator.onLine);
  return (
    <div role="status" className="banner" hidden={failure === undefined}>
      {failure && (
        <p>
          <strong>{online ? "The service does not answer." : "This device is offline."}</strong> Trying again until it
          does; what is shown may be old.{" "}
          {online && failure.reason === "cors_or_network" && <>The browser may have blocked it by CORS: </>}
          <a href={paths.connection}>Check the connection</a>
        </p>
      )}
    </div>
  );
}

/** The failure of a call that is being repeated because the service was not there; undefined while it is. */
function useOutage(): FinanceError | undefined {
  const cache = useQueryClient().getQueryCache();
  const find = () => {
    for (const { state } of cache.getAll()) {
      const failure = state.fetchFailureReason ?? state.error;
      if (failure instanceof FinanceError && failure.code === "unavailable") return failure;
    }
    return undefined;
  };
  return useSyncExternalStore((onChange) => cache.subscribe(onChange), find);
}

function subscribeToNetwork(onChange: () => void): () => void {
  window.addEventListener("online", onChange);
  window.addEventListener("offline", onChange);
  return () => {
    window.removeEventListener("online", onChange);
    window.removeEventListener("offline", onChange);
  };
}
