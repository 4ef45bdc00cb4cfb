import { type Account, type Transfer, TransferState } from "@finance-service/client";
import { dateOf, stateOf } from "../labels.ts";
import { paths } from "../route.ts";
import { AccountName } from "./account-name.tsx";
import { Sum } from "./sum.tsx";
import { Table } from "./table.tsx";
import { Time } from "./time.tsx";

interface TransferTableProps {
  /** The id of the heading that names the table. */
  readonly labelledBy: string;
  readonly transfers: readonly Transfer[];
  readonly accounts: ReadonlyMap<bigint, Account>;
}

/** Transfers, each with a link to its own page. */
export function TransferTable({ labelledBy, transfers, accounts }: TransferTableProps) {
  return (
    <Table
      labelledBy={labelledBy}
      rows={transfers}
      keyOf={({ id }) => `${id}`}
      columns={[
        { head: "Date", className: "wide", cell: ({ createdAt }) => <Time time={createdAt} /> },
        {
          head: "Transfer",
          className: "told",
          cell: (transfer) => (
            <>
              <TransferLink transfer={transfer} accounts={accounts} />
              <span className="muted narrow">
                {transfer.createdAt && dateOf(transfer.createdAt)}
                {!isPosted(transfer) && ` · ${stateOf(transfer)}`}
              </span>
            </>
          ),
        },
        {
          head: "State",
          className: "wide",
          cell: (transfer) => <span className={isPosted(transfer) ? "muted" : "tag"}>{stateOf(transfer)}</span>,
        },
        {
          head: "Amount",
          className: "figure",
          cell: (transfer) => <Sum minor={transfer.amount} money={transfer} />,
        },
      ]}
    />
  );
}

function isPosted({ state }: Transfer): boolean {
  return state === TransferState.TRANSFER_STATE_POSTED;
}

interface TransferLinkProps extends Pick<TransferTableProps, "accounts"> {
  readonly transfer: Transfer;
}

/** A transfer by its description, and below it the two accounts. */
export function TransferLink({ transfer, accounts }: TransferLinkProps) {
  const { id, description, debitAccountId, creditAccountId } = transfer;
  return (
    <>
      <a href={paths.transfer(id)}>{description || `Transfer ${id}`}</a>
      <span className="muted">
        <AccountName id={debitAccountId} accounts={accounts} /> →{" "}
        <AccountName id={creditAccountId} accounts={accounts} />
      </span>
    </>
  );
}
