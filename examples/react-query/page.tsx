import { formatMoney } from "@finance-service/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { queryClient, useAccount, useEntries, useTransfer } from "./finance.ts";

const given = new URLSearchParams(location.search);
const from = BigInt(given.get("from") ?? 4);
const to = BigInt(given.get("to") ?? 6);

function Account() {
  const account = useAccount(from);
  const entries = useEntries(from);
  const transfer = useTransfer(from, to);
  if (account.error) return <p role="alert">{account.error.message}</p>;
  if (account.data === undefined) return <p>Loading</p>;
  const money = account.data;
  return (
    <main>
      <h1>{money.name}</h1>
      <p role="status">{formatMoney(money.balance, money, { locale: "en-US" })}</p>
      <button type="button" disabled={transfer.isPending} onClick={() => transfer.mutate(1250n)}>
        {transfer.isError ? "Try again" : `Send ${formatMoney(1250n, money, { locale: "en-US" })}`}
      </button>
      {transfer.error && <p role="alert">{transfer.error.message}</p>}
      <table>
        <tbody>
          {entries.data?.entries.map((entry) => (
            <tr key={`${entry.sequence}`}>
              <td>{entry.createdAt}</td>
              <td>{formatMoney(entry.amount, entry, { locale: "en-US" })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </main>
  );
}

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <QueryClientProvider client={queryClient}>
      <Account />
    </QueryClientProvider>,
  );
}
