import { FinanceError, type Transfer } from "@finance-service/client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { keys } from "../data/queries.ts";
import { useSettled } from "../data/use-settled.ts";
import { useSession } from "../session/session.ts";
import type { TransferDraft } from "./transfer-values.ts";

/** A dry run of the transfer: its result or the refusal; both are undefined while neither is known. */
export function useTrial(draft: TransferDraft | undefined): {
  readonly transfer: Transfer | undefined;
  readonly refusal: FinanceError | undefined;
  /** Whether an answer is still to come. */
  readonly isAwaited: boolean;
} {
  const { finance } = useSession();
  const key =
    draft === undefined ? "" : JSON.stringify(draft, (_, value) => (typeof value === "bigint" ? `${value}` : value));
  const settled = useSettled(key);
  const isCurrent = draft !== undefined && settled === key;
  const { data, error } = useQuery({
    queryKey: [...keys.trial({ debit: draft?.debitAccountId, credit: draft?.creditAccountId }), settled],
    queryFn: ({ signal }) => finance.createTransfer({ ...draft, dryRun: true }, { signal, maxRetries: 0 }),
    enabled: isCurrent,
    placeholderData: keepPreviousData,
  });
  if (!isCurrent) return { transfer: undefined, refusal: undefined, isAwaited: draft !== undefined };
  const refusal = error instanceof FinanceError && error.status !== 0 ? error : undefined;
  const transfer = refusal === undefined ? data : undefined;
  return { transfer, refusal, isAwaited: transfer === undefined && refusal === undefined };
}
