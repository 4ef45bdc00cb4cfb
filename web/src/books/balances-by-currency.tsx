import type { Account } from "@finance-service/client";
import { Sum } from "../components/sum.tsx";
import { accountTypes } from "../labels.ts";
import { type CurrencySums, sumBalances } from "./balance-sums.ts";

export function BalancesByCurrency({ accounts }: { readonly accounts: readonly Account[] }) {
  return sumBalances(accounts).map((sums) => <CurrencyTable key={sums.money.currency} sums={sums} />);
}

function CurrencyTable({ sums: { money, types } }: { readonly sums: CurrencySums }) {
  return (
    <table className="card sums">
      <caption>{money.currency}</caption>
      <thead className="unseen">
        <tr>
          <th scope="col">Type</th>
          <th scope="col">Accounts</th>
          <th scope="col">Balance</th>
        </tr>
      </thead>
      <tbody>
        {types.map(({ type, accounts, balance }) => (
          <tr key={type}>
            <th scope="row">{accountTypes.find(({ value }) => value === type)?.plural}</th>
            <td className="muted">{accounts === 1 ? "1 account" : `${accounts} accounts`}</td>
            <td className="figure">
              <Sum minor={balance} money={money} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
