import { FinanceError, type Transfer } from "@finance-service/client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useSession } from "../session/session.ts";
import type { TransferOrder } from "./transfer-values.ts";

/** While somebody types, nothing is asked. */
const PAUSE_MS = 250;

/** What the service says would come of an order: the transfer, or the refusal. Both undefined while nothing is known. */
export function useTrial(order: TransferOrder | undefined): {
  readonly transfer: Transfer | undefined;
  readonly refusal: FinanceError | undefined;
} {
  const { finance } = useSession();
  const key = order === undefined ? "" : Object.values(order).map(String).join("\n");
  const settled = useSettled(key);
  const isCurrent = order !== undefined && settled === key;
  const { data, error } = useQuery({
    queryKey: ["trial", settled],
    queryFn: ({ signal }) => finance.createTransfer({ ...order, dryRun: true }, { signal, maxRetries: 0 }),
    enabled: isCurrent,
    placeholderData: keepPreviousData,
  });
  if (!isCurrent) return { transfer: undefined, refusal: undefined };
  const refusal = error instanceof FinanceError && error.status !== 0 ? error : undefined;
  return { transfer: refusal === undefined ? data : undefined, refusal };
}

/** The value, once it has stayed the same for a moment. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
