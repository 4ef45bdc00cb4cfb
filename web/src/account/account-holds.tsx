import { type Account, type FinanceClient, TransferState } from "@finance-service/client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { transfersQuery } from "../data/queries.ts";
import { useSession } from "../session/session.ts";
import { HoldTable, useSettlement } from "../transfers/hold-table.tsx";

export function accountHoldsQuery(finance: FinanceClient, accountId: bigint) {
  return transfersQuery(finance, { accountId, state: TransferState.TRANSFER_STATE_PENDING });
}

/** The account's holds; renders nothing if it has none. */
export function AccountHolds({ account }: { readonly account: Account }) {
  const { finance } = useSession();
  const { data } = useInfiniteQuery(accountHoldsQuery(finance, account.id));
  const holds = data?.pages.flatMap(({ transfers }) => transfers) ?? [];
  const { settle, dialog } = useSettlement();
  return (
    <>
      {holds.length > 0 && (
        <section className="table" aria-labelledby="holds-heading">
          <h2 id="holds-heading">Holds</h2>
          <HoldTable labelledBy="holds-heading" holds={holds} onSettle={settle} />
        </section>
      )}
      {dialog}
    </>
  );
}
