import { TransferState } from "@finance-service/client";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { SelectField } from "../components/field.tsx";
import { Settled } from "../components/loaded.tsx";
import { PageHeading } from "../components/page-heading.tsx";
import { Pages } from "../components/pages.tsx";
import { TransferTable } from "../components/transfer-table.tsx";
import { knownAccountsQuery, transfersQuery } from "../data/queries.ts";
import { useAccounts } from "../data/use-accounts.ts";
import { transferStates } from "../labels.ts";
import { useSession } from "../session/session.ts";

/** Every transfer that the caller may see, newest first. */
export function ActivityPage() {
  const { finance, may } = useSession();
  const accounts = useAccounts();
  const [state, setState] = useState<TransferState>(TransferState.TRANSFER_STATE_UNSPECIFIED);
  const known = useQuery(knownAccountsQuery(finance));
  const transfers = useInfiniteQuery(transfersQuery(finance, { state }));
  return (
    <>
      <PageHeading title="Activity" />
      <search className="filters">
        <SelectField
          label="State"
          value={state}
          onChange={({ target }) => setState(Number(target.value))}
          choices={[{ value: TransferState.TRANSFER_STATE_UNSPECIFIED, label: "Any state" }, ...transferStates]}
        />
      </search>
      <section className="table" aria-labelledby="transfers-heading">
        <h2 id="transfers-heading" className="unseen">
          Transfers
        </h2>
        <Settled queries={[transfers, known]} what="the transfers">
          <Pages
            query={transfers}
            itemsOf={(page) => page.transfers}
            what="the transfers"
            empty={
              state === TransferState.TRANSFER_STATE_UNSPECIFIED ? (
                <p>{may.isAdmin ? "There are no transfers yet." : "Your accounts have no transfers yet."}</p>
              ) : (
                <>
                  <p>No transfers have this state.</p>
                  <button
                    type="button"
                    className="quiet"
                    onClick={() => setState(TransferState.TRANSFER_STATE_UNSPECIFIED)}
                  >
                    Show all transfers
                  </button>
                </>
              )
            }
          >
            {(items) => <TransferTable labelledBy="transfers-heading" transfers={items} accounts={accounts} />}
          </Pages>
        </Settled>
      </section>
    </>
  );
}
