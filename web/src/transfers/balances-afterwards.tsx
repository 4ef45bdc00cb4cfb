import type { Account, Transfer } from "@finance-service/client";
import { Preview } from "../components/preview.tsx";
import { Sum } from "../components/sum.tsx";
import type { Trial } from "../data/use-trial.ts";
import { type BalanceChange, forecastOfTrials } from "./forecast.ts";

export function BalancesAfterwards({ changes }: { readonly changes: readonly BalanceChange[] }) {
  const rows = changes.map(({ account, isAvailable, before, after }) => ({
    key: `${account.id} ${isAvailable}`,
    what: isAvailable ? `${account.name}, available` : account.name,
    before: <Sum minor={before} money={account} />,
    after: <Sum minor={after} money={account} />,
  }));
  return <Preview label="Balances afterwards" rows={rows} />;
}

interface TrialForecastProps {
  readonly trial: Trial<Transfer>;
  readonly accounts: ReadonlyMap<bigint, Account>;
  /** How many balances are expected. */
  readonly rows: number;
}

/** The forecast of a dry run. It takes its space before the answer comes, so that it does not move a button that is being pressed. */
export function TrialForecast({ trial: { reply, isAwaited }, accounts, rows }: TrialForecastProps) {
  if (reply !== undefined) return <BalancesAfterwards changes={forecastOfTrials([reply], accounts)} />;
  if (!isAwaited) return null;
  const unknown = <span className="money">…</span>;
  const awaited = Array.from({ length: rows }, (_, row) => ({
    key: `${row}`,
    what: "…",
    before: unknown,
    after: unknown,
  }));
  return (
    <div aria-hidden="true">
      <Preview label="" rows={awaited} />
    </div>
  );
}
