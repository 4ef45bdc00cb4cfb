import { type Account, type Transfer, TransferState } from "@finance-service/client";
import { dateOf, stateOf } from "../labels.ts";
import { paths } from "../route.ts";
import { AccountName } from "./account-name.tsx";
import { Sum } from "./sum.tsx";
import { type Column, Table } from "./table.tsx";
import { Time } from "./time.tsx";

interface TransferTableProps {
  /** The id of the heading that names the table. */
  readonly labelledBy: string;
  readonly transfers: readonly Transfer[];
  readonly accounts: ReadonlyMap<bigint, Account>;
  /** Default false. */
  readonly isSortable?: boolean;
}

/** The headings of the columns that transfers can be sorted by. */
export const transferHeads = ["Date", "Transfer", "State", "Amount"];

/** Transfers, each with a link to its own page. */
export function TransferTable({ labelledBy, transfers, accounts, isSortable = false }: TransferTableProps) {
  return (
    <Table
      labelledBy={labelledBy}
      rows={transfers}
      keyOf={({ id }) => `${id}`}
      columns={columnsFor(accounts)}
      isSortable={isSortable}
    />
  );
}

function columnsFor(accounts: ReadonlyMap<bigint, Account>): readonly Column<Transfer>[] {
  return [
    {
      head: "Date",
      className: "wide",
      sortKey: ({ createdAt }) => [createdAt ?? ""],
      startsDescending: true,
      cell: ({ createdAt }) => <Time time={createdAt} />,
    },
    {
      head: "Transfer",
      className: "told",
      sortKey: ({ id, description }) => [description || `Transfer ${id}`],
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
      sortKey: (transfer) => [stateOf(transfer)],
      cell: (transfer) => <span className={isPosted(transfer) ? "muted" : "tag"}>{stateOf(transfer)}</span>,
    },
    {
      head: "Amount",
      className: "figure",
      sortKey: ({ currency, amount }) => [currency, amount],
      startsDescending: true,
      cell: (transfer) => <Sum minor={transfer.amount} money={transfer} />,
    },
  ];
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
