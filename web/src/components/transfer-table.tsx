import { type Account, type Transfer, TransferState } from "@finance-service/client";
import { dateOf, stateOf } from "../labels.ts";
import { paths } from "../route.ts";
import { AccountName } from "./account-name.tsx";
import { currencyOf } from "./currencies.ts";
import { Sum } from "./sum.tsx";
import { TimeCell } from "./time-cell.tsx";

interface TransferTableProps {
  /** The heading that names the table. */
  readonly labelledBy: string;
  readonly transfers: readonly Transfer[];
  readonly accounts: ReadonlyMap<bigint, Account>;
}

/** Transfers, each leading to its own page. */
export function TransferTable({ labelledBy, transfers, accounts }: TransferTableProps) {
  return (
    <table aria-labelledby={labelledBy}>
      <thead>
        <tr>
          <th scope="col" className="wide">
            Date
          </th>
          <th scope="col" className="told">
            Transfer
          </th>
          <th scope="col" className="wide">
            State
          </th>
          <th scope="col" className="figure">
            Amount
          </th>
        </tr>
      </thead>
      <tbody>
        {transfers.map((transfer) => (
          <TransferRow key={`${transfer.id}`} transfer={transfer} accounts={accounts} />
        ))}
      </tbody>
    </table>
  );
}

interface TransferRowProps extends Pick<TransferTableProps, "accounts"> {
  readonly transfer: Transfer;
}

function TransferRow({ transfer, accounts }: TransferRowProps) {
  const { id, description, debitAccountId, creditAccountId, createdAt, amount, state } = transfer;
  const isPlain = state === TransferState.TRANSFER_STATE_POSTED;
  return (
    <tr>
      <TimeCell time={createdAt} />
      <td className="told">
        <a href={paths.transfer(id)}>{description || `Transfer ${id}`}</a>
        <span className="muted">
          <AccountName id={debitAccountId} accounts={accounts} /> →{" "}
          <AccountName id={creditAccountId} accounts={accounts} />
        </span>
        <span className="muted narrow">
          {createdAt && dateOf(createdAt)}
          {!isPlain && ` · ${stateOf(transfer)}`}
        </span>
      </td>
      <td className="wide">
        {isPlain ? <span className="muted">Posted</span> : <span className="tag">{stateOf(transfer)}</span>}
      </td>
      <td className="figure">
        <Sum minor={amount} money={currencyOf(transfer, accounts)} />
      </td>
    </tr>
  );
}
