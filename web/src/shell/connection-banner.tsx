import { FinanceError } from "@finance-service/client";
import { useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { paths } from "../route.ts";
import { useOnline } from "../window-state.ts";

/** Shown while calls fail because the service is away. The page keeps calling. */
export function ConnectionBanner() {
  const failure = useOutage();
  const online = useOnline();
  return (
    <div role="status" className="banner" hidden={failure === undefined}>
      {failure && (
        <p>
          <strong>{online ? describe(failure) : "This device is offline."}</strong> This page keeps trying. Its data may
          be out of date. {online && failure.reason === "cors_or_network" && <>CORS may be blocking the calls: </>}
          <a href={paths.connection}>Check the connection</a>
        </p>
      )}
    </div>
  );
}

/** Status 0: there was no reply that the page may read. */
function describe({ status, message }: FinanceError): string {
  return status === 0 ? "The service is not responding." : `The service takes no calls: ${message}.`;
}

/** The failure of a call that is being repeated because the service is unavailable. */
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
